"""One call to be scored: a body becomes rows, scores become the body of the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from lambda_fn.codecs.dialects import CODECS, JSON, codec
from lambda_fn.codecs.sizes import check_size
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http import media
from lambda_fn.http.request import Request, Response
from lambda_fn.model.engine import BATCH_ROWS
from lambda_fn.model.model import Model, Scores

if TYPE_CHECKING:
    from lambda_fn.capture.capture import Capture
    from lambda_fn.config import Settings
    from lambda_fn.model.rows import Rows
    from lambda_fn.serving.loaded import Loaded

FLAGS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
FEW_ROWS = 1024
"""The answer for so many rows takes little memory, whatever its size, if it has no probabilities."""
NO_PARAMETERS: Mapping[str, str] = {}


def predict(request: Request, loaded: Loaded, settings: Settings) -> Response:
    """Answer the prediction for each row and, if the query or the body asks, the probabilities; and whose they are."""
    model = loaded.model
    _mark(request, loaded)
    asked = _flag(request, "probabilities")
    if asked:
        _check_probabilities(model)
    _check_body(request, settings)
    body_type, parameters = _body_type(request)
    if request.call is not None:
        request.call.dialect = body_type
    decoding, answer_type = codec(body_type), _answer_type(request, body_type)
    answering = decoding if answer_type is body_type else codec(answer_type)
    rows, wanted = decoding.decode_request(request, parameters, model.card)
    probabilities = asked is True if wanted is None else _agreed(asked, wanted, model)
    if probabilities or len(rows) > FEW_ROWS:
        check_size(answering.least_bytes(len(rows), model.card.classes, probabilities))
    scores = _score(request, loaded, rows, settings, probabilities)
    del rows  # so that they end with this
    if probabilities:
        body = answering.encode(scores.prediction, scores.probabilities, model.card.classes)
    else:
        body = answering.encode(scores.prediction)
    return Response(200, body, loaded.headers(answering.CONTENT_TYPE))


def rows_of(request: Request, loaded: Loaded, settings: Settings) -> Rows:
    """Return the rows of a request as the model takes them; raise ServiceError if it does not."""
    _check_body(request, settings)
    body_type, parameters = _body_type(request)
    return codec(body_type).decode_request(request, parameters, loaded.model.card)[0]


class Asked:
    """What a call in another dialect asks: `rows`, whether for `probabilities`, and what `answer` makes of scores.

    least_bytes: what the answer takes for a row at the least.
    """

    __slots__ = ("answer", "least_bytes", "probabilities", "rows")

    def __init__(
        self, rows: Rows, probabilities: bool, answer: Callable[[Scores, Loaded], Response], least_bytes: int
    ) -> None:
        self.rows = rows
        self.least_bytes = least_bytes
        self.probabilities = probabilities
        self.answer = answer


type Decode = Callable[[Request, Loaded], Asked]
"""Reads a call in a dialect for a model; raises ServiceError if the dialect, or the model, does not take it."""


def predict_asked(decode: Decode, request: Request, loaded: Loaded, settings: Settings) -> Response:
    """Answer a call in another dialect than `predict` has."""
    _mark(request, loaded)
    _check_body(request, settings)
    asked = decode(request, loaded)
    if asked.probabilities:
        _check_probabilities(loaded.model)
    check_size(asked.least_bytes * len(asked.rows))
    return asked.answer(_score(request, loaded, asked.rows, settings, asked.probabilities), loaded)


def rows_asked(decode: Decode, request: Request, loaded: Loaded, settings: Settings) -> Rows:
    """Return the rows of such a call."""
    _check_body(request, settings)
    return decode(request, loaded).rows


def _check_body(request: Request, settings: Settings) -> None:
    limit = settings.max_body_bytes
    if request.packed:
        from lambda_fn.http.encodings import unpack  # here: most bodies are text

        unpack(request, limit)
    if len(request.body) > limit:
        raise ServiceError(
            Problem.BODY_TOO_LARGE, f"the body has {len(request.body)} bytes, at most {limit} are scored"
        )


def _mark(request: Request, loaded: Loaded) -> None:
    """Mark that the model is there, if anything is told of the call."""
    call = request.call
    if call is not None:
        call.loaded, call.found = loaded, time.monotonic() if request.since else call.began


def _score(request: Request, loaded: Loaded, rows: Rows, settings: Settings, probabilities: bool) -> Scores:
    """Return the scores of `rows`; mark when they came, and take a share of both, if that is asked for."""
    call = request.call
    if call is not None:
        call.rows, call.parsed = len(rows), time.monotonic()
    scores = _scores(loaded.model, rows, settings.scoring_threads, probabilities)
    if call is not None:
        call.scored = time.monotonic()
    if settings.capture_share and settings.capture_uri:
        capture = _capture(settings.capture_uri, settings.capture_share)
        request.answered = capture.see(request, loaded, rows, scores, probabilities)
    return scores


@cache
def _capture(uri: str, share: float) -> Capture:
    """Return what keeps a share of the calls, made once; imported here: most deployments keep none."""
    from lambda_fn.capture.capture import Capture

    return Capture(uri, share)


def _scores(model: Model, rows: Rows, threads: int, probabilities: bool) -> Scores:
    """Return the scores of `rows`; raise ServiceError for what is wrong in the body before what the model refuses.

    So a body has the same error whether its rows are parsed at once, or slice by slice while they are scored.
    """
    try:
        return model.score(rows, threads, probabilities)
    except ServiceError as error:
        if error.problem.status >= 500:
            raise
        refusal = error.again()
    try:  # out of the error's reach: its frames have rows, and those of the same batch are parsed again
        for start in range((refusal.row or 0) // BATCH_ROWS * BATCH_ROWS, len(rows), BATCH_ROWS):
            rows[start : start + BATCH_ROWS]
        raise refusal
    finally:
        del refusal  # which would hold this frame, and this frame it


def _check_probabilities(model: Model) -> None:
    if not model.has_probabilities:
        raise ServiceError(Problem.NO_PROBABILITIES, f"the model is a {model.card.task} without probabilities")


def _agreed(asked: bool | None, wanted: bool, model: Model) -> bool:
    """Return whether probabilities are `wanted` by the body; raise ServiceError if they were `asked` otherwise."""
    if asked is not None and asked is not wanted:
        detail = f"the query has probabilities={str(asked).lower()}, the body has {str(wanted).lower()}: send one"
        raise ServiceError(Problem.INVALID_QUERY, detail)
    if wanted:
        _check_probabilities(model)
    return wanted


def _body_type(request: Request) -> tuple[str, Mapping[str, str]]:
    """Return the dialect of the body and the parameters beside it: JSON for anything +json, and for no type at all."""
    content_type = request.headers.get("content-type", JSON)
    if content_type == JSON:  # nearly always
        return JSON, NO_PARAMETERS
    media_type, parameters = media.parse(content_type)
    if media_type in CODECS:
        return media_type, parameters
    if not media_type or media_type.endswith("+json"):
        return JSON, parameters
    raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"this path takes {', '.join(CODECS)}, not {media_type[:200]}")


def _answer_type(request: Request, body_type: str) -> str:
    """Return the dialect to answer in: the body's own, unless the request accepts others only, or rather."""
    accept = request.headers.get("accept", "")
    if accept in media.ANYTHING:
        return body_type
    chosen = media.choose(accept, (body_type, *(each for each in CODECS if each != body_type)))
    if chosen is None:
        raise ServiceError(
            Problem.NOT_ACCEPTABLE, f"this path answers in {', '.join(CODECS)}; accepted is {accept[:200]}"
        )
    return chosen


def _flag(request: Request, name: str) -> bool | None:
    """Return the query's flag `name`, None if it has none."""
    text = request.query.get(name)
    if text is None:
        return None
    if text.lower() not in FLAGS:
        raise ServiceError(Problem.INVALID_QUERY, f"{name} is true or false, not {text[:200]!r}")
    return FLAGS[text.lower()]
