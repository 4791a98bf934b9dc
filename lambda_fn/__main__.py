"""`python -m lambda_fn`: the function `predict` without Lambda, for `convert`, which tries every model file on it.

Reads events on stdin, one JSON document a line, and writes each answer as a line on stdout; the log goes to stderr.
Lambda itself never imports it.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    """Answer events until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    from lambda_fn.handler import predict  # here: it loads the model
    from lambda_fn.unrequested import UnrequestedError

    for line in sys.stdin:
        try:
            answer = predict(json.loads(line), None)
        except UnrequestedError as error:
            answer = {"errorType": type(error).__name__, "errorMessage": str(error)}  # as Lambda has it
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
