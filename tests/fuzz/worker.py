"""One process that tries inputs: ``python -m tests.fuzz.worker FOLDER DRIVER TARGETS FIRST COUNT SECONDS``.

DRIVER: ``chance``, numbered inputs, from FIRST on; ``hypothesis``; ``atheris``, which keeps what reaches further.
Writes what is tried to ``FOLDER/tried.PID`` in front of each, so that what ends the process is left behind, finds to
``FOLDER/finds/``, and in the end a line of JSON: how many there were, what took longest, what is kept in memory.
"""

from __future__ import annotations

import gc
import hashlib
import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.fuzz.draws import Draws
from tests.fuzz.finds import FindError, uncaught
from tests.fuzz.targets import Target, target

HANGS_SECONDS = 60
"""After so long an input is taken to hang, and the process ends."""
SECONDS, SECONDS_A_BYTE = 0.5, 2e-6
"""What an input may take of a processor, and for each of its bytes; at its best of `TIMES`."""
TIMES = 3
MOST_KEPT = {"bytes": 60_000_000, "blocks": 12_000, "objects": 2000}
"""How much more a process may hold in the end than after a fifth of its inputs: each of the three services that tell of
calls keeps the texts of a thousand times, two blocks each (`calls.Texts`)."""
MOST_BYTES = 4096
TRIED_BYTES = 2**20
PAGE_BYTES = 4096
HEAD = struct.Struct("<I16s")
"""Of what is tried: how many bytes it has, and its kind."""


class Worker:
    """Tries inputs and keeps what is found, the shortest of each kind."""

    def __init__(self, folder: Path) -> None:
        self._finds = folder / "finds"
        self._finds.mkdir(parents=True, exist_ok=True)
        path = folder / f"tried.{os.getpid()}"
        path.write_bytes(bytes(TRIED_BYTES))
        with path.open("r+b") as file:
            self._tried = mmap.mmap(file.fileno(), TRIED_BYTES)
        self.count = Counter[str]()
        self.found = Counter[str]()
        self.slowest: dict[str, float] = {}

    def run(self, name: str, data: bytes) -> None:
        """Try the input that some bytes make."""
        head = HEAD.pack(len(data), name.encode())
        self._tried[: len(head) + len(data)] = head + data
        self.count[name] += 1
        signal.alarm(HANGS_SECONDS)
        try:
            self._timed(name, data)
        except FindError as error:
            self._keep(name, data, error)
        finally:
            signal.alarm(0)

    def _timed(self, name: str, data: bytes) -> None:
        chosen, begun = target(name), time.perf_counter()
        bound = SECONDS + SECONDS_A_BYTE * attempt(chosen, data)
        if time.perf_counter() - begun < bound / 2:  # nearly always; to ask for the processor's takes long
            return
        taken = bound + 1
        for _ in range(TIMES):
            begun = time.process_time()
            attempt(chosen, data)
            taken = min(taken, time.process_time() - begun)
        self.slowest[name] = max(self.slowest.get(name, 0.0), taken)
        if taken > bound:
            raise FindError("takes too long", f"{taken:.3f} s, expected at most {bound:.3f}")

    def _keep(self, name: str, data: bytes, error: FindError) -> None:
        kind = f"{name}: {error.kind}"
        self.found[kind] += 1
        path = self._finds / f"{name}-{hashlib.sha256(kind.encode()).hexdigest()[:12]}"
        if not path.exists() or len(path.read_bytes()) > len(data):
            path.write_bytes(data)
            path.with_suffix(".txt").write_text(f"{kind}\n{error}\n".encode("utf-8", "backslashreplace").decode())


def attempt(chosen: Target, data: bytes) -> int:
    """Try an input; return its size. Raises FindError."""
    made: Any = None
    try:
        made = chosen.make(Draws(data))
        chosen.check(made)
    except FindError as error:
        raise FindError(error.kind, f"{error}\n{made!r:.3000}") from error
    except Exception as error:
        found = uncaught(error)
        raise FindError(found.kind, f"{found}\n{made!r:.3000}") from error
    return chosen.size(made)


def kept() -> dict[str, int]:
    """Return how many bytes this process has, how many blocks of memory Python, and how many objects."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
    return {"bytes": resident, "blocks": sys.getallocatedblocks(), "objects": len(gc.get_objects())}


def by_chance(worker: Worker, names: list[str], first: int, count: int, until: float) -> dict[str, int]:
    """Try numbered inputs; return what is kept in memory of those behind the first fifth."""
    shares = [target(name).SHARE for name in names]
    before: dict[str, int] = {}
    for number in range(first, first + count):
        drawn = random.Random(number)
        [name] = drawn.choices(names, shares)
        worker.run(name, drawn.randbytes(drawn.choice((24, 120, 400))))
        if number - first == count // 5:
            before = kept()
        if number % 64 == 0 and time.monotonic() > until:
            break
    after = kept()
    return {name: after[name] - before[name] for name in before}


def by_hypothesis(worker: Worker, names: list[str], count: int) -> None:
    """Try what Hypothesis makes of itself: short inputs, the same thing twice, odd numbers."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(name=st.sampled_from(names), data=st.binary(max_size=MOST_BYTES))
    def tries(name: str, data: bytes) -> None:
        worker.run(name, data)

    tries()


def by_coverage(worker: Worker, name: str, folder: Path, seconds: float, count: int) -> None:
    """Try what atheris makes of the corpus, which takes in what reaches other lines of the service. Does not return."""
    import atheris

    corpus = folder / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={int(seconds)}",
        f"-runs={count}",
        f"-max_len={MOST_BYTES}",
        f"-artifact_prefix={folder}/",
        "-timeout=0",
        "-rss_limit_mb=4096",
        "-verbosity=0",
        "-close_fd_mask=2",
    ]

    def tries(data: bytes) -> None:
        worker.run(name, data)
        if worker.count[name] % 512 == 0 or worker.count[name] >= count:
            report(worker, {}, folder)

    for number in range(0 if any(corpus.iterdir()) else 200):
        (corpus / f"{number}").write_bytes(random.Random(number).randbytes(number))
    atheris.Setup([sys.argv[0], *options, str(corpus)], tries)
    atheris.Fuzz()


def report(worker: Worker, grown: dict[str, int], folder: Path) -> None:
    """Write down what came of the inputs so far."""
    document = {"count": worker.count, "found": worker.found, "slowest": worker.slowest, "grown": grown}
    new = folder / f"new.{os.getpid()}"  # of this process alone: others write theirs
    new.write_text(json.dumps(document))
    new.replace(folder / f"report.{os.getpid()}")


def main(arguments: list[str]) -> None:
    """Do what the arguments tell."""
    folder, driver, names = Path(arguments[0]), arguments[1], arguments[2].split(",")
    first, count, seconds = int(arguments[3]), int(arguments[4]), float(arguments[5])
    with tempfile.TemporaryDirectory() as ground:
        os.environ["FUZZ_GROUNDS"] = ground
        if driver == "atheris":
            import atheris

            with atheris.instrument_imports(include=["lambda_fn"]):
                _warm_up(names)
        else:
            _warm_up(names)
        worker, grown = Worker(folder), {}
        if driver == "chance":
            grown = by_chance(worker, names, first, count, time.monotonic() + seconds)
        elif driver == "hypothesis":
            by_hypothesis(worker, names, count)
        else:
            by_coverage(worker, names[0], folder, seconds, count)
        report(worker, grown, folder)


def _warm_up(names: list[str]) -> None:
    """Import and load what inputs need."""
    from tests.fuzz.grounds import grounds

    grounds()
    for name in names:
        for first in range(40):
            with suppress(FindError):
                attempt(target(name), random.Random(first).randbytes(400))


if __name__ == "__main__":
    main(sys.argv[1:])
