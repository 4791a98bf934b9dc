"""All trials of faults, side by side, and the table of what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from scripts.emulator import ROOT
from tests.faults.catalogue import ALTERED, ANSWERED, FAULTS, KEPT, LOST
from tests.faults.proxy import Fault, Seen
from tests.faults.trials import Grounds, at_reload, at_start, objects

PAGE = ROOT / "docs" / "reliability.md"
START, END = "<!-- the table: python -m tests.faults -->", "<!-- end of the table of faults -->"
WAITING, BUSY = 16, 8
"""How many trials there are at a time of those that wait for deadlines, and of others: each is a process of 60 MB."""
WORDS = {
    "start": {ANSWERED: "scored"},
    "reload": {ANSWERED: "the new model", KEPT: "the last model"},
    "get": {ANSWERED: "answered", ALTERED: "answered as it came"},
    "put": {ANSWERED: "stored", LOST: "answered, not stored"},
}


@dataclass(frozen=True, slots=True)
class Trials:
    """The trials of one fault, which may last."""

    start: Future[str]
    reload: Future[str]
    objects: Future[tuple[str, str]]

    def seen(self) -> Seen:
        """Return what all of them found; raise what ended one."""
        return Seen(self.start.result(), self.reload.result(), *self.objects.result())


@contextmanager
def trying(grounds: Grounds, faults: Sequence[Fault]) -> Iterator[Mapping[Fault, Trials]]:
    """Begin the trials of all the faults; those that have not begun at the end of the context never do."""
    waiting, busy = ThreadPoolExecutor(WAITING), ThreadPoolExecutor(BUSY)
    try:
        yield {fault: _begin(waiting if fault.waits else busy, grounds, fault) for fault in faults}
    finally:
        for pool in (waiting, busy):
            pool.shutdown(cancel_futures=True)


def _begin(pool: ThreadPoolExecutor, grounds: Grounds, fault: Fault) -> Trials:
    begin = pool.submit
    return Trials(begin(at_start, grounds, fault), begin(at_reload, grounds, fault), begin(objects, grounds, fault))


def table(found: Mapping[Fault, Seen]) -> list[str]:
    """Return the lines of a table of what was found: a line for all that look alike among those that fail alike."""
    lines = ["| fault | at start | at reload | objects |", "|---|---|---|---|"]
    for kind, faults in FAULTS.items():
        for seen in dict.fromkeys(found[fault] for fault in faults):
            names = ", ".join(fault.name for fault in faults if found[fault] == seen)
            lines.append(f"| **{kind}**: {names} | {' | '.join(_cells(seen))} |")
    return lines


def _cells(seen: Seen) -> Iterator[str]:
    yield WORDS["start"].get(seen.start, f"`{seen.start}`")
    yield WORDS["reload"].get(seen.reload, f"the last model; `{seen.reload}`")
    get, put = (WORDS[name].get(code, f"`{code}`") for name, code in (("get", seen.get), ("put", seen.put)))
    yield get if get == put else f"GET {get}, PUT {put}"


def committed() -> list[str]:
    """Return the table that docs/reliability.md has."""
    _, rest = PAGE.read_text().split(START)
    return rest.split(END)[0].strip().splitlines()


def write(lines: Sequence[str]) -> None:
    """Put the table where it belongs."""
    before, rest = PAGE.read_text().split(START)
    _, after = rest.split(END)
    PAGE.write_text("\n".join([before + START, *lines, END + after]))
