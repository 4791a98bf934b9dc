"""Work that is waited for, given up, and ended."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.storage import work as work_module
from lambda_fn.storage.work import MAX_ENDING, UnfinishedError, Work, bounded

PATIENT = 10.0


@pytest.fixture(autouse=True)
def nothing_ending() -> Iterator[None]:
    work_module._ending.clear()
    yield
    work_module._ending.clear()


def fail() -> None:
    raise ValueError("why")


def test_the_outcome_is_returned_or_raised() -> None:
    assert bounded(lambda: 1, PATIENT) == 1
    with pytest.raises(ValueError, match="why"):
        bounded(fail, PATIENT)


def test_what_is_not_done_in_time_goes_on() -> None:
    done = threading.Event()
    work = Work(lambda: done.wait(PATIENT))
    with pytest.raises(UnfinishedError, match="not answered as a whole") as raised:
        work.result(0.0)
    assert raised.value.problem is Problem.STORAGE_UNAVAILABLE
    done.set()
    assert work.result(PATIENT)


def dribble(connection: socket.socket, stopped: threading.Event) -> None:
    """Send a byte now and then, until nobody reads any more."""
    while not stopped.is_set():
        try:
            connection.sendall(b"a")
        except OSError:
            stopped.set()
        time.sleep(0.01)


def test_what_is_given_up_ends_at_the_next_byte_and_closes_what_it_has_open() -> None:
    ours, theirs = socket.socketpair()
    closed = threading.Event()

    def read() -> None:
        with theirs, theirs.makefile("rb") as file:  # as http.client reads
            try:
                file.read(10**9)
            except Exception:
                closed.set()  # a failure like any other does not hold it up
                raise

    sending = threading.Thread(target=dribble, args=(ours, closed), daemon=True)
    sending.start()
    with pytest.raises(ServiceError, match="not answered as a whole") as raised:
        bounded(read, 0.05)
    assert not isinstance(raised.value, UnfinishedError)  # nothing goes on
    [thread] = work_module._ending
    thread.join(PATIENT)
    assert not thread.is_alive()
    sending.join(PATIENT)
    assert closed.is_set()
    ours.close()


def test_where_too_much_does_not_end_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    stuck: Callable[[], bool] = lambda: ended.wait(PATIENT)  # noqa: E731 - no byte comes, which would end it
    for _ in range(MAX_ENDING):
        with pytest.raises(ServiceError, match="not answered as a whole"):
            bounded(stuck, 0.0)
    with pytest.raises(ServiceError, match=f"{MAX_ENDING} requests to the storage are unanswered"):
        Work(lambda: 1)
    threads = list(work_module._ending)
    ended.set()
    for thread in threads:
        thread.join(PATIENT)
    assert bounded(lambda: 1, PATIENT) == 1
