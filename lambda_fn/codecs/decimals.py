"""Float64 as the shortest decimals that read back as they are, as `repr` has them: all at once, by float64 alone.

For x in 10^e <= x < 10^(e + 1), X = x 10^(16 - e) has 17 digits before the point. It is hi + lo, an exact product where
10^(16 - e) is a float64, and less than 2^-47 off where that is rounded to two of them. What reads back as x is less
than h off X, h half a last place of x in the unit of X; 0.5 < h < 11.2. So, from the shortest:
15 digits, multiples of 100: only one can be so near, and without its last zeros it is the shortest of all.
16 digits, multiples of 10: the nearest of them. 17 digits: the nearest, which always reads back.
What is nearer to a border or a tie than 2^-40 is marked, for `repr` to write.
numpy rounds each sum and each product on its own, on any processor: what is exact here is so on all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Floats = NDArray[np.float64]
    type Whole = NDArray[np.int64]
    type Marks = NDArray[np.bool_]

LOWEST, HIGHEST = -290, 280
"""The decades that are known: neither powers of ten nor any product leaves the range of float64, or loses bits."""
LEAST, MOST = 1e-290, 1e281
DECADES = range(LOWEST, HIGHEST + 1)
EXACT = range(16 - 22, 16 + 1)
"""The decades of x for which 10^(16 - e) is a float64."""

EXPONENT = np.int64(0x7FF << 52)
FRACTION = np.int64(2**52 - 1)
UPPER = np.int64(-(2**26))
"""The bits of a float64 but for the last 26: what they leave has 27 digits, what they take 26."""
NEAR = 2.0**-30
"""The product of four distances below 64, one of which is below 2^-40, is less."""


def _rest(power: int) -> float:
    """Return what 10^power is more than the float64 nearest to it."""
    if power >= 0:
        return float(10**power - int(float(f"1e{power}")))
    above, below = float(f"1e{power}").as_integer_ratio()
    tens = int(10**-power)
    return (below - above * tens) / (below * tens)


POWERS = np.array([float(f"1e{16 - decade}") for decade in DECADES])
RESTS = np.array([_rest(16 - decade) for decade in DECADES])
POWERS_UPPER = (POWERS.view(np.int64) + 2**26 & -(2**27)).view(np.float64)
POWERS_LOWER = POWERS - POWERS_UPPER
"""26 bits each; the products with halves of x are exact."""


def _by_exponent() -> tuple[Whole, Floats]:
    """Return, by the exponent's bits, the place of the decade that 2^n is in, and where the next decade begins."""
    tens = np.array([float(f"1e{decade}") for decade in DECADES])
    decades = np.searchsorted(tens, 2.0 ** (np.arange(2047) - 1023), side="right")
    return np.maximum(decades - 1, 0), np.append(tens, np.inf).take(np.maximum(decades, 1))


BEGINS, LIMITS = _by_exponent()


def shortest(numbers: Floats) -> tuple[Whole, Whole, Marks]:
    """Return for each x, `LEAST` <= x < `MOST`, its digits, its decade's place in `DECADES`, and whether not to trust.

    The digits are a whole number of 17: what is shorter ends in zeros. All (n,).

    >>> [each.tolist() for each in shortest(np.array([0.25, 12.0]))]
    [[25000000000000000, 12000000000000000], [289, 291], [False, False]]
    """
    bits = numbers.view(np.int64)
    exponents = bits >> 52
    decades = BEGINS.take(exponents)
    decades += numbers >= LIMITS.take(exponents)
    high, low, half = _scaled(numbers, bits, decades)
    hundreds = np.rint(high * 0.01).astype(np.int64)
    hundreds *= 100
    off15 = (high.astype(np.int64) - hundreds).astype(np.float64)
    off15 += low  # what X is more than whole hundreds
    digits17 = np.rint(off15)
    digits16 = np.rint(off15 * 0.1)
    digits16 *= 10
    off16, off17 = np.abs(off15 - digits16), np.abs(off15 - digits17)
    np.abs(off15, out=off15)
    digits = np.where(off16 < half, digits16, digits17)
    digits *= off15 >= half
    hundreds += digits.astype(np.int64)
    return hundreds, decades, _near(bits, off15, off16, off17, half)


def _scaled(numbers: Floats, bits: Whole, decades: Whole) -> tuple[Floats, Floats, Floats]:
    """Return X as hi, a whole number, and lo; and h. Dekker's product: each of its sums and products is exact.

    Half of x has 27 bits, the other 26, as both of the power; no sum of them has more than 53.
    """
    powers, upper, lower = POWERS.take(decades), POWERS_UPPER.take(decades), POWERS_LOWER.take(decades)
    high = numbers * powers
    first = (bits & UPPER).view(np.float64)
    second = numbers - first
    low = first * upper
    low -= high
    low += second * upper
    first *= lower
    low += first
    second *= lower
    low += second
    if decades.min() < EXACT[0] - LOWEST or decades.max() > EXACT[-1] - LOWEST:
        low += numbers * RESTS.take(decades)
    powers *= 2.0**-53
    powers *= (bits & EXPONENT).view(np.float64)
    return high, low, powers


def _near(bits: Whole, off15: Floats, off16: Floats, off17: Floats, half: Floats) -> Marks:
    """Whether one of the distances is at a border or a tie.

    So is a power of two of more than 15 digits: last places below it are half as large.
    """
    product = off15 - half
    product *= off16 - half
    product *= off16 - 5
    product *= off17 - 0.5
    np.abs(product, out=product)
    near: Marks = product < NEAR
    powers_of_2 = (bits & FRACTION) == 0
    if powers_of_2.any():
        near |= powers_of_2 & (off15 > half * 0.49)
    return near
