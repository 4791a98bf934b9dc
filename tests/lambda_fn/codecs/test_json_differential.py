"""Made-up JSON bodies, read as a whole and by slices, against a reference that is `json.loads` and plain rules."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn.codecs.json_document import decode_body
from lambda_fn.codecs.json_slices import sliced_rows
from lambda_fn.model.card import Card, Feature
from tests.lambda_fn.codecs.made_up import CARDS, SETTINGS, Outcome, mutated, outcome_of, value_of

PIECES = [
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b"\\",
    b" ",
    b"\n",
    b"\t",
    b"\x0b",
    b"0",
    b"1",
    b"-",
    b"+",
    b".",
    b"e",
]
PIECES += [
    b"",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-0",
    b"01",
    b"0x1",
    b"1_0",
    b"true",
    b"null",
    b"//",
    b"\xff",
]
PIECES += [
    b"],[",
    b"},{",
    b"], [",
    b"[1,2],",
    b"[],",
    b"3,",
    "\u00a0".encode(),
    "\uff11".encode(),
    b'"a":1,',
    b'"data":[],',
]
PIECES += [
    b"\\u0061",
    b"\\ud800",
    b"9" * 400,
    b"\xef\xbb\xbf",
    b"\x00",
    b"1.",
    b".5",
    b"},",
    b']},"data":[',
    b"[[",
    b"]]",
]


class RefusedError(Exception):
    """What the reference refuses: code, row, column."""


def reference(body: bytes, card: Card) -> Outcome:
    """Return the numbers of the rows in a body, or how it is refused."""
    try:
        document = json.loads(body.decode().removeprefix("\ufeff"), object_pairs_hook=unique)
        return numbers(document, card)
    except RefusedError as refused:
        code, row, column = refused.args
        return code, row, column
    except ValueError:
        return "malformed-json", None, None


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise RefusedError("duplicate-member", None, None)
    return dict(pairs)


def numbers(document: Any, card: Card) -> Outcome:
    if not isinstance(document, dict) or "data" not in document:
        raise RefusedError("missing-data", None, None)
    if set(document) - {"data", "columns", "index", "probabilities"}:
        raise RefusedError("unknown-member", None, None)
    if not isinstance(document.get("probabilities", True), bool):
        raise RefusedError("invalid-member", None, None)
    if not isinstance(document["data"], list):
        raise RefusedError("missing-data", None, None)
    if not document["data"]:
        raise RefusedError("empty-data", None, None)
    rows = table(document, card)
    return [
        [float.hex(float(number(value, row, column, card.features[column]))) for column, value in enumerate(values)]
        for row, values in enumerate(rows)
    ]


def table(document: Any, card: Card) -> list[list[Any]]:
    rows, names = document["data"], document.get("columns", list(card.names))
    if "columns" in document:
        if not isinstance(names, list) or any(type(name) not in (str, int) for name in names):
            raise RefusedError("invalid-member", None, None)
        names = list(map(str, names))
        check_names(names, card, None)
    found = []
    for row, values in enumerate(rows):
        if isinstance(values, dict) and "columns" not in document:
            check_names(list(values), card, row)
            found.append([values[name] for name in card.names])
        elif isinstance(values, list):
            found.append(values)
        else:
            raise RefusedError("invalid-row", row, None)
    widths = list(map(len, found))
    for row, width in enumerate(widths):
        if width != len(names):
            raise RefusedError("ragged-rows" if len(set(widths)) > 1 else "wrong-width", row, None)
    if "columns" in document:
        return [[values[names.index(name)] for name in card.names] for values in found]
    return found


def check_names(names: list[str], card: Card, row: int | None) -> None:
    if set(names) - set(card.names) or len(set(names)) < len(names):
        raise RefusedError("unknown-feature", row, None)
    for column, name in enumerate(card.names):
        if name not in names:
            raise RefusedError("missing-feature", row, column)


def number(value: Any, row: int, column: int, feature: Feature) -> float:
    if value is None and feature.accepts.nan:
        return math.nan
    if feature.type == "str" and isinstance(value, str):
        if value not in feature.categories and not feature.takes_unknown:
            raise RefusedError("unknown-category", row, column)
        return feature.categories.get(value, -1.0)
    if feature.type == "bool" and isinstance(value, bool | int | float) and value in (0, 1):
        return float(value)
    if feature.type == "float" and type(value) in (int, float):
        try:
            return float(value)
        except OverflowError:
            raise RefusedError("beyond-float32", row, column) from None
    raise RefusedError("not-a-number" if feature.type == "float" else "wrong-type", row, column)


@st.composite
def documents(draw: st.DrawFn, card: Card) -> bytes:
    """Draw a document that is mostly right, in one of the usual layouts."""
    texts = [text for feature in card.features for text in feature.categories]
    values = [value_of(feature.type, texts or ["x"]) for feature in card.features]
    count = draw(st.integers(1, 7))
    rows: list[Any] = [[draw(each) for each in values] for _ in range(count)]
    if draw(st.booleans()):
        rows = [dict(zip(card.names, row, strict=True)) if draw(st.booleans()) else row for row in rows]
    document: dict[str, Any] = {"data": rows}
    if draw(st.integers(0, 5)) == 0:
        members = {"probabilities": True, "index": [1, "b"], "columns": draw(st.permutations(card.names)), "x": 1}
        document = {name: members[name] for name in draw(st.sets(st.sampled_from(sorted(members))))} | document
    layout: Any = draw(
        st.sampled_from(
            [{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}, {"separators": (" ,", ": ")}]
        )
    )
    return json.dumps(document, **layout).encode()


@pytest.mark.parametrize("card", CARDS, ids=["two", "nullable", "mixed", "unknown"])
def test_a_body_is_read_as_the_reference_reads_it_whole_or_in_slices(card: Card) -> None:
    sliced = 0

    @SETTINGS
    @given(mutated(documents(card), PIECES), st.sampled_from([1, 2, 3, 100]))
    def check(body: bytes, step: int) -> None:
        nonlocal sliced
        expected = reference(body, card)
        assert outcome_of(lambda: decode_body(body, card), 100) == expected
        rows = sliced_rows(body, card)
        if rows is not None:
            sliced += 1
            assert outcome_of(lambda: rows, step) == expected

    check()
    assert sliced > 30
