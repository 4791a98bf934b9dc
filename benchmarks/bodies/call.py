"""One process of the function: send it one body, print what that took as JSON. Imports nothing that trains."""

from __future__ import annotations

import base64
import gc
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.bodies.bodies import NPY, bodies
from benchmarks.memory import peak
from lambda_fn import handler

EVENT = Path(__file__).parents[2] / "tests" / "events" / "predict-http-api.json"
PAGE_BYTES = 4096


def event_of(body: bytes, kind: str, accept: str, probabilities: bool) -> Any:
    """Return the event that carries `body`."""
    event = json.loads(EVENT.read_text())
    event["headers"] |= {"content-type": kind, "accept": accept}
    if probabilities:
        event["queryStringParameters"] = {"probabilities": "true"}
    try:
        event["body"] = base64.b64encode(body).decode() if kind == NPY else body.decode()
        event["isBase64Encoded"] = kind == NPY
    except UnicodeDecodeError:
        event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True
    return event


def resident() -> int:
    """Return the memory of this process now, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES


def forget_peak() -> None:
    """Let the peak be what there is now."""
    Path("/proc/self/clear_refs").write_text("5")


def main(kind: str, name: str, size: int, accept: str, probabilities: bool) -> None:
    """Call the function once; the event is part of what it takes, the bytes that it was made of are not."""
    card = json.loads(handler.predict(json.loads(EVENT.read_text()) | {"rawPath": "/model", "requestContext": {
        "http": {"method": "GET"}, "stage": "$default"}}, None)["body"])  # fmt: skip
    make = bodies(kind, card["features"], size)[name]
    for small in ("rows", "u1"):  # what the first call of a dialect imports and takes for good
        if small in bodies(kind, card["features"], 2_000):
            handler.predict(event_of(bodies(kind, card["features"], 2_000)[small](), kind, accept, probabilities), None)
    gc.collect()
    before = resident()
    event = event_of(make(), kind, accept, probabilities)
    forget_peak()
    start = time.process_time()  # with one thread for scoring, what a machine of its own takes
    answer = handler.predict(event, None)
    seconds = time.process_time() - start
    code = json.loads(answer["body"])["code"] if answer["statusCode"] != 200 else "scored"
    print(json.dumps({"code": code, "seconds": seconds, "bytes": peak() - before, "kept": resident() - before}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5] == "true")
