"""What is looked for is seen: answers that no sender takes are finds."""

from typing import Any

import pytest

from lambda_fn.http.senders import Sender
from tests.fuzz.answers import check_answer
from tests.fuzz.draws import Draws
from tests.fuzz.finds import FindError

GOOD = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}", "isBase64Encoded": False}
HEADER = {"content-type": "application/json", "x": "a\r\nb: c"}
PROBLEM = {"headers": {"content-type": "application/problem+json"}, "body": '{"code": "not-found", "status": 404}'}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"statusCode": 500}, "a 500"),
        ({"statusCode": 503}, "a 503"),
        ({"statusCode": "200"}, "a status that is none"),
        ({"body": None}, "an answer whose body is no text"),
        ({"body": "{"}, "an answer that is no application/json: JSONDecodeError"),
        ({"body": '{"a": NaN}'}, "an answer that is no application/json: ValueError"),
        ({"body": "\ud800"}, "an answer that is no JSON: UnicodeEncodeError"),
        ({"body": "!", "isBase64Encoded": True}, "a body that is no base64, or no UTF-8"),
        ({"headers": HEADER}, "a header that is none: x"),
        ({"headers": {"content-type": "text/csv"}, "body": "a,b\n1"}, "CSV with rows of different widths"),
        ({"headers": {"content-type": "application/x-npy"}}, "an answer that is no application/x-npy: ValueError"),
        ({"headers": {"content-encoding": "gzip"}}, "an answer that is not packed as it says"),
        (PROBLEM, "problem details of another status"),
        (PROBLEM | {"statusCode": 405}, "problem details of another status"),
        ({"statusDescription": "200 OK"}, "an answer in the form of another sender"),
    ],
)
def test_an_answer_that_no_sender_takes_is_a_find(changes: dict[str, Any], kind: str) -> None:
    assert check_answer(GOOD, Sender.PAYLOAD_2) == b"{}"
    with pytest.raises(FindError) as raised:
        check_answer(GOOD | changes, Sender.PAYLOAD_2)
    assert raised.value.kind == kind


def test_behind_the_bytes_each_choice_is_the_simplest() -> None:
    draws = Draws(b"\x05")
    assert [draws.below(4), draws.below(4), draws.below(1000)] == [1, 0, 0]
    assert (draws.pick("abc"), draws.once_in(3), draws.rest()) == ("a", False, b"")
