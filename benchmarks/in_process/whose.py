"""Time what a call does to know which model answers, and to say so; print samples as JSON.

``python -m benchmarks.in_process.whose``, with MODEL_URI; it runs in the interpreter and on the layer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from benchmarks.in_process.timing import interleaved


def main() -> None:
    """Time it as the handler does it, whose model is loaded and not due to be looked at."""
    from lambda_fn.handler import scoring
    from lambda_fn.http.request import Request

    front = scoring().catalog.front
    if front is None:
        raise ValueError("MODEL_URI is not set")
    request = Request("POST", "/predict")

    def choose() -> Mapping[str, str]:
        return front.served.current(request.patience).headers("application/json")

    print(json.dumps(interleaved({"whose": choose})))


if __name__ == "__main__":
    main()
