"""gzip and deflate, both ways; ETags; CORS; HEAD: through the entry points."""

import gzip
import json
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lambda_fn.config import ConfigError, Settings
from lambda_fn.http.request import PACKED_BYTES
from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.posts import body_of, request

BODY = b'{"data": [[6.2, 3.4], [6.2, 1]]}'
MANY = json.dumps({"data": [[6.2, 3.4]] * 1000})


def without_bytes(value: object) -> str:
    """Return how a parameter is called: what is packed has the time in it."""
    return "body" if isinstance(value, bytes) else str(value)


def raw_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", raw_deflate(BODY)),
        ("identity", BODY),
        ("gzip", BODY),  # as a REST API passes it
        ("deflate", BODY),
        ("gzip, deflate", zlib.compress(gzip.compress(BODY))),
    ],
    ids=without_bytes,
)
def test_a_packed_body_is_scored(handler: ModuleType, event: LoadEvent, coding: str, body: bytes) -> None:
    found = handler.predict(request(event, "POST", "/predict", body, {"Content-Encoding": coding}), None)
    assert found["body"] == '{"prediction": [2, 1]}'


@pytest.mark.parametrize("path", ["/invocations", "/v1/models/iris:predict"])
def test_so_it_is_in_other_dialects(handler: ModuleType, event: LoadEvent, path: str) -> None:
    body = gzip.compress(b'{"instances": [[6.2, 3.4], [6.2, 1]]}')
    found = handler.predict(request(event, "POST", path, body, {"Content-Encoding": "gzip"}), None)
    assert found["body"] == '{"predictions": [2, 1]}'


@pytest.mark.parametrize(
    ("coding", "body", "status", "code"),
    [
        ("br", b"x", 415, "unsupported-encoding"),
        ("gzip", b"x", 400, "malformed-json"),
        ("deflate", b"x", 400, "malformed-encoding"),
        ("gzip", gzip.compress(BODY)[:-9], 400, "malformed-encoding"),
        ("gzip", gzip.compress(BODY) + b"x", 400, "malformed-encoding"),
        ("deflate", gzip.compress(BODY), 400, "malformed-encoding"),
        ("gzip", gzip.compress(bytes(6_000_001)), 413, "body-too-large"),
        ("gzip, gzip", gzip.compress(gzip.compress(bytes(6_000_001))), 413, "body-too-large"),
        ("gzip", gzip.compress(bytes(4_000_000)) * 2, 413, "body-too-large"),
        ("gzip", gzip.compress(b"") * 101, 400, "malformed-encoding"),
        ("deflate", zlib.compress(b"") * 101, 400, "malformed-encoding"),
        ("gzip, gzip, gzip", BODY, 415, "unsupported-encoding"),
    ],
    ids=without_bytes,
)
def test_what_is_not_packed_so_is_refused(
    handler: ModuleType, event: LoadEvent, coding: str, body: bytes, status: int, code: str
) -> None:
    answer = handler.predict(request(event, "POST", "/predict", body, {"content-encoding": coding}), None)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (status, code)


def test_packed_bytes_that_came_as_text_are_told_of(handler: ModuleType, event: LoadEvent) -> None:
    text = gzip.compress(BODY, mtime=0).decode(errors="replace")  # as an HTTP API does for these types
    for content_type in ("application/json", "text/csv"):
        headers = {"content-type": content_type, "content-encoding": "gzip"}
        answer = handler.predict(request(event, "POST", "/predict", text, headers), None)
        document = json.loads(answer["body"])
        assert (answer["statusCode"], document["code"]) == (400, "malformed-encoding")
        assert f"passed it as text, for its Content-Type is {content_type}" in document["detail"]


def test_a_bomb_is_not_unpacked_beyond_the_limit(load: Load, model_file: Path, event: LoadEvent) -> None:
    handler = load(MODEL_URI=model_file.as_uri())
    bomb = gzip.compress(bytes(400_000_000), 9)
    import tracemalloc

    sent = request(event, "POST", "/predict", bomb, {"content-encoding": "gzip"})
    tracemalloc.start()
    answer = handler.predict(sent, None)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer["statusCode"] == 413
    assert peak < 20_000_000


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br", "gzip"),
        ("deflate", "deflate"),
        ("*", "gzip"),
        ("gzip;q=0, deflate;q=0.5", "deflate"),
        ("br", None),
        ("", None),
        ("gzip;q=0", None),
    ],
)
def test_a_long_answer_is_packed_for_who_takes_it(
    handler: ModuleType, event: LoadEvent, accept: str, coding: str | None
) -> None:
    answer = handler.predict(request(event, "POST", "/predict", MANY, {"accept-encoding": accept}), None)
    assert (answer["headers"].get("content-encoding"), answer["headers"]["vary"]) == (coding, "accept-encoding")
    body = body_of(answer)
    if coding is not None:
        body = gzip.decompress(body) if coding == "gzip" else zlib.decompress(body)
    assert json.loads(body) == {"prediction": [2] * 1000}


def test_short_answers_errors_and_those_of_rest_apis_are_not(handler: ModuleType, event: LoadEvent) -> None:
    short = handler.predict(request(event, "POST", "/predict", BODY.decode(), {"accept-encoding": "gzip"}), None)
    assert short["headers"].keys() == {"content-type", "x-model-version", "x-model-sha256"}
    sent = event("predict-rest-api") | {"body": MANY, "headers": {"Accept-Encoding": "gzip"}, "multiValueHeaders": None}
    answer = handler.predict(sent, None)
    assert len(answer["body"]) > PACKED_BYTES
    assert "content-encoding" not in answer["headers"]


def test_a_card_that_is_known_is_not_sent_again(handler: ModuleType, event: LoadEvent) -> None:
    first = handler.predict(event("model-http-api"), None)
    tag = first["headers"]["etag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = handler.predict(request(event, "GET", "/model", headers={"if-none-match": known}), None)
        assert (again["statusCode"], again["body"], again["headers"]["etag"]) == (304, "", tag)
    other = handler.predict(request(event, "GET", "/model", headers={"if-none-match": '"x"'}), None)
    assert (other["statusCode"], other["body"]) == (200, first["body"])


@pytest.mark.parametrize("path", ["/", "/model", "/v2", "/v2/models/iris", "/ping", "/nowhere", "/v2/nowhere"])
def test_head_is_answered_like_get(handler: ModuleType, event: LoadEvent, path: str) -> None:
    get, head = (handler.predict(request(event, method, path), None) for method in ("GET", "HEAD"))
    assert head == get | {"body": ""}


ORIGINS: list[tuple[str, dict[str, str]]] = [("*", {}), ("https://example.org", {"vary": "origin"})]


@pytest.mark.parametrize(("origin", "more"), ORIGINS)
@pytest.mark.parametrize("name", ["predict-http-api", "predict-rest-api", "predict-load-balancer"])
def test_the_function_itself_tells_whose_pages_may_call(
    load: Load, model_file: Path, event: LoadEvent, name: str, origin: str, more: dict[str, str]
) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), CORS_ORIGIN=origin)
    sent = event(name)
    for body, status in ((sent["body"], 200), ("{", 400)):
        answer = handler.predict(sent | {"body": body}, None)
        assert answer["statusCode"] == status
        told: dict[str, Any] = {"access-control-allow-origin": origin, **more}
        assert answer["headers"].items() >= told.items()
        exposed = answer["headers"]["access-control-expose-headers"].split(", ")
        assert {"x-model-version", "etag", "inference-header-content-length", "retry-after"} <= {*exposed}
    asked = handler.predict(request(event, "OPTIONS", "/v2/models/iris/infer"), None)
    assert asked["statusCode"] == 204
    assert asked["headers"]["access-control-allow-methods"] == "POST"
    assert "authorization" in asked["headers"]["access-control-allow-headers"]


def test_without_the_setting_nothing_is_told(handler: ModuleType, event: LoadEvent) -> None:
    headers = handler.predict(event("predict-http-api"), None)["headers"]
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/", "ftp://example.org", "https://a, https://b"])
def test_an_origin_is_one(origin: str) -> None:
    with pytest.raises(ConfigError, match="CORS_ORIGIN is"):
        Settings.from_environ({"MODEL_URI": "s3://bucket/key", "CORS_ORIGIN": origin})
