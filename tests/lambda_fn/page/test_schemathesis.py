"""Schemathesis calls every operation of the document, with data that it takes and with data that it refuses."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import Phase, settings
from hypothesis import strategies as st
from schemathesis.config import ProjectConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.openapi.checks import RejectedPositiveData

from lambda_fn.errors import Problem
from tests.lambda_fn.page.conftest import SERVED, Serve

EXAMPLES = {"wide": 4}
"""How many bodies each operation gets at the most: those of 300 features take long to make."""
CONFIG: dict[str, Any] = {
    "seed": 1,
    "base-url": "http://localhost",
    "generation": {"deterministic": True, "database": "none"},
    "headers": {"accept-encoding": "identity"},  # nothing unpacks an answer in process
    "phases": {"stateful": {"enabled": False}},
    "continue-on-failure": True,
}


def _npy(rows: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, rows)
    return file.getvalue()


schemathesis.openapi.media_type(
    "application/x-npy",
    st.one_of(
        st.binary(max_size=200),
        st.builds(lambda rows, width: _npy(np.ones((rows, width))), st.integers(0, 3), st.sampled_from([1, 2, 300])),
    ),
)


def _run(schema: Any) -> tuple[Counter[tuple[str, int]], list[str]]:
    """Return how many calls of each operation had which status, and what was found."""
    calls: Counter[tuple[str, int]] = Counter()
    found = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            for interaction in event.recorder.interactions.values():
                calls[event.label or "", interaction.response.status_code if interaction.response else 0] += 1
            found += list(_failures(event.recorder))
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.append(str(event))
    return calls, found


def _failures(recorder: Any) -> Iterator[str]:
    for case_id, checks in recorder.checks.items():
        case = recorder.cases[case_id].value
        for check in checks:
            if check.status is Status.FAILURE:
                failure = check.failure_info.failure
                refused = recorder.interactions[case_id].response
                if not (isinstance(failure, RejectedPositiveData) and _beyond_schemas(case, refused)):
                    yield f"{recorder.label}: {failure.title}: {failure.message}\n{check.failure_info.code_sample}"


def _beyond_schemas(case: Any, refused: Any) -> bool:
    """Whether a body may be refused though it validates, as the schemas have no words for what is wrong with it."""
    if case.media_type != "application/json" or case.path_parameters:  # rows as text or bytes, of a model not told of
        return True
    if case.path.startswith(("/v2/", "/invocations")):  # shapes and data are to fit, as are columns and rows
        return True
    if case.path.startswith("/v1/") and isinstance(case.body, dict) and isinstance(case.body.get("inputs"), dict):
        return True  # columns are to be of one length, and the features'
    if Problem.SCORE_NOT_FINITE.code in refused.text or "overflows" in refused.text:  # which the estimator knows
        return True
    body = case.body if isinstance(case.body, dict) else {}
    asked = case.query.get("probabilities"), body.get("probabilities")
    return "columns" in body or (None not in asked and len(set(map(str, asked))) > 1)


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Hypothesis leave out the phase in which it climbs to what is accepted more often: it may take forever."""
    made = ProjectConfig.get_hypothesis_settings

    def without_target(*arguments: Any, **named: Any) -> settings:
        chosen = made(*arguments, **named)
        return settings(chosen, phases=[phase for phase in chosen.phases if phase is not Phase.target])

    monkeypatch.setattr(ProjectConfig, "get_hypothesis_settings", without_target)


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("name", SERVED)
def test_no_answer_is_another_than_the_document_says(name: str, serve: Serve) -> None:
    generation = {**CONFIG["generation"], "max-examples": EXAMPLES.get(name, 20)}
    config = schemathesis.Config.from_dict(CONFIG | {"generation": generation})
    schema = schemathesis.openapi.from_wsgi("/openapi.json", serve(name), config=config)
    calls, found = _run(schema)
    assert found == []
    called = {label for label, _ in calls}
    told = {f"{method.upper()} {path}" for path, item in schema.raw_schema["paths"].items() for method in item}
    assert called == {label for label in told if not label.startswith("PARAMETERS")} - {"GET /openapi.json"}
    assert {calls["POST /predict", status] > 0 for status in (200, 400, 405, 415)} == {True}
