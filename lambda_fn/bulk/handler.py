"""The entry points of the state machine's functions, `plan`, `score` and `summary`, and of `arrive`, which starts it.

Each imports what it needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from lambda_fn.config import Settings, scoring_threads

NO_END_MS = 2**31


def plan(event: Any, context: Any) -> Any:
    """Plan a run for the state machine; invoked directly with ``dry_run`` in the request, tell what it would be."""
    from lambda_fn.bulk.failures import RefusedError
    from lambda_fn.bulk.plan import estimate, start

    request = event.get("request") if isinstance(event, dict) else None
    settings = Settings.from_environ(os.environ)
    if isinstance(request, dict) and request.get("dry_run") is True:
        return estimate({name: value for name, value in request.items() if name != "dry_run"}, settings)
    if not isinstance(request, dict) or not event.get("execution"):
        raise RefusedError("the event lacks the request, or the name of the execution")
    return start(request, event["execution"], event.get("started", ""), settings)


def score(event: Any, context: Any) -> Any:
    """Score a chunk."""
    from lambda_fn.bulk.score import score as score_chunk

    _check(event, "output", "run", "chunk", "deadline")
    left: Callable[[], int] = getattr(context, "get_remaining_time_in_millis", lambda: NO_END_MS)
    return score_chunk(event, left, scoring_threads(os.environ))


def summary(event: Any, context: Any) -> Any:
    """Count what came of a run, and write it down; with a ``note``, write down only why a chunk failed."""
    from lambda_fn.bulk.summary import note, summarize

    if isinstance(event, dict) and "note" in event:
        _check(event, "output", "chunk", "execution")
        return note(event)
    _check(event, "output", "run", "execution")
    return summarize(event)


def arrive(event: Any, context: Any) -> Any:
    """Start an execution for an object that arrived."""
    from lambda_fn.bulk.arrival import start

    return start(event, os.environ)


def _check(event: Any, *names: str) -> None:
    """Raise RefusedError for an event that lacks one of its members."""
    from lambda_fn.bulk.failures import RefusedError

    lacking = [name for name in names if name not in event] if isinstance(event, dict) else list(names)
    if lacking:
        raise RefusedError(f"the event lacks {', '.join(lacking)}: the state machine sends them (serverless.yml)")
