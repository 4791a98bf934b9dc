"""Calls of the demo model in a dialect."""

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.conftest import LoadEvent
from tests.lambda_fn.posts import body_of, request

ROWS = [[6.2, 3.4], [6.2, 1.0]]
type Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def call(handler: ModuleType, event: LoadEvent) -> Call:
    """Ask for a path of the demo model; give status and document."""

    def ask(
        method: str, path: str, body: str | bytes = "", headers: dict[str, str] | None = None, **_: Any
    ) -> tuple[int, Any]:
        answer = handler.predict(request(event, method, path, body, headers), None)
        return answer["statusCode"], json.loads(body_of(answer))

    return ask


def infer(call: Call, *inputs: Any, **members: Any) -> tuple[int, Any]:
    """Ask for the answer to inputs in JSON."""
    return call("POST", "/v2/models/iris/infer", json.dumps({"inputs": inputs, **members}))


def tensor(name: str, shape: list[int], datatype: str, data: Any) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}
