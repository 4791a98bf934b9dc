"""The document: whole, valid, true to the model, and made when it is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from lambda_fn.config import Settings
from lambda_fn.dialects.dialect import all_of_them
from lambda_fn.errors import Kind, Problem
from lambda_fn.http.routes import PATHS, dialect_of
from lambda_fn.model.card import Card
from lambda_fn.page import paths
from lambda_fn.page.openapi import document
from lambda_fn.page.parts import RESPONSES, answer, content, errors, operation
from lambda_fn.page.sample import example_row
from lambda_fn.page.schemas import ref
from tests.conftest import TESTS, LoadEvent
from tests.keep import FILES, started
from tests.lambda_fn.codecs.cards import WHOLE, card
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.page.conftest import SERVED, Serve
from tests.lambda_fn.posts import CSV, JSON, post, request, with_path
from tests.served import serving

ONE = Settings.from_environ({"MODEL_URI": "file:///model.onnx"})
ROUTES = [(method, path) for path, methods in PATHS.items() for method in methods]


def asked(handler: ModuleType, event: LoadEvent) -> dict[str, Any]:
    """Return the document that a handler answers."""
    answered = handler.predict(event("openapi-http-api"), None)
    assert answered["statusCode"] == 200
    assert answered["headers"]["etag"].startswith('W/"')
    made: dict[str, Any] = json.loads(answered["body"])
    return made


def references(part: Any) -> Iterator[str]:
    """Yield every reference in a part of the document."""
    if isinstance(part, dict):
        yield from [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from references(each)


def operations(made: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the operations of a document by method and path."""
    items = [(path, method, told) for path, item in made["paths"].items() for method, told in item.items()]
    return {(method.upper(), path): told for path, method, told in items if method != "parameters"}


def check(made: dict[str, Any]) -> None:
    """Check that a document is one of OpenAPI 3.1 that generators take."""
    OPENAPI_31_VALIDATOR.validate(made)
    for name, schema in made["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert name.isidentifier()
    for reference in references(made):
        _, components, kind, name = reference.split("/")
        assert name in made[components][kind]
    names = [told["operationId"] for told in operations(made).values()]
    assert len(set(names)) == len(names)
    assert {tag for told in operations(made).values() for tag in told["tags"]} == {tag["name"] for tag in made["tags"]}


@pytest.mark.parametrize("name", SERVED)
def test_the_document_is_valid(name: str, serve: Serve) -> None:
    with serving(serve(name)) as url:
        check(requests.get(f"{url}/openapi.json", timeout=10).json())


def test_its_paths_stay_behind_a_stage(handler: ModuleType, event: LoadEvent) -> None:
    staged = event("openapi-http-api") | {"rawPath": "/dev/openapi.json"}
    staged["requestContext"]["stage"] = "dev"
    made = json.loads(handler.predict(staged, None)["body"])
    server = urljoin("https://a1b2.execute-api.us-east-1.amazonaws.com/dev/openapi.json", made["servers"][0]["url"])
    assert server == "https://a1b2.execute-api.us-east-1.amazonaws.com/dev/"


def test_every_route_of_the_function_is_described(load: Load, model_file: Path, event: LoadEvent) -> None:
    both = {"MODEL_URI": model_file.as_uri(), "MODELS_URI": f"{model_file.parent.as_uri()}/"}
    handler = load(**both)
    told = operations(asked(handler, event)).keys()
    assert {each for each in told if dialect_of(each[1]) is None} == handler.scoring().routes.keys()
    routes = {each for dialect in all_of_them() for each in dialect.ROUTES}
    described = {(method, path.replace("/iris", "/{name}")) for method, path in told if dialect_of(path)}
    assert described == routes


def test_what_no_setting_has_a_model_for_is_not_described(load: Load, model_file: Path, event: LoadEvent) -> None:
    front = asked(load(MODEL_URI=model_file.as_uri()), event)
    assert not [path for path in front["paths"] if path.startswith("/models")]
    assert not [name for name in front["components"]["schemas"] if name.startswith("Any")]
    several = asked(load(MODELS_URI=f"{model_file.parent.as_uri()}/"), event)
    assert not {"/predict", "/model"} & several["paths"].keys()
    check(several)


def test_without_a_published_model_rows_of_any_are_described(load: Load, tmp_path: Path, event: LoadEvent) -> None:
    made = asked(load(MODEL_URI=(tmp_path / "none.onnx").as_uri()), event)
    check(made)
    assert made["paths"]["/predict"]["post"]["requestBody"]["content"][JSON]["schema"]["anyOf"][0] == ref("AnyRows")


def test_a_model_that_can_t_be_loaded_is_told_of(load: Load, tmp_path: Path, event: LoadEvent) -> None:
    (tmp_path / "model.onnx").write_bytes(b"none")
    answered = load(MODEL_URI=(tmp_path / "model.onnx").as_uri()).predict(event("openapi-http-api"), None)
    assert (answered["statusCode"], json.loads(answered["body"])["code"]) == (503, "model-invalid")


@pytest.mark.parametrize("file", sorted(FILES.glob("*.onnx")), ids=lambda file: file.stem)
def test_what_the_document_shows_is_scored(file: Path, event: LoadEvent) -> None:
    with started(file) as handler:
        made = asked(handler, event)
        bodies = made["paths"]["/predict"]["post"]["requestBody"]["content"]
        for media_type in (JSON, CSV):
            assert bodies[media_type]["examples"]
            for example in bodies[media_type]["examples"].values():
                sent = post(event, example["value"])
                sent["headers"]["content-type"] = media_type
                assert handler.predict(sent, None)["statusCode"] == 200, example
        for (_, path), told in operations(made).items():
            examples = told.get("requestBody", {"content": {}})["content"].get(JSON, {}).get("examples", {})
            for example in examples.values() if dialect_of(path) and "{" not in path else ():
                sent = request(event, "POST", path, json.dumps(example["value"]), {"content-type": JSON})
                assert handler.predict(sent, None)["statusCode"] == 200, (path, example)


def test_rows_of_the_sample_are_not_shown() -> None:
    others = Card.parse(json.dumps(WHOLE | {"examples": [[7.25, 3.75]]}))
    assert document(Card.parse(json.dumps(WHOLE)), ONE, ROUTES) == document(others, ONE, ROUTES)


def test_ranges_categories_and_labels_are_the_card_s() -> None:
    told = card(("age", "float", True), ("city", "str", False), ("new", "bool", False), categories=("Oslo", "Rome"))
    schemas = document(told, ONE, ROUTES)["components"]["schemas"]
    assert schemas["RowObject"]["properties"] == {
        "age": {"type": ["number", "null"], "minimum": -1e38, "maximum": 1e38},
        "city": {"type": "string", "enum": ["Oslo", "Rome"]},
        "new": {"type": ["boolean", "integer"], "minimum": 0, "maximum": 1},
    }
    assert schemas["RowObject"]["required"] == ["age", "city", "new"]
    assert schemas["RowList"]["prefixItems"] == list(schemas["RowObject"]["properties"].values())
    assert schemas["Label"] == {"description": "One of the class labels.", "type": "integer", "enum": [0, 1, 2]}


def test_every_error_of_the_function_is_told_with_its_status() -> None:
    schemas = document(None, ONE, ROUTES)["components"]["schemas"]
    told = {
        (status, code)
        for status, name in RESPONSES.items()
        for code in schemas[f"{name}Problem"]["properties"]["code"]["enum"]
    }
    known = {(kind.status, kind.code) for kind in vars(Problem).values() if isinstance(kind, Kind)}
    assert known - told == {(400, "invalid-key"), (404, "object-not-found")}  # which the function `objects` answers


class Spoken:
    """A dialect, as a module is one."""

    @staticmethod
    def describe(card: Card, name: str, probabilities: bool) -> Mapping[str, paths.PathItem]:
        body = content({"type": "object"}, {"row": {"instances": [example_row(card)]}})
        answers = answer("Labels.", content(ref("Prediction"))) | errors(400, 503, schema={"type": "object"})
        return {f"/v1/{name}:predict": {"post": operation("predictV1", "Score", "dialect", answers, body=body)}}


def test_a_dialect_s_paths_stand_beside_the_others() -> None:
    told = Card.parse(json.dumps(WHOLE))
    made = document(told, ONE, ROUTES, [Spoken])
    check(made)
    assert made["paths"].keys() == {*document(told, ONE, ROUTES)["paths"], "/v1/iris:predict"}
    responses = made["paths"]["/v1/iris:predict"]["post"]["responses"]
    assert responses["503"]["content"] == {JSON: {"schema": {"type": "object"}}}
    assert document(None, ONE, ROUTES, [Spoken]) == document(None, ONE, ROUTES)


LATE = (
    "lambda_fn.page",
    "lambda_fn.capture",
    "lambda_fn.dialects",
    "lambda_fn.unrequested",
    "lambda_fn.http.e",
    "lambda_fn.http.f",
    "zlib",
)
"""What a call of few rows to /predict has no use for, as its names begin; ``events`` of the second it has."""


def test_a_call_that_is_scored_imports_nothing_of_it(model_file: Path) -> None:
    code = f"""
import json, sys
from lambda_fn import handler
event = json.loads(open({str(TESTS / "events" / "predict-http-api.json")!r}).read())
assert handler.predict(event, None)["statusCode"] == 200
print([name for name in sys.modules if name.startswith({LATE!r}) and name != "lambda_fn.http.events"])
"""
    environ = {"MODEL_URI": model_file.as_uri()}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, cwd=TESTS.parent)
    assert done.stdout == "[]\n", done.stderr


def test_a_path_and_its_method_are_dispatched(handler: ModuleType, event: LoadEvent) -> None:
    assert handler.predict(with_path(event("status-http-api"), "POST", "/openapi.json"), None)["statusCode"] == 405


@pytest.mark.parametrize(
    ("auth", "scheme"),
    [
        ("key", {"type": "apiKey", "in": "header", "name": "x-api-key"}),
        ("jwt", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        (
            "iam",
            {"type": "apiKey", "in": "header", "name": "authorization", "x-amazon-apigateway-authtype": "awsSigv4"},
        ),
    ],
)
def test_what_calls_are_asked_for_is_told(auth: str, scheme: dict[str, str]) -> None:
    settings = Settings.from_environ({"MODEL_URI": "file:///model.onnx", "DOOR": auth})
    made = document(Card.parse(json.dumps(WHOLE)), settings, ROUTES)
    check(made)
    assert made["security"] == [{auth: []}]
    assert made["components"]["securitySchemes"][auth].items() >= scheme.items()
    refused = {"iam": {"403"}}.get(auth, {"401", "403"})
    for told in operations(made).values():
        assert "security" not in told
        assert {"401", "403"} & told["responses"].keys() == refused
    assert made["components"]["responses"]["Forbidden"]["content"].keys() == {JSON}
    plain = document(None, ONE, ROUTES)
    assert "security" not in plain
    assert "securitySchemes" not in plain["components"]
    assert not {"401", "403"} & {status for told in operations(plain).values() for status in told["responses"]}


@pytest.mark.parametrize(("auth", "pages"), [("key", "open"), ("open", "key"), ("jwt", "iam")])
def test_the_page_and_the_document_may_have_another_door(auth: str, pages: str) -> None:
    settings = Settings.from_environ({"MODEL_URI": "file:///model.onnx", "DOOR": auth, "DOCS_DOOR": pages})
    made = document(Card.parse(json.dumps(WHOLE)), settings, ROUTES, all_of_them())
    check(made)
    assert made["components"].get("securitySchemes", {}).keys() == {auth, pages} - {"open"}
    for (_, path), told in operations(made).items():
        door = pages if path in ("/docs", "/openapi.json") else auth
        asked = told.get("security", made.get("security", []))
        assert asked == ([] if door == "open" else [{door: []}]), path
        assert ("403" in told["responses"], "401" in told["responses"]) == (door != "open", door in ("key", "jwt"))
