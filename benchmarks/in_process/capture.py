"""Time a call of two rows with capture off, with a call that is passed by, and with one that is kept; print as JSON.

``MODEL_URI=file:///… python -m benchmarks.in_process.capture``; nothing is sent, but lines are made as if it were.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROUNDS, CALLS = 4000, 5
"""How often each way is timed, in turns, and how many calls at a time."""
SHARES: Mapping[str, float] = {"off": 0.0, "passed by": 1e-12, "kept": 1.0}
URI = "s3://bucket/captured/"
EVENT = Path(__file__).parents[2] / "tests" / "events" / "predict-http-api.json"


def main() -> None:
    """Print microseconds a call: the median, and how much more than with capture off, round by round."""
    from lambda_fn import handler
    from lambda_fn.capture import capture
    from lambda_fn.config import Settings
    from lambda_fn.storage import s3_put

    stored: list[int] = []
    capture.HELD_BYTES = 2**40  # calls come faster here than lines are made: none is to be dropped
    s3_put.put_new = lambda bucket, key, body, content_type: stored.append(len(body))
    service, event = handler.scoring(), json.loads(EVENT.read_text())
    context = SimpleNamespace(aws_request_id="8f5c9a9e-5a3c-4a0e-9d43-5f1b6c1d2e3f")
    settings = {
        name: Settings(**{**vars(handler.SETTINGS), "capture_uri": URI, "capture_share": share})
        for name, share in SHARES.items()
    }
    samples: dict[str, list[float]] = {name: [] for name in SHARES}
    gc.disable()  # it looks at what is kept as at all else: no way is to pay for another's
    for _ in range(ROUNDS):
        for name, each in settings.items():
            service._settings = each
            samples[name].append(_seconds(handler.predict, event, context))
    told = {name: round(statistics.median(values) * 1e6, 2) for name, values in samples.items()}
    for name in list(SHARES)[1:]:
        more = [value - off for value, off in zip(samples[name], samples["off"], strict=True)]
        told[f"{name}, more than off"] = round(statistics.median(more) * 1e6, 2)
    json.dump({**told, "objects": len(stored), "bytes": sum(stored)}, sys.stdout)
    print()


def _seconds(predict: Any, event: Any, context: Any) -> float:
    """Return the seconds a call."""
    start = time.perf_counter()
    for _ in range(CALLS):
        predict(event, context)
    return (time.perf_counter() - start) / CALLS


if __name__ == "__main__":
    main()
