"""The function `predict` in a process of its own, with Lambda's settings and limits: events in, answers out.

The two halves import nothing of each other: `python -m lambda_fn` is run.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from convert.errors import ConvertError
from convert.model_file.companions import write_companions

ROOT = Path(__file__).parents[2]
"""Where `convert` is, and `lambda_fn` beside it."""
MEMORY_MB = 512
"""What a function has, unless it is deployed with another `memory` (serverless.yml)."""
SETTINGS = {
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MEMORY_MB),
    "SCORING_THREADS": "2",
    "MAX_BODY_BYTES": str(2**30),
}
"""Two threads are what a function of 2 GB has: what they score is tried, too. A body of 1,024 rows may be large."""
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "ORT_DISABLE_TELEMETRY", "MAX_MODEL_BYTES")
"""What of this process's environment the function is given."""
STACK_BYTES = 8 * 2**20
"""As on Lambda."""
ADDRESS_BYTES = 12 * 2**30
"""The largest function has 10 GB of memory, and more is mapped than is used."""
SECONDS = 60.0
"""How long an answer may take. Lambda gives up after 29 (serverless.yml), and has nothing else to do."""
LOGGED = ("the model file does not ", "no model at init: ")
"""How lines of the log begin that say why there is no model, the more telling ones first."""
WITHOUT = "no graph for many rows: "
"""How a line of the log begins that says why a companion is not used."""


class Function:
    """The process, which is started and ended as a context."""

    def __init__(self, model: bytes, companions: Iterable[bytes] = ()) -> None:
        """Serve the model file with these bytes, and its companions, once entered."""
        self._model, self._companions, self._late = model, companions, False

    def __enter__(self) -> Self:
        """Start the process, which loads the model while this one goes on; raise ConvertError where there is none."""
        if not (ROOT / "lambda_fn" / "__main__.py").exists():
            raise ConvertError(f"model files are tried on the service itself, but there is no lambda_fn in {ROOT}")
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plume-")))
            write_companions(folder / "model.onnx", self._companions)
            (folder / "model.onnx").write_bytes(self._model)
            self._log = stack.enter_context((folder / "log").open("w+b"))
            self._process = _start(folder / "model.onnx", self._log)
            stack.callback(_end, self._process)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._stack.close()

    def ask(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the function's answer to an event; raise ConvertError if its process ends or hangs instead."""
        watchdog = threading.Timer(SECONDS, self._give_up)
        watchdog.start()
        try:
            line = exchange(self._process, json.dumps(event).encode())
        finally:
            watchdog.cancel()
        if not line:
            raise ConvertError(self._how_it_ended())
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    @property
    def process_id(self) -> int:
        """The id of the process."""
        return self._process.pid

    def logged(self) -> str | None:
        """Return what the log says of a model that does not load, or run: more than a caller is told."""
        lines = self._read_log().splitlines()
        said = [line for start in LOGGED for line in lines if line.startswith(start)]
        return said[0].removeprefix(LOGGED[-1]) if said else None

    def without(self) -> str | None:
        """Return what the log says of a companion that is not used."""
        said = [line for line in self._read_log().splitlines() if line.startswith(WITHOUT)]
        return said[0] if said else None

    def peak_bytes(self) -> int:
        """Return how much memory the process took at the most; 0 where the system does not tell."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0
        return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()

    def _how_it_ended(self) -> str:
        """Say how the process ended."""
        code = self._process.wait()
        if self._late:
            return f"it does not answer within {SECONDS:g} s"
        if code < 0:
            return f"its process is ended by {signal.Signals(-code).name}"
        lines = self._read_log().splitlines() or ["its log is empty"]
        return f"its process ends with status {code}: {lines[-1][:200]}"

    def _read_log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")


def exchange(process: subprocess.Popen[bytes], event: bytes) -> bytes:
    """Return the line that a process answers to an event, which is a line, too; nothing if it ended."""
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both are pipes")
    try:
        process.stdin.write(event + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return b""
    return process.stdout.readline()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with contextlib.suppress(BrokenPipeError), process:  # it closes the pipes, where part of an event may be left
        pass


def http_event(method: str, path: str) -> dict[str, Any]:
    """Return the event of an HTTP API (payload 2.0), without what the function does not read."""
    return {"version": "2.0", "rawPath": path, "requestContext": {"http": {"method": method}}}


def _start(model: Path, log: io.BufferedRandom) -> subprocess.Popen[bytes]:
    """Start the process, with Lambda's limits where the system lets one process limit another."""
    environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "lambda_fn"],
        cwd=ROOT,
        env={**environ, **SETTINGS, "MODEL_URI": model.as_uri()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
    )
    if sys.platform == "linux":
        import resource

        for kind, most in ((resource.RLIMIT_STACK, STACK_BYTES), (resource.RLIMIT_AS, ADDRESS_BYTES)):
            _, hard = resource.prlimit(process.pid, kind)
            resource.prlimit(process.pid, kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    return process
