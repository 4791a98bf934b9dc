"""Time handlers, in turns, in the interpreter and on the packages that they are deployed with; print samples as JSON.

``python -m benchmarks.in_process.handlers CASES NAME=MODULE.HANDLER …``
"""

from __future__ import annotations

import json
import pkgutil
import sys
from functools import partial
from pathlib import Path

from benchmarks.in_process.timing import interleaved


def main() -> None:
    """Compare what all answer with what is expected, then time them."""
    cases = json.loads(Path(sys.argv[1]).read_text())
    handlers = {
        name: pkgutil.resolve_name(handler) for name, _, handler in (each.partition("=") for each in sys.argv[2:])
    }
    calls = {}
    for count, case in cases.items():
        for name, handler in handlers.items():
            answer = handler(case["event"], None)
            if json.loads(answer["body"]) != {"prediction": case["prediction"]}:
                raise ValueError(f"{name} answers {str(answer)[:500]}")
            calls[f"{name} {count}"] = partial(handler, case["event"], None)
    print(json.dumps(interleaved(calls)))


if __name__ == "__main__":
    main()
