"""AWS's Runtime Interface Emulator and awslambdaric over a built layer, as close to Lambda as a process gets."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.architecture import host_architecture
from layers.function import compile_function
from scripts.emulator import ROOT, free_port

PYTHON = ROOT / ".tools" / "lambda-runtime" / "bin" / "python"
"""An interpreter that can import what Lambda's runtime brings (awslambdaric, boto3), and nothing else."""
INVOKE = "/2015-03-31/functions/function/invocations"
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Tree:
    """What Lambda unpacks: the layer at /opt, the function at /var/task; here in a folder."""

    opt: Path
    task: Path

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the function's interpreter; no bytecode is written, as the disk is read-only there."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{self.opt / 'python'}:{self.task}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        }

    def size(self) -> int:
        """The bytes of all its files."""
        return sum(path.stat().st_size for root in (self.opt, self.task) for path in root.rglob("*") if path.is_file())

    def protect(self) -> None:
        """Make it read-only, as it is on Lambda."""
        for root in (self.opt, self.task):
            for path in (root, *root.rglob("*")):
                path.chmod(0o555 if path.is_dir() else 0o444)


def unpack(layer: Path, folder: Path) -> Tree:
    """Unpack the `layer` and the function, with its bytecode, beside each other in `folder`."""
    tree = Tree(folder / "opt", folder / "task")
    with zipfile.ZipFile(layer) as archive:
        archive.extractall(tree.opt)
    shutil.copytree(ROOT / "lambda_fn", tree.task / "lambda_fn", ignore=shutil.ignore_patterns("__pycache__"))
    compile_function(tree.task / "lambda_fn")
    return tree


def run_python(tree: Tree, code: str) -> str:
    """Run `code` in the function's interpreter; return what it printed."""
    command = [str(PYTHON), "-c", code]
    done = subprocess.run(command, cwd=tree.task, env=tree.environ, capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def serving(tree: Tree, handler: str, environ: Mapping[str, str]) -> Iterator[Function]:
    """Serve `handler` through the Runtime Interface Emulator while the context lasts."""
    emulators = (ROOT / ".tools" / "rie").glob("lib/*/site-packages/samcli/local/rapid/aws-lambda-rie-*")
    [emulator] = (path for path in emulators if path.name.endswith(f"-{host_architecture().name}"))
    emulator.chmod(0o755)
    port = free_port()
    command = [str(emulator), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    command += ["--runtime-api-address", f"127.0.0.1:{free_port()}", str(PYTHON), "-m", "awslambdaric", handler]
    log = (tree.opt.parent / "rie.log").open("ab")
    process = subprocess.Popen(
        command, cwd=tree.task, env={**tree.environ, **environ}, stdout=log, stderr=log, start_new_session=True
    )
    function = Function(port, process.pid)
    try:
        function.wait()
        yield function
    finally:
        # the emulator starts the function in a process group of its own, which would outlive it for a while
        pids = [process.pid, *function.children()]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        _wait_for_end(pids)
        log.close()


@dataclass(frozen=True, slots=True)
class Function:
    """A function that is being served: the emulator's port and process."""

    port: int
    pid: int

    def children(self) -> list[int]:
        """Return the processes that the emulator started: the function's interpreter, once an event came."""
        return [pid for pid, parent in _parents().items() if parent == self.pid]

    def wait(self) -> None:
        """Wait for the emulator to listen. It starts the function's process when the first event comes."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS).close()
                return
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)

    def invoke(self, event: Any) -> Any:
        """Invoke it with `event` and return its result."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        with closing(connection):
            connection.request("POST", INVOKE, json.dumps(event))
            return json.loads(connection.getresponse().read())


def _parents() -> dict[int, int]:
    """Return the parent of every process that runs; one that has ended, but is still listed, is left out."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]  # behind the name, which may hold anything
            if state != "Z":
                parents[int(path.parent.name)] = int(parent)
    return parents


def _wait_for_end(pids: Sequence[int]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not _parents().keys().isdisjoint(pids):
        if time.monotonic() > deadline:
            raise TimeoutError(f"a process of {pids} does not end")
        time.sleep(0.001)
