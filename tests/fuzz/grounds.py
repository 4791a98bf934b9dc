"""The services that are called: models in a folder, one that is not to be read beside it, objects on a store."""

from __future__ import annotations

import importlib
import io
import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from lambda_fn import predicting
from lambda_fn.storage import s3, s3_put
from tests.fuzz.finds import ROOT, FindError, uncaught
from tests.fuzz.windows import Log, check_secret

FILES = {"iris": "1-trees", "people": "1-trees-mixed", "patients": "1-trees-many"}
"""Which of the files in tests/files is the model of a name."""
FRONT, CANDIDATE = "1-tabulated", "1-trees"
"""Of the same features; a candidate that is the same file is none."""
MAX_BODY_BYTES = 200_000
BUCKET, PREFIX = "fuzz", "objects/"
LOGGED = {"LOG_CALLS": "all", "SERVER_TIMING": "true"}
KEPT = {"CAPTURE_URI": f"s3://{BUCKET}/captured/", "CAPTURE_SHARE": "1"}
READABLE = (
    f"{ROOT}/lambda_fn/",
    f"{ROOT}/tests/",
    sys.prefix,
    sys.base_prefix,
    "/proc/",
    "/sys/",
    "/dev/",
    "/etc/",
    "/usr/",
)
"""What else than models may be opened: code, mostly, and what it runs on."""
FORBIDDEN = frozenset(
    {
        "socket.connect",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.remove",
        "os.rename",
        "shutil.rmtree",
        "pickle.find_class",
    }
)


class Grounds:
    """Services by name, each a module `handler` of its own, with its settings."""

    def __init__(self, folder: Path) -> None:
        self.models = folder / "models"
        self._opened: list[str] = []
        self._watching = False
        self._failures: list[BaseException] = []
        self._said: list[str] = []
        _lay_out(folder)
        self.log = Log()
        self.store = Store()
        front, models = (folder / "front" / "model.onnx").as_uri(), f"{self.models.as_uri()}/"
        people = (self.models / "people.onnx").as_uri()
        several = {"MODEL_URI": front, "MODELS_URI": models, "OBJECTS_URI": f"s3://{BUCKET}/{PREFIX}"}
        base = {"MODEL_URI": front, "BASE_PATH": "v1", "CORS_ORIGIN": "https://example.org"}
        beside = {"MODEL_URI": front, "CANDIDATE_SHARE": "0.5", "CANDIDATE_KEY": "header:x-user"}
        shadow = {**beside, "CANDIDATE_MODE": "shadow", "CANDIDATE_KEY": "feature:sepal width (cm)"}
        self.services = {
            "several": _anew({**several, "LOG_CALLS": "errors"}),
            "people": _anew({"MODEL_URI": people, **LOGGED, **KEPT, "METRICS": "true", "LOG_INPUTS": "true"}),
            "based": _anew({**base, **LOGGED, "METRICS": "true", "DOOR": "open", "DOCS_DOOR": "iam"}),
            "beside": _anew(beside),
            "shadow": _anew({**shadow, **LOGGED, "CANDIDATE_SHARE": "1"}),
        }
        self.store.take_the_place_of_s3()
        sys.addaudithook(self._audit)
        logging.getLogger().addHandler(_Listener(self._said, self._failures))
        logging.getLogger().setLevel(logging.CRITICAL)
        logging.getLogger("lambda_fn").setLevel(logging.WARNING)

    @contextmanager
    def watched(self, ids: Sequence[str], *, inputs: bool) -> Iterator[None]:
        """Take what goes to the log; raise FindError if something is read that nobody may.

        So it does if a failure goes to the log or, without `inputs`, anything that was sent but the `ids` of messages.
        """
        self._opened.clear()
        self._failures.clear()
        self._said.clear()
        self._watching = True
        try:
            with self.log.at_stdout():
                yield
        finally:
            self._watching = False
        if self._opened:
            raise FindError("reads what it may not", self._opened[0])
        if self._failures:
            raise self._failures[0] if isinstance(self._failures[0], FindError) else uncaught(self._failures[0])
        if self._said and not inputs:
            check_secret("\n".join(self._said), ids)

    def captured(self) -> list[tuple[str, bytes]]:
        """Store what is captured, which is else done beside a later call; return keys and bodies."""
        kept = predicting._capture(KEPT["CAPTURE_URI"], float(KEPT["CAPTURE_SHARE"]))
        if kept._waiting:
            kept._store()
        stored, self.store.captured = self.store.captured, []
        return stored

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event in FORBIDDEN:
            self._opened.append(f"{event} {arguments!r:.300}")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if not path.startswith((str(self.models), str(self.models.parent / "front"), *READABLE)):
                self._opened.append(path)


class Store:
    """What boto3 sends to S3, answered in this process; keys outside of the prefix are a find."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {f"{BUCKET}/models/secret.onnx": b'"secret"', f"{BUCKET}/secret": b'"secret"'}
        self.captured: list[tuple[str, bytes]] = []
        self._outside = ""

    def take_the_place_of_s3(self) -> None:
        """Have boto3's client send nothing."""
        os.environ |= {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": "us-east-1"}
        os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
        s3_put.put_new = lambda bucket, key, body, content_type: self.captured.append((key, body))
        s3.client().meta.events.register("before-send.s3", self._answer)

    def check(self) -> None:
        """Raise FindError if a key outside of the prefix was asked for."""
        outside, self._outside = self._outside, ""
        if outside:
            raise FindError("asks S3 for another prefix", outside)

    def _answer(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        key = unquote(urlsplit(request.url).path).removeprefix("/")
        if not key.startswith(f"{BUCKET}/{PREFIX}") or "/.." in key:
            self._outside = key
        headers: Any = {"ETag": '"1"', "x-amz-version-id": "1"}
        status, body = 200, b""
        if request.method == "PUT":
            sent = request.body
            self.objects[key] = sent if isinstance(sent, bytes) else bytes(sent.read())
            while len(self.objects) > 500:
                del self.objects[next(iter(self.objects))]
        elif key in self.objects:
            body = self.objects[key]
        else:
            status, body = 404, b"<Error><Code>NoSuchKey</Code></Error>"
        headers["Content-Length"] = str(len(body))
        return AWSResponse(request.url, status, headers, _Raw(body))


class _Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


class _Listener(logging.Handler):
    """Keeps what is logged, and the exceptions."""

    def __init__(self, said: list[str], failures: list[BaseException]) -> None:
        super().__init__(logging.WARNING)
        self._said, self._failures = said, failures

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        self._said.append(said)
        if record.levelno >= logging.ERROR and not said.endswith(": not-configured"):  # of one that names none
            logged = record.exc_info[1] if record.exc_info else None
            self._failures.append(logged or FindError("an error in the log", said))


@cache
def grounds() -> Grounds:
    """Return the grounds of this process, in the folder that its environment names."""
    return Grounds(Path(os.environ["FUZZ_GROUNDS"]).resolve())


def _lay_out(folder: Path) -> None:
    for name, file in FILES.items():
        for path in (ROOT / "tests" / "files").glob(f"{file}.onnx*"):
            _copy(path, folder / "models" / f"{name}{path.name.removeprefix(file)}")
    models = ROOT / "tests" / "files"
    for name in ("front/model.onnx", "secret.onnx", "models-of-others/secret.onnx"):
        _copy(models / f"{FRONT}.onnx", folder / name)
    _copy(models / f"{CANDIDATE}.onnx", folder / "front" / "model.onnx.candidate")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _anew(environ: Mapping[str, str]) -> ModuleType:
    """Return the handler imported anew, with these settings."""
    kept = dict(os.environ)
    os.environ |= {**environ, "MAX_BODY_BYTES": str(MAX_BODY_BYTES), "SCORING_THREADS": "1"}
    try:
        sys.modules.pop("lambda_fn.handler", None)
        return importlib.import_module("lambda_fn.handler")
    finally:
        os.environ.clear()
        os.environ |= kept
