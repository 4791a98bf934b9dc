"""A function of the service in a process of its own: events in, answers out, none later than it may be."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from convert.model_file.function import exchange
from scripts.emulator import ROOT
from tests.conftest import TESTS
from tests.lambda_fn.test_handler_model import PLACES

INIT_SECONDS, CALL_SECONDS = 8.0, 10.0
"""How long Lambda's init and a call may wait for S3."""
SLACK_SECONDS = 8.0
"""What else takes time on a machine that does other things. A start is half a second of a core that it has alone."""
PASSED_ON = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "ORT_DISABLE_TELEMETRY")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the function."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def code(self) -> str:
        """The code of an error, nothing for an answer."""
        return "" if self.status == 200 else str(json.loads(self.body)["code"])


class Service:
    """The process, which is started and ended as a context."""

    def __init__(self, function: str, names: Path, environ: Mapping[str, str]) -> None:
        """Run the `function` predict or objects; `names` says what becomes of names (function.py)."""
        self._command = [sys.executable, "-m", "tests.faults.function", function, str(names)]
        self._environ = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | dict(environ)
        self._log = names.with_name(f"{function}.log")

    def __enter__(self) -> Self:
        """Start the process; check that the function comes up in time, model or no model."""
        pipe = subprocess.PIPE
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, cwd=ROOT, env=self._environ, stdin=pipe, stdout=pipe, stderr=log
            )
        try:
            assert self.ask("status-http-api", INIT_SECONDS).status in {200, 404}  # `objects` has no such route
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the process; fail if its log has a traceback."""
        self._end()
        assert "Traceback" not in self.log, self.log[-3000:]

    def ask(self, name: str, seconds: float = CALL_SECONDS) -> Reply:
        """Return the answer to a whole event of tests/events; fail if it is late, or an error that says too much."""
        event = (TESTS / "events" / f"{name}.json").read_text().replace("\n", " ")
        watchdog = threading.Timer(seconds + SLACK_SECONDS, self._process.kill)
        watchdog.start()
        line = exchange(self._process, event.encode())
        watchdog.cancel()
        assert line, f"no answer to {name} within {seconds + SLACK_SECONDS:g} s: {self._log.read_text()[-1000:]}"
        answer: dict[str, Any] = json.loads(line)
        reply = Reply(answer["statusCode"], answer["headers"], answer["body"])
        check_told(reply)
        return reply

    def ask_until(self, name: str, wanted: Callable[[Reply], bool], seconds: float) -> Reply:
        """Ask again and again, and return the first answer that is as `wanted`; fail if there is none in time."""
        end = time.monotonic() + seconds + SLACK_SECONDS
        while not wanted(reply := self.ask(name)):
            assert time.monotonic() < end, f"still, after {seconds + SLACK_SECONDS:g} s: {reply}"
            time.sleep(0.1)
        return reply

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._log.read_text(errors="replace")

    def terminate(self) -> int:
        """End the process as Lambda does where extensions run; return its status."""
        self._process.terminate()
        return self._process.wait(SLACK_SECONDS)

    def _end(self) -> None:
        self._process.kill()
        with contextlib.suppress(BrokenPipeError), self._process:  # it closes the pipes
            pass


def check_told(reply: Reply) -> None:
    """Check that a reply tells neither places nor credentials, and if it is a failure, that it may be asked again."""
    assert not [place for place in PLACES if place in reply.body], reply.body
    if reply.status >= 500:
        assert reply.status == 503, reply
        assert reply.headers["content-type"] == "application/problem+json"
        assert int(reply.headers["retry-after"]) >= 1, reply
