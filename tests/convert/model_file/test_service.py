import os
import signal
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from convert.errors import ConvertError
from convert.export import export
from convert.model_file import function
from convert.model_file.disk import read_card, write_model
from convert.model_file.publish import publish
from convert.model_file.service import BATCHES, Service, check_served
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.proof.parity import compare_answers
from convert.proof.refusals import compare_refusals
from lambda_fn.model.engine import BATCH_ROWS
from lambda_fn.model.model import THREADED_ROWS
from tests.conftest import TESTS, oracle_of

ROWS = np.random.default_rng(0).normal(size=(60, 2))
MANY = np.random.default_rng(1).normal(size=(20_000, 2)) * 3


def exported(estimator: Any, folder: Path, strategy: str | None = None) -> bytes:
    joblib.dump(estimator, folder / "model.joblib")
    return export(folder / "model.joblib", folder / "model.onnx", name="model", strategy=strategy).data


def chain() -> DecisionTreeRegressor:
    """Return a tree of 1,499 levels: each split parts one row from the rest."""
    numbers = np.arange(1500.0)[:, np.newaxis]
    return DecisionTreeRegressor().fit(numbers, 1.9 ** np.minimum(np.arange(1500), 1100))


def test_its_batches_cross_the_services_own_borders() -> None:
    assert {1, 2, BATCH_ROWS, BATCH_ROWS + 1, THREADED_ROWS + 1} <= set(BATCHES)
    assert f"memory: {function.MEMORY_MB} # MB" in (TESTS.parent / "serverless.yml").read_text()


@pytest.mark.parametrize(
    "estimator",
    [GradientBoostingClassifier(n_estimators=5), LogisticRegression(), Perceptron(), LinearRegression()],
    ids=lambda estimator: type(estimator).__name__,
)
def test_batches_of_every_size_are_answered_as_the_estimator_does(estimator: Any, tmp_path: Path) -> None:
    oracle = oracle_of(estimator.fit(ROWS, (ROWS[:, 0] > 0).astype(int)), ROWS)
    with Service(exported(estimator, tmp_path)) as service:
        assert service.most_rows == sum(BATCHES)
        assert service.refusal() is None
        [comparison] = compare_answers(oracle, service, [("rows", MANY)])
    assert len(comparison.rows) == len(MANY)
    assert not comparison.failed(1e-12).any()


def test_strings_go_as_json(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"city": ["Oslo", "Rome", None] * 20, "flag": [True, False] * 30, "age": ROWS[:, 0]})
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city", "flag"]), remainder="passthrough"
    )
    pipeline = make_pipeline(encoder, LogisticRegression()).fit(table, ["a", "bb", "ccc"] * 20)
    oracle = oracle_of(pipeline)
    rows = np.column_stack([MANY[:, 0].round().clip(-1, 1), MANY[:, 1] > 0, MANY[:, 0]])
    rows[::7, 0] = np.nan
    with Service(exported(pipeline, tmp_path)) as service:
        [comparison] = compare_answers(oracle, service, [("rows", rows)])
        assert not comparison.failed(1e-12).any()
        assert compare_refusals(oracle, oracle.accepts, service).differing == []


def test_another_model_is_told_from_the_estimator(oracle: Oracle, tmp_path: Path) -> None:
    other = GradientBoostingClassifier(n_estimators=5, max_depth=1).fit(ROWS, np.repeat([0, 1, 2], 20))
    with Service(exported(other, tmp_path)) as service:
        [comparison] = compare_answers(oracle, service, [("rows", MANY)])
    assert comparison.failed(1e-9).any()


def test_a_card_that_the_service_does_not_keep_to_is_told(oracle: Oracle, model_file: Path) -> None:
    wider = [Accepts(True, None, None)] * 2
    with Service(model_file.read_bytes()) as service:
        assert compare_refusals(oracle, oracle.accepts, service).differing == []
        told = compare_refusals(oracle, wider, service).differing
    assert "nan for 'sepal length (cm)' is taken by the card only" in told


def test_what_is_too_wide_for_one_body_goes_in_several(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 600))
    with Service(exported(LinearRegression().fit(rows[:20], rows[:20, 0]), tmp_path)) as service:
        assert service.run(rows)["value"].shape == (3000, 1)


def test_what_the_service_refuses_is_not_exported(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_text("what was there")
    with pytest.raises(ConvertError, match=r"more than 1,000 levels\. Fit its trees with a max_depth") as refusal:
        exported(chain(), tmp_path, "float64 trees")
    assert "DecisionTreeRegressor" in str(refusal.value)
    assert len(str(refusal.value)) < 300
    assert (tmp_path / "model.onnx").read_text() == "what was there"
    assert {path.name for path in tmp_path.iterdir()} == {"model.joblib", "model.onnx"}


@pytest.mark.parametrize("force", [False, True])
def test_what_the_service_refuses_is_not_published(force: bool, model_file: Path, tmp_path: Path) -> None:
    graph, card = onnx.load(model_file), read_card(model_file.read_bytes())
    graph.graph.node.append(onnx.helper.make_node("NonZero", ["X"], ["unused"]))
    del card["certificate"]
    altered = tmp_path / "altered.onnx"
    data = write_model(altered, graph, {**card, "forced": True})
    with pytest.raises(ConvertError, match="would refuse this GradientBoostingClassifier" if force else "certificate"):
        publish(altered, "s3://nowhere/model.onnx", force=force)
    assert altered.read_bytes() == data


def test_a_process_that_ends_is_a_refusal(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(model_file.read_bytes()) as service:
        assert service.refusal() is None
        os.kill(service.process_id, signal.SIGSEGV)
        assert service.refusal() == "its process is ended by SIGSEGV"
    monkeypatch.setitem(function.SETTINGS, "SCORING_THREADS", "none")
    with pytest.raises(ConvertError, match=r"ends with status 1: .*SCORING_THREADS is a positive whole number"):
        check_served(model_file.read_bytes(), ())


def test_a_process_that_hangs_is_a_refusal(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "SECONDS", 0.5)
    with Service(model_file.read_bytes()) as service:
        os.kill(service.process_id, signal.SIGSTOP)
        assert service.refusal() == "it does not answer within 0.5 s"


def test_a_model_that_takes_much_memory_is_told(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convert.model_file.service.MEMORY_MB", 1)
    with pytest.warns(UserWarning, match="deploy it with more memory than 1 MB"):
        check_served(model_file.read_bytes(), ())


def test_it_is_looked_for_beside_convert(model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function, "ROOT", tmp_path)
    with pytest.raises(ConvertError, match="there is no lambda_fn in"):
        check_served(model_file.read_bytes(), ())


def test_bits_are_those_of_the_estimator(oracle: Oracle, model_file: Path, training_rows: NDArray[np.float64]) -> None:
    with Service(model_file.read_bytes()) as service:
        answers = service.run(training_rows)
    assert np.array_equal(answers["probabilities"], oracle.estimator.predict_proba(training_rows))
