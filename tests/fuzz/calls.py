"""An event is answered, and all is checked that any call has to hold to: its answer, and what is told beside it."""

from __future__ import annotations

from typing import Any

from lambda_fn.http.senders import Sender, sender_of
from lambda_fn.unrequested import UnrequestedError
from tests.fuzz.answers import check_answer
from tests.fuzz.grounds import grounds
from tests.fuzz.windows import Context, calls_in, check_captured, check_door, check_told


def answered(service: str, function: str, event: Any) -> tuple[Any, bytes]:
    """Return a service's answer, and the body in it, unpacked; None for an event that it has no answer to.

    Raises FindError, or what was not caught.
    """
    ground, sender = grounds(), sender_of(event)
    handler = ground.services[service]
    settings, answer = handler.SETTINGS, None
    try:
        with ground.watched(_ids(event), inputs=settings.log_inputs):
            answer = getattr(handler, function)(event, Context())
    except UnrequestedError as error:
        str(error).encode()
        if sender is not Sender.NO_REQUEST:
            raise
    finally:
        captured = ground.captured() if settings.capture_share else []
    ground.store.check()
    content = check_answer(answer, sender)
    lines = calls_in(ground.log.taken(), settings)
    check_told(sender, event, answer, lines, settings)
    if settings.door != settings.docs_door:
        check_door(event, content)
    if settings.capture_share:
        check_captured(captured, lines)
    return answer, content


def _ids(event: Any) -> list[str]:
    """Return the ids of a queue's messages, as the log has them."""
    records = event.get("Records") if isinstance(event, dict) else None
    messages = records if isinstance(records, list) else []
    return [repr(each.get("messageId")) for each in messages if isinstance(each, dict)]
