"""The graph for many rows: fetched when the first whole batch comes, never before; and what if it can't be had."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier

from convert.export import Exported, export
from convert.model_file.companions import MANY_ROWS
from convert.model_file.disk import read_card
from convert.model_file.seal import seal
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model import companion
from lambda_fn.model.engine import BATCH_ROWS
from lambda_fn.model.model import THREADED_ROWS, Model
from lambda_fn.storage.store import beside
from tests.lambda_fn.conftest import Load, model_of
from tests.lambda_fn.model.test_model import with_card

ROWS = np.random.default_rng(0).normal(size=(THREADED_ROWS + 3, 4))
FITTED = GradientBoostingClassifier(n_estimators=60, random_state=0).fit(ROWS[:300], np.arange(300) % 3 > 0)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    joblib.dump(FITTED, folder / "model.joblib")
    export(folder / "model.joblib", folder / "model.onnx", name="many")
    return folder / "model.onnx"


@pytest.fixture
def exported(model_file: Path) -> Exported:
    card = read_card(model_file.read_bytes())
    path = beside(str(model_file), card["companions"][MANY_ROWS]["sha256"])
    return Exported(model_file.read_bytes(), card["strategy"], "", {MANY_ROWS: Path(path).read_bytes()})


class Store:
    """What a model fetches from; counts how often it is asked."""

    def __init__(self, data: bytes) -> None:
        self.data: bytes | None = data
        self.asked: list[str] = []

    def __call__(self, sha256: str) -> bytes:
        self.asked.append(sha256)
        if self.data is None:
            raise ServiceError(Problem.STORAGE_UNAVAILABLE, "out of reach")
        return self.data


def bits(model: Model, rows: NDArray[np.float64], threads: int = 1) -> tuple[bytes, bytes]:
    scores = model.score(rows, threads)
    assert scores.probabilities is not None
    return scores.prediction.tobytes(), scores.probabilities.tobytes()


def test_it_is_fetched_with_the_first_whole_batch_and_never_again(exported: Exported) -> None:
    store = Store(exported.companions[MANY_ROWS])
    model, own = Model(exported.data, store), Model(exported.data)
    for count in (1, 2, 100, BATCH_ROWS - 1):
        assert bits(model, ROWS[:count]) == bits(own, ROWS[:count])
    assert store.asked == []
    for count in (BATCH_ROWS, BATCH_ROWS + 1, 3 * BATCH_ROWS + 7, 2):
        assert bits(model, ROWS[:count]) == bits(own, ROWS[:count])
    assert store.asked == [hashlib.sha256(exported.companions[MANY_ROWS]).hexdigest()]


def runs_of(engine: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that tells how many rows the engine is given, run by run, from now on."""
    runs: list[int] = []
    run: Callable[..., Any] = engine.run

    def watched(rows: NDArray[np.float64], probabilities: bool) -> Any:
        runs.append(len(rows))
        return run(rows, probabilities)

    monkeypatch.setattr(engine, "run", watched)
    return runs


def test_few_rows_go_to_the_model_s_own_graph(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> None:
    said = read_card(exported.data)["companions"][MANY_ROWS]
    model = Model(exported.data, Store(exported.companions[MANY_ROWS]))
    model.score(ROWS[:BATCH_ROWS])
    assert model._companion is not None
    own, many = (runs_of(engine, monkeypatch) for engine in (model._engine, model._companion.engine()))
    few, batch = said["from_rows"], said["batch_rows"]
    for count in (1, few - 1, few, batch, batch + 1, 2 * batch + few):
        model.score(ROWS[:count])
    assert own == [1, few - 1, 1]
    assert many == [few, batch, batch, batch, batch, few]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_answer_the_same_bits(exported: Exported, threads: int) -> None:
    model = Model(exported.data, Store(exported.companions[MANY_ROWS]))
    assert bits(model, ROWS, threads) == bits(Model(exported.data), ROWS)
    np.testing.assert_array_equal(model.score(ROWS, threads).prediction, FITTED.predict(ROWS))


def test_what_is_refused_is_told_of_as_before(exported: Exported) -> None:
    model = Model(exported.data, Store(exported.companions[MANY_ROWS]))
    rows = ROWS.copy()
    rows[1500, 2] = np.nan
    for threads in (1, 2):
        with pytest.raises(ServiceError, match="row 1500, column 2") as raised:
            model.score(rows, threads)
        assert raised.value.problem is Problem.NAN


def test_without_it_all_rows_are_scored_and_it_is_asked_for_again_later(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    store = Store(exported.companions[MANY_ROWS])
    data, store.data = store.data, None
    model, expected = Model(exported.data, store), bits(Model(exported.data), ROWS)
    for _ in range(3):
        assert bits(model, ROWS) == expected
    assert len(store.asked) == 1
    assert [record.getMessage() for record in caplog.records] == ["no graph for many rows: out of reach"]
    store.data, now[0] = data, now[0] + companion.RETRY_SECONDS
    assert bits(model, ROWS) == expected
    assert len(store.asked) == 2
    assert model._companion is not None
    assert model._companion.engine() is not None


def broken() -> Iterator[tuple[str, Callable[[bytes], bytes], str]]:
    """Yield what is done to a companion that the card then names, and what is said of it."""

    def with_graph(data: bytes, change: Callable[[onnx.GraphProto], None]) -> bytes:
        model = onnx.load_from_string(data)
        change(model.graph)
        return bytes(model.SerializeToString(deterministic=True))

    def beyond(graph: onnx.GraphProto) -> None:
        [name] = [node.input[1] for node in graph.node if node.op_type == "Min"]
        [last] = [each for each in graph.initializer if each.name == name]
        numbers = onnx.numpy_helper.to_array(last) + np.float32(1000)
        last.CopyFrom(onnx.numpy_helper.from_array(numbers, last.name))

    def looped(graph: onnx.GraphProto) -> None:
        graph.node[0].op_type = "Loop"

    def without_probabilities(graph: onnx.GraphProto) -> None:
        del graph.output[1]

    yield "nothing", lambda data: b"", "were expected"
    yield "cut", lambda data: data[:-7], ""
    yield "an index beyond its table", lambda data: with_graph(data, beyond), "was expected to be shown to be within"
    yield "another operator", lambda data: with_graph(data, looped), "'Loop'"
    yield (
        "an output less",
        lambda data: with_graph(data, without_probabilities),
        "label, not label and",
    )


@pytest.mark.parametrize(("change", "said"), [case[1:] for case in broken()], ids=[case[0] for case in broken()])
def test_a_companion_that_is_none_is_not_used(
    exported: Exported, change: Callable[[bytes], bytes], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = change(exported.companions[MANY_ROWS])
    named = read_card(exported.data)["companions"]
    named[MANY_ROWS] |= {"sha256": hashlib.sha256(data).hexdigest()}
    model = Model(with_card(exported.data, companions=named), Store(data))
    assert bits(model, ROWS) == bits(Model(exported.data), ROWS)
    [record] = caplog.records
    assert record.getMessage().startswith("no graph for many rows: ")
    assert said in record.getMessage()


def test_other_bytes_than_the_card_names_are_not_used(exported: Exported, caplog: pytest.LogCaptureFixture) -> None:
    model = Model(exported.data, Store(exported.companions[MANY_ROWS] + b"\0"))
    assert bits(model, ROWS) == bits(Model(exported.data), ROWS)
    assert caplog.records[0].getMessage() == "no graph for many rows: its digest is not the one in the model's card"


@pytest.mark.parametrize(
    ("companions", "said"),
    [
        ([], "companions: expected an object"),
        ({MANY_ROWS: 1}, "the companion for many rows: expected an object, got 1"),
        ({MANY_ROWS: {"sha256": "0" * 63, "from_rows": 2, "batch_rows": 2}}, "64 hexadecimal digits"),
        ({MANY_ROWS: {"sha256": "G" * 64, "from_rows": 2, "batch_rows": 2}}, "64 hexadecimal digits"),
        (
            {MANY_ROWS: {"sha256": "0" * 64, "from_rows": 1, "batch_rows": 2}},
            "from_rows: expected a whole number from 2",
        ),
        ({MANY_ROWS: {"sha256": "0" * 64, "from_rows": 2, "batch_rows": True}}, "batch_rows: expected a whole"),
    ],
)
def test_a_card_that_says_something_else_of_it_is_refused(exported: Exported, companions: Any, said: str) -> None:
    with pytest.raises(ServiceError) as raised:
        Model(with_card(exported.data, companions=companions))
    assert raised.value.problem is Problem.MODEL_INVALID
    assert said in raised.value.detail


def test_companions_of_other_roles_are_left_alone(exported: Exported) -> None:
    model = Model(with_card(exported.data, companions={"reasons": {"sha256": "?"}}), Store(b""))
    assert bits(model, ROWS) == bits(Model(exported.data), ROWS)


def test_the_function_finds_it_beside_the_model_file(load: Load, model_file: Path, exported: Exported) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), SCORING_THREADS="2")
    before = set(sys.modules)
    few = handler.predict({"data": ROWS[:5].tolist()}, None)
    assert not {name for name in set(sys.modules) - before if name.endswith((".companion", ".ranges"))}
    many = handler.predict({"data": ROWS[:2000].tolist()}, None)
    assert many["prediction"][:5] == few["prediction"]
    assert many["prediction"] == FITTED.predict(ROWS[:2000]).tolist()
    assert model_of(handler)._companion.engine() is not None


def test_a_service_that_knows_no_companions_answers_the_same(exported: Exported) -> None:
    model = onnx.load_from_string(exported.data)
    [entry] = [entry for entry in model.metadata_props if entry.key == "card"]
    card = json.loads(entry.value)
    del card["companions"]
    entry.value = json.dumps(card)
    assert bits(Model(seal(model)), ROWS[:99]) == bits(Model(exported.data), ROWS[:99])


def test_a_companion_that_fails_when_it_runs_leaves_the_rows_to_the_model_s_own_graph(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model, expected = Model(exported.data, Store(exported.companions[MANY_ROWS])), bits(Model(exported.data), ROWS)
    model.score(ROWS[:BATCH_ROWS])
    assert model._companion is not None

    def fails(rows: Any, probabilities: bool) -> Any:
        raise ServiceError(Problem.MODEL_INVALID, "the model file does not run")

    monkeypatch.setattr(model._companion.engine(), "run", fails)
    assert bits(model, ROWS) == expected
    assert bits(model, ROWS, threads=2) == expected
    assert caplog.records[0].getMessage() == "no graph for many rows: the model file does not run"
    assert model._companion.engine() is None


@pytest.mark.parametrize(("from_rows", "batch_rows"), [(600, 504), (2, 349), (700, 8), (2, 7)])
def test_whatever_the_card_says_of_sizes_all_rows_are_scored(
    exported: Exported, from_rows: int, batch_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = read_card(exported.data)["companions"]
    named[MANY_ROWS] |= {"from_rows": from_rows, "batch_rows": batch_rows}
    model = Model(with_card(exported.data, companions=named), Store(exported.companions[MANY_ROWS]))
    assert bits(model, ROWS[:2003]) == bits(Model(exported.data), ROWS[:2003])
    assert model._companion is not None
    engine = model._companion.engine()
    assert (engine is None) == (batch_rows < 8)
    if engine is not None:
        assert engine.batch_rows == batch_rows // 8 * 8
        runs = runs_of(engine, monkeypatch)
        model.score(ROWS[:2003])
        assert sum(runs) >= 3 * 504
