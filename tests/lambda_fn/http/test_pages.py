"""Pages whose door is another than that of scoring: no other route leads to them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.telemetry.lines import lines_of

PAGES = ("/docs", "/openapi.json")


def get(event: LoadEvent, path: str, route: str, method: str = "GET") -> dict[str, Any]:
    """Return a call for a path that the gateway found to be of a route."""
    sent = copy.deepcopy(event("status-http-api")) | {"rawPath": path, "routeKey": route}
    sent["requestContext"] |= {"routeKey": route}
    sent["requestContext"]["http"] |= {"method": method, "path": path}
    return sent


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_answered_by_its_own_route_alone(
    load: Load, model_file: Path, event: LoadEvent, capsys: pytest.CaptureFixture[str], page: str
) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), DOOR="open", DOCS_DOOR="iam", LOG_CALLS="all")
    assert handler.predict(get(event, page, f"GET {page}"), None)["statusCode"] == 200
    for path, method in ((page, "GET"), (f"{page}/", "GET"), (f"{page}//", "GET"), (page, "HEAD"), (page, "get")):
        answer = handler.predict(get(event, path, "$default", method), None)
        assert (answer["statusCode"], path, method) == (404, path, method)
        assert lines_of(capsys)[-1]["route"] == page
    other = f"GET {next(each for each in PAGES if each != page)}"
    assert handler.predict(get(event, page, other), None)["statusCode"] == 404
    assert handler.predict(get(event, page, "OPTIONS /{proxy+}", "OPTIONS"), None)["statusCode"] == 204
    assert handler.predict(get(event, "/model", "$default"), None)["statusCode"] == 200
    assert handler.predict(event("predict-rest-api"), None)["statusCode"] == 200
    assert handler.predict({"data": [[6.2, 3.4]]}, None) == {"prediction": [2]}


@pytest.mark.parametrize("page", PAGES)
def test_so_it_is_in_payload_1(load: Load, model_file: Path, event: LoadEvent, page: str) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), DOOR="open", DOCS_DOOR="iam")
    sent = event("predict-http-api-payload-1") | {"body": None}
    for resource, path, method, status in (
        (page, page, "GET", 200),
        ("$default", page, "GET", 404),
        ("$default", f"{page}/", "GET", 404),
        ("$default", page, "HEAD", 404),
        ("/{proxy+}", page, "OPTIONS", 204),
        ("$default", "/model", "GET", 200),
    ):
        told = {"resource": resource, "path": f"/dev{path}", "httpMethod": method}
        assert (handler.predict(sent | told, None)["statusCode"], told) == (status, told)


@pytest.mark.parametrize("page", PAGES)
def test_with_the_same_door_every_spelling_is_answered(
    load: Load, model_file: Path, event: LoadEvent, page: str
) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), DOOR="iam", DOCS_DOOR="iam")
    assert handler.predict(get(event, f"{page}/", "$default"), None)["statusCode"] == 200


@pytest.mark.parametrize("page", PAGES)
def test_senders_with_one_door_for_all_are_answered(load: Load, model_file: Path, event: LoadEvent, page: str) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), DOOR="jwt", DOCS_DOOR="open")
    rest = copy.deepcopy(event("status-rest-api")) | {"path": page}
    rest["requestContext"] |= {"path": f"/{rest['requestContext']['stage']}{page}"}
    function_url = copy.deepcopy(event("predict-function-url")) | {"rawPath": page, "body": None}
    function_url["requestContext"]["http"] |= {"method": "GET", "path": page}
    for sent in (rest, function_url):
        assert handler.predict(sent, None)["statusCode"] == 200
