"""MiniStack, an AWS emulator, on loopback: started from its own clean environment, stopped by process id."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / ".tools" / "emulator" / "bin" / "python"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
PORTS = (10_000, 32_768)
"""Below those that Linux and macOS give connections, which could take one before its server listens."""


class EmulatorError(RuntimeError):
    """Raised when the emulator does not start; carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator: its process, its port, its log."""

    pid: int
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where every AWS service answers."""
        return f"http://127.0.0.1:{self.port}"

    def aws_environ(self) -> dict[str, str]:
        """Return the variables that point an AWS client here, and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def environ(self) -> dict[str, str]:
        """Return this process's environment, with nothing of a real account's in it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return inherited | self.aws_environ()

    def answers(self) -> bool:
        """Whether it is up."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()

    def is_running(self) -> bool:
        """Whether its process lives, answering or not, and is no other that was given its number since."""
        listing = subprocess.run(["ps", "-o", "args=", "-p", str(self.pid)], capture_output=True, text=True)
        return "ministack" in listing.stdout

    def stop(self) -> None:
        """End the process and wait until it is gone."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                return
            deadline = time.monotonic() + STOP_SECONDS
            while time.monotonic() < deadline and _is_alive(self.pid):
                time.sleep(0.05)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(folder: Path, *, enforced: bool = False) -> Emulator:
    """Start an emulator on a free port, with its log and temporary files in `folder`, and wait until it answers.

    enforced: whether signatures and policies are checked, but of who signs as ``test``, which is the root user.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log, port = folder / "emulator.log", free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "INFO",
        "AUTH": str(enforced).lower(),
        "AWS_DEFAULT_REGION": "us-east-1",
        "SFN_WAIT_SCALE": "0.02",  # how much of the time between two tries Step Functions waits here
    }
    with log.open("wb") as file:
        process = subprocess.Popen(
            [PYTHON, "-m", "ministack"], env=environ, stdout=file, stderr=file, start_new_session=True
        )
    emulator = Emulator(process.pid, port, log)
    deadline = time.monotonic() + START_SECONDS
    try:
        while not emulator.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmulatorError(f"the AWS emulator did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
    except BaseException:
        emulator.stop()
        raise
    return emulator


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on, nor any connection takes by itself."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port


def _is_alive(pid: int) -> bool:
    try:
        if os.waitpid(pid, os.WNOHANG) == (pid, 0):
            return False
    except ChildProcessError:  # not a child of this process: `make down` ends what `make up` started
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
