"""A model at a place: when it is looked at again, what is taken, what is not, and what waits for it."""

from __future__ import annotations

import gc
import json
import logging
import threading
import weakref
from pathlib import Path

import onnx
import pytest

from convert.model_file.card import FORMAT_VERSION
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.serving import served as served_module
from lambda_fn.serving.served import IDLE_SECONDS, MEMORY_SECONDS
from lambda_fn.storage import store
from lambda_fn.storage.store import Blob
from tests.lambda_fn.serving.conftest import PATIENT, Clock, Place, changed, name_of

TTL = 60.0
type Files = dict[str, Path]


def test_within_its_time_nothing_is_asked(place: Place, model_files: Files, clock: Clock) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.path.unlink()
    clock.now += TTL - 0.1
    assert name_of(served) == "tree"
    assert served.rejected is None


def test_an_instance_that_was_idle_answers_by_the_new_model_at_once(
    place: Place, model_files: Files, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    clock.now += TTL + IDLE_SECONDS + 0.1
    assert name_of(served) == "stump"
    assert '"ModelReloads": 1' in capsys.readouterr().out


class Gate:
    """Holds what is fetched back until it is opened."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened, self.asked = threading.Event(), 0
        self.failures: list[Exception] = []
        fetch = store.fetch_other

        def fetch_late(uri: str, max_bytes: int, etag: str) -> Blob | None:
            self.asked += 1
            if etag:
                assert self.opened.wait(PATIENT)
            if self.failures:
                raise self.failures.pop()
            return fetch(uri, max_bytes, etag)

        monkeypatch.setattr(store, "fetch_other", fetch_late)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def wait_for_look(served: served_module.Served) -> None:
    look = served._look
    assert look is not None
    look.result(PATIENT)


def test_a_busy_instance_looks_beside_its_calls_once(
    place: Place, model_files: Files, clock: Clock, gate: Gate
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    clock.now += TTL + 0.1
    for _ in range(100):
        assert name_of(served) == "tree"  # and none waits
        clock.now += 0.001
    assert gate.asked == 2
    gate.opened.set()
    wait_for_look(served)
    assert name_of(served) == "stump"
    assert gate.asked == 2


def test_who_waits_does_not_wait_long_and_not_often(place: Place, model_files: Files, clock: Clock, gate: Gate) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    waits: list[float] = []

    def patience(seconds: float) -> float:
        waits.append(seconds)
        return 0.01

    clock.now += TTL + 2 * IDLE_SECONDS
    for _ in range(5):
        assert served.current(patience).model.card.document["name"] == "tree"
        clock.now += 2 * IDLE_SECONDS  # the instance is idle
    assert waits == [served_module.LOOK_SECONDS]
    clock.now += TTL
    assert served.current(patience).model.card.document["name"] == "tree"
    assert len(waits) == 2
    gate.opened.set()


def test_a_socket_that_died_while_the_instance_was_frozen_is_no_error(
    place: Place, model_files: Files, clock: Clock, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    clock.now += TTL + 0.1
    assert name_of(served) == "tree"  # and begins to look, and is frozen
    gate.failures = [ServiceError(Problem.STORAGE_UNAVAILABLE, "a dead socket")]
    clock.now += 3600
    gate.opened.set()
    assert name_of(served) == "stump"
    assert gate.asked == 3
    assert served.rejected is None
    assert caplog.text == ""


def test_one_that_died_without_that_is_told(
    place: Place, model_files: Files, clock: Clock, gate: Gate, capsys: pytest.CaptureFixture[str]
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    gate.failures = [ServiceError(Problem.STORAGE_UNAVAILABLE, "a dead socket")]
    gate.opened.set()
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is not None
    assert (served.rejected["code"], served.rejected["reason"]) == ("storage-unavailable", "a dead socket")
    assert '"ModelLooksFailed": 1' in capsys.readouterr().out
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is None


def no_number(model: onnx.ModelProto) -> None:
    """Make every leaf NaN."""
    [trees] = [node for node in model.graph.node if node.op_type == "TreeEnsemble"]
    [weights] = [each for each in trees.attribute if each.name == "leaf_weights"]
    weights.t.raw_data = b"\0\0\0\0\0\0\xf8\x7f" * (len(weights.t.raw_data) // 8)
    [card] = [entry for entry in model.metadata_props if entry.key == "card"]
    card.value = json.dumps({**json.loads(card.value), "examples": [[5.0, 3.0]]})


def with_a_loop(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Loop"


def of_tomorrow(model: onnx.ModelProto) -> None:
    [card] = [entry for entry in model.metadata_props if entry.key == "card"]
    card.value = card.value.replace(f'"format_version": {FORMAT_VERSION}', f'"format_version": {FORMAT_VERSION + 1}')


def broken(kind: str, file: Path) -> bytes | None:
    match kind:
        case "missing":
            return None
        case "cut":
            return file.read_bytes()[:-10]
        case "altered":
            return file.read_bytes().replace(b"sepal", b"SEPAL")
        case "no model":
            return b"<html>"
        case "empty":
            return b""
        case "refused by the guard":
            return changed(file, with_a_loop)
        case "of a later version":
            return changed(file, of_tomorrow)
        case "NaN on its examples":
            return changed(file.with_name("slope.onnx"), no_number)
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "there is no model where MODEL_URI says"),
        ("cut", "altered after its export"),
        ("altered", "altered after its export"),
        ("no model", "carries no digest"),
        ("empty", "carries no digest"),
        ("refused by the guard", "Loop"),
        ("of a later version", "format version"),
        ("NaN on its examples", "not finite"),
    ],
)
def test_the_last_good_model_goes_on(
    place: Place,
    model_files: Files,
    clock: Clock,
    kind: str,
    reason: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place.put(model_files["forest"])
    served = place.serve()
    assert name_of(served) == "forest"
    data = broken(kind, model_files["tree"])
    if data is None:
        place.path.unlink()
    else:
        place.put(data)
    for _ in range(3):
        clock.now += TTL + 2 * IDLE_SECONDS
        assert name_of(served) == "forest"
        assert served.rejected is not None
        assert served.rejected["code"] == ("model-not-published" if data is None else "model-invalid")
        assert reason in served.rejected["reason"]
    assert "rejected: " in caplog.text
    told = capsys.readouterr().out.count('"ModelRejected": 1')
    assert told == (3 if data is None else 1)  # what is there still is not fetched again
    place.put(model_files["tree"])
    clock.now += TTL + 2 * IDLE_SECONDS
    assert (name_of(served), served.rejected) == ("tree", None)


def test_a_start_refuses_what_a_look_does(place: Place, model_files: Files) -> None:
    place.put(changed(model_files["slope"], no_number))
    with pytest.raises(ServiceError, match="not finite") as raised:
        name_of(place.serve())
    assert raised.value.problem is Problem.MODEL_INVALID


def test_what_was_rejected_may_be_followed_by_what_was_there_before(
    place: Place, model_files: Files, clock: Clock
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    first = served.current(float)
    place.put(b"no model")
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is not None
    place.put(model_files["tree"])
    clock.now += TTL + 2 * IDLE_SECONDS
    second = served.current(float)
    assert served.rejected is None
    assert second is not first  # another version
    assert second.model is first.model  # of the same bytes


def test_where_memory_does_not_allow_both_the_next_start_takes_the_new_one(
    place: Place, model_files: Files, clock: Clock
) -> None:
    place.put(model_files["tree"])
    served = place.serve(admit=lambda served, size: served.loaded is None)
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is not None
    assert served.rejected["code"] == "model-too-large"
    assert name_of(place.serve()) == "stump"


def test_the_old_model_is_freed(place: Place, model_files: Files, clock: Clock) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    old = weakref.ref(served.current(float).model)
    place.put(model_files["stump"])
    clock.now += TTL + 2 * IDLE_SECONDS
    gc.disable()  # not that garbage is looked for
    try:
        assert name_of(served) == "stump"
        assert old() is None
    finally:
        gc.enable()


def test_a_pin_takes_no_other(place: Place, model_files: Files, clock: Clock) -> None:
    place.put(model_files["stump"])
    digest = place.serve().current(float).model.sha256
    served = place.serve(sha256=digest)
    assert name_of(served) == "stump"
    place.put(model_files["tree"])
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "stump"
    assert served.rejected is not None
    assert digest in served.rejected["reason"]
    with pytest.raises(ServiceError, match="MODEL_SHA256 pins"):
        name_of(place.serve(sha256=digest))


def test_without_a_time_to_live_it_is_never_looked_at_again(place: Place, model_files: Files, clock: Clock) -> None:
    place.put(model_files["tree"])
    served = place.serve(environ={"MODEL_TTL": "0"})
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    for passed in (10.0**9, -(10.0**10)):
        clock.now += passed
        assert name_of(served) == "tree"
    assert served._look is None


def test_a_clock_that_is_set_back_is_looked_at_anew(place: Place, model_files: Files, clock: Clock) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    clock.now -= 3600
    assert name_of(served) == "stump"


def test_calls_at_the_same_time_load_it_once(place: Place, model_files: Files, gate: Gate) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(name_of(served))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["tree"] * 20
    assert gate.asked == 1


def test_a_failure_that_took_long_is_remembered_for_a_moment(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm of calls: the first one waits, the others do not, nor those for another model there."""
    monkeypatch.setattr(served_module, "SLOW_SECONDS", 0.0)
    outages = served_module.Failures()
    asked: list[str] = []

    def fail(uri: str, *_: object) -> Blob:
        asked.append(uri)
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, "S3 is out of reach")

    place.put(model_files["tree"])
    with monkeypatch.context() as patch:
        patch.setattr(store, "fetch_other", fail)
        served, other = place.serve(outages=outages), place.serve(outages=outages)
        monkeypatch.setattr(served_module, "MEMORY_SECONDS", 5.0)
        outages.remember(ServiceError(Problem.STORAGE_UNAVAILABLE, "before"), 100.0)
        for each in (served, other):
            with pytest.raises(ServiceError, match="before") as raised:
                name_of(each)
            assert raised.value.retry_after == 5
        assert asked == []
        clock.now += 5.1
        with pytest.raises(ServiceError, match="out of reach"):
            name_of(served)
        assert len(asked) == 1
    clock.now += MEMORY_SECONDS
    assert name_of(other) == "tree"


def test_a_failure_that_was_quick_is_not_remembered(place: Place, model_files: Files) -> None:
    served = place.serve()
    with pytest.raises(ServiceError, match="there is no model"):
        name_of(served)
    place.put(model_files["tree"])
    assert name_of(served) == "tree"


def test_what_is_not_there_in_time_is_there_for_the_next_call(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, asked, fetch = threading.Event(), [], store.fetch_other

    def fetch_late(*arguments: object) -> Blob | None:
        asked.append(arguments)
        assert opened.wait(PATIENT)
        return fetch(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "fetch_other", fetch_late)
    monkeypatch.setattr(served_module, "SLOW_SECONDS", 0.0)
    place.put(model_files["tree"])
    served = place.serve()
    with pytest.raises(ServiceError, match="has not answered as a whole") as raised:
        served.current(lambda _: 0.01)
    assert raised.value.problem is Problem.STORAGE_UNAVAILABLE
    opened.set()
    clock.now += MEMORY_SECONDS
    assert name_of(served) == "tree"
    assert len(asked) == 1


# What may be there or not


def test_an_optional_one_comes_goes_and_is_no_failure(
    place: Place, model_files: Files, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    served = place.serve(optional=True)

    def name() -> str | None:
        loaded = served.current_if_any(lambda _: PATIENT)
        return None if loaded is None else str(loaded.model.card.document["name"])

    assert name() is None
    place.put(model_files["tree"])
    assert name() is None  # it was looked for just now
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name() == "tree"
    place.path.unlink()
    clock.now += TTL + 2 * IDLE_SECONDS
    assert (name(), served.rejected, caplog.text) == (None, None, "")
    place.put(b"no model")
    clock.now += TTL + 2 * IDLE_SECONDS
    with caplog.at_level(logging.WARNING):
        assert name() is None
    assert served.rejected is not None
    assert "rejected" in caplog.text
