"""Model files that were altered: the reader of protobuf, the guard, the card."""

from __future__ import annotations

from typing import Any

import numpy as np

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.guard.check import check_model
from tests.fuzz import values
from tests.fuzz.draws import Draws
from tests.fuzz.finds import ROOT, FindError
from tests.lambda_fn.model.guard.mutants import mutant

SHARE = 5
FILES = [
    path.read_bytes()
    for path in sorted((ROOT / "tests" / "files").glob("*.onnx"), key=lambda path: path.stat().st_size)
]


def make(draws: Draws) -> bytes:
    """Return a file with messages, numbers or bytes of it altered."""
    if draws.below(2):
        data = draws.pick(FILES)
        for _ in range(1 + draws.below(3)):
            data = values.altered_bytes(draws, data)
        return data
    try:
        return mutant(np.random.default_rng(list(draws.take(8))), FILES)
    except ValueError:  # altered so often that nothing is left to alter
        return FILES[0]


def check(made: bytes) -> None:
    """Have the guard look at it."""
    for rows in ((), [(0.0, 1.0)] * 3):
        try:
            check_model(made, rows)
        except ServiceError as error:
            if error.problem is not Problem.MODEL_INVALID:
                raise FindError(f"a model file that is {error.problem}", error.told) from error


def size(made: Any) -> int:
    """Return its bytes."""
    return len(made)
