"""A call where there is a candidate: it answers its share of the calls, or is compared with what is answered."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from lambda_fn.config import Settings
from lambda_fn.errors import ServiceError
from lambda_fn.http.request import Request, Response
from lambda_fn.predicting import predict, rows_of
from lambda_fn.serving.candidate import Difference, difference

if TYPE_CHECKING:
    from lambda_fn.serving.candidate import Candidate
    from lambda_fn.serving.loaded import Loaded

log = logging.getLogger(__name__)

COMPARED_ROWS = 1024
"""So many of a call's rows are compared, the first ones."""


def predict_beside(request: Request, loaded: Loaded, candidate: Candidate, settings: Settings) -> Response:
    """Answer by what is `loaded`, or by the candidate if it is to answer this call; compare them in its shadow."""
    other = candidate.current(loaded, request.patience)
    if other is None or not candidate.gets(_key(request, loaded, settings.candidate_key)):
        return predict(request, loaded, settings)
    if not candidate.shadow:
        return predict(request, other, settings)
    response = predict(request, loaded, settings)
    candidate.count(loaded, other, _compared(request, loaded, other))
    return response


def _key(request: Request, loaded: Loaded, kind: tuple[str, str] | None) -> str | None:
    """Return what calls that belong together have in common: a header, or the first row's value of a feature."""
    if kind is None:
        return None
    where, name = kind
    if where == "header":
        return request.headers.get(name) or None
    column = loaded.model.card.columns.get(name)
    if column is None:
        return None
    with suppress(ServiceError):  # which the call is answered with
        return repr(float(rows_of(request, loaded.model)[0:1][0, column]))
    return None


def _compared(request: Request, loaded: Loaded, other: Loaded) -> Difference | None:
    """Return how the candidate's answer differs; None if it has none. Nothing of it gets into the answer."""
    try:
        ours, theirs = (each.model.score(rows_of(request, each.model)[:COMPARED_ROWS]) for each in (loaded, other))
        return difference(ours, theirs, loaded.model.card.classes, other.model.card.classes)
    except ServiceError as error:
        log.warning("the candidate does not score a call: %s", error.told)
    except Exception:
        log.exception("the candidate does not score a call")
    return None
