"""Bytes as they are, as the body of a call in each dialect: what grows byte by byte by what it reaches."""

from __future__ import annotations

from typing import Any

from tests.fuzz import values
from tests.fuzz.alterations import with_body
from tests.fuzz.bodies import FEATURES, invocations, posts, rows_of
from tests.fuzz.draws import Draws
from tests.fuzz.targets import events

SHARE = 15
INFER = "/v2/models/{}/infer"
KINDS: list[tuple[str, str, str, str, int]] = [
    # service, path, content-type, model, which of the posts is altered
    ("several", "/predict", "application/json", "iris", 0),
    ("several", "/predict", "application/json", "iris", 1),
    ("several", "/predict", "text/csv", "iris", 4),
    ("shadow", "/predict", "text/csv; header=absent", "iris", 4),
    ("several", "/predict", "application/x-npy", "iris", 10),
    ("several", "/predict", "application/x-npy", "iris", 13),
    ("people", "/predict", "application/json", "people", 1),
    ("people", "/predict", "text/csv; header=present", "people", 3),
    ("several", INFER.format("iris"), "", "iris", 8),
    ("several", INFER.format("people"), "", "people", 8),
    ("several", INFER.format("people"), "binary", "people", 9),
    ("several", INFER.format("iris"), "binary", "iris", 15),
    ("several", "/v1/models/iris:predict", "", "iris", 5),
    ("several", "/v1/models/people:predict", "", "people", 7),
    ("people", "/invocations", "application/json", "people", -5),
    ("people", "/invocations", "application/json", "people", -2),
    ("people", "/invocations", "text/csv", "people", -1),
    ("several", "/models/patients/predict", "application/json", "patients", 0),
]


def make(draws: Draws) -> events.Call:
    """Return an event whose body is the bytes behind the first ones, or a sound body altered by them."""
    service, path, kind, name, number = draws.pick(KINDS)
    body, headers = b"", {"content-type": kind} if kind and kind != "binary" else {}
    if draws.below(2):
        rows = rows_of(draws, FEATURES[name])
        post = [*posts(name, rows), *(invocations(name, rows) if number < 0 else [])][number]()
        body, length = values.altered_bytes(draws, post.body), post.headers.get("inference-header-content-length", "0")
    else:
        body, length = draws.rest(), str(draws.below(300))
    if kind == "binary":
        headers["inference-header-content-length"] = length
    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": path,
        "headers": headers,
        "requestContext": {"http": {"method": "POST"}, "stage": "$default"},
    }
    return events.Call(service, "predict", with_body(event, body, True))


check, size = events.check, events.size
