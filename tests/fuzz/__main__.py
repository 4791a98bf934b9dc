"""Look for inputs that the service does not stand: ``python -m tests.fuzz``.

A run ends after FUZZ_SECONDS (300), or where it is set after FUZZ_INPUTS; one that is broken off goes on where it was,
if it is told the same number. Inputs are tried in processes that end after some ten thousands, so that none grows.

What was found before is tried first; then numbered inputs, from where the last run left off, then what Hypothesis
makes of itself, then what atheris finds by the lines that it reaches. What was found is made short and kept in
``.fuzz/finds``: ``python -m tests.fuzz FILE`` tries one of them alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.fuzz.finds import ROOT, FindError
from tests.fuzz.progress import Progress
from tests.fuzz.targets import NAMES
from tests.fuzz.worker import HEAD, MOST_KEPT, attempt

FOLDER = ROOT / ".fuzz"
WORKERS = os.process_cpu_count() or 1
COVERED = ("bodies", "events", "tables", "models")
"""What atheris tries: the kinds whose parsers have the most lines."""
SHARES = {"chance": 0.7, "hypothesis": 0.05, "atheris": 0.25}
"""Which share of the inputs, and of the time, is a driver's."""
BLOCKS = {"chance": 50_000, "hypothesis": 1000, "atheris": 50_000}
"""How many inputs a process tries."""
UNBOUNDED_SECONDS, UNBOUNDED_INPUTS = 10**6, 10**9
MOST_TRIALS = 3000
"""How often a find is tried to be made shorter."""


def main(arguments: Sequence[str]) -> int:
    """Run, or try one find; return 1 if something was found."""
    if arguments:
        error = _again(Path(arguments[0]))
        print(error or "it is well")
        return 0 if error is None else 1
    wanted = os.environ.get("FUZZ_INPUTS")
    seconds = float(os.environ.get("FUZZ_SECONDS", "300" if wanted is None else UNBOUNDED_SECONDS))
    FOLDER.mkdir(exist_ok=True)
    _forget_fixed(FOLDER / "finds")
    progress = Progress(FOLDER / "state.json", int(wanted or UNBOUNDED_INPUTS))
    until = time.monotonic()
    for driver, share in SHARES.items():
        until += share * seconds
        if driver != "atheris":
            _try(driver, progress, until, [",".join(NAMES)] * WORKERS)
        elif find_spec("atheris") is not None:
            for first in range(0, len(COVERED), WORKERS):
                rounds = -(-(len(COVERED) - first) // WORKERS)
                now = time.monotonic()
                _try(driver, progress, now + (until - now) / rounds, COVERED[first : first + WORKERS])
    if wanted is None or progress.total >= int(wanted):
        progress.end()
    return _tell(progress)


def _try(driver: str, progress: Progress, until: float, kinds: Sequence[str]) -> None:
    """Have a process for each of the kinds try inputs until the time is over, or the driver's share is reached."""
    while (left := until - time.monotonic()) > 1:
        if driver == "atheris":
            missing = {kind: progress.missing(driver, SHARES[driver] / len(COVERED), kind) for kind in kinds}
        else:
            missing = dict.fromkeys(kinds, -(-progress.missing(driver, SHARES[driver]) // len(kinds)))
        jobs = []
        for kind in kinds:
            count = min(BLOCKS[driver], missing[kind])
            if count > 0:
                jobs.append((driver, kind, progress.numbers(count) if driver == "chance" else 0, count, left))
        tried = _run(jobs)
        if not tried.total():
            return
        progress.note(driver, tried)
        found, count = len(_finds(FOLDER / "finds")), progress.counts[driver].total()
        print(f"{driver}: {count:,} inputs after {progress.seconds:,.0f} s, {found} finds", flush=True)


def _run(jobs: Sequence[tuple[Any, ...]]) -> Counter[str]:
    """Run processes side by side; return how many inputs of each kind they tried. One that died has a find."""
    found = Counter[str]()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", str(FOLDER), *map(str, job)],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for job in jobs
    ]
    for job, process in zip(jobs, processes, strict=True):
        told = process.communicate()[1].decode(errors="replace")
        report, tried = FOLDER / f"report.{process.pid}", FOLDER / f"tried.{process.pid}"
        if report.exists():
            document = json.loads(report.read_text())
            found += Counter(document["count"])
            for kind, taken in document["slowest"].items():
                SLOWEST[kind] = max(SLOWEST.get(kind, 0.0), taken)
            report.unlink()
            if grown := [each for each, most in MOST_KEPT.items() if document["grown"].get(each, 0) > most]:
                _keep(f"memory-ended-{process.pid}", b"", f"{', '.join(grown)} are kept in memory\n{job}\n{document}")
        if process.returncode and tried.exists():
            _keep_last(tried, process.returncode, told)
        tried.unlink(missing_ok=True)
    return found


SLOWEST: dict[str, float] = {}
"""How many seconds of a processor the slowest input of each kind took, of those that took half of what they may."""


def _keep_last(tried: Path, code: int, told: str) -> None:
    """Keep as a find what a process tried last, and died of."""
    data = tried.read_bytes()
    size, padded = HEAD.unpack_from(data)
    name = padded.rstrip(b"\0").decode()
    text = f"{name}: the process ended with {code}\n{told[-3000:]}"
    _keep(f"{name}-ended-{code}", data[HEAD.size : HEAD.size + size], text)


def _keep(name: str, data: bytes, text: str) -> None:
    path = FOLDER / "finds" / name
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(text)


def _again(path: Path, data: bytes | None = None) -> FindError | None:
    """Try a find again, in this process; return what it still leads to."""
    from tests.fuzz.targets import target

    os.environ["FUZZ_GROUNDS"] = _ground().name
    try:
        attempt(target(path.name.partition("-")[0]), path.read_bytes() if data is None else data)
    except FindError as error:
        return error
    return None


@cache
def _ground() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def _forget_fixed(folder: Path) -> None:
    """Take away the finds that lead to nothing any more; those that end a process stay, and are named."""
    for path in _finds(folder):
        if "-ended-" not in path.name and _again(path) is None:
            print(f"{path.name} was found before, and is well by now")
            path.unlink()
            path.with_suffix(".txt").unlink(missing_ok=True)


def _finds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*-*") if path.suffix != ".txt") if folder.exists() else []


def _shorter(path: Path) -> None:
    """Make a find shorter while it leads to the same: take bytes away, then make zeros of them."""
    data, first = path.read_bytes(), _again(path)
    if first is None:
        return
    trials, size = 0, max(1, len(data) // 2)
    while size and trials < MOST_TRIALS:
        at = 0
        while at < len(data) and trials < MOST_TRIALS:
            for other in (
                data[:at] + data[at + size :],
                data[:at] + bytes(len(data[at : at + size])) + data[at + size :],
            ):
                trials += 1
                error = None if other == data else _again(path, other)
                if error is not None and error.kind == first.kind:
                    data = other
                    break
            else:
                at += size
        size //= 2
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(str(_again(path, data)).encode("utf-8", "backslashreplace").decode())


def _tell(progress: Progress) -> int:
    """Say how many inputs there were, and what was found; return the exit status."""
    for driver, count in progress.counts.items():
        by_kind = ", ".join(f"{name} {count[name]:,}" for name in NAMES if count[name])
        print(f"{driver}: {count.total():,} inputs ({by_kind})")
    total, seconds = progress.total, progress.seconds
    print(f"{total:,} inputs in {seconds:,.0f} s, {total / seconds:,.0f} a second; {progress.ever:,} in all runs")
    if SLOWEST:
        slow = ", ".join(f"{kind} {1000 * taken:.0f}" for kind, taken in SLOWEST.items())
        print(f"slow ones, in ms of a processor: {slow}")
    finds = _finds(FOLDER / "finds")
    for path in finds:
        if "-ended-" not in path.name:
            _shorter(path)
        print(f"FOUND {path.relative_to(ROOT)}: {path.with_suffix('.txt').read_text().splitlines()[0]}")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
