"""The benchmark of bulk workers compares answers, measures every way, and writes a page."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.harness import DisagreementError
from benchmarks.rates import __main__ as rates
from benchmarks.rates import person
from benchmarks.rates.page import FLOOR, OURS, WAYS, Measured, Rates, markdown, targets
from benchmarks.rates.processes import FailedError, Site, site
from benchmarks.rates.tables import Case, cases
from tests.conftest import FEATURES

MOST_MORE_MB = 40
"""How much more memory ten times as large a chunk may take."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rates")


@pytest.fixture(scope="module")
def where(folder: Path) -> Iterator[Site]:
    with site(folder) as running:
        yield running


@pytest.fixture(scope="module")
def both(folder: Path) -> list[Case]:
    return list(cases(folder, 4000))


@pytest.mark.parametrize(
    ("number", "kind"), [(0, "CSV"), (0, "JSONL"), (0, "NPY"), (1, "CSV"), (1, "NPY")], ids=lambda each: str(each)
)
def test_each_way_answers_the_same_and_is_measured(number: int, kind: str, where: Site, both: list[Case]) -> None:
    assert kind in rates.kinds(both[number])
    found = rates.rates(where, both[number], kind)
    assert found.rates.keys() == {OURS, *WAYS[kind], FLOOR}
    assert min(found.rates.values()) > 0
    assert found.cpu > 0
    assert found.read == pytest.approx(len(both[number].body(kind)) / 4000, rel=0.1)


def test_a_table_of_which_a_tenth_is_refused_is_measured(where: Site, both: list[Case]) -> None:
    assert rates.refused(where, both[0]) > (4000, 0)


def test_memory_does_not_grow_with_the_chunk(where: Site, both: list[Case]) -> None:
    small, large = (rates.memory(where, both[1], size) for size in (10, 100))
    assert (small[0], large[0]) == pytest.approx((10, 100), rel=0.1)
    assert large[1] < small[1] + MOST_MORE_MB


def test_workers_share_the_chunks_of_a_run(where: Site, both: list[Case]) -> None:
    found = rates.workers(where, both[1])
    assert list(found) == [1, 2, 4]
    assert min(min(each) for each in found.values()) > 0


def test_a_process_that_fails_says_why(where: Site) -> None:
    with pytest.raises(FailedError, match="NoSuchKey"):
        where.run("floor", "bench", "none", "out", 1, 1)


def test_a_person_answers_what_the_estimator_does(estimator: Any) -> None:
    rows = np.round(np.random.default_rng(0).uniform([4.0, 2.0], [8.0, 4.5], (50, 2)), 1)
    case = Case("iris", True, Path("iris.joblib"), FEATURES, rows)
    expected = np.column_stack([estimator.predict(rows), estimator.predict_proba(rows)])
    for way in (person.with_pandas, person.with_pyarrow):
        head, *lines = way(case.csv(), estimator).decode().replace('"', "").splitlines()
        assert head == "prediction,0,1,2"
        assert np.array_equal(np.array([line.split(",") for line in lines], float), expected)
    answers = [[*json.loads(line).values()] for line in person.with_read_json(case.jsonl(), estimator).splitlines()]
    assert np.abs(np.array(answers) - expected).max() < 1e-15
    assert np.array_equal(np.load(io.BytesIO(person.with_numpy(case.npy(), estimator))), expected)


def test_answers_that_differ_stop_it() -> None:
    ours = np.array([[1.0, 0.25, 0.75], [0.0, 0.5, 0.5]])
    rates.compare("same", ours, ours + np.array([0, 1e-16, 0]))
    with pytest.raises(DisagreementError, match=r"far: probabilities are .* apart, more than 1e-15"):
        rates.compare("far", ours, ours + np.array([0, 1e-14, 0]))
    with pytest.raises(DisagreementError, match="other: the labels are not the same"):
        rates.compare("other", ours, ours + np.array([1, 0, 0]))
    with pytest.raises(DisagreementError, match="fewer: the labels are not the same"):
        rates.compare("fewer", ours, ours[:1])


SLOW = [Rates("CSV", {OURS: 4e6, "pandas": 1e6, "pyarrow": 2e6, FLOOR: 8e6}, 8.0, 60.5, 1.234)]
SLOW += [Rates("NPY", {OURS: 2e7, "numpy": 1e6, FLOOR: 4e7}, 16.0, 32.0, 0.5)]


def test_the_page_has_every_figure() -> None:
    models, memory, shared = [("small", True, SLOW)], [(10.1, 99.6), (100.2, 120.4)], {1: (1e5, 9.87), 2: (1.9e5, 10.0)}
    page = markdown(Measured(1000, 2, models, memory, shared, (100, 3e5)))
    assert (
        "| CSV → CSV | 4,000,000 | 8.0 | 60.5 | 1.23 | 1,000,000 (4.00) | 2,000,000 (2.00) | - | - | 8,000,000 (0.50) |"
        in page
    )
    assert "| NPY → NPY | 20,000,000 | 16.0 | 32.0 | 0.50 | - | - | - | 1,000,000 (20.00) | 40,000,000 (0.50) |" in page
    assert "| rows of CSV a second / with pandas | ≥ 5 | 4.00 | **no** |" in page
    assert "| rows of NPY a second / with numpy | ≥ 15 | 20.00 | yes |" in page
    assert "of which every tenth is refused, with `on_error` `skip`: 300,000 rows a second" in page
    assert "| 10 | 100 |\n| 100 | 120 |" in page
    assert "| 1 | 100,000 | 1.00 | 9.9 |\n| 2 | 190,000 | 1.90 | 10.0 |" in page


def test_a_model_that_takes_its_time_has_other_targets() -> None:
    assert [(each.limit, each.reached) for each in targets(False, SLOW)] == [(1.3, True), (1.7, True)]
