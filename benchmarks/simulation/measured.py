"""What the simulation takes from the page of results: medians, with the least and the most that were measured."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUMBER = r"([\d.,]+)"


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something takes, in seconds, with one vCPU."""

    least: float
    median: float
    most: float

    def without(self, seconds: float) -> Spread:
        """Return how long the rest takes beside what always takes so many seconds."""
        return Spread(self.least - seconds, self.median - seconds, self.most - seconds)

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return so many durations: (count,), one half of them below the median, evenly from there to least and most.

        >>> Spread(1, 2, 5).draw(2, np.random.default_rng(0)).round(2).tolist()
        [2.82, 1.54]
        """
        places = rng.random(count)
        return np.interp(places, [0, 0.5, 1], [self.least, self.median, self.most])


def spread(page: str, figure: str) -> Spread:
    """Return the first contender's `figure`, which is in ms, from a page of results; raise ValueError if it has none.

    >>> spread("| warm round trip, ms | 2 (1 to 3) | 1.50 (…", "warm round trip, ms").median
    0.002
    """
    found = re.search(rf"^\| {re.escape(figure)} \| {NUMBER} \({NUMBER} to {NUMBER}\) \|", page, re.MULTILINE)
    if found is None:
        raise ValueError(f"the page of results has no line {figure!r} with a median, the least and the most")
    median, least, most = (float(each.replace(",", "")) / 1e3 for each in found.groups())
    return Spread(least, median, most)
