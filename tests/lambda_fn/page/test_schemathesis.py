"""Schemathesis calls every operation of the document, with data that it takes and with data that it refuses."""

from __future__ import annotations

import pytest
import schemathesis

from tests.lambda_fn.page.conftest import SERVED, Serve
from tests.schema_calls import CONFIG, run

EXAMPLES = {"wide": 4}
"""How many bodies each operation gets at the most: those of 300 features take long to make."""


@pytest.mark.parametrize("name", SERVED)
def test_no_answer_is_another_than_the_document_says(name: str, serve: Serve) -> None:
    generation = {**CONFIG["generation"], "max-examples": EXAMPLES.get(name, 20)}
    config = schemathesis.Config.from_dict(CONFIG | {"generation": generation})
    schema = schemathesis.openapi.from_wsgi("/openapi.json", serve(name), config=config)
    calls, found = run(schema)
    assert found == []
    called = {label for label, _ in calls}
    told = {f"{method.upper()} {path}" for path, item in schema.raw_schema["paths"].items() for method in item}
    assert called == {label for label in told if not label.startswith("PARAMETERS")} - {"GET /openapi.json"}
    assert {calls["POST /predict", status] > 0 for status in (200, 400, 405, 415)} == {True}
