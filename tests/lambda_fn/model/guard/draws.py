"""What files that nobody wrote are drawn from: numbers at the ends of types, shapes, and one among many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

WHOLE = [-(2**63), -(2**31), -3, -2, -1, 0, 1, 2, 3, 4, 7, 255, 1000, 2**16, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1]
NUMBERS = [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e-300, -1.0, 1.0, 2.5, 1e9, -1e19, 1e38, 1e308, -1e308]
SHAPES: list[tuple[int, ...]] = [(), (1,), (2,), (3,), (1, 2), (2, 2), (2, 3), (3, 1), (3, 2), (0,), (0, 2), (2, 1, 3)]


def pick[T](random: np.random.Generator, among: Sequence[T]) -> T:
    return among[int(random.integers(len(among)))]
