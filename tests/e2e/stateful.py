"""A door of the deployed service: what schemathesis calls through it, one call leading to others, and without a key."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests import PreparedRequest
from requests.auth import AuthBase

from scripts.gateway import Gateway
from tests.schema_calls import CONFIG, Calls, run

ELSEWHERE = ("/docs", "/openapi.json", "/v2", "/health")
"""What has a door of its own, and what the emulator answers itself, as a registry and as one that lives."""
STATEFUL = {
    **{name: {"enabled": False} for name in ("examples", "coverage", "fuzzing")},
    "stateful": {"enabled": True, "max-steps": 6},
}
VERSIONS = {"v1": "$response.body#/model_version_status/0/version", "v2": "$response.body#/versions/0"}
JSON = {"content": {"application/json": {"schema": {}}}, "description": "A document."}
KEPT = {"operationId": "get", "parameters": {"key": "$request.path.key"}}
PROBLEM = {"content": {"application/problem+json": {"schema": {}}}, "description": "A problem."}
OBJECTS: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "objects", "version": "0"},
    "paths": {
        "/objects/{key}": {
            "parameters": [
                {"name": "key", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[a-z]{1,9}$"}}
            ],
            "get": {"operationId": "get", "responses": {"200": JSON, "4XX": PROBLEM}},
            "put": {
                "operationId": "put",
                "requestBody": {"required": True, "content": JSON["content"]},
                "responses": {
                    "4XX": PROBLEM,
                    "200": {**JSON, "links": {"kept": KEPT}},
                },
            },
        }
    },
}
"""What the function `objects` answers, of which no document of the service tells."""


@dataclass(frozen=True)
class Door:
    """What opens a door: headers, or a signature; and which status has a call without, None of a door that is open."""

    headers: Mapping[str, str] = field(default_factory=dict)
    signed: bool = False
    refused: int | None = None


class Signed(AuthBase):
    """Signs requests as whom the emulator takes for the account's root user."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Return the request with its signature."""
        url = urlsplit(str(request.url))._replace(netloc=self._gateway.host).geturl()
        signed = AWSRequest(request.method, url, {"Host": self._gateway.host}, request.body)
        SigV4Auth(Credentials("test", "test"), "execute-api", "us-east-1").add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        return request


def through(gateway: Gateway, door: Door, document: Mapping[str, Any], examples: int = 8) -> tuple[Calls, list[str]]:
    """Return the calls that were made through a door by a `document`, and what was wrong with their answers."""
    headers = {**CONFIG["headers"], **door.headers, "Host": gateway.host}
    generation = {**CONFIG["generation"], "max-examples": examples}
    url = f"http://127.0.0.1:{gateway.port}"
    told = CONFIG | {"base-url": url, "headers": headers, "generation": generation, "phases": STATEFUL}
    if door.signed:  # what is sent without a signature is signed on its way; `check_closed` sends it without
        told["checks"] = {"ignored_auth": {"enabled": False}}
    schema = schemathesis.openapi.from_dict(dict(document), config=schemathesis.Config.from_dict(told))
    if door.signed:
        schema.auth.set_from_requests(Signed(gateway))
    return run(schema)


def check_closed(gateway: Gateway, door: Door, document: Mapping[str, Any]) -> None:
    """Check that without what opens the door each call has the gateway's own answer, and nothing of a model."""
    for path, item in document["paths"].items():
        for method in item.keys() - {"parameters"} if path not in ELSEWHERE else ():
            body = None if method == "get" else '{"data": [[6.2, 3.4]]}'
            answer = gateway.call(method.upper(), path.replace("{", "").replace("}", ""), body)
            assert answer.status == door.refused, (method, path, answer)
            assert json.loads(answer.body).keys() == {"message"}
            assert not answer.headers.keys() & {"x-model-version", "etag"}


def document_of(gateway: Gateway, door: Door) -> dict[str, Any]:
    """Return the document that the service tells of itself, with links between its calls."""
    answer = gateway.call("GET", "/openapi.json", headers=door.headers, signed=door.signed)
    return linked(answer.json())


def linked(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document with links from what tells of a name, or a version, to the calls that take it."""
    found = copy.deepcopy(dict(document))
    paths = found["paths"]
    for path, item in paths.items():
        dialect = path.split("/")[1]
        if path == "/models":
            _link(item, paths, "/models/{name}", {"name": "$response.body#/models/0/name"})
        elif dialect in VERSIONS and "get" in item and path.count("/") == 3:
            _link(item, paths, f"{path}/versions/{{version}}", {"version": VERSIONS[dialect]})
    return found


def _link(item: dict[str, Any], paths: Mapping[str, Any], begin: str, parameters: Mapping[str, str]) -> None:
    """Link the answer of an item's GET with every operation whose path begins so."""
    item["get"]["responses"]["200"]["links"] = {
        operation["operationId"]: {"operationId": operation["operationId"], "parameters": parameters}
        for path, each in paths.items()
        if path.startswith(begin)
        for method, operation in each.items()
        if method != "parameters"
    }
