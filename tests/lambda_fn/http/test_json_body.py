import math

import pytest

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.json_body import check_media_type, parse_json
from lambda_fn.http.request import Headers, Request


def post(content_type: str | None) -> Request:
    return Request("POST", "/predict", headers=Headers({"content-type": content_type} if content_type else {}))


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/a+json",
    ],
)
def test_json_media_types_are_taken(content_type: str | None) -> None:
    check_media_type(post(content_type))


@pytest.mark.parametrize(
    "content_type",
    ["text/csv", "application/x-www-form-urlencoded", "application/jsonl", "application/json; charset=utf-16"],
)
def test_other_media_types_are_refused(content_type: str) -> None:
    with pytest.raises(ServiceError) as raised:
        check_media_type(post(content_type))
    assert raised.value.problem is Problem.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff\xfe", '{"a": 1}'.encode("utf-16"), b"[" * 100_000, b"9" * 5_000, b"{} {}"],
    ids=["empty", "cut", "bytes", "utf-16", "deep", "digits", "two"],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(ServiceError) as raised:
        parse_json(body)
    assert raised.value.problem is Problem.MALFORMED_JSON


def test_a_byte_order_mark_may_be_in_front_unless_strict() -> None:
    marked = b'\xef\xbb\xbf{"a": [1]}'
    assert parse_json(marked) == {"a": [1]}
    with pytest.raises(ServiceError, match="Unexpected UTF-8 BOM"):
        parse_json(marked, strict=True)


def test_nan_passes_unless_strict() -> None:
    assert math.isnan(parse_json(b"NaN"))
    with pytest.raises(ServiceError, match="NaN is not JSON"):
        parse_json(b"NaN", strict=True)


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "body", [b'{"a": 1, "a": 1}', b' {"a": 1, "b": {"c": [{"a": 1, "\\u0061": 2}]}}', b'[{"a": 1, "a": 2}]']
)
def test_a_member_that_comes_twice_is_refused_wherever_it_is(body: bytes, strict: bool) -> None:
    with pytest.raises(ServiceError, match="an object has 'a' twice") as raised:
        parse_json(body, strict=strict)
    assert raised.value.problem is Problem.DUPLICATE_MEMBER


def test_spaces_behind_a_document_are_none_of_it() -> None:
    assert parse_json(b'{"a": 1} \r\n\t') == {"a": 1}
    with pytest.raises(ServiceError, match=r"Extra data: line 2 column 1 \(char 9\)"):
        parse_json(b'{"a": 1}\n\x0b')
