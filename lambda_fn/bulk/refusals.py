"""The rows of a block that the model takes, and those that it refuses, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.model import Model, Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.bulk.block import Block
    from lambda_fn.bulk.outputs import Output

NUMBER = re.compile(r"^row \d+(?: \(line \d+\))?(?:, |:? )")
"""How what is told of a row begins: with its number in whatever slice it was looked at."""
NO_ROWS_FAULT = frozenset({Problem.MODEL_INVALID, Problem.STORAGE_UNAVAILABLE, Problem.INTERNAL_ERROR})
"""What is no fault of a row."""


class Part:
    """Some rows that were scored together, from `begin` to `end` of a block; or one that is refused, with `error`."""

    __slots__ = ("begin", "end", "error", "scores")

    def __init__(self, begin: int, end: int, scores: Scores | None, error: ServiceError | None = None) -> None:
        self.begin, self.end = begin, end
        self.scores, self.error = scores, error


def parts_of(block: Block, rows: range, model: Model, output: Output, probabilities: bool) -> Iterator[Part]:
    """Yield some rows of a block in their order: those that are scored together, each that is refused by itself.

    All are read at once. Behind one that can't be, about twice as many are as in front of it, and then more: a row's
    answer is the same among whatever others.
    """
    begin, size = rows.start, len(rows)
    while begin < rows.stop:
        end = min(rows.stop, begin + size)
        try:
            values = block.rows[begin:end]
        except ServiceError as error:
            if error.problem in NO_ROWS_FAULT:
                raise
            if end - begin == 1:
                yield Part(begin, end, None, error.again())
                begin, size = end, 1
                continue
            bad = (begin + end) // 2 if error.row is None else error.row
            for some in (range(begin, bad), range(bad, bad + 1)):  # by itself, for its own reason
                yield from parts_of(block, some, model, output, probabilities)
            begin, size = bad + 1, max(1, 2 * (bad - begin))
        else:
            yield from _scored(values, begin, model, output, probabilities)
            begin, size = end, size * 2


def _scored(
    values: NDArray[np.float64], begin: int, model: Model, output: Output, probabilities: bool
) -> Iterator[Part]:
    """Yield rows that could be read, the first of which is number `begin`: scored together, but for those refused."""
    refused: dict[int, ServiceError] = {}
    kept = np.arange(len(values))
    try:
        scores = model.score(values, 1, probabilities)
    except ServiceError as error:
        if error.problem in NO_ROWS_FAULT:
            raise
        refused = {error.row or 0: error for error in model.refusals(values)}
        kept = np.delete(kept, list(refused))
        scores = model.score(values[kept], 1, probabilities) if len(kept) else Scores(values[:0, 0], None)
    for refusal in output.refusals(scores):
        refused[int(kept[refusal.row or 0])] = refusal
    if not refused:
        yield Part(begin, begin + len(values), scores)
        return
    places, start = np.searchsorted(kept, np.arange(len(values) + 1)), 0
    for row in [*sorted(refused), len(values)]:
        if row > start:
            yield Part(begin + start, begin + row, scores.part(int(places[start]), int(places[row])))
        if row in refused:
            yield Part(begin + row, begin + row + 1, None, refused[row])
        start = row + 1


def reason(error: ServiceError) -> str:
    """Return what is told of a refused row, without the number that it has in a slice.

    >>> reason(ServiceError(Problem.NAN, "row 3 (line 4), column 0 ('age') is nan, the model takes …"))
    "column 0 ('age') is nan, the model takes …"
    """
    return NUMBER.sub("", error.text)
