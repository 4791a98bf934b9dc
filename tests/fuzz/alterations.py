"""What is altered in an event: its path, its headers, its query, its body, how that is packed, any member."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from functools import cache
from typing import Any

from tests.fuzz import values
from tests.fuzz.bodies import Post
from tests.fuzz.draws import Draws

METHODS = ("POST", "GET", "HEAD", "PUT", "OPTIONS", "DELETE", "get", "post", "", "TRACE", "\u017f", "\0", values.MARK)
NAMES = (
    *("iris", "people", "patients", "model", "secret", "../secret", "..", ".", "iris.", "iris.onnx", "Iris"),
    *("%2e%2e", "..%2fsecret", "%2e%2e%2fsecret", "..\\secret", "iris\0", "x" * 1025, "iris/../people", "ï", ""),
    *("%", "%00", "1-tabulated", "iris%20", "K", values.MARK),
)
PATHS = (
    *("/predict", "/models/{}/predict", "/v2/models/{}/infer", "/v1/models/{}:predict", "/invocations"),
    *("/model", "/models", "/models/{}", "/", "/docs", "/openapi.json", "/v2", "/v2/health/live"),
    *("/v2/health/ready", "/v2/models/{}", "/v2/models/{}/ready", "/v2/models/{}/versions/{}"),
    *("/v2/models/{}/versions/{}/infer", "/v1/models/{}", "/v1/models/{}/versions/{}:predict", "/ping"),
    *("/health", "/version", "/objects/{}", "//predict", "/predict/", "/predict//", "/./predict"),
    *("/x/../predict", "/models//predict", "/models/{}/predict/", "/%70redict", "/v1/predict", "/v1/v2"),
    *("/v1//", "", "predict", "/{}", "/models/{}/{}", "/v2/models/{}/versions/"),
)
HEADERS = (
    *("content-type", "accept", "accept-encoding", "content-encoding", "if-none-match"),
    *("inference-header-content-length", "x-user", "traceparent", "host", "origin"),
)
CONTENTS = (
    *(
        "application/json",
        "text/csv",
        "text/csv; header=present",
        "text/csv;header=absent",
        "application/x-npy",
        "application/octet-stream",
    ),
    *(
        "application/x+json",
        "APPLICATION/JSON ; charset=UTF-8",
        "application/json; charset=latin-1",
        "text/html",
        f"application/{values.MARK}",
        "a/b",
        ";",
        "*/*;q=é",
        "",
    ),
    *(
        "text/*",
        "*/*",
        "text/csv;q=0.5, application/x-npy;q=nan",
        "application/json;q=1e999",
        ",",
        ",,;;==",
        "text/csv, " * 300,
        "+json",
    ),
)
CODINGS = (
    *("gzip", values.MARK, "deflate", "identity", "br", "gzip, deflate", "gzip, gzip", "x-gzip", "GZIP"),
    *("*;q=0", "gzip;q=0, *", "gzip,,,", "a, b, c"),
)
TRACES = (
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
    f"00-{values.MARK * 2}-{values.MARK}-00",
    f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0{values.MARK}",
    "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
    '00-4bf92f3577b34da6a3ce929d0e0e47"\n-00f067aa0ba902b7-01',
)
TAGS = ("*", 'W/"0"', '"', ",", "W/", 'W/"a", "b"')
QUERIES = ("true", "false", "1", "TRUE", "perhaps", "", "true,true", "%74rue", "0", "\u017f", values.MARK)


def with_post(event: Any, post: Post, draws: Draws) -> Any:
    """Return an event that posts what `post` has."""
    if "requestContext" not in event and "httpMethod" not in event:
        return _unrequested(event, post, named=draws.once_in(3))
    path = post.path if draws.below(4) else "/predict"
    if "rawPath" in event:
        event["rawPath"] = (
            event["rawPath"].removesuffix("/predict").rstrip("/") * event["rawPath"].endswith("/predict") + path
        )
        event["requestContext"]["http"]["method"] = "POST"
    else:
        event["path"], event["httpMethod"] = path, "POST"
    for name, each in post.headers.items():
        event = with_header(event, name, each)
    return with_body(event, post.body, not _is_text(post) or draws.once_in(4))


def _unrequested(event: Any, post: Post, *, named: bool) -> Any:
    """Return rows for a direct invocation, or messages of a queue, for the model that is `named`, or the front's."""
    if "Records" in event:
        model = post.path.removeprefix("/models/").partition("/")[0]
        for record in event["Records"]:
            record["body"] = post.body.decode(errors="replace")
            record["messageAttributes"] = {
                name: {"stringValue": each, "dataType": "String"}
                for name, each in (*post.headers.items(), *([("model", model)] if model and named else []))
            }
        return event
    try:
        found = json.loads(post.body)
    except ValueError:
        return event
    return found if isinstance(found, dict) else {"data": found}


def _is_text(post: Post) -> bool:
    return post.headers.get("content-type", "").startswith(("text/", "application/json"))


def with_body(event: Any, body: bytes, encoded: bool) -> Any:
    """Return an event with that body, as a gateway passes it."""
    event["body"] = base64.b64encode(body).decode() if encoded else body.decode(errors="replace")
    event["isBase64Encoded"] = encoded
    return event


def with_header(event: Any, name: str, *found: str) -> Any:
    """Return an event with a header, of one value or of several."""
    for member in ("headers", "multiValueHeaders"):
        if isinstance(event.get(member), dict):
            for other in [each for each in event[member] if each.lower() == name.lower()]:
                del event[member][other]
            event[member][name] = (
                list(found) if member == "multiValueHeaders" else ",".join(found) if "rawPath" in event else found[-1]
            )
    return event


def _alter_path(draws: Draws, event: Any) -> Any:
    path = draws.pick(PATHS)
    while "{}" in path:
        path = path.replace("{}", draws.pick(NAMES), 1)
    if draws.once_in(6):
        path = values.altered_bytes(draws, path.encode("utf-8", "replace")).decode(errors="replace")
    if "rawPath" in event:
        event["rawPath"] = path
    elif "path" in event:
        event["path"] = path
    return event


def _alter_method(draws: Draws, event: Any) -> Any:
    method = draws.pick(METHODS)
    if "httpMethod" in event:
        event["httpMethod"] = method
    elif isinstance(event.get("requestContext"), dict) and isinstance(event["requestContext"].get("http"), dict):
        event["requestContext"]["http"]["method"] = method
    return event


def _alter_header(draws: Draws, event: Any) -> Any:
    name = draws.pick(HEADERS)
    pool = {
        "content-type": CONTENTS,
        "accept": CONTENTS,
        "accept-encoding": CODINGS,
        "content-encoding": CODINGS,
        "if-none-match": TAGS,
        "traceparent": TRACES,
    }
    found = [
        draws.pick(pool.get(name, values.TEXTS)) if draws.below(8) else values.text(draws)
        for _ in range(draws.pick((1, 1, 1, 2, 30)))
    ]
    if name == "inference-header-content-length" and draws.below(2):
        found = [str(draws.below(400))]
    return with_header(event, draws.pick((name, name.title(), name.upper(), name.swapcase())), *found)


def _alter_id(draws: Draws, event: Any) -> Any:
    """Put another id in the place of the one that AWS gave the call, or a message."""
    for each in event.get("Records", [event.get("requestContext")]):
        each["messageId" if "Records" in event else "requestId"] = values.text(draws)
    return event


def _alter_query(draws: Draws, event: Any) -> Any:
    name = draws.pick(("probabilities", "Probabilities", "", "%70robabilities", "x"))
    found = [draws.pick(QUERIES) if draws.below(8) else values.text(draws) for _ in range(draws.pick((1, 1, 2)))]
    event["queryStringParameters"] = {name: found[-1]}
    if "multiValueQueryStringParameters" in event:
        event["multiValueQueryStringParameters"] = {name: found}
    return event


def _alter_body(draws: Draws, event: Any) -> Any:
    body = event.get("body")
    if not isinstance(body, str):
        return event
    if event.get("isBase64Encoded") is True:
        return event | {"body": values.altered_bytes(draws, body.encode(errors="replace")).decode("latin-1")}
    return event | {
        "body": values.text(draws)
        if draws.once_in(4)
        else values.altered_bytes(draws, body.encode(errors="replace")).decode(errors="replace")
    }


def _pack(draws: Draws, event: Any) -> Any:
    """Pack the body as clients do, or as they should not: in members, as a bomb, cut, raw, twice."""
    body = event.get("body")
    if not isinstance(body, str):
        return event
    try:
        data = base64.b64decode(body) if event.get("isBase64Encoded") is True else body.encode(errors="replace")
    except ValueError:
        return event
    kind, coding = draws.below(8), draws.pick(CODINGS)
    if kind == 1:
        data = b"".join(gzip.compress(data[at : at + 7], 1) for at in range(0, min(len(data), 1000), 7))
    elif kind == 2:
        data = gzip.compress(data[:1], 1) + _bomb(10 ** draws.below(8)) + gzip.compress(data[1:], 1)
    elif kind == 3:
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        data = packer.compress(data) + packer.flush()
    elif kind == 4:
        data = gzip.compress(gzip.compress(data, 1), 1)
    elif kind == 5:
        data = zlib.compress(data, 1)
    else:
        data = gzip.compress(data, 1)
    if draws.once_in(4):
        data = values.altered_bytes(draws, data)
    event = with_header(
        event,
        draws.pick(("content-encoding", "Content-Encoding")),
        "deflate" if kind in (3, 5) and draws.below(3) else coding,
    )
    return with_body(event, data, True)


@cache
def _bomb(count: int) -> bytes:
    return gzip.compress(b" " * count, 9)


def _alter_member(draws: Draws, event: Any) -> Any:
    """Put anything in the place of anything."""
    return values.altered(draws, event) if isinstance(event, dict) else event


def guarded(alter: Any) -> Any:
    """Return an alteration that leaves events alone that have another form by now."""

    def altered(draws: Draws, event: Any) -> Any:
        if not isinstance(event, dict):
            return event
        try:
            return alter(draws, event)
        except (TypeError, AttributeError, KeyError):
            return event

    return altered


ALTERATIONS = [
    *map(guarded, (_alter_path, _alter_header, _alter_header, _alter_body)),
    *map(guarded, (_pack, _alter_query, _alter_method, _alter_id, _alter_member)),
]
