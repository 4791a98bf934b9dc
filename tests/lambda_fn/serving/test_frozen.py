"""An instance that is frozen between calls: what was on its way then is no error, and not what is there now."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.scoring import Scoring
from lambda_fn.serving import memory
from lambda_fn.serving.failures import LOOK_SECONDS
from lambda_fn.serving.served import Served
from lambda_fn.storage import store
from lambda_fn.storage.store import Blob
from lambda_fn.storage.work import CALL_SECONDS, INIT_SECONDS
from tests.lambda_fn.serving.conftest import PATIENT, Clock, Gate, Place, name_of, wait_until
from tests.lambda_fn.telemetry.lines import entries_of

TTL = 60.0
type Files = dict[str, Path]


def test_a_socket_that_died_while_the_instance_was_frozen_is_no_error(
    place: Place, model_files: Files, clock: Clock, gate: Gate, capsys: pytest.CaptureFixture[str]
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
    assert [line["level"] for line in entries_of(capsys)] == ["INFO"]  # that another is loaded


def test_what_was_answered_before_the_instance_was_frozen_is_not_taken_for_what_is_there_now(
    place: Place, model_files: Files, clock: Clock, gate: Gate
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    clock.now += TTL + 0.1
    gate.holds_answers = True
    assert name_of(served) == "tree"  # and begins to look, is answered, and is frozen
    wait_until(lambda: gate.answered == 2)
    place.put(model_files["stump"])
    clock.now += 3600
    threading.Timer(0.1, gate.opened.set).start()
    waits: list[float] = []

    def patience(seconds: float) -> float:  # from a call's first wait on, as a request's is
        waits.append(seconds)
        return PATIENT

    assert served.current(patience).model.card.document["name"] == "stump"
    assert waits == [LOOK_SECONDS, LOOK_SECONDS]
    assert gate.asked == 3


def test_a_look_that_fails_before_it_asks_is_not_made_again_at_each_call(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise MemoryError

    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    monkeypatch.setattr(memory, "readable_bytes", fail)
    clock.now += TTL + 60
    for _ in range(3):
        assert name_of(served) == "tree"
    assert [line["level"] for line in entries_of(capsys)] == ["ERROR"]


@pytest.mark.parametrize("optional", [False, True])
def test_what_was_answered_before_it_was_unloaded_is_not_taken(
    place: Place, model_files: Files, clock: Clock, gate: Gate, optional: bool
) -> None:
    def name() -> str:
        loaded = served.current_if_any(lambda _: PATIENT) if optional else served.current(lambda _: PATIENT)
        return "none" if loaded is None else str(loaded.model.card.document["name"])

    place.put(model_files["tree"])
    served = place.serve(optional=optional)
    assert name() == "tree"
    gate.holds_answers, before = True, gate.answered
    place.put(model_files["stump"])
    clock.now += TTL + 0.1
    assert name() == "tree"  # and begins to look, and is answered
    wait_until(lambda: gate.answered == before + 1)
    served.unload()
    place.put(model_files["forest"])
    if not optional:
        assert name() == "forest"
    look = served._look
    assert look is not None
    gate.opened.set()
    look.result(PATIENT)
    assert name() == "forest"


def test_what_took_long_is_not_asked_for_twice(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, fetch = [], store.fetch_other

    def fetch_slowly(uri: str, max_bytes: int, etag: str) -> Blob | None:
        asked.append(etag)
        clock.now += 3
        return fetch(uri, max_bytes, etag)

    monkeypatch.setattr(store, "fetch_other", fetch_slowly)
    place.put(model_files["tree"])
    served = place.serve(environ={"MODEL_TTL": "1"})
    assert name_of(served) == "tree"
    assert asked == [""]


def test_that_there_was_no_model_before_is_not_taken_for_what_is_there_now(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, opened, fetch = threading.Event(), threading.Event(), store.fetch_other

    def fetch_late(uri: str, max_bytes: int, etag: str) -> Blob | None:
        try:
            return fetch(uri, max_bytes, etag)
        finally:
            answered.set()
            assert opened.wait(PATIENT)

    monkeypatch.setattr(store, "fetch_other", fetch_late)
    served = place.serve()
    with pytest.raises(ServiceError, match="has not answered as a whole"):
        served.current(lambda _: 0.05)
    assert answered.wait(PATIENT)
    place.put(model_files["tree"])
    clock.now += 3600
    threading.Timer(0.1, opened.set).start()
    assert name_of(served) == "tree"


@pytest.mark.parametrize("has_failed", [True, False])
def test_a_companion_whose_socket_died_is_asked_for_again(
    place: Place, monkeypatch: pytest.MonkeyPatch, has_failed: bool
) -> None:
    opened, failures, fetch = threading.Event(), [True], store.fetch_other

    def fetch_late(uri: str, max_bytes: int, etag: str) -> Blob | None:
        assert opened.wait(PATIENT)
        if failures and failures.pop():
            raise ServiceError(Problem.STORAGE_UNAVAILABLE, "a dead socket")
        return fetch(uri, max_bytes, etag)

    monkeypatch.setattr(store, "fetch_other", fetch_late)
    digest = "0123456789abcdef" * 4
    Path(store.beside(str(place.path), digest)).write_bytes(b"a companion")
    source = place.serve()._source
    with monkeypatch.context() as patch:
        patch.setattr("lambda_fn.serving.source.COMPANION_SECONDS", 0.01)
        with pytest.raises(ServiceError, match="has not answered as a whole"):
            source.companion(digest)
    [fetching] = source._companions.values()
    if has_failed:
        opened.set()
        wait_until(lambda: fetching.done)
    threading.Timer(0.1, opened.set).start()
    assert source.companion(digest) == b"a companion"


@pytest.mark.parametrize("has_come", [True, False])
def test_what_was_asked_for_long_ago_is_asked_for_again(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch, has_come: bool
) -> None:
    """An init that did not wait for it any longer, an instance that was frozen, and another model meanwhile."""
    answered, opened, fetch = threading.Event(), threading.Event(), store.fetch_other

    def fetch_late(uri: str, max_bytes: int, etag: str) -> Blob | None:
        blob = fetch(uri, max_bytes, etag)
        answered.set()
        assert opened.wait(PATIENT)
        return blob

    monkeypatch.setattr(store, "fetch_other", fetch_late)
    place.put(model_files["tree"])
    served = place.serve()
    with pytest.raises(ServiceError, match="has not answered as a whole"):
        served.current(lambda _: 0.05)
    assert answered.wait(PATIENT)
    if has_come:
        opened.set()
        wait_until(lambda: served._source.has_come)
    place.put(model_files["stump"])
    clock.now += 3600
    threading.Timer(0.1, opened.set).start()
    assert name_of(served) == "stump"


def test_an_init_waits_for_each_thing_as_long_as_a_call_and_no_longer_than_an_init(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(
        Served, "current", lambda _, patience: waits.extend(map(patience, (LOOK_SECONDS, CALL_SECONDS)))
    )
    Scoring(Settings.from_environ({"MODEL_URI": place.path.as_uri()})).warm_up()
    assert waits == [LOOK_SECONDS, INIT_SECONDS]
