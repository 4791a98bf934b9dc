"""Models that answer differently, a place that holds one, and a clock that is set by hand."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from convert.model_file.seal import seal
from lambda_fn.config import Settings
from lambda_fn.serving import failures, served, source
from lambda_fn.serving.failures import Failures
from lambda_fn.serving.served import Served
from lambda_fn.storage import store, work
from lambda_fn.storage.store import Blob

PATIENT = 10.0


class Clock:
    """The module `time`, whose time goes on by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.monotonic, self.gmtime, self.strftime, self.sleep = time.monotonic, time.gmtime, time.strftime, time.sleep

    def time(self) -> float:
        """Return the time on the wall."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock on the wall that what is served looks at."""
    made = Clock()
    for module in (served, failures, source, work):
        monkeypatch.setattr(module, "time", made)
    return made


def changed(file: Path, change: Callable[[onnx.ModelProto], None]) -> bytes:
    """Return the bytes of a model file that is another, and sealed again."""
    model = onnx.load_from_string(file.read_bytes())
    change(model)
    return seal(model)


class Place:
    """A file that a model is served from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, source: Path | bytes) -> None:
        """Put a model there, in one step as S3 does."""
        beside = self.path.with_name("beside")
        if isinstance(source, bytes):
            beside.write_bytes(source)
        else:
            shutil.copy(source, beside)
        beside.replace(self.path)

    def serve(self, **more: Any) -> Served:
        """Serve what is there."""
        settings = Settings.from_environ({"MODEL_URI": self.path.as_uri(), **more.pop("environ", {})})
        admit, outages = more.pop("admit", lambda *_: True), more.pop("outages", Failures())
        return Served(self.path.as_uri(), settings, admit, outages, **more)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "model.onnx")


class Gate:
    """Holds what is asked back until it is opened; or what is `answered`, as it was when it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened, self.asked, self.answered = threading.Event(), 0, 0
        self.holds_answers = False
        self.failures: list[Exception] = []
        fetch = store.fetch_other

        def fetch_late(uri: str, max_bytes: int, etag: str) -> Blob | None:
            self.asked += 1
            if etag and not self.holds_answers:
                assert self.opened.wait(PATIENT)
            if self.failures:
                raise self.failures.pop()
            blob = fetch(uri, max_bytes, etag)
            self.answered += 1
            if etag and self.holds_answers:
                assert self.opened.wait(PATIENT)
            return blob

        monkeypatch.setattr(store, "fetch_other", fetch_late)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def wait_until(happened: Callable[[], bool]) -> None:
    """Return when it has happened; fail if it does not."""
    end = time.monotonic() + PATIENT
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


def name_of(served: Served) -> str:
    """Return the name of the model that answers a call."""
    return str(served.current(lambda _: PATIENT).model.card.document["name"])
