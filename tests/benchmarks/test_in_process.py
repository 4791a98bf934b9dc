"""The handlers that are timed in the process answer what the estimator answers, or nothing is timed."""

import json
from pathlib import Path

import joblib
import pytest
from sklearn.dummy import DummyClassifier

from benchmarks.__main__ import rest_event
from benchmarks.harness import DisagreementError
from benchmarks.in_process import processes
from benchmarks.in_process.timing import interleaved
from benchmarks.stacks import Site, floor, plume

pytestmark = pytest.mark.e2e


@pytest.fixture
def site(tmp_path: Path, estimator_file: Path, model_file: Path, built_layers: dict[str, Path]) -> Site:
    return Site(tmp_path, estimator_file, model_file, {}, {}, {})


def test_every_call_has_samples(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROCESSES", 1)
    ours = plume(site)
    bare = floor(site, ours)
    samples = processes.measure(site, ours, bare, [bare], rest_event())
    names = ("plume", "steps", "floor", "predict")
    expected = {f"{name} {count}" for name in names for count in (2, 10_000)}
    assert samples.keys() == expected | {"whose", *(f"{name} 2" for name in processes.SERVED)}
    assert all(min(values) > 0 for values in samples.values())
    cases = json.loads((site.folder / "cases.json").read_text())
    assert {count: len(case["rows"]) for count, case in cases.items()} == {"2": 2, "10000": 10_000}


def test_another_answer_is_told(site: Site, tmp_path: Path, estimator_file: Path) -> None:
    other = tmp_path / "other.joblib"
    joblib.dump(DummyClassifier(strategy="constant", constant=0).fit([[0, 0]], [0]), other)
    other.with_suffix(".csv").write_bytes(estimator_file.with_suffix(".csv").read_bytes())
    wrong = Site(site.folder, other, site.model, {}, {}, {})
    ours = plume(wrong)
    with pytest.raises(DisagreementError, match="plume answers"):
        processes.measure(wrong, ours, floor(wrong, ours), [], rest_event())


def test_calls_take_turns() -> None:
    order: list[str] = []
    samples = interleaved({name: lambda name=name: order.append(name) for name in "ab"})  # type: ignore[misc]
    assert list(map(len, samples.values())) == [15, 15]
    assert order[-1] == "b"
