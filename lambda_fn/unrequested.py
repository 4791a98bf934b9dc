"""Events that are no requests: a queue's records are scored, a warmer's ping returns, anything else fails.

Where nobody waits for an answer, one that tells of an error looks like success: AWS tries again what raises, and puts
aside what keeps failing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from lambda_fn.config import Settings, location
from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError, described, listed
from lambda_fn.http.request import Call, Headers, Request
from lambda_fn.http.routes import dispatch
from lambda_fn.storage.work import CALL_SECONDS, bounded

if TYPE_CHECKING:
    from lambda_fn.calls import Calls
    from lambda_fn.http.request import Response
    from lambda_fn.http.routes import Service

log = logging.getLogger(__name__)

WARMERS = ("warmer", "warmup", "ping")
"""The members by which warmers tell who they are: ``{"warmer": true}`` is lambda-warmer's."""
WARMER_SOURCES = ("serverless-plugin-warmup",)
SENT = frozenset({"Records", "detail-type"})
"""Members of what AWS's services send, whatever else is in it."""
KNOWN = frozenset({"Records", "body", "detail", "headers", "id", "inputs", "instances", "records", "source", "version"})
"""Members that an event which is not read may have, and whose names are no secret."""
SENDERS = ("aws:s3", "aws:sns", "aws:sqs", "aws:kinesis", "aws:dynamodb", "aws.events", "aws.s3", "aws.scheduler")
"""Who is named as the sender of an event that is not read: any other name may be a value that was meant for a row."""
QUEUE = "aws:sqs"
LEFT_MS = 1000
"""Messages that are not begun when so little of the function's timeout is left are given back."""


class UnrequestedError(Exception):
    """Raised for an event that the service has no answer to; in UTF-8, as Lambda's runtime ends at anything else."""

    def __init__(self, message: str) -> None:
        super().__init__(message.encode("utf-8", "backslashreplace").decode())


def handle(event: Any, context: Any, service: Service, settings: Settings, calls: Calls | None = None) -> Any:
    """Return what the sender of an event that is no request takes; raise UnrequestedError for any other event."""
    if isinstance(event, dict):
        if event.get("source") in WARMER_SOURCES or (
            any(event.get(name) for name in WARMERS) and not event.keys() & SENT
        ):
            return None
        records = event.get("Records")
        if isinstance(records, list) and records and all(_is_message(record) for record in records):
            failed = _failed(records, context, service, settings, calls)
            return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}
    raise UnrequestedError(
        f"the event is {_kind(event)}, expected a request of an HTTP or REST API, a function URL or a load balancer,"
        ' rows ({"data": [row, …]}), messages of SQS, or a warmer\'s ping ({"warmer": true})'
    )


def _is_message(record: Any) -> bool:
    return isinstance(record, dict) and record.get("eventSource") == QUEUE and isinstance(record.get("messageId"), str)


def _kind(event: Any) -> str:
    """Say what an event is, as far as its members tell."""
    if not isinstance(event, dict):
        return f"no object ({type(event).__name__})"
    records = event.get("Records")
    for record in records if isinstance(records, list) else ():
        if isinstance(record, dict):
            return f"records of {_sender(record.get('eventSource') or record.get('EventSource'))}"
    if "detail-type" in event:
        return f"EventBridge's, of {_sender(event.get('source'))}"
    known = sorted(event.keys() & KNOWN)  # what else it has may be named like what it holds
    members = f"{len(event) or 'no'} member{'s' * (len(event) != 1)}"
    return f"an object with {members}{f' ({listed(known)} …)' if known else ''}"


def _sender(name: Any) -> str:
    return name if name in SENDERS else "another sender"


def _failed(
    records: list[dict[str, Any]], context: Any, service: Service, settings: Settings, calls: Calls | None
) -> Iterator[str]:
    """Score the messages; yield the ids of those that could not be, and of a FIFO queue of all behind the first one."""
    remaining, stopped, back = getattr(context, "get_remaining_time_in_millis", None), False, 0
    for record in records:
        stopped = stopped or (remaining is not None and remaining() < LEFT_MS)
        if stopped:
            back += 1
            yield record["messageId"]
        elif not _is_scored(record, context, service, settings, calls):
            yield record["messageId"]
            stopped = str(record.get("eventSourceARN")).endswith(".fifo")
    if back:
        why = "the function's time is over, or one in front of them in a FIFO queue failed"
        log.warning("%d of %d messages are given back without a look: %s", back, len(records), why)


def _is_scored(
    record: Mapping[str, Any], context: Any, service: Service, settings: Settings, calls: Calls | None
) -> bool:
    """Score a message and keep the answer; tell the log why, and return False, if that can't be done."""
    name, call = record["messageId"], Call() if calls is None else calls.begin()
    request, call.message_id = None, name
    try:
        request = _request_of(record, context)
        request.call, call.bytes_in = call, len(request.body)
        _keep(name, dispatch(service, request), settings, call)
        if request.answered is not None:
            request.answered()
    except ServiceError as error:
        call.failed(error)
        why = error.private or error.place
        level = logging.ERROR if call.status >= 500 else logging.WARNING
        log.log(level, "message %r: %s%s", name, error.problem.code, f": {why}" if why else "")
    except Exception as error:
        call.failed(ServiceError(Problem.INTERNAL_ERROR, SEE_THE_LOG))
        log.error("message %r: %s", name, described(error), exc_info=settings.log_inputs)
    if calls is not None:
        calls.tell_message(call, context, request)
    return not call.code


def _request_of(record: Mapping[str, Any], context: Any) -> Request:
    """Return the request that a message is: its attributes may name its content-type, and the model."""
    attributes = record.get("messageAttributes") or {}
    if not isinstance(attributes, dict) or not all(isinstance(each, dict) for each in attributes.values()):
        raise ServiceError(Problem.MALFORMED_EVENT, "the message's attributes were expected to be objects by name")
    texts = {name.lower(): str(each.get("stringValue") or "") for name, each in attributes.items()}
    model, body = texts.get("model"), record.get("body")
    if model == "":
        raise ServiceError(Problem.MODEL_NOT_FOUND, "the message's attribute `model` is no string, or an empty one")
    if not isinstance(body, str):
        raise ServiceError(Problem.MALFORMED_EVENT, f"the message's body is {type(body).__name__}, expected a string")
    headers = {name: texts[name] for name in ("content-type",) if name in texts}
    path = f"/models/{model}/predict" if model else "/predict"
    request = Request("POST", path, headers=Headers(headers), body=body.encode("utf-8", "surrogatepass"))
    request.context = context
    return request


def _keep(name: str, answer: Response, settings: Settings, call: Call) -> None:
    """Store the answer to a message under its id at RESULTS_URI; without one it is a line of the log."""
    body, content_type = answer.body, answer.headers["content-type"]
    if isinstance(body, bytes):
        raise ServiceError(Problem.UNSUPPORTED_MEDIA_TYPE, f"a message is answered in text, not in {content_type}")
    call.bytes_out = len(body.encode())
    if settings.results_uri is None:
        from lambda_fn.telemetry.entries import tell  # here: a deployment may have a place for them

        tell("INFO", "a message of a queue is answered", {"message_id": name, **answer.headers, "answer": body})
        return
    from lambda_fn.storage import s3  # here: boto3 takes 0.2 s

    client, (bucket, prefix) = s3.ready_client(), location(settings.results_uri)
    bounded(lambda: s3.store(client, bucket, prefix + name, body.encode(), content_type), CALL_SECONDS)
