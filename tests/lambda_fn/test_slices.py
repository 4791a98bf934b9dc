"""Whole events: rows that are scored slice by slice, by several threads, are answered as those of one slice are."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_fn import predicting
from lambda_fn.codecs import json_document, json_rows, json_values
from lambda_fn.model import model
from tests.conftest import LoadEvent
from tests.lambda_fn.codecs import test_csv_differential as csv_bodies
from tests.lambda_fn.codecs import test_json_differential as json_bodies
from tests.lambda_fn.codecs import test_npy_differential as npy_bodies
from tests.lambda_fn.codecs.made_up import SETTINGS, mutated
from tests.lambda_fn.conftest import Load, model_of

WHOLE, SLICED = 10**9, 2


def bodies(kind: str, card: Any) -> st.SearchStrategy[bytes]:
    if kind == "text/csv":
        return mutated(csv_bodies.tables(card), csv_bodies.PIECES)
    if kind == "application/json":
        return mutated(json_bodies.documents(card), json_bodies.PIECES)
    return mutated(npy_bodies.arrays().map(npy_bodies.written), npy_bodies.PIECES)


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/x-npy"])
def test_slices_and_threads_answer_as_the_whole_does(
    load: Load, event: LoadEvent, model_file: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), SCORING_THREADS="3")
    card = model_of(handler).card
    codes = set()

    def answer(asked: Any, rows: int) -> Any:
        monkeypatch.setattr(model_of(handler)._engine, "batch_rows", rows)
        monkeypatch.setattr(predicting, "BATCH_ROWS", rows)
        monkeypatch.setattr(model, "THREADED_ROWS", rows)
        monkeypatch.setattr(json_values, "BLOCK_ROWS", rows)
        for module in (json_document, json_rows):
            monkeypatch.setattr(module, "SLICED_BYTES", 0 if rows == SLICED else WHOLE)
        return handler.predict(asked, None)

    @SETTINGS
    @given(bodies(kind, card), st.booleans())
    def check(body: bytes, probabilities: bool) -> None:
        query = {"probabilities": str(probabilities).lower()}
        asked = event("predict-http-api") | {"queryStringParameters": query, "isBase64Encoded": True}
        asked |= {"headers": {"content-type": kind}, "body": base64.b64encode(body).decode()}
        expected = answer(asked, WHOLE)
        assert answer(asked, SLICED) == expected
        scored = expected["statusCode"] == 200
        codes.add("scored" if scored else json.loads(expected["body"])["code"])

    check()
    assert "scored" in codes
    assert len(codes) > 3
