"""Tables of the pages, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.targets import Target


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""Return the lines of a table.

    >>> print(*table(["stack", "ms"], [["plume", "90"]]), sep="\n")
    | stack | ms |
    |---|---|
    | plume | 90 |
    """
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def target_table(targets: Iterable[Target]) -> Iterator[str]:
    """Return the lines of a table of targets: the limit, what was measured, whether that is within it."""
    return table(
        ["", "target", "measured", "reached?"],
        (
            [
                each.what,
                f"{'≥' if each.at_least else '≤'} {each.limit:g}",
                f"{each.measured:.2f}",
                "yes" if each.reached else "**no**",
            ]
            for each in targets
        ),
    )
