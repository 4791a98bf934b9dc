"""Which calls are kept, and how their rows get to S3: never within a call, but for a copy of them.

Of a call that is drawn, its first rows are copied, and kept if it is answered. A thread makes lines of them and stores
these, beside whichever call finds that it is time: Lambda freezes an instance between calls, so that what is begun with
one is finished with the next. What the storage does not take is kept, while there is room, and stored later under the
same name, which is never written twice.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from lambda_fn.capture.lines import Lines, Taken
from lambda_fn.config import location
from lambda_fn.errors import ServiceError, described
from lambda_fn.storage.work import UnfinishedError, Work

if TYPE_CHECKING:
    from lambda_fn.http.request import Request
    from lambda_fn.model.model import Scores
    from lambda_fn.model.rows import Rows
    from lambda_fn.serving.loaded import Loaded

log = logging.getLogger(__name__)

CALL_ROWS = 100
"""So many rows of a call are kept, the first ones."""
FLUSH_ROWS, FLUSH_BYTES, FLUSH_SECONDS = 1000, 2**20, 60.0
"""When rows are stored: when there are so many, when they take so much, or when the first one has waited so long."""
HELD_BYTES = 2**22
"""What all rows that wait may take as lines; more are dropped, and counted."""
MOST_CALLS = 2.0**62
"""More than an instance ever answers."""
AGAIN_SECONDS = 60.0
"""How long a storage that failed is left alone, and how often the log tells of it at the most."""
FROZEN_SECONDS = 10.0
"""What is begun takes no longer (`s3_put.SECONDS`), unless the instance was frozen meanwhile."""
WAKING_SECONDS = 0.25
"""How long the next call then waits for it, as calls may be so few that it would never be finished beside one."""
ENDING_SECONDS = 1.5
"""How long the end of an instance is put off: Lambda waits for 2 s."""
CONTENT_TYPE = "application/jsonl"
MODELS = 16
"""Of how many models it is remembered how their rows become lines."""


class Batch:
    """The lines of one object: under which key, of which calls, about how many bytes, how many rows."""

    __slots__ = ("calls", "key", "rows", "size")

    def __init__(self, key: str) -> None:
        self.key = key
        self.calls: list[tuple[Lines, Taken]] = []
        self.rows = self.size = 0


class Capture:
    """What is kept of the calls of this instance, and not yet stored; safe to be asked by several threads."""

    def __init__(self, uri: str, share: float) -> None:
        """Keep a `share` of the calls under ``s3://bucket/prefix/``."""
        self._bucket, self._prefix = location(uri)
        self._share = share
        self._ahead = _gap(share)
        self._lock = threading.Lock()
        self._lines: dict[tuple[str, str], Lines] = {}
        self._waiting: list[tuple[Lines, Taken]] = []
        self._batches: list[Batch] = []
        self._rows = self._size = self._held = 0
        self._due_at, self._not_before = math.inf, -math.inf
        self._since = self._wall = self._back = self._begun_at = 0.0
        self._work: Work[None] | None = None
        self._failed = False
        self._dropped, self._told_at = 0, -math.inf
        self._catches = False

    def see(
        self, request: Request, loaded: Loaded, rows: Rows, scores: Scores, asked: bool
    ) -> Callable[[], None] | None:
        """Take the rows of a call if it is drawn; return what keeps them, for when it is answered. Never fails.

        asked: whether the answer has probabilities.
        """
        keep = None
        if self._ahead:
            self._ahead -= 1
        else:
            self._ahead = _gap(self._share)
            try:
                keep = self._take(request, loaded, rows, scores, asked)
            except Exception as error:
                self._tell(f"a call is not kept: {described(error)}")
        if keep is None:
            self._store_if_due()
        return keep

    def _take(
        self, request: Request, loaded: Loaded, rows: Rows, scores: Scores, asked: bool
    ) -> Callable[[], None] | None:
        whose = loaded.uri, loaded.version
        lines, count = self._lines.get(whose) or self._lines_of(whose, loaded), len(rows)
        kept = min(count, CALL_ROWS, max(1, FLUSH_BYTES // lines.row_bytes))
        size = kept * lines.row_bytes
        if self._held + size > HELD_BYTES:
            self._drop(kept)
            return None
        taken = Taken(
            getattr(request.context, "aws_request_id", ""),
            count,
            rows[:kept].copy(),
            scores.prediction[:kept].copy(),
            scores.probabilities[:kept].copy() if asked and scores.probabilities is not None else None,
        )
        return partial(self._keep, lines, taken, size)

    def _keep(self, lines: Lines, taken: Taken, size: int) -> None:
        """Keep the rows of a call, about so many bytes as lines; begin to store if it is time. Never fails."""
        try:
            with self._lock:
                if not self._waiting:
                    self._since = self._now()
                self._waiting.append((lines, taken))
                self._rows += len(taken.rows)
                self._size += size
                self._held += size
                self._due_at = min(self._due_at, self._next())
            self._store_if_due()
        except Exception as error:  # the call is answered
            self._tell(f"a call is not kept: {described(error)}")

    def _store_if_due(self) -> None:
        if self._due_at <= self._now():
            self._go_on()

    def _next(self) -> float:
        """Return when what is kept is to be stored."""
        if not self._waiting:
            return math.inf
        full = self._rows >= FLUSH_ROWS or self._size >= FLUSH_BYTES
        return self._not_before if full else max(self._since + FLUSH_SECONDS, self._not_before)

    def _now(self) -> float:
        """Return seconds by the clock on the wall, as the other stands still in a frozen instance; never set back."""
        wall = time.time()
        if wall < self._wall:
            self._back += self._wall - wall
        self._wall = wall
        return wall + self._back

    def _lines_of(self, whose: tuple[str, str], loaded: Loaded) -> Lines:
        """Return how rows of a model become lines; what is done once for each."""
        if not self._catches and threading.current_thread() is threading.main_thread():
            self._catches = True
            before = signal.getsignal(signal.SIGTERM)
            signal.signal(signal.SIGTERM, lambda *_: self._end(before))
        if len(self._lines) >= MODELS:
            self._lines.clear()
        lines = self._lines[whose] = Lines(loaded)
        return lines

    def _go_on(self) -> None:
        """Begin to store, in a thread, what is kept; wait for what the instance was frozen in."""
        with self._lock:
            work, now = self._work, self._now()
            self._due_at = now + FROZEN_SECONDS  # until what is begun here says when
            if work is None or work.done:
                self._begun_at = now
                try:
                    self._work = Work(self._store)
                except ServiceError as error:
                    self._fail(error, frozen=False)
                return
        if now - self._begun_at >= FROZEN_SECONDS and not self._failed:
            with suppress(ServiceError):
                work.result(WAKING_SECONDS)

    def _store(self) -> None:
        """Store what is kept, object by object, and stop at the first one that the storage does not take."""
        from lambda_fn.storage.s3_put import put_new  # here: the call that begins this does not wait for it

        begun = self._now()
        with self._lock:
            waiting, self._waiting = self._waiting, []
            self._rows = self._size = 0
        self._batches += self._grouped(waiting)
        while self._batches:
            batch = self._batches[0]
            try:
                put_new(self._bucket, batch.key, _body(batch), CONTENT_TYPE)
            except ServiceError as error:
                self._fail(error, frozen=self._now() - begun >= FROZEN_SECONDS)
                return
            except Exception as error:  # of memory, or a mistake of the service's own, which another try does not mend
                self._drop(batch.rows, f": {described(error)}")
            with self._lock:
                self._held -= batch.size
            del self._batches[0]
        with self._lock:
            self._failed, self._due_at = False, self._next()

    def _grouped(self, waiting: list[tuple[Lines, Taken]]) -> list[Batch]:
        """Return the calls by model and day, each with a name that no other instance makes."""
        batches: dict[str, Batch] = {}
        for lines, taken in waiting:
            moment = time.gmtime(taken.time)
            folder = f"{self._prefix}model={lines.model}/date={time.strftime('%Y-%m-%d', moment)}/"
            if folder not in batches:
                name = f"{time.strftime('%H%M%S', moment)}-{os.urandom(8).hex()}.jsonl"
                batches[folder] = Batch(folder + name)
            batch = batches[folder]
            batch.calls.append((lines, taken))
            batch.rows += len(taken.rows)
            batch.size += len(taken.rows) * lines.row_bytes
        return list(batches.values())

    def _fail(self, error: ServiceError, *, frozen: bool) -> None:
        """Leave the storage alone for a while, unless it is no failure of its own that the instance was frozen."""
        self._failed = not frozen
        self._not_before = self._due_at = self._now() + (0.0 if frozen else AGAIN_SECONDS)
        if not frozen:
            self._tell(error.told)

    def _drop(self, rows: int, why: str = "") -> None:
        self._dropped += rows
        self._tell(f"rows are dropped{why}")

    def _tell(self, what: str) -> None:
        """Write to the log what happened, unless it was written to lately."""
        now = self._now()
        if now - self._told_at >= AGAIN_SECONDS:
            self._told_at = now
            log.warning("capture: %s (%d rows dropped so far)", what, self._dropped)

    def _end(self, before: Any) -> None:
        """Store what is kept while the instance ends, and then do what was to be done `before`."""
        until = time.monotonic() + ENDING_SECONDS
        with suppress(ServiceError, UnfinishedError):
            if self._work is not None:
                self._work.result(until - time.monotonic())
            Work(self._store).result(until - time.monotonic())
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)


def _gap(share: float) -> int:
    """Draw how many calls go by until the next one that is kept, as if each were drawn by itself: that costs 0.7 µs."""
    if share == 1.0:
        return 0
    drawn = (int.from_bytes(os.urandom(8)) + 1) / 2**64  # not 0, whose logarithm is none
    return int(min(math.log(drawn) / math.log1p(-share), MOST_CALLS))


def _body(batch: Batch) -> bytes:
    """Return the lines; between any two, other threads may go on: a call does not wait for all of them."""
    found = []
    for lines, taken in batch.calls:
        for line in lines.of(taken):
            found.append(line)
            time.sleep(0)
    return "".join(found).encode("ascii")
