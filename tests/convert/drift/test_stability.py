"""The population stability index: by its definition, by hand, and against what chance makes of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from convert.drift.stability import chance, psi, word


def by_definition(reference: list[int], came: list[int]) -> float:
    """Return the index as it is defined, with half a row added to each bin."""
    before = [(count + 0.5) / (sum(reference) + 0.5 * len(reference)) for count in reference]
    after = [(count + 0.5) / (sum(came) + 0.5 * len(came)) for count in came]
    return sum((b - a) * math.log(b / a) for a, b in zip(before, after, strict=True))


def test_an_example_worked_by_hand() -> None:
    """Shares of 50.5/101 and 50.5/101 become 80.5/101 and 20.5/101: 0.29703 ln 1.59406 - 0.29703 ln 0.40594."""
    assert psi(np.array([50, 50]), np.array([80, 20])) == pytest.approx(0.1385 + 0.26779, abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_the_definition_says(seed: int) -> None:
    generator = np.random.default_rng(seed)
    reference, came = generator.integers(0, 1000, 10), generator.integers(0, 50, 10)
    assert psi(reference, came) == pytest.approx(by_definition(reference.tolist(), came.tolist()), rel=1e-12)
    assert psi(reference, reference) == 0


def test_chance_is_exceeded_once_in_a_thousand_times() -> None:
    """Of 5,000 samples of the same spread 5 are expected above it: here up to 20, as it holds for many rows only."""
    generator = np.random.default_rng(0)
    reference = generator.multinomial(2000, [0.1] * 10)
    samples = generator.multinomial(500, [0.1] * 10, 5000)
    above = sum(psi(reference, came) > chance(reference, came) for came in samples)
    assert 1 <= above <= 20


@pytest.mark.parametrize(
    ("index", "by_chance", "expected"),
    [
        (0.09, 0.5, "stable"),
        (0.1, 0.01, "moderate"),
        (0.24, 0.25, "too few rows"),
        (0.25, 0.1, "large"),
        (2.0, 2.5, "too few rows"),
    ],
)
def test_thresholds_are_the_usual_ones(index: float, by_chance: float, expected: str) -> None:
    assert word(index, by_chance) == expected
