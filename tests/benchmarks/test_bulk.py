"""The benchmark of large bodies compares answers, measures every pair of dialects, and writes a page."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.bulk import __main__ as bulk
from benchmarks.bulk import calls
from tests.lambda_fn.conftest import Load, load

__all__ = ["load"]  # a fixture


def test_every_pair_is_called_and_the_answers_agree(
    load: Load, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "BODY_BYTES", 20_000)
    monkeypatch.setenv("MODEL_URI", model_file.as_uri())
    found = calls.speed(load(MODEL_URI=model_file.as_uri()).predict, 2, 1)
    assert found["agree"]
    assert len(found["rates"]) == len(calls.PAIRS)
    assert found["engine"] > 0


def test_a_body_is_as_large_as_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "BODY_BYTES", 20_000)
    rows = calls.random_rows(2)
    for kind, accept in calls.PAIRS:
        event, count, size = calls.event_of(rows, kind, accept)
        assert 19_000 < size <= 20_000
        assert event["headers"]["content-type"] == kind
        assert np.size(rows[:count]) == 2 * count


def test_an_error_is_no_answer() -> None:
    with pytest.raises(RuntimeError, match="answered 400: no"):
        calls.labels_of({"statusCode": 400, "body": "no"})


def test_the_page_has_a_row_for_each_pair() -> None:
    rates = [1e6, 2e6, 2e6, 9e6, 8e6]
    page = bulk.markdown(
        [bulk.Measured("small", {1: rates, 2: rates}, 9.5e6, 9.2e6, [{"resident": 3.5, "traced": 2.25}] * 5)], 1
    )
    assert "| JSON → JSON | 1,000,000 (1.0) | 1,000,000 (1.0) | 3.5 | 2.2 |" in page
    assert "| NPY → NPY | 9,000,000 (9.0) | 9,000,000 (9.0) | 3.5 | 2.2 |" in page
    assert "| NPY → NPY, without the event | 9,200,000 (9.2) | - | - | - |" in page
    assert "| the engine alone | 9,500,000 (9.5) | - | - | - |" in page
    assert "| rows of NPY a second / rows of JSON, 2 threads | ≥ 5 | 9.00 | yes |" in page
    assert "| memory of any pair, in bodies | ≤ 4 | 3.50 | yes |" in page


def test_a_missed_target_is_shown_as_missed() -> None:
    memory = [{"resident": 1.0, "traced": 1.0}] * 4 + [{"resident": 4.5, "traced": 2.0}]
    missed = list(bulk.targets(bulk.Measured("slow", {1: [1e6, 1e6, 1e6, 4e6, 9e6]}, 9e6, 8e6, memory)))
    assert [(each.measured, each.reached) for each in missed] == [(4.0, False), (4.5, False)]


def test_what_the_event_takes_of_bit_masks_is_told_apart() -> None:
    memory = [{"resident": 1.0, "traced": 1.0}] * 5
    measured = bulk.Measured(bulk.BOOSTING, {1: [1e6, 1e6, 1e6, 6e6, 9e6]}, 10e6, 9e6, memory)
    found = {each.what: (each.measured, each.reached) for each in bulk.targets(measured)}
    assert found["NPY from body to answer / the engine"] == (0.9, True)
    assert found["NPY, the whole event with its base64 / the engine"] == (0.6, False)
