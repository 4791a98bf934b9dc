"""The processes that are measured: each on one core, the S3 that they read and write on another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.stacks import SAME_FOR_ALL
from lambda_fn.config import MB_PER_VCPU
from scripts.emulator import ROOT, Emulator

BUCKET = "bench"
AWS_CONFIG = "[default]\ns3 =\n  payload_signing_enabled = false\n"
"""Of boto3, for all alike: bodies are not signed, as they are not over TLS."""


class FailedError(RuntimeError):
    """Raised when a process fails; carries the end of what it said."""


@dataclass(frozen=True, slots=True)
class Site:
    """An S3 on loopback, and how processes are started that use it."""

    s3: Emulator
    config: Path

    def run(self, module: str, *arguments: Any, model: Path | None = None, core: int | None = 0) -> Any:
        """Return what a process of `module` prints, run on a core, or on any; raise FailedError if it fails."""
        process = self.start(module, *arguments, model=model, core=core)
        said, log = process.communicate()
        if process.returncode != 0:
            raise FailedError(f"{module}: {log[-2000:]}")
        return json.loads(said.splitlines()[-1])

    def start(
        self, module: str, *arguments: Any, model: Path | None = None, core: int | None = None
    ) -> subprocess.Popen[str]:
        """Start a process of `module`, whose arguments are JSON; `model` is the one that is served."""
        alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        environ = {**self.s3.environ(), **SAME_FOR_ALL, **alone, "AWS_CONFIG_FILE": str(self.config)}
        environ |= {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(MB_PER_VCPU), "PYTHONPATH": str(ROOT)}
        if model is not None:
            environ["MODEL_URI"] = model.as_uri()
        command = [sys.executable, "-m", f"benchmarks.rates.{module}", *map(json.dumps, arguments)]
        pipe = subprocess.PIPE
        with _on(core):
            return subprocess.Popen(command, cwd=ROOT, env=environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def share(self, items: Sequence[Any], workers: int, model: Path) -> tuple[float, float]:
        """Have workers score chunks side by side.

        Return the seconds from when all are ready until all are done, and those of the CPU that all took.
        """
        started = [self.start("ours", "share", model=model) for _ in range(workers)]
        for process in started:
            _line(process)
        begun = time.perf_counter()
        for number, process in enumerate(started):
            print(json.dumps(items[number::workers]), file=process.stdin, flush=True)
        cpu = sum(float(_line(process)) for process in started)
        taken = time.perf_counter() - begun
        for process in started:
            process.communicate()
        return taken, cpu


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Run an S3, with its objects in `folder`, on the last core, as long as the context lasts."""
    config, objects = folder / "config", folder / "objects"
    config.write_text(AWS_CONFIG)
    objects.mkdir()
    command = [sys.executable, "-m", "benchmarks.rates.s3", str(objects)]
    with _on(-1), (folder / "s3.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
    with process.stdout or log as said, Emulator(process.pid, int(said.readline()), folder / "s3.log") as s3:
        yield Site(s3, config)


@contextmanager
def _on(core: int | None) -> Iterator[None]:
    """Have what is started meanwhile run on one of this process's cores, by its place; on all of them with None."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints; raise FailedError if it ends instead."""
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise FailedError(f"a worker failed: {process.communicate()[1][-2000:]}")
    return line
