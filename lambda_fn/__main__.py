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

    for line in sys.stdin:
        print(json.dumps(predict(json.loads(line), None)), file=answers, flush=True)


if __name__ == "__main__":
    main()
