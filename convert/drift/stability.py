"""How far two spreads over the same bins are apart: the population stability index, and what chance makes of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

type Counts = NDArray[np.int64]

SMOOTHING = 0.5
"""What is added to the count of each bin on both sides, so that an empty one has a logarithm."""
MODERATE, LARGE = 0.1, 0.25
"""From where on a shift is called so, as is usual."""
SURE = 0.999
"""How often chance alone stays below what is called chance's."""


def shares(counts: Counts) -> NDArray[np.float64]:
    """Return the smoothed share of each bin.

    >>> shares(np.array([0, 1, 3])).round(4).tolist()
    [0.0909, 0.2727, 0.6364]
    """
    smooth = counts + SMOOTHING
    found: NDArray[np.float64] = smooth / smooth.sum()
    return found


def psi(reference: Counts, came: Counts) -> float:
    """Return the sum, over the bins, of the difference of shares times the logarithm of their ratio; 0 if all agree.

    >>> round(psi(np.array([50, 50]), np.array([80, 20])), 3)
    0.406
    """
    before, after = shares(reference), shares(came)
    return float(((after - before) * np.log(after / before)).sum())


def chance(reference: Counts, came: Counts) -> float:
    """Return what the index reaches once in 1,000 times if rows, each drawn by itself, are of the same spread.

    It is about chi-squared, times the sum of one over the rows of either side (Yurdakul and Naranjo, 2020).
    """
    degrees = len(reference) - 1
    rows = 1 / reference.sum() + 1 / came.sum()
    return float(chi2.ppf(SURE, degrees) * rows) if degrees else 0.0


def word(index: float, by_chance: float) -> str:
    """Return what an index is called."""
    if index < MODERATE:
        return "stable"
    if index <= by_chance:
        return "too few rows"
    return "moderate" if index < LARGE else "large"
