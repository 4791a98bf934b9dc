"""A run that is broken off goes on where it was, if it is told the same number; one that is finished does not."""

from collections import Counter
from pathlib import Path

from tests.fuzz.progress import Progress


def test_a_run_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    first = Progress(tmp_path / "state.json", 1000)
    assert (first.numbers(50), first.missing("chance", 0.7), first.missing("atheris", 0.1, "events")) == (0, 700, 100)
    first.note("chance", Counter(events=30, rows=20))
    first.note("atheris", Counter(events=60, rows=1))
    first.numbers(50)  # of these none was tried
    again = Progress(tmp_path / "state.json", 1000)
    assert (again.numbers(50), again.missing("chance", 0.7), again.missing("atheris", 0.1, "events")) == (50, 650, 40)
    assert again.total == 111
    another = Progress(tmp_path / "state.json", 2000)
    assert (another.total, another.ever) == (0, 111)
    again.note("chance", Counter(events=10))
    again.end()
    anew = Progress(tmp_path / "state.json", 1000)
    assert (anew.total, anew.ever, anew.numbers(1)) == (0, 121, 100)
