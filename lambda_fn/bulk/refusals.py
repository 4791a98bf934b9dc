"""The rows of a block that the model takes, and those that it refuses, each with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.model import Model, Scores

if TYPE_CHECKING:
    from lambda_fn.bulk.block import Block
    from lambda_fn.bulk.outputs import Output

NUMBER = re.compile(r"^row \d+(?: \(line \d+\))?(?:, |:? )")
"""How what is told of a row begins: with its number in whatever slice it was looked at."""
NO_ROWS_FAULT = frozenset({Problem.MODEL_INVALID, Problem.STORAGE_UNAVAILABLE, Problem.INTERNAL_ERROR})
"""What is no fault of a row."""


FIRST_TRY = 1024
"""How many rows are tried first where not all can be scored together."""


class Part:
    """Some rows that were scored together, from `begin` to `end` of a block; or one that is refused, with `error`."""

    __slots__ = ("begin", "end", "error", "scores")

    def __init__(self, begin: int, end: int, scores: Scores | None, error: ServiceError | None = None) -> None:
        self.begin, self.end = begin, end
        self.scores, self.error = scores, error


def parts_of(block: Block, rows: range, model: Model, output: Output, probabilities: bool) -> Iterator[Part]:
    """Yield some rows of a block in their order: those that are scored together, each that is refused by itself.

    All are tried at once. Where one is refused, fewer are tried, and where none is, more: a row's answer is the same
    among whatever others.
    """
    begin, size = rows.start, len(rows)
    while begin < rows.stop:
        end = min(rows.stop, begin + size)
        try:
            scores = model.score(block.rows[begin:end], 1, probabilities)  # sliced here: the model would by its batches
            output.check(scores)
        except ServiceError as error:
            if error.problem in NO_ROWS_FAULT:
                raise
            if end - begin == 1:
                yield Part(begin, end, None, error.again())
                begin, size = end, 1
            else:
                size = min(FIRST_TRY, (end - begin) // 4 or 1)
        else:
            yield Part(begin, end, scores)
            begin, size = end, size * 2


def reason(error: ServiceError) -> str:
    """Return what is told of a refused row, without the number that it has in a slice.

    >>> reason(ServiceError(Problem.NAN, "row 3 (line 4), column 0 ('age') is nan, the model takes …"))
    "column 0 ('age') is nan, the model takes …"
    """
    return NUMBER.sub("", error.text)
