"""An instance that is frozen between calls: what was on its way then is no error, and not what is there now."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage import store
from lambda_fn.storage.store import Blob
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
    assert name_of(served) == "stump"
    assert gate.asked == 3


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
