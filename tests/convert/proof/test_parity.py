import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from convert.errors import ConvertError
from convert.export import export
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.oracle.sample import Sample, write_sample
from convert.oracle.thresholds import tree_thresholds
from convert.proof.parity import compare
from convert.proof.rows import RANDOM_ROWS, SIZE_ROWS, row_sets
from convert.proof.verify import verify
from tests.conftest import oracle_of

FLOATS = [Accepts(False, -1e38, 1e38)] * 2


def sets_of(oracle: Oracle, accepts: Sequence[Accepts] | None = None) -> dict[str, NDArray[np.float64]]:
    return dict(row_sets(oracle, accepts or oracle.accepts, tree_thresholds(oracle)))


def test_the_demo_model_is_the_same_model(oracle: Oracle, model_file: Path) -> None:
    comparisons = compare(oracle, onnx.load(model_file), list(sets_of(oracle).items()))
    assert [len(comparison.rows) for comparison in comparisons] == [150, RANDOM_ROWS, SIZE_ROWS, 6 * (31 + 21), 4]
    assert not any(comparison.failed(0.0).any() for comparison in comparisons)


def test_every_threshold_is_tried_with_its_neighbours(oracle: Oracle) -> None:
    tried = sets_of(oracle)["thresholds ± 1 ulp"]
    for column, thresholds in enumerate(tree_thresholds(oracle)):
        values = set(tried[:, column].tolist())
        for threshold in thresholds:
            single = np.float32(threshold)
            assert {
                threshold,
                np.nextafter(threshold, -np.inf),
                np.nextafter(threshold, np.inf),
                float(single),
                float(np.nextafter(single, np.float32(-np.inf))),
                float(np.nextafter(single, np.float32(np.inf))),
            } <= values


def test_random_rows_are_the_same_every_time_and_reach_beyond_the_training_rows(
    oracle: Oracle, training_rows: NDArray[np.float64]
) -> None:
    first, second = (sets_of(oracle)["random rows (seed 0)"] for _ in range(2))
    assert np.array_equal(first, second)
    assert (first.min(0) < training_rows.min(0)).all()
    assert (first.max(0) > training_rows.max(0)).all()


def test_a_category_is_tried_with_its_own_values() -> None:
    rows = np.c_[np.arange(300) % 3, np.linspace(0, 1, 300)]
    oracle = oracle_of(LinearRegression().fit(rows, rows[:, 0]), rows)
    random = sets_of(oracle, FLOATS)["random rows (seed 0)"]
    assert 0.4 < np.isin(random[:, 0], [0, 1, 2]).mean() < 0.6


def test_huge_and_tiny_ranges_stay_within_what_is_accepted() -> None:
    for scale, limit in ((1e38, 3.4e38), (1e-39, 1e-38), (4e307, None)):
        accepts = [Accepts(False, None if limit is None else -limit, limit)] * 2
        rows = np.random.default_rng(0).uniform(-3, 3, size=(100, 2)) * scale
        oracle = oracle_of(DummyRegressor().fit(rows, rows[:, 0]), rows)
        for _, tried in row_sets(oracle, accepts, [rows[:, 0], rows[:, 1]]):
            assert len(tried) > 0
            assert limit is None or (np.abs(tried) <= limit).all()


def copied(onnx_file: Path, copy: Path) -> Path:
    """Copy a model file, and its companions."""
    for path in onnx_file.parent.glob(f"{onnx_file.name}*"):
        shutil.copy(path, copy.with_name(path.name.replace(onnx_file.name, copy.name)))
    return copy


def output_of(model: Path, onnx_file: Path, tmp_path: Path) -> tuple[bool, str]:
    """Verify a copy of the model file, as `verify` writes into it."""
    onnx_file = copied(onnx_file, tmp_path / "verified.onnx")
    with (tmp_path / "output.txt").open("w") as file:
        agree = verify(model, onnx_file, None, Console(file=file, width=120))
    return agree, (tmp_path / "output.txt").read_text()


def test_verify_prints_what_was_tried(estimator_file: Path, model_file: Path, tmp_path: Path) -> None:
    agree, output = output_of(estimator_file, model_file, tmp_path)
    assert agree
    assert "100,000" in output
    assert "the same model" in output


def test_verify_finds_another_model(
    estimator_file: Path, model_file: Path, training_rows: NDArray[np.float64], tmp_path: Path
) -> None:
    labels = np.repeat([0, 1, 2], 50)
    other = GradientBoostingClassifier(n_estimators=99, learning_rate=1.0, max_depth=2, random_state=0)
    joblib.dump(other.fit(training_rows, labels), tmp_path / "other.joblib")
    agree, output = output_of(tmp_path / "other.joblib", model_file, tmp_path)
    assert not agree
    assert "no training rows" in output
    assert "rows differ" in output
    assert "not the same model" in output


def test_verify_refuses_a_model_of_another_kind(model_file: Path, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(60, 2))
    joblib.dump(GradientBoostingRegressor(n_estimators=2).fit(rows, rows[:, 0]), tmp_path / "other.joblib")
    with pytest.raises(ConvertError, match="has the classes"):
        output_of(tmp_path / "other.joblib", model_file, tmp_path)


def test_verify_refuses_a_sample_of_another_model(estimator_file: Path, model_file: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConvertError, match="the sample has a, b, the model takes sepal length"):
        verify(estimator_file, model_file, tmp_path / "rows.csv", Console(quiet=True))


def test_verify_refuses_an_altered_file(estimator_file: Path, model_file: Path, tmp_path: Path) -> None:
    data = bytearray(model_file.read_bytes())
    data[1000] ^= 1
    (tmp_path / "altered.onnx").write_bytes(data)
    with pytest.raises(ConvertError, match="was altered after its export"):
        output_of(estimator_file, tmp_path / "altered.onnx", tmp_path)


@pytest.mark.parametrize(
    "estimator",
    [
        GradientBoostingClassifier(n_estimators=10, random_state=0),
        RandomForestClassifier(n_estimators=10, random_state=0),
        LogisticRegression(),
        GradientBoostingRegressor(n_estimators=10, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_other_estimators_are_compared_too(estimator: Any, tmp_path: Path) -> None:
    rows = np.random.default_rng(3).normal(size=(200, 4))
    joblib.dump(estimator.fit(rows, (rows.sum(axis=1) > 0).astype(int)), tmp_path / "model.joblib")
    export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model")
    write_sample(tmp_path / "model.csv", Sample(("x0", "x1", "x2", "x3"), rows))
    agree, output = output_of(tmp_path / "model.joblib", tmp_path / "model.onnx", tmp_path)
    assert agree, output


def test_verify_needs_to_know_the_range_of_the_features(tmp_path: Path) -> None:
    rows = np.random.default_rng(3).normal(1e8, 1e7, size=(50, 2))
    joblib.dump(LinearRegression().fit(rows, rows[:, 0]), tmp_path / "model.joblib")
    export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model")
    with pytest.raises(ConvertError, match="nothing tells the range of this LinearRegression's features"):
        output_of(tmp_path / "model.joblib", tmp_path / "model.onnx", tmp_path)
