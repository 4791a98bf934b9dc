"""The entry points: event in, route, answer out."""

from __future__ import annotations

import gc
import json
import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from lambda_fn.config import Settings
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.http.events import parse_event, render
from lambda_fn.http.request import Response
from lambda_fn.http.routes import Routes, dispatch
from lambda_fn.http.senders import sender_of

if TYPE_CHECKING:
    from lambda_fn.objects import Objects
    from lambda_fn.scoring import Scoring

log = logging.getLogger(__name__)

SETTINGS = Settings.from_environ(os.environ)


def predict(event: Any, context: Any) -> Any:
    """The function `predict`: status, model, scoring."""
    return respond(event, context, scoring().routes)


def objects(event: Any, context: Any) -> Any:
    """The function `objects`: JSON objects on S3."""
    return respond(event, context, stored_objects().routes)


def respond(event: Any, context: Any, routes: Routes) -> Any:
    """Parse the event, dispatch the request, render the response; every error becomes problem details."""
    sender = sender_of(event)
    try:
        request = parse_event(event, sender, SETTINGS.base_path)
        request.context = context
        return render(dispatch(routes, request), sender)
    except ServiceError as error:
        if error.private:
            log.error(error.private)
        return render(problem_response(error), sender)
    except Exception:
        log.exception("unexpected failure")
        failure = ServiceError(Problem.INTERNAL_ERROR, "the service failed; its log says how")
        return render(problem_response(failure), sender)


def problem_response(error: ServiceError) -> Response:
    """Return `error` as RFC 9457 problem details."""
    headers = {"content-type": "application/problem+json"}
    if error.allow:
        headers["allow"] = error.allow
    if error.retry_after:
        headers["retry-after"] = str(error.retry_after)
    return Response(error.problem.status, json.dumps(error.details()), headers)


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


if SETTINGS.model_uri is not None or SETTINGS.models_uri is not None:
    gc.disable()  # what imports make is no garbage; to look for some takes 3 of 65 ms
    scoring().warm_up()
    gc.freeze()  # nor is it later: the first look at all of it would take 3 ms of the first request
    gc.enable()
