"""A small front, as Lambda's: environments that take one call at a time, are frozen between calls, come and go."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.runtime import Tree, serving

HANDLER = "lambda_fn.handler.predict"
KEPT = 2
"""How many environments, the first ones, live as long as the front: their memory is compared."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a call: the answer, None if there was none; the seconds from the event to it.

    environment, turn: which one answered, and how many calls it had before.
    """

    environment: int
    turn: int
    answer: Any
    seconds: float


class Environment:
    """An execution environment, through the Runtime Interface Emulator; its interpreter runs during calls only."""

    def __init__(self, number: int, tree: Tree, environ: Mapping[str, str]) -> None:
        self.number = number
        self.turns = 0
        self._stack = ExitStack()
        self._function = self._stack.enter_context(serving(tree, HANDLER, environ))
        self._pids: list[int] = []

    def call(self, event: Any) -> Reply:
        """Thaw the interpreter, invoke it, and freeze it again."""
        turn, self.turns = self.turns, self.turns + 1
        self._signal(signal.SIGCONT)
        start = time.perf_counter()
        try:
            answer = self._function.invoke(event)
        except (OSError, http.client.HTTPException, ValueError):  # it ended, took too long, or answered no JSON
            answer = None
        seconds = time.perf_counter() - start
        self._pids = self._pids or self._function.children()
        self._signal(signal.SIGSTOP)
        return Reply(self.number, turn, answer, seconds)

    def memory(self) -> int:
        """Return the resident bytes of the interpreter, 0 if it has ended."""
        try:
            pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self._pids)
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def close(self) -> None:
        """End it."""
        self._stack.close()

    def _signal(self, number: int) -> None:
        for pid in self._pids:
            with suppress(ProcessLookupError):  # then it answers no more
                os.kill(pid, number)


class Front:
    """Gives each call to an environment that is idle, the one used last first; makes one if none is, up to `most`."""

    def __init__(self, tree: Tree, environ: Mapping[str, str], most: int) -> None:
        self._tree = tree
        self._environ = environ
        self._most = most
        self._made = self._living = 0
        self._idle: list[Environment] = []
        self._freed = threading.Condition()
        self._making = threading.Lock()  # one at a time: what is a free port to two is none

    def call(self, event: Any) -> Reply:
        """Return what came of a call, which waits as long as all environments are busy."""
        environment = self._take()
        try:
            return environment.call(event)
        finally:
            with self._freed:
                self._idle.append(environment)
                self._freed.notify()

    def retire(self) -> None:
        """End the idle environment that was not used for the longest time, but for the first ones."""
        with self._freed:
            retired = next((each for each in self._idle if each.number >= KEPT), None)
            if retired is not None:
                self._idle.remove(retired)
                self._living -= 1
        if retired is not None:
            retired.close()

    def memory(self) -> dict[int, int]:
        """Return the resident bytes of each idle environment, by its number."""
        with self._freed:
            return {each.number: each.memory() for each in self._idle}

    def close(self) -> None:
        """End all environments, which are idle."""
        for environment in self._idle:
            environment.close()

    def _take(self) -> Environment:
        with self._freed:
            self._freed.wait_for(lambda: self._idle or self._living < self._most)
            if self._idle:
                return self._idle.pop()
            self._living += 1
            number, self._made = self._made, self._made + 1
        with self._making:
            return Environment(number, self._tree, self._environ)


@contextmanager
def front(tree: Tree, environ: Mapping[str, str], most: int) -> Iterator[Front]:
    """Serve with at most so many environments while the context lasts."""
    made = Front(tree, environ, most)
    try:
        yield made
    finally:
        made.close()
