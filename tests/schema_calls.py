"""Calls that schemathesis makes by the document of a service: how many had which answer, and what is wrong."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import numpy as np
import schemathesis
from hypothesis import Phase, settings
from hypothesis import strategies as st
from schemathesis.config import ProjectConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.openapi.checks import RejectedPositiveData

from lambda_fn.errors import Problem

type Calls = Counter[tuple[str, int]]
"""How many calls of each operation had which status."""

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


def run(schema: Any) -> tuple[Calls, list[str]]:
    """Return how many calls of each operation had which status, and what was found."""
    calls: Calls = Counter()
    found = []
    with patch.object(
        ProjectConfig, "get_hypothesis_settings", _without_climbing(ProjectConfig.get_hypothesis_settings)
    ):
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                for case, interaction in event.recorder.interactions.items():
                    status = interaction.response.status_code if interaction.response else 0
                    calls[event.recorder.cases[case].value.operation.label, status] += 1
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


def _without_climbing(made: Any) -> Any:
    """Return settings without the phase in which Hypothesis climbs to what is accepted more often: it may not end."""

    def settings_for(*arguments: Any, **named: Any) -> settings:
        chosen = made(*arguments, **named)
        return settings(chosen, phases=[phase for phase in chosen.phases if phase is not Phase.target])

    return settings_for
