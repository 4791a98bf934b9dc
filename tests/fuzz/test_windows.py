"""What is looked for is seen: in the log, in Server-Timing and in what is captured, anything else is a find."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambda_fn.config import Settings
from lambda_fn.http.senders import Sender
from tests.fuzz.finds import FindError
from tests.fuzz.values import MARK
from tests.fuzz.windows import REQUEST_ID, calls_in, check_captured, check_told

SETTINGS = Settings.from_environ({"MODEL_URI": "file:///m", "LOG_CALLS": "all", "SERVER_TIMING": "true"})
LINE = {
    "timestamp": "2026-11-27T12:48:58.999Z",
    "level": "INFO",
    "message": "POST /predict 200",
    "method": "POST",
    "route": "/predict",
    "status": 200,
    "sender": "payload_2",
    "requestId": REQUEST_ID,
    "bytes_in": 28,
    "total_ms": 0.4,
    "encode_ms": 0.1,
    "rows": 1,
}
ANSWER = {"statusCode": 200, "headers": {"server-timing": "total;dur=0.400, encode;dur=0.100"}}
ROW: dict[str, Any] = {
    **dict.fromkeys(("time", "model", "version", "sha256"), ""),
    "requestId": REQUEST_ID,
    "rows": 1,
    "row": 0,
    "features": {},
    "prediction": 1,
}
KEY = "captured/model=iris/date=2026-11-27/124858-0123456789abcdef.jsonl"


def written(*documents: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def test_what_is_as_it_is_to_be_is_no_find() -> None:
    lines = calls_in(written(LINE | {"message_id": MARK}), SETTINGS)
    check_told(Sender.PAYLOAD_2, {}, ANSWER, lines, SETTINGS)
    check_captured([(KEY, written(ROW))], lines)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (written(LINE)[:-1], "a line of the log without an end"),
        (written(LINE).replace(b'"level"', b'\r\n"level"'), "a line of the log that is no JSON"),
        (written(LINE).replace(b'"level"', b'"status":200,"level"'), "a line of the log that is no JSON"),
        (written(LINE | {"total_ms": float("nan")}), "a line of the log that is no JSON"),
        (written({"hello": 1}), "a line of the log that is nobody's"),
        (written(LINE | {"path": "/predict"}), "a line with a wrong member"),
        (written(LINE | {"body": "{}"}), "a line with a wrong member"),
        (written(LINE | {"route": "/models/x/predict"}), "a line with a wrong route"),
        (written(LINE | {"status": 500}), "a line whose code is not its status'"),
        (written(LINE | {"status": 500, "code": "internal-error"}), "a line of internal-error"),
        (written(LINE | {"message": f"POST /{MARK} 200"}), "a line with another message"),
        (written(LINE | {"model": f"x{MARK}"}), "the log has what was sent"),
        (written({"ModelUri": MARK}), "the log has what was sent"),
        (written({"ModelUri": "x" * 3000}), "a long line of the log"),
        (written(LINE | {"encode_ms": 0.5}), "parts that take longer than all"),
    ],
)
def test_a_line_that_is_none_of_the_log_is_a_find(data: bytes, kind: str) -> None:
    with pytest.raises(FindError) as raised:
        calls_in(data, SETTINGS)
    assert raised.value.kind == kind


@pytest.mark.parametrize(
    ("answer", "lines", "kind"),
    [
        (ANSWER, [], "0 lines of a call"),
        (ANSWER, [LINE, LINE], "2 lines of a call"),
        (ANSWER | {"statusCode": 400}, [LINE], "another status is told than answered"),
        (ANSWER | {"headers": {}}, [LINE], "Server-Timing where it is not asked for, or none"),
        (ANSWER | {"headers": {"server-timing": "x;dur=1.000"}}, [LINE], "Server-Timing of another form"),
        (
            ANSWER | {"headers": {"server-timing": "total;dur=0.400"}},
            [LINE],
            "Server-Timing of other times than the line",
        ),
    ],
)
def test_what_is_told_of_another_answer_is_a_find(answer: Any, lines: Any, kind: str) -> None:
    with pytest.raises(FindError) as raised:
        check_told(Sender.PAYLOAD_2, {}, answer, lines, SETTINGS)
    assert raised.value.kind == kind


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        ([], "captured is something else than was answered"),
        ([("captured/model=../x.jsonl", written(ROW))], "captured under a name that is none, or without an end"),
        ([(KEY, written(ROW | {"prediction": float("inf")}))], "a captured line that is no JSON"),
        ([(KEY, written(ROW | {"row": 1}))], "a captured line of another form"),
    ],
)
def test_what_is_captured_otherwise_is_a_find(stored: Any, kind: str) -> None:
    with pytest.raises(FindError) as raised:
        check_captured(stored, [LINE])
    assert raised.value.kind == kind
