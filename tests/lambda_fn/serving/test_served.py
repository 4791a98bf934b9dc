"""A model at a place: when it is looked at again, what is taken, what is not, and what waits for it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.serving import failures
from lambda_fn.serving.failures import LOOK_SECONDS, REMEMBERED_SECONDS, Failures
from lambda_fn.serving.served import IDLE_SECONDS, Served
from lambda_fn.storage import store
from lambda_fn.storage.store import Blob
from tests.lambda_fn.serving.conftest import PATIENT, Clock, Gate, Place, name_of, wait_until
from tests.lambda_fn.telemetry.lines import entries_of

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
    [told] = entries_of(capsys)
    assert (told["level"], told["ModelReloads"]) == ("INFO", 1)
    assert told["model_version"] == served.current(float).version


def wait_for_look(served: Served) -> None:
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
    wait_until(lambda: gate.asked == 2)
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
    assert waits == [LOOK_SECONDS]
    clock.now += TTL
    assert served.current(patience).model.card.document["name"] == "tree"
    assert waits == [LOOK_SECONDS, 2 * LOOK_SECONDS]
    gate.opened.set()


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
    [told] = entries_of(capsys)
    assert (told["level"], told["ModelLooksFailed"], told["code"]) == ("WARN", 1, "storage-unavailable")
    assert told["message"].endswith(": the storage can't be asked for another model: a dead socket")
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is None


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
    monkeypatch.setattr(failures, "SLOW_SECONDS", 0.0)
    outages = Failures()
    asked: list[str] = []

    def fail(uri: str, *_: object) -> Blob:
        asked.append(uri)
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, "S3 is out of reach")

    place.put(model_files["tree"])
    with monkeypatch.context() as patch:
        patch.setattr(store, "fetch_other", fail)
        served, other = place.serve(outages=outages), place.serve(outages=outages)
        outages.remember(ServiceError(Problem.STORAGE_UNAVAILABLE, "before"), 100.0)
        for each in (served, other):
            with pytest.raises(ServiceError, match="before") as raised:
                name_of(each)
            assert raised.value.retry_after == REMEMBERED_SECONDS
        assert asked == []
        clock.now += REMEMBERED_SECONDS + 0.1
        with pytest.raises(ServiceError, match="out of reach"):
            name_of(served)
        assert len(asked) == 1
    clock.now += REMEMBERED_SECONDS
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
    monkeypatch.setattr(failures, "SLOW_SECONDS", 0.0)
    place.put(model_files["tree"])
    served = place.serve()
    with pytest.raises(ServiceError, match="has not answered as a whole") as raised:
        served.current(lambda _: 0.01)
    assert raised.value.problem is Problem.STORAGE_UNAVAILABLE
    opened.set()
    clock.now += REMEMBERED_SECONDS
    assert name_of(served) == "tree"
    assert len(asked) == 1


def test_without_threads_the_model_goes_on(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        clock.now += TTL + 2 * IDLE_SECONDS
        assert name_of(served) == "tree"
    assert served.rejected is not None
    assert "no thread" in served.rejected["reason"]


# What may be there or not


def test_an_optional_one_comes_goes_and_is_no_failure(
    place: Place, model_files: Files, clock: Clock, capsys: pytest.CaptureFixture[str]
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
    capsys.readouterr()
    assert (name(), served.rejected, capsys.readouterr().out) == (None, None, "")
    place.put(b"no model")
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name() is None
    assert served.rejected is not None
    [told] = entries_of(capsys)
    assert (told["level"], told["CandidateRejected"]) == ("ERROR", 1)
    assert ": candidate rejected: " in told["message"]
