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
    with np.errstate(over="ignore"):  # infinity comes after the largest
        nearest: NDArray[np.float64] = np.nextafter(rounded, np.asarray(toward, dtype=dtype)).astype(np.float64)
    return nearest


def cannot_be_float32(between: NDArray[np.float64]) -> bool:
    """Whether some of sorted distinct numbers can't lie half way between two numbers of float32 that they part.

    The two are beyond the number before, and so multiples of the step that float32 has there.

    >>> cannot_be_float32(np.array([1.7e9, 1.7e9 + 0.5])), cannot_be_float32(np.array([0.5, 0.75]))
    (True, False)
    """
    size = np.abs(between[np.isfinite(between)])
    near, far = np.minimum(size[1:], size[:-1]), np.maximum(size[1:], size[:-1])
    same_sign = np.sign(between[np.isfinite(between)])
    pairs = (same_sign[1:] == same_sign[:-1]) & (near > 0) & (far <= np.finfo(np.float32).max)
    steps = np.spacing(near[pairs].astype(np.float32)).astype(np.float64) / 2
    return bool((np.remainder(far[pairs], steps) != 0).any())


def told_of_float32(numbers: NDArray[np.float64], further: int) -> bool:
    """Whether `numbers` were float32 before they were float64: all are, and some are no decimals that are as short.

    further: how many bits more than those of float32 there may be, as in what lies between two of them.
    """
    finite = numbers[np.isfinite(numbers)]
    mantissas = np.frexp(finite)[0] * 2.0 ** (24 + further)
    with np.errstate(over="ignore"):
        single = finite.astype(np.float32)
    exact = single == finite
    if not len(finite) or (mantissas != np.floor(mantissas)).any() or not np.isfinite(single).all():
        return False
    fractions = single[exact & (finite != np.floor(finite))]  # a large whole number has many digits either way
    return any(float(str(number)) != float(number) for number in fractions)
