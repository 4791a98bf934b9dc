"""Schemathesis calls every operation of the document, with data that it takes and with data that it refuses."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.engine import Status, events, from_schema

from tests.lambda_fn.page.conftest import SERVED, Serve

CONFIG = {
    "seed": 1,
    "base-url": "http://localhost",
    "generation": {"deterministic": True, "database": "none", "max-examples": 25},
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
schemathesis.openapi.media_type(
    "text/csv",
    st.one_of(st.binary(max_size=200), st.sampled_from([b"6.2,3.4\n", b"1,2\n3\n", b'"', b"a,b\n1,2"])),
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
        for check in checks:
            if check.status is Status.FAILURE:
                failure = check.failure_info.failure
                yield f"{recorder.label}: {failure.title}: {failure.message}\n{check.failure_info.code_sample}"


@pytest.mark.parametrize("name", SERVED)
def test_no_answer_is_another_than_the_document_says(name: str, serve: Serve) -> None:
    config = schemathesis.Config.from_dict(CONFIG)
    calls, found = _run(schemathesis.openapi.from_wsgi("/openapi.json", serve(name), config=config))
    for k,v in sorted(calls.items()): print(k,v)
    print(len(found)); print("\n".join(f[:900] for f in found[:25]))
    assert found == []
