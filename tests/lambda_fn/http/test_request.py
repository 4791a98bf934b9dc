"""How long a call may wait."""

import math

import pytest

from lambda_fn.http import request as request_module
from lambda_fn.http.request import ROOM_SECONDS, Request


class Context:
    """What Lambda gives a call, with so many seconds left."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return what is left of the function's timeout."""
        return int(self.seconds * 1000)


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now


@pytest.mark.parametrize(("left", "waits"), [(math.inf, 8.0), (29.0, 8.0), (5.0, 5.0 - ROOM_SECONDS), (0.5, 0.0)])
def test_a_call_waits_less_where_the_timeout_is_near(left: float, waits: float) -> None:
    request = Request("POST", "/predict")
    request.context = None if left == math.inf else Context(left)
    assert request.patience(8.0) == pytest.approx(waits, abs=0.1)


def test_all_that_a_call_waits_for_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(request_module, "time", clock)
    request = Request("POST", "/predict")
    assert request.patience(8.0) == 8.0
    clock.now += 3
    assert (request.patience(8.0), request.patience(2.0)) == (5.0, 0.0)
