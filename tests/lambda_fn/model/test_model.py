import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from convert.export import export
from convert.model_file.seal import seal
from lambda_fn.errors import Kind, Problem, ServiceError
from lambda_fn.model.engine import BATCH_BYTES, BATCH_ROWS
from lambda_fn.model.guard.graph import Checked
from lambda_fn.model.model import THREADED_ROWS, Model
from tests.lambda_fn.codecs.cards import EXAMPLE

FLOAT32_MAX = float(np.finfo(np.float32).max)
SMALLEST_BEYOND = 2.0**128 - 2.0**103
"""Half way from the largest float32 to the next power of two, where rounding turns to infinity."""


@pytest.fixture(scope="module")
def model(model_file: Path) -> Model:
    return Model(model_file.read_bytes())


def test_scores_are_the_estimators(model: Model, estimator: Any, training_rows: NDArray[np.float64]) -> None:
    scores = model.score(training_rows)
    assert scores.prediction.tolist() == estimator.predict(training_rows).tolist()
    assert scores.probabilities is not None
    np.testing.assert_allclose(scores.probabilities, estimator.predict_proba(training_rows), rtol=0, atol=1e-6)


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (np.nan, Problem.NAN),
        (np.inf, Problem.INFINITY),
        (-np.inf, Problem.INFINITY),
        (1e39, Problem.BEYOND_FLOAT32),
        (SMALLEST_BEYOND, Problem.BEYOND_FLOAT32),
    ],
)
def test_what_the_estimator_refuses_is_refused(model: Model, estimator: Any, value: float, problem: Kind) -> None:
    rows = np.array([[6.2, 3.4], [6.2, value]])
    with pytest.raises(ValueError, match="Input X contains"):
        estimator.predict(rows)
    with pytest.raises(ServiceError) as raised:
        model.score(rows)
    assert (raised.value.problem, raised.value.row, raised.value.column) == (problem, 1, 1)
    assert "'sepal width (cm)'" in raised.value.detail


def test_what_the_estimator_takes_is_taken(model: Model, estimator: Any) -> None:
    rows = np.array([[FLOAT32_MAX, -FLOAT32_MAX], [np.nextafter(SMALLEST_BEYOND, 0), 5e-324]])
    assert model.score(rows).prediction.tolist() == estimator.predict(rows).tolist()


def test_missing_values_and_infinity_are_taken_where_the_estimator_takes_them(tmp_path: Path) -> None:
    rows = np.where(
        np.random.default_rng(0).random((200, 2)) < 0.2, np.nan, np.random.default_rng(1).normal(size=(200, 2))
    )
    estimator = HistGradientBoostingClassifier(max_iter=5).fit(rows, np.nan_to_num(rows[:, 0]) > 0)
    joblib.dump(estimator, tmp_path / "model.joblib")
    model = Model(export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model").data)
    odd = np.array([[np.nan, 1.0], [np.inf, np.nan], [-np.inf, 1e300]])
    scores = model.score(np.concatenate([rows, odd]))
    assert scores.prediction.tolist() == estimator.predict(np.concatenate([rows, odd])).tolist()


def with_values(model_file: Path, values: Any) -> Model:
    """Return the demo model, whose card takes none but these values of its second feature."""
    proto = onnx.load_from_string(model_file.read_bytes())
    [entry] = [entry for entry in proto.metadata_props if entry.key == "card"]
    card = json.loads(entry.value)
    card["features"][1]["accepts"]["values"] = values
    entry.value = json.dumps(card)
    return Model(seal(proto))


def test_only_the_values_of_the_card_are_taken_whatever_their_order(model_file: Path) -> None:
    model = with_values(model_file, [3.5, -1, 2])
    taken = np.array([[6.2, 2.0], [6.2, -1.0], [6.2, 3.5]])
    assert len(model.score(taken).prediction) == 3
    for value in (-2.0, 0.0, 2.5, np.nextafter(3.5, 4), 9.0):
        with pytest.raises(ServiceError, match=r"row 3, column 1 .* the model takes 3\.5, -1, 2") as raised:
            model.score(np.concatenate([taken, [[6.2, value]]]))
        assert raised.value.problem is Problem.UNKNOWN_CATEGORY


@pytest.mark.parametrize("values", [["a"], [[1], [1, 2]], [{}]])
def test_a_card_whose_values_are_no_numbers_is_refused(model_file: Path, values: Any) -> None:
    with pytest.raises(ServiceError) as raised:
        with_values(model_file, values)
    assert raised.value.problem is Problem.MODEL_INVALID


@pytest.fixture(scope="module", params=["forest", "boosting", "regressor", "strings"])
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of float64 trees on 6 features."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(300, 6))
    classes = np.digitize(rows[:, 0] + rows[:, 1] * rows[:, 2], [-0.5, 0.5])
    estimator = {
        "forest": RandomForestClassifier(30, random_state=0).fit(rows, classes),
        "boosting": HistGradientBoostingClassifier(max_iter=5).fit(rows, classes),
        "regressor": GradientBoostingRegressor(n_estimators=30, random_state=0).fit(rows, rows[:, 0]),
        "strings": RandomForestClassifier(5, random_state=0).fit(rows, np.array(["no", "maybe", "yes"])[classes]),
    }[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    joblib.dump(estimator, folder / "model.joblib")
    return Model(export(folder / "model.joblib", folder / "model.onnx", name="model").data)


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [BATCH_ROWS, BATCH_ROWS + 1, THREADED_ROWS + 1, 10_000])
def test_any_number_of_threads_gives_the_same_bits(fitted: Model, threads: int, count: int) -> None:
    rows = np.random.default_rng(1).normal(size=(count, 6))
    batches = [fitted.score(rows[start : start + BATCH_ROWS]) for start in range(0, count, BATCH_ROWS)]
    scores = fitted.score(rows, threads)
    assert scores.prediction.tobytes() == b"".join(batch.prediction.tobytes() for batch in batches) or (
        scores.prediction.dtype == object
        and scores.prediction.tolist() == [label for batch in batches for label in batch.prediction.tolist()]
    )
    if scores.probabilities is not None:
        expected = np.concatenate([batch.probabilities for batch in batches if batch.probabilities is not None])
        assert scores.probabilities.tobytes() == expected.tobytes()
    assert fitted.score(rows, threads, probabilities=False).prediction.tolist() == scores.prediction.tolist()


@pytest.mark.parametrize("threads", [1, 4])
def test_of_several_values_that_are_refused_the_first_is_named(model: Model, threads: int) -> None:
    rows = np.zeros((20_000, 2))
    rows[[7777, 7778, 19_999], [1, 0, 0]] = -np.inf, np.nan, np.nan
    for _ in range(5):
        with pytest.raises(ServiceError, match=r"row 7777, column 1 \(") as raised:
            model.score(rows, threads)
        assert (raised.value.problem, raised.value.row, raised.value.column) == (Problem.INFINITY, 7777, 1)


@pytest.mark.parametrize(("rows", "when"), [(2, "run"), (3, "load")])
def test_the_words_of_onnxruntime_go_to_the_log_only(rows: int, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph answers so many rows, however many come; had the guard let it pass."""
    monkeypatch.setattr("lambda_fn.model.model.check_model", lambda data: Checked(1, None, 0))
    numbers = {"axes": np.array([1]), "shape": np.array([rows, 1])}
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("ReduceSum", ["X", "axes"], ["sums"], keepdims=0),
            onnx.helper.make_node("Reshape", ["sums", "shape"], ["Y"]),
        ],
        "odd",
        [onnx.helper.make_tensor_value_info("X", onnx.TensorProto.FLOAT, [None, 2])],
        [onnx.helper.make_tensor_value_info("Y", onnx.TensorProto.FLOAT, [None, 1])],
        [onnx.numpy_helper.from_array(array, name) for name, array in numbers.items()],
    )
    odd = onnx.helper.make_model(graph, ir_version=10, opset_imports=[onnx.helper.make_opsetid("", 18)])
    card = json.dumps(EXAMPLE).replace('"classification"', '"regression"')
    onnx.helper.set_model_props(odd, {"card": card})
    with pytest.raises(ServiceError) as raised:
        Model(seal(odd)).score(np.zeros((5, 2)))
    assert raised.value.problem is Problem.MODEL_INVALID
    assert raised.value.detail == f"the model file does not {when} (Fail): the function's log has the rest"
    assert "onnxruntime" in raised.value.told
    assert "Reshape" in raised.value.told


def test_an_altered_byte_anywhere_is_seen(model_file: Path) -> None:
    data = model_file.read_bytes()
    for position in range(0, len(data), 997):
        altered = bytearray(data)
        altered[position] ^= 1
        with pytest.raises(ServiceError) as raised:
            Model(bytes(altered))
        assert raised.value.problem is Problem.MODEL_INVALID


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x0a\x06digest\x12\x40"], ids=["empty", "zip", "cut"])
def test_what_is_no_model_file_is_refused(data: bytes) -> None:
    with pytest.raises(ServiceError, match="digest") as raised:
        Model(data)
    assert raised.value.problem is Problem.MODEL_INVALID


def test_a_cut_file_is_refused(model_file: Path) -> None:
    data = model_file.read_bytes()
    for end in (10, len(data) // 2, len(data) - 1):
        with pytest.raises(ServiceError) as raised:
            Model(data[:end])
        assert raised.value.problem is Problem.MODEL_INVALID


def session_of(answer: Any, name: str = "label") -> onnxruntime.InferenceSession:
    """Return a session that answers any rows with a constant."""
    node = helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(answer)))
    ports = [helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, 2])]
    outputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.asarray(answer).dtype), None)]
    model = helper.make_model(
        helper.make_graph([node], "constant", ports, outputs),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("count", [1, 2, BATCH_ROWS, BATCH_ROWS + 1, 2 * BATCH_ROWS + 3, THREADED_ROWS + 1])
@pytest.mark.parametrize("shape", [(1,), (), (3,), (BATCH_ROWS,), (BATCH_ROWS, 1), (1, BATCH_ROWS)])
def test_no_batch_is_answered_in_another_shape(model_file: Path, count: int, shape: tuple[int, ...]) -> None:
    model = Model(model_file.read_bytes())
    model._engine._session = session_of(np.zeros(shape, np.int64))  # the guard lets no file in that holds such a graph
    if shape == (count,):
        return
    with pytest.raises(ServiceError, match="expected to answer a classification with 3 classes") as raised:
        model.score(np.zeros((count, 2)), threads=2, probabilities=False)
    assert raised.value.problem is Problem.MODEL_INVALID


def with_card(data: bytes, **members: Any) -> bytes:
    """Return a model file with other members in its card."""
    proto = onnx.load_from_string(data)
    [entry] = [entry for entry in proto.metadata_props if entry.key == "card"]
    entry.value = json.dumps(json.loads(entry.value) | members)
    return seal(proto)


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        (["no", "maybe", "yes"], ["no", "yes", "maybe"]),
        (["no", "maybe", "yes"], ["a", "b", "c"]),
        (["no", "maybe", "yes"], ["maybe", "no"]),
        ([0, 1, 2], [0, 1, 3]),
        ([0, 1, 2], [2, 1, 0]),
        ([3, 4, 5], [0, 1, 2]),
        ([3, 4, 5], [3.0, 4.0, 5.0]),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 4.0]),
    ],
)
def test_a_card_that_tells_of_other_labels_is_refused(classes: list[Any], labels: list[Any], tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(100, 2))
    targets = np.array(classes)[np.digitize(rows[:, 0], [-0.5, 0.5])]
    joblib.dump(LogisticRegression().fit(rows, targets), tmp_path / "model.joblib")
    data = export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model").data
    assert Model(with_card(data)).card.classes == tuple(sorted(classes))
    kind = type(labels[0]).__name__
    with pytest.raises(ServiceError, match="graph") as raised:
        Model(with_card(data, classes={"type": kind, "labels": labels}))
    assert raised.value.problem is Problem.MODEL_INVALID


def test_rows_of_a_model_that_takes_much_for_each_are_scored_in_smaller_batches(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 2))
    model = SVC(C=0.1).fit(rows, np.random.default_rng(1).integers(0, 2, 3000))
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = Model(export(tmp_path / "model.joblib", tmp_path / "model.onnx", name="model").data)
    assert (
        2000 < BATCH_BYTES / loaded._engine.batch_rows / 8 < 20_000
    )  # numbers that a row takes: of 3,000 support vectors
    assert loaded.score(rows).prediction.tolist() == model.predict(rows).tolist()
