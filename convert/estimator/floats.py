"""Float64 numbers by their place among all of them, for bisection down to the last bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LOWEST = np.iinfo(np.int64).min


def ordinal(numbers: NDArray[np.float64] | np.float64) -> NDArray[np.int64]:
    """Return the place of each number, as an integer; those of neighbours are 1 apart, that of 0 is 0.

    >>> ordinal(np.array([-5e-324, -0.0, 0.0, 5e-324, 1.0])).tolist()
    [-1, 0, 0, 1, 4607182418800017408]
    """
    bits = np.asarray(numbers, dtype=np.float64).view(np.int64)
    return np.where(bits >= 0, bits, LOWEST - bits)


def from_ordinal(places: NDArray[np.int64] | np.int64) -> NDArray[np.float64]:
    """Return the number at each place."""
    integers = np.asarray(places, dtype=np.int64)
    return np.where(integers >= 0, integers, LOWEST - integers).view(np.float64)


def neighbours(numbers: NDArray[np.float64] | float, toward: float, dtype: str) -> NDArray[np.float64]:
    """Return the next numbers of the `dtype` after `numbers`, which are rounded to it, `toward` another one.

    >>> float(neighbours(0.1, np.inf, "float64"))
    0.10000000000000002
    >>> float(neighbours(0.1, np.inf, "float32"))
    0.10000000894069672
    """
    rounded = np.asarray(numbers, dtype=np.float64).astype(dtype)
    nearest: NDArray[np.float64] = np.nextafter(rounded, np.asarray(toward, dtype=dtype)).astype(np.float64)
    return nearest
