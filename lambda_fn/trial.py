"""A call where there is a candidate: it answers its share of the calls, or is compared with what is answered."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from lambda_fn.config import Settings
from lambda_fn.errors import ServiceError, described
from lambda_fn.http.request import Request, Response
from lambda_fn.predicting import predict, rows_of
from lambda_fn.serving.candidate import Difference, compare

if TYPE_CHECKING:
    from lambda_fn.model.rows import Rows
    from lambda_fn.serving.candidate import Candidate
    from lambda_fn.serving.loaded import Loaded

type Predict = Callable[[Request, Loaded, Settings], Response]
type RowsOf = Callable[[Request, Loaded, Settings], Rows]

log = logging.getLogger(__name__)

COMPARED_ROWS = 1000
"""So many of a call's rows are compared, the first ones: no more than are scored without a companion."""


def predict_beside(
    request: Request,
    loaded: Loaded,
    candidate: Candidate,
    settings: Settings,
    predict: Predict = predict,
    rows_of: RowsOf = rows_of,
) -> Response:
    """Answer by what is `loaded`, or by the candidate if it is to answer this call; compare them in its shadow.

    predict, rows_of: how a model answers the call, and what the rows in it are, in another dialect.
    """
    try:
        key = _key(request, loaded, settings, rows_of)
    except ServiceError:  # with which the current model refuses the call
        return predict(request, loaded, settings)
    other = candidate.current(loaded, request.patience) if candidate.gets(key) else None
    if other is None:
        return predict(request, loaded, settings)
    if loaded.model.card.names != other.model.card.names:  # rows without names mean something else to it
        candidate.count(loaded, other, "it takes other features, or in another order")
        return predict(request, loaded, settings)
    if not candidate.shadow:
        return predict(request, other, settings)
    response, began = predict(request, loaded, settings), time.monotonic()
    candidate.count(loaded, other, _compared(request, loaded, other, settings, rows_of))
    if request.call is not None:
        request.call.compared = time.monotonic() - began
    return response


def _key(request: Request, loaded: Loaded, settings: Settings, rows_of: RowsOf) -> str | None:
    """Return what calls that belong together have in common: a header, or the first row's value of a feature.

    None where a call has none, and a model does not look at such a feature. Raises ServiceError for a body that the
    model refuses.
    """
    if settings.candidate_key is None:
        return None
    kind, name = settings.candidate_key
    if kind == "header":
        return request.headers.get(name) or None
    column = loaded.model.card.columns.get(name)
    if column is None or column in loaded.model.card.dropped:
        _tell_of_no_key(name, loaded.uri)
        return None
    number = float(rows_of(request, loaded, settings)[0:1][0, column]) + 0.0  # there is one zero
    texts = {code: text for text, code in loaded.model.card.features[column].categories.items()}
    return texts.get(number, repr(number))  # another model may number a feature's strings otherwise


@cache
def _tell_of_no_key(name: str, uri: str) -> None:
    """Tell once, and not at each call, that a model has no use for the key: of several models some may."""
    log.warning("CANDIDATE_KEY names %r, at which the model does not look: calls are drawn by chance (%s)", name, uri)


def _compared(request: Request, loaded: Loaded, other: Loaded, settings: Settings, rows_of: RowsOf) -> Difference | str:
    """Return how the candidate's answer differs, or why it has none. Nothing of it gets into the answer."""
    try:
        ours, theirs = (each.model.score(rows_of(request, each, settings)[:COMPARED_ROWS]) for each in (loaded, other))
        return compare(ours, theirs, loaded.model.card.classes, other.model.card.classes)
    except ServiceError as error:
        return error.problem.code
    except Exception as error:
        log.error("the candidate does not score a call: %s", described(error))
        return type(error).__name__
