"""Look for inputs that the service does not stand: ``python -m tests.fuzz``, bounded by FUZZ_SECONDS.

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
from pathlib import Path
from typing import Any

from tests.fuzz.finds import ROOT, FindError
from tests.fuzz.targets import NAMES
from tests.fuzz.worker import HEAD, MOST_KEPT, attempt

FOLDER = ROOT / ".fuzz"
COVERED = ("bodies", "events", "tables", "models")
"""What atheris tries: the kinds whose parsers have the most lines."""
BY_CHANCE, BY_HYPOTHESIS = 0.7, 0.05
"""Which share of the time is theirs; the rest is atheris'."""
MOST_TRIALS = 3000
"""How often a find is tried to be made shorter."""


def main(arguments: Sequence[str]) -> int:
    """Run, or try one find; return 1 if something was found."""
    if arguments:
        error = _again(Path(arguments[0]))
        print(error or "it is well")
        return 0 if error is None else 1
    seconds, workers = float(os.environ.get("FUZZ_SECONDS", "300")), os.process_cpu_count() or 1
    most = int(os.environ.get("FUZZ_INPUTS", str(10**9)))
    FOLDER.mkdir(exist_ok=True)
    _forget_fixed(FOLDER / "finds")
    state = _state()
    begun = time.monotonic()
    counts = {"chance": _by_chance(state, seconds * BY_CHANCE, workers, most)}
    counts["hypothesis"] = _run([("hypothesis", ",".join(NAMES), each, 500, 0) for each in range(workers)])
    left = max(5.0, seconds - (time.monotonic() - begun)) / -(-len(COVERED) // workers)
    if _has_atheris():
        counts["atheris"] = Counter()
        for first in range(0, len(COVERED), workers):
            counts["atheris"] += _run([("atheris", name, 0, most, left) for name in COVERED[first : first + workers]])
    for driver in ("hypothesis", "atheris"):
        _note(state, driver, counts.get(driver, Counter()))
    return _tell(counts, state, time.monotonic() - begun)


def _by_chance(state: dict[str, Any], seconds: float, workers: int, most: int) -> Counter[str]:
    """Try numbered inputs until the time is over, or so many; each process a block of numbers."""
    found, until = Counter[str](), time.monotonic() + seconds
    while (left := until - time.monotonic()) > 1 and found.total() < most:
        block = min(50_000, -(-(most - found.total()) // workers))
        jobs = [("chance", ",".join(NAMES), state["next"] + each * block, block, left) for each in range(workers)]
        state["next"] += workers * block
        tried = _run(jobs)
        _note(state, "chance", tried)
        found += tried
    return found


def _note(state: dict[str, Any], driver: str, count: Counter[str]) -> None:
    """Write down how far the inputs are, so that a run which is broken off goes on there, too."""
    state["inputs"][driver] = state["inputs"].get(driver, 0) + count.total()
    (FOLDER / "state.json").write_text(json.dumps(state))


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


def _tell(counts: dict[str, Counter[str]], state: dict[str, Any], seconds: float) -> int:
    """Say how many inputs there were, and what was found; return the exit status."""
    for driver, count in counts.items():
        by_kind = ", ".join(f"{name} {count[name]:,}" for name in NAMES if count[name])
        print(f"{driver}: {count.total():,} inputs ({by_kind})")
    total = sum(count.total() for count in counts.values())
    ever = sum(state["inputs"].values())
    print(f"{total:,} inputs in {seconds:.0f} s, {total / seconds:,.0f} a second; {ever:,} in all runs")
    if SLOWEST:
        slow = ", ".join(f"{kind} {1000 * taken:.0f}" for kind, taken in SLOWEST.items())
        print(f"slow ones, in ms of a processor: {slow}")
    finds = _finds(FOLDER / "finds")
    for path in finds:
        if "-ended-" not in path.name:
            _shorter(path)
        print(f"FOUND {path.relative_to(ROOT)}: {path.with_suffix('.txt').read_text().splitlines()[0]}")
    return 1 if finds else 0


def _state() -> dict[str, Any]:
    """Return what the last run left: the next number, and how many inputs there were by driver."""
    path = FOLDER / "state.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"next": 0, "inputs": {}}
    return found


def _has_atheris() -> bool:
    from importlib.util import find_spec

    return find_spec("atheris") is not None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
