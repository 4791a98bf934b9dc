"""Bodies of 6 MB that took an instance with them, or would have: what they take stays within half of 512 MB."""

from pathlib import Path

import pytest

from benchmarks.bodies.__main__ import LARGEST_PEAK, measure
from benchmarks.bodies.bodies import CSV, JSON, NPY


@pytest.mark.parametrize(
    ("kind", "body", "accept", "probabilities", "code"),
    [
        (NPY, "u1", JSON, True, "response-too-large"),
        (CSV, "\\r", CSV, False, "malformed-csv"),
        (CSV, "\\n", CSV, False, "response-too-large"),
        (JSON, "lists of one", JSON, False, "wrong-width"),
        (JSON, "one row of deep lists", JSON, False, "malformed-json"),
        (JSON, "split", JSON, True, "response-too-large"),
    ],
)
def test_a_body_that_means_harm_takes_at_most_half_of_the_function(
    model_file: Path, kind: str, body: str, accept: str, probabilities: bool, code: str
) -> None:
    found = measure(kind, "demo", model_file, body, accept, probabilities)
    assert found.code == code
    assert found.peak < LARGEST_PEAK
