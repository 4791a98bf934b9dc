"""The same rows in every dialect have the same labels, or are refused in all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.fuzz.alterations import with_body
from tests.fuzz.bodies import FEATURES, Post, invocations, posts, rows_of
from tests.fuzz.calls import answered
from tests.fuzz.draws import Draws
from tests.fuzz.finds import FindError

SHARE = 3


class Rows(NamedTuple):
    """Rows for the model of a name."""

    name: str
    rows: list[Any]


def make(draws: Draws) -> Rows:
    """Return rows that are sound, or nearly."""
    name = draws.pick(list(FEATURES))
    return Rows(name, rows_of(draws, FEATURES[name]))


def check(made: Rows) -> None:
    """Have them answered in each dialect."""
    found = [("several", make_post()) for make_post in posts(made.name, made.rows)]
    if made.name == "people":
        found += [("people", make_post()) for make_post in invocations(made.name, made.rows)]
    answers = [(post, _labels(service, post)) for service, post in found]
    first, labels = answers[0]
    for post, other in answers[1:]:
        if other != labels:
            raise FindError(
                "the same rows are answered otherwise in another dialect",
                f"{first.path} {first.headers}: {labels}\n{post.path} {post.headers} {post.body[:300]!r}: {other}",
            )


def size(made: Rows) -> int:
    """Return the bytes of all dialects, roughly."""
    return 20 * len(str(made.rows))


def _labels(service: str, post: Post) -> list[str] | None:
    """Return the labels as text, or None where the rows are refused."""
    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": post.path,
        "headers": post.headers,
        "requestContext": {"http": {"method": "POST"}, "stage": "$default"},
    }
    event = with_body(event, post.body, True)
    answer, body = answered(service, "predict", event)
    return [_text(each) for each in post.read(body)] if answer["statusCode"] == 200 else None


def _text(label: Any) -> str:
    """Return a label as each dialect can be made to write it."""
    if isinstance(label, bool):
        return str(label).lower()
    try:
        return repr(float(label))
    except ValueError:
        return str(label).lower() if label in ("True", "False") else str(label)
