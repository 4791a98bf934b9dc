"""The function in a process of its own, as `python -m lambda_fn` is, behind a port of this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import TESTS
from tests.served import served


@contextlib.contextmanager
def serve(model: Path) -> Iterator[str]:
    """Serve a model file; yield the URL."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "lambda_fn"],
        cwd=TESTS.parent,
        env=environ | {"MODEL_URI": model.resolve().as_uri()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    turn = threading.Lock()

    def function(event: Any, _: Any) -> Any:
        with turn:
            assert process.stdin is not None
            assert process.stdout is not None
            print(json.dumps(event), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

    try:
        with served(function) as url:
            yield url
    finally:
        process.communicate()
