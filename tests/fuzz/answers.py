"""What every answer has to be, whatever was asked: whole, in its sender's form, in the dialect that it says."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from lambda_fn.errors import Problem
from lambda_fn.http.senders import Sender
from tests.fuzz.finds import FindError

CODES = {each.code: each for each in vars(Problem).values() if hasattr(each, "code")}
UNSET = ("MODELS_URI", "OBJECTS_URI")
"""What some of the services lack: then a 503 is right, which to HEAD has no body."""
MOST_BYTES = 6 * 2**20
BALANCED = (Sender.BALANCER, Sender.BALANCER_MULTI)


def check_answer(answer: Any, sender: Sender) -> bytes:
    """Return the body of an answer, unpacked; raise FindError if it is none that its sender takes."""
    if sender is Sender.NO_REQUEST:  # whose messages' names are AWS's own
        _check_queue(answer)
        return b""
    try:
        size = len(json.dumps(answer, ensure_ascii=False, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        raise FindError(f"an answer that is no JSON: {type(error).__name__}", str(error)) from error
    if size > MOST_BYTES:
        raise FindError("an answer that Lambda does not return", f"{size} bytes")
    if sender is Sender.DIRECT:
        if not isinstance(answer, dict) or ("prediction" not in answer and "code" not in answer):
            raise FindError("a direct answer of another form", repr(answer)[:500])
        _check_status(answer.get("status", 200), answer)
        return b""
    if not isinstance(answer, dict) or not {"statusCode", "body", "isBase64Encoded"} <= answer.keys():
        raise FindError("an answer without status or body", repr(answer)[:500])
    headers, body = _headers(answer, sender), answer["body"]
    if not isinstance(body, str) or not isinstance(answer["isBase64Encoded"], bool):
        raise FindError("an answer whose body is no text", repr(body)[:500])
    data = _bytes(answer)
    content = _unpacked(data, headers) if data else b""
    _check_status(answer["statusCode"], content)
    if content:
        _check_content(content, headers, answer["statusCode"])
    return content


def _bytes(answer: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(answer["body"], validate=True) if answer["isBase64Encoded"] else answer["body"].encode()
    except (binascii.Error, UnicodeEncodeError) as error:
        raise FindError("a body that is no base64, or no UTF-8", str(error)) from error


def _headers(answer: Mapping[str, Any], sender: Sender) -> dict[str, str]:
    several = sender is Sender.BALANCER_MULTI
    if ("multiValueHeaders" in answer) != several or ("statusDescription" in answer) != (sender in BALANCED):
        raise FindError("an answer in the form of another sender", repr(answer)[:500])
    found = answer["multiValueHeaders" if several else "headers"]
    headers = {name: ",".join(each) if several else each for name, each in found.items()}
    for name, each in headers.items():
        if not isinstance(each, str) or not each.isascii() or not each.isprintable() or name != name.lower():
            raise FindError(f"a header that is none: {name}", repr(each)[:500])
    return headers


def _unpacked(data: bytes, headers: Mapping[str, str]) -> bytes:
    coding = headers.get("content-encoding")
    if coding is None:
        return data
    try:
        return zlib.decompress(data, {"gzip": 31, "deflate": 15}[coding])
    except (KeyError, zlib.error) as error:
        raise FindError("an answer that is not packed as it says", str(error)) from error


def _check_status(status: Any, content: Any) -> None:
    if type(status) is not int or not 200 <= status < 600:
        raise FindError("a status that is none", repr(status))
    if status < 500:
        return
    text = content.decode(errors="replace") if isinstance(content, bytes) else json.dumps(content)
    if status != 503 or (text and not any(f"{name} is not set on this function" in text for name in UNSET)):
        raise FindError(f"a {status}", text[:1000])


def _check_content(content: bytes, headers: Mapping[str, str], status: int) -> None:
    kind = headers.get("content-type", "application/json").partition(";")[0]
    try:
        if kind in ("application/json", "application/problem+json"):
            document = json.loads(content.decode(), parse_constant=no_number)
            if kind == "application/problem+json" and {CODES[document["code"]].status, document["status"]} != {status}:
                raise FindError("problem details of another status", repr(document))
        elif kind == "text/csv":
            widths = {len(row) for row in csv.reader(io.StringIO(content.decode(), newline=""), strict=True)}
            if len(widths) > 1:
                raise FindError("CSV with rows of different widths", repr(content[:300]))
        elif kind == "application/x-npy":
            np.load(io.BytesIO(content), allow_pickle=False)
        elif kind == "application/octet-stream":
            json.loads(content[: int(headers["inference-header-content-length"])].decode(), parse_constant=no_number)
        elif kind not in ("text/html", "text/plain"):
            raise FindError("an answer of a type that is not told of", kind)
    except FindError:
        raise
    except Exception as error:
        raise FindError(
            f"an answer that is no {kind}: {type(error).__name__}", f"{error}\n{content[:1000]!r}"
        ) from error


def _check_queue(answer: Any) -> None:
    """Check what a queue, or a warmer, takes."""
    if answer is None:
        return
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not isinstance(failures, list) or not all(each.keys() == {"itemIdentifier"} for each in failures):
        raise FindError("an answer that no queue takes", repr(answer)[:500])


def no_number(name: str) -> NoReturn:
    """Refuse what Python's parser takes beside numbers."""
    raise ValueError(f"{name} is not JSON")
