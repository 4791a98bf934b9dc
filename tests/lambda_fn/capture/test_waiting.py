"""When rows are stored, what waits for it, and what is dropped: with a clock that is set by hand."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_fn import predicting
from lambda_fn.capture import capture, lines
from lambda_fn.capture.capture import AGAIN_SECONDS, FLUSH_ROWS, FLUSH_SECONDS, FROZEN_SECONDS, HELD_BYTES
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage import s3_put, work
from tests.conftest import LoadEvent
from tests.lambda_fn.capture.captured import CONTEXT, finish, uri_of
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.serving.conftest import Clock, wait_until

BUCKET = "waiting"
ROWS = 2
"""In each call."""
type Ask = Callable[[], None]


class Storage:
    """In the place of S3: what it was given; it may fail, or not answer until it may."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, bytes]] = []
        self.tried: list[str] = []
        self.fails = False
        self.answers = threading.Event()
        self.answers.set()

    def put_new(self, bucket: str, key: str, body: bytes, content_type: str) -> None:
        """Store what it is given."""
        self.tried.append(key)
        self.answers.wait(20)
        if self.fails:
            raise ServiceError(Problem.STORAGE_UNAVAILABLE, "no", private="S3 said no")
        self.stored.append((key, body))

    @property
    def rows(self) -> int:
        """How many rows are stored."""
        return sum(body.count(b"\n") for _, body in self.stored)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Storage:
    made = Storage()
    monkeypatch.setattr(s3_put, "put_new", made.put_new)
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (capture, lines, work):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def handler(load: Load, model_file: Path) -> Iterator[ModuleType]:
    predicting._capture.cache_clear()
    yield load(MODEL_URI=model_file.as_uri(), CAPTURE_URI=uri_of(BUCKET), CAPTURE_SHARE="1")
    predicting._capture.cache_clear()


@pytest.fixture
def ask(handler: ModuleType, event: LoadEvent, storage: Storage, clock: Clock) -> Ask:
    """Have two rows scored."""
    asked = event("predict-http-api")

    def call() -> None:
        assert handler.predict(asked, CONTEXT)["body"] == '{"prediction": [2, 1]}'

    return call


def test_rows_are_stored_after_a_minute_or_when_they_are_many(ask: Ask, storage: Storage, clock: Clock) -> None:
    ask()
    clock.now += FLUSH_SECONDS - 1
    ask()
    assert storage.tried == []
    clock.now += 1
    ask()
    finish(BUCKET)
    assert storage.rows == 3 * ROWS
    for _ in range(FLUSH_ROWS // ROWS):
        ask()
    finish(BUCKET)
    assert storage.rows == 3 * ROWS + FLUSH_ROWS


def test_a_clock_that_is_set_back_delays_nothing(ask: Ask, storage: Storage, clock: Clock) -> None:
    ask()
    clock.now -= 3600
    ask()
    clock.now += FLUSH_SECONDS
    ask()
    finish(BUCKET)
    assert storage.rows == 3 * ROWS


def test_a_call_does_not_wait_for_what_is_being_stored(ask: Ask, storage: Storage, clock: Clock) -> None:
    storage.answers.clear()
    ask()
    clock.now += FLUSH_SECONDS
    ask()
    wait_until(lambda: storage.tried != [])
    clock.now += FROZEN_SECONDS - 1
    ask()
    assert storage.stored == []
    storage.answers.set()
    finish(BUCKET)
    assert storage.rows == 2 * ROWS


def test_an_instance_that_was_frozen_meanwhile_finishes_with_the_next_call(
    ask: Ask, storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "WAKING_SECONDS", 20.0)
    ask()
    clock.now += FLUSH_SECONDS
    storage.answers.clear()
    ask()
    wait_until(lambda: storage.tried != [])
    clock.now += 600
    threading.Timer(0.1, storage.answers.set).start()
    ask()
    assert storage.rows == 2 * ROWS


def test_what_failed_as_it_was_frozen_is_tried_again_at_once(
    ask: Ask, storage: Storage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    ask()
    clock.now += FLUSH_SECONDS
    storage.answers.clear()
    ask()
    wait_until(lambda: storage.tried != [])
    clock.now += 600
    storage.fails = True
    storage.answers.set()
    finish(BUCKET)
    storage.fails = False
    ask()
    finish(BUCKET)
    assert (storage.rows, len(set(storage.tried)), caplog.messages) == (3 * ROWS, 2, [])


def test_a_storage_that_fails_is_left_alone_and_told_of_once_a_minute(
    ask: Ask, storage: Storage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    storage.fails = True
    ask()
    clock.now += FLUSH_SECONDS
    for _ in range(FLUSH_ROWS):
        ask()
        finish(BUCKET)
    assert caplog.messages == ["capture: S3 said no (0 rows dropped so far)"]
    assert len(storage.tried) == 1
    clock.now += AGAIN_SECONDS
    ask()
    finish(BUCKET)
    assert len(caplog.messages) == 2
    storage.fails = False
    clock.now += AGAIN_SECONDS
    ask()
    finish(BUCKET)
    assert storage.rows == (FLUSH_ROWS + 3) * ROWS
    names = [key for key, _ in storage.stored]
    assert len(names) == len(set(names))
    assert set(storage.tried) == set(names)


def test_no_more_waits_than_there_is_room_for_and_the_rest_is_counted(
    ask: Ask, storage: Storage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    storage.fails = True
    calls = HELD_BYTES // (ROWS * 200)
    with caplog.at_level(logging.WARNING):
        for _ in range(calls):
            ask()
        clock.now += AGAIN_SECONDS
        ask()
    keeping = predicting._capture(uri_of(BUCKET), 1.0)
    assert keeping._held <= HELD_BYTES
    storage.fails = False
    clock.now += AGAIN_SECONDS
    ask()
    finish(BUCKET)
    assert keeping._dropped > 0
    assert storage.rows + keeping._dropped == (calls + 2) * ROWS
    assert len(storage.stored[0][1]) < HELD_BYTES
    assert f"({keeping._dropped} rows dropped so far)" in caplog.messages[-1]
    before = storage.rows + keeping._dropped, keeping._dropped
    ask()  # there is room again
    clock.now += FLUSH_SECONDS
    ask()
    finish(BUCKET)
    assert (storage.rows + keeping._dropped, keeping._dropped) == (before[0] + 2 * ROWS, before[1])


def test_of_wide_rows_few_are_kept_and_nothing_that_they_are_a_part_of(
    ask: Ask, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[lines.Taken] = []

    def take(*parts: Any) -> lines.Taken:
        made.append(lines.Taken(*parts))
        return made[-1]

    monkeypatch.setattr(capture, "FLUSH_BYTES", 1)
    monkeypatch.setattr(capture, "Taken", take)
    ask()
    finish(BUCKET)
    assert storage.rows == 1
    assert made[0].rows.base is made[0].prediction.base is None
