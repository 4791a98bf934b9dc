"""Time our handler and the bare steps, which are the floor's handler, on the layer; print the samples as JSON."""

from __future__ import annotations

import importlib
import json
import sys
from functools import partial
from pathlib import Path

from benchmarks.in_process.timing import interleaved


def main() -> None:
    """Compare what both answer with what is expected, then time them."""
    cases = json.loads(Path(sys.argv[1]).read_text())
    steps = importlib.import_module("app").handler  # the floor's, found on PYTHONPATH
    ours = importlib.import_module("lambda_fn.handler").predict
    calls = {}
    for count, case in cases.items():
        for name, handler in (("plume", ours), ("steps", steps)):
            answer = handler(case["event"], None)
            if json.loads(answer["body"]) != {"prediction": case["prediction"]}:
                raise ValueError(f"{name} answers {str(answer)[:500]}")
            calls[f"{name} {count}"] = partial(handler, case["event"], None)
    print(json.dumps(interleaved(calls)))


if __name__ == "__main__":
    main()
