"""Which columns of its table LightGBM knew as pandas' categories: it keeps those categories, and not of which columns.

They come in the order of the columns. Each column shows the numbers that it had: those of categories, where it is split
by sets, the lowest and the highest otherwise, as where the categories were ordered, or none, where it had one only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Assigned(NamedTuple):
    """The categories of columns, by their places; and whether other columns may have them."""

    categories: dict[int, list[Any]]
    doubtful: bool


def assigned(infos: Sequence[str], categories: Sequence[list[Any]]) -> Assigned | None:
    """Return which of the columns that are described so have the `categories`; None if that can't be told.

    >>> assigned(["[-1.5:2]", "-1:0:2:1", "[0:1]"], [["Oslo", "Paris", "Rome"], ["small", "large"]])
    Assigned(categories={1: ['Oslo', 'Paris', 'Rome'], 2: ['small', 'large']}, doubtful=False)
    """
    by_set = [not info.startswith("[") and info != "none" for info in infos]
    fits = [[_fits(info, len(each)) for each in categories] for info in infos]
    for must in (by_set, [False] * len(infos)):  # numbers are seldom split by sets where categories are
        ways = _ways(fits, must)
        if ways[0][0] == 1:
            places = _only_way(fits, ways)
            free = _ways(fits, [False] * len(infos))
            return Assigned(dict(zip(places, categories, strict=True)), doubtful=free[0][0] > 1)
        if ways[0][0] > 1:
            return None
    return None


def _fits(info: str, count: int) -> bool:
    """Whether a column that is described so may have so many categories, the first and the last of which it has had."""
    if info == "none":
        return True
    if not info.startswith("["):
        return max(int(number) for number in info.split(":")) < count
    low, high = (float(end) for end in info[1:-1].split(":"))
    return low == 0 and high == count - 1


def _ways(fits: Sequence[Sequence[bool]], must: Sequence[bool]) -> list[list[int]]:
    """Return in how many ways, 2 for more, the columns from each on have the categories from each on, in order.

    must: which columns have to have some.
    """
    count = len(fits[0])
    ways = [[0] * count + [1]]
    for fit, has in zip(reversed(fits), reversed(must), strict=True):
        after = ways[0]
        taken = [after[place + 1] if fit[place] else 0 for place in range(count)] + [0]
        left = [0] * (count + 1) if has else after
        ways.insert(0, [min(2, one + other) for one, other in zip(taken, left, strict=True)])
    return ways


def _only_way(fits: Sequence[Sequence[bool]], ways: Sequence[Sequence[int]]) -> list[int]:
    places: list[int] = []
    count = len(fits[0])
    for column, fit in enumerate(fits):
        if len(places) < count and fit[len(places)] and ways[column + 1][len(places) + 1]:
            places.append(column)
    return places
