"""The entry points: event in, route, answer out."""

from __future__ import annotations

import gc
import json
import logging
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError, described
from lambda_fn.http.events import parse_event, render
from lambda_fn.http.request import PACKED_BYTES, REPLACED, Request, Response
from lambda_fn.http.routes import dialect_of, dispatch
from lambda_fn.http.senders import Sender, sender_of

if TYPE_CHECKING:
    from lambda_fn.calls import Calls
    from lambda_fn.http.request import Call
    from lambda_fn.http.routes import Service
    from lambda_fn.objects import Objects
    from lambda_fn.scoring import Scoring

log = logging.getLogger(__name__)

NO_REQUEST = Sender.NO_REQUEST
SETTINGS = Settings.from_environ(os.environ)


def predict(event: Any, context: Any) -> Any:
    """The function `predict`: status, model, scoring."""
    return respond(event, context, scoring())


def objects(event: Any, context: Any) -> Any:
    """The function `objects`: JSON objects on S3."""
    return respond(event, context, stored_objects())


def respond(event: Any, context: Any, service: Service) -> Any:
    """Parse the event, dispatch the request, render the response; every error becomes one of the request's dialect.

    Raises UnrequestedError for an event that is no request, and that the service does not know.
    """
    sender, request = sender_of(event), None
    if sender is NO_REQUEST:
        from lambda_fn.unrequested import handle  # here: most events are requests

        return handle(event, context, service, SETTINGS, CALLS)
    call = None if CALLS is None else CALLS.begin()
    try:
        request = parse_event(event, sender, SETTINGS.base_path)
        request.context = context
        if call is not None:
            request.call, call.bytes_in = call, len(request.body)
        if CHECK_PAGE is not None:
            CHECK_PAGE(event, request)
        response = dispatch(service, request)
        if len(response.body) <= PACKED_BYTES and request.method != "HEAD" and SETTINGS.cors_origin is None:
            sent = render(response, sender)  # nearly always
        else:
            sent = _finished(response, request, sender)
        if request.answered is not None:
            request.answered()
    except ServiceError as error:
        if error.private:
            log.error(error.private)
        response, sent = _failure(error, request, sender, call)
    except Exception as error:
        log.error("unexpected failure: %s", described(error), exc_info=SETTINGS.log_inputs)
        failure = ServiceError(Problem.INTERNAL_ERROR, "the service failed; its log says how")
        response, sent = _failure(failure, request, sender, call)
    if call is not None and CALLS is not None:
        CALLS.tell(call, event, context, sender, request, response, sent)
    return sent


def _finished(response: Response, request: Request | None, sender: Sender) -> Any:
    """Return the response as the sender of an event expects it, packed or with more headers if that is asked for."""
    from lambda_fn.http.finish import finish  # here: most answers are short

    return render(finish(response, request, sender, SETTINGS.cors_origin), sender)


def _failure(error: ServiceError, request: Request | None, sender: Sender, call: Call | None) -> tuple[Response, Any]:
    """Return the response to an error, and as its sender expects it."""
    if call is not None:
        call.failed(error)
    response = _failed(error, request)
    return response, _finished(response, request, sender)


def _failed(error: ServiceError, request: Request | None) -> Response:
    """Return `error` as RFC 9457 problem details, or as the dialect of the request has it."""
    if request is not None and error.problem.status == 400 and REPLACED in request.body[:20]:
        from lambda_fn.http.encodings import explained  # here: few bodies can't be read

        error = explained(error, request)
    headers = {"content-type": "application/problem+json"}
    if error.allow:
        headers["allow"] = error.allow
    if error.retry_after:
        headers["retry-after"] = str(error.retry_after)
    dialect = None if request is None else dialect_of(request.path)
    if dialect is None:
        return Response(error.problem.status, json.dumps(error.details()), headers)
    from lambda_fn.dialects.dialect import named

    headers["content-type"] = "application/json"
    return Response(error.problem.status, json.dumps(named(dialect).error(error)), headers)


@cache
def scoring() -> Scoring:
    """Return the scoring routes, made once. Imported here: the function `objects` has no use for onnxruntime.

    S3 is asked for the model before onnxruntime is imported: waiting for it does not hold the interpreter.
    """
    uri, ahead = SETTINGS.model_uri, None
    if uri is not None and uri.startswith("s3://"):
        from lambda_fn.storage.store import begin_to_fetch

        ahead = begin_to_fetch(uri, SETTINGS.max_model_bytes)
    from lambda_fn.scoring import Scoring

    return Scoring(SETTINGS, ahead)


@cache
def stored_objects() -> Objects:
    """Return the object routes, made once. Imported here: the function `predict` has no use for them."""
    from lambda_fn.objects import Objects

    return Objects(SETTINGS)


def _calls() -> Calls | None:
    """Return what is told of calls; None, at no cost, if nothing is."""
    if SETTINGS.log_calls == "none" and not SETTINGS.metrics and not SETTINGS.server_timing:
        return None
    from lambda_fn.calls import Calls

    return Calls(SETTINGS, os.environ)


def _page_check() -> Callable[[Any, Request], None] | None:
    """Return what keeps calls from going past the pages' door; None if it is that of all others."""
    if SETTINGS.docs_door == SETTINGS.door:
        return None
    from lambda_fn.http.pages import check_page

    return check_page


gc.disable()  # what imports make is no garbage; to look for some takes 3 of 65 ms
CALLS, CHECK_PAGE = _calls(), _page_check()
if SETTINGS.model_uri is not None or SETTINGS.models_uri is not None:
    scoring().warm_up()
    gc.freeze()  # nor is it later: the first look at all of it would take 3 ms of the first request
gc.enable()
