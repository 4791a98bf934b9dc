"""A function in a process of its own, as `python -m lambda_fn` is, where names of hosts can be made to fail.

`python -m tests.faults.function FUNCTION FILE`: what FILE holds at the time says what becomes of a name: nothing
(it is resolved), ``fails``, or ``silence``, as of a resolver that does not answer.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

SILENCE_SECONDS = 12.0
"""Longer than any call may take. The C library asks each server of names twice, 5 s each time."""


def main(function: str, names: Path) -> None:
    """Answer events until there are no more."""
    resolve = socket.getaddrinfo

    def resolve_or_fail(*arguments: Any, **named: Any) -> Any:
        becomes = names.read_text()
        if becomes == "silence":
            time.sleep(SILENCE_SECONDS)
        if becomes:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(*arguments, **named)

    socket.getaddrinfo = resolve_or_fail
    from lambda_fn.__main__ import main as answer_events

    if function == "objects":
        from lambda_fn import handler

        handler.predict = handler.objects
    answer_events()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
