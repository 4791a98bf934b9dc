"""A model file's companion: a graph beside it that answers the same, bit for bit, and many rows faster.

It is named in the card by its digest, and is fetched and loaded when the first call of a whole batch comes: what a cold
start and a call of few rows do without, costs them nothing. If it can't be had, the model's own graph scores all rows.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lambda_fn.digest import sha256
from lambda_fn.errors import Problem, ServiceError, described
from lambda_fn.model.engine import STEP, Engine
from lambda_fn.model.guard.check import check_model

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lambda_fn.model.card import ManyRows

log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0
"""How long after a failure it is asked for again."""


class Companion:
    """The graph for many rows."""

    def __init__(self, own: Engine, said: ManyRows, fetch: Callable[[str], bytes]) -> None:
        """Fetch nothing yet of what the card of the model's own graph `said`.

        fetch: returns the bytes that have a digest, or raises ServiceError.
        """
        self._own, self._said, self._fetch = own, said, fetch
        self._engine: Engine | None = None
        self._failed_at = -math.inf  # by the clock on the wall, as the other may stand still while frozen
        self._lock = threading.Lock()

    def engine(self) -> Engine | None:
        """Return the graph, loaded by now; None where it can't be had, which the log tells once a minute."""
        if self._engine is None:
            with self._lock:
                if self._engine is None and not 0 <= time.time() - self._failed_at < RETRY_SECONDS:
                    self._load()
        return self._engine

    def run(self, engine: Engine, rows: NDArray[np.float64], probabilities: bool) -> list[NDArray[Any]]:
        """Return what `engine` answers, this one's or the model's own; if it is this one's and fails, the latter's."""
        try:
            return engine.run(rows, probabilities)
        except ServiceError as error:
            if engine is self._own:
                raise
            self._give_up(error)
        return self._own.run(rows, probabilities)

    def _give_up(self, error: Exception) -> None:
        self._engine = None
        self._failed_at = time.time()
        log.warning("no graph for many rows: %s", error.told if isinstance(error, ServiceError) else described(error))

    def _load(self) -> None:
        try:
            data = self._fetch(self._said.sha256)
            if sha256(data).hex() != self._said.sha256:
                raise ServiceError(Problem.MODEL_INVALID, "its digest is not the one in the model's card")
            card = self._own.card
            takes = [(each.accepts.low, each.accepts.high) for each in card.features]
            engine = Engine(data, check_model(data, takes), card)
            if engine.names != self._own.names:
                came, expected = (" and ".join(each.names) for each in (engine, self._own))
                raise ServiceError(Problem.MODEL_INVALID, f"it answers {came}, not {expected}")
            engine.batch_rows = min(engine.batch_rows, self._said.batch_rows) // STEP * STEP
            if not engine.batch_rows or self._own.batch_rows % STEP:
                raise ServiceError(Problem.MODEL_INVALID, f"a batch of {STEP} rows takes too much memory")
            engine.least_rows = min(self._said.from_rows, engine.batch_rows)
            self._engine = engine
        except Exception as error:  # whatever it is, the rows are scored without
            self._give_up(error)
