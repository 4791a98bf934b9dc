"""Asking an estimator what it accepts, many features at once: it is guessed to be what one of them does, and tried.

One feature at a time, each of ten thousand would be asked a hundred times, with rows of ten thousand values. That
numbers are accepted is asked for many features together, with a row for each. That one is refused is asked one row at a
time, as an estimator does not say which of several rows it refuses.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import make_pipeline

from convert.errors import ConvertError
from convert.estimator.features import UNKNOWN, Floats
from convert.estimator.fitted import name_of
from convert.estimator.floats import from_ordinal, ordinal
from convert.estimator.kinds import kind_of
from convert.estimator.refused import OUTPUTS
from convert.graph.ensembles.table import is_made_of_trees
from convert.graph.tracing import trace
from convert.graph.transformers.layouts import SideBySide, passes
from convert.graph.transforms import layout_of
from convert.oracle.accepts import LARGEST, Accepts, Asked, ask_feature, quick_one
from convert.oracle.known import IN_FLOAT64

REFUSED_CELLS = 10**7
"""How many values the rows have in all, at the most, that are asked one by one whether they are refused: each feature
of up to 1,500 is asked, of more some that are drawn."""
BLOCK_CELLS = 5 * 10**6
"""How many values are asked at once."""

MOST_AT_ONCE, AT_ONCE_CELLS = 255, 10**5
"""How many rows transformers are asked with at once, and how many values those have."""

type Cells = list[tuple[int, float]]
"""Features by their places, each with a number that it is to be; the others are as in the row to start from."""


def ask(oracle: Asked) -> tuple[Accepts, ...]:
    """Return what the estimator accepts for each feature, the others being as in `oracle.row`.

    Numbers that are accepted are taken to be an interval, as they are for every estimator that checks for finite
    numbers of some precision, behind affine transformations or not; or else to be the categories that an encoder
    knows. Raises ConvertError if the estimator does not predict on that row.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answer = oracle.predict(oracle.row[np.newaxis])
        except Exception as error:  # whatever the estimator raises, it can't be asked anything
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ConvertError(
                f"{name_of(oracle.estimator)} does not predict on a row: {reason[:150]}: try its predict on one"
            ) from error
        if answer.ndim > 1:
            raise ConvertError(f"{name_of(oracle.estimator)} is not converted: {': '.join(OUTPUTS)}")
        quick = quick_one(oracle.estimator)
        found: dict[int, Accepts] = {}
        for first, *others in _alike(oracle):
            found[first] = ask_feature(oracle, quick, first, partial(_farthest, oracle, first))
            guesses = dict(zip(others, _guesses(oracle, found[first], others), strict=True))
            wrong = _wrong(oracle, guesses)
            found |= {column: guess for column, guess in guesses.items() if column not in wrong}
        return tuple(found.get(column) or ask_feature(oracle, quick, column) for column in range(len(oracle.row)))


def _alike(oracle: Asked) -> list[list[int]]:
    """Return the features that are strings, or numbers of no known categories, apart by what parts they go to."""
    groups: dict[Any, list[int]] = {}
    parts = _first_parts(oracle)
    for column, feature in enumerate(oracle.features):
        plain = feature.type == "float" and not len(oracle.categories(column))
        if (plain or feature.type == "str") and not feature.dropped:
            groups.setdefault((parts[column], feature.type, feature.column, feature.dtype), []).append(column)
    return list(groups.values())


def _first_parts(oracle: Asked) -> list[tuple[int, ...]]:
    """Return, for each feature, the places of the parts of a first ColumnTransformer that are given it."""
    first = next((each for each in oracle.transformers if not passes(each)), None)
    layout = None if first is None else layout_of(first)
    given: list[tuple[int, ...]] = [()] * len(oracle.features)
    for place, part in enumerate(layout.parts if isinstance(layout, SideBySide) else ()):
        for column in part.columns or ():
            given[column] = (*given[column], place)
    return given


def _guesses(oracle: Asked, first: Accepts, columns: Sequence[int]) -> list[Accepts]:
    """Return what features accept if it is what the `first` does: NaN or not, and what is finite behind scalers.

    Of strings it is those that are known, and unknown ones or not.
    """
    if any(oracle.features[column].type == "str" for column in columns):
        unknown = [UNKNOWN] if UNKNOWN in first.values else []
        known = [(*unknown, *oracle.categories(column).tolist()) for column in columns]
        return [Accepts(first.nan, values[0], values[-1], values) if values else first for values in known]
    if first.low is None or first.high is None or not oracle.transformers:
        return [first] * len(columns)
    low, high = (_last_finite(oracle, columns, sign) for sign in (-1.0, 1.0))
    return [Accepts(first.nan, *ends) for ends in zip(low.tolist(), high.tolist(), strict=True)]


def _farthest(oracle: Asked, column: int, sign: float) -> float:
    """Return the same for one feature."""
    return float(_last_finite(oracle, [column], sign)[0]) if oracle.transformers else sign * LARGEST


def _last_finite(oracle: Asked, columns: Sequence[int], sign: float) -> Floats:
    """Return, for each feature, the number farthest from 0 of which no transformer makes one beyond all numbers.

    All features go that far in one row, as the column that is made from one feature tells nothing of the others. Many
    such rows are asked at once: a transformer takes about as long for one.
    """
    finite = _Finite(oracle, columns)
    start = np.nan_to_num(np.maximum(sign * oracle.row[list(columns)], 0.0))
    low, high = ordinal(start + 0.0), np.full(len(columns), ordinal(np.float64(LARGEST)))
    low = np.where(finite(sign * from_ordinal(high[np.newaxis]))[0], high, low)
    count = min(MOST_AT_ONCE, max(1, AT_ONCE_CELLS // len(oracle.row)))
    turns = np.arange(1, count + 1)[:, np.newaxis]
    while (low + 1 < high).any():
        gap = high - low
        between = low + gap // (count + 1) * turns + gap % (count + 1) * turns // (count + 1)
        inside = np.logical_and.accumulate(finite(sign * from_ordinal(between)))
        low = np.where(inside, between, low).max(axis=0)
        high = np.where(inside, high, between).min(axis=0)
    return np.asarray(sign * from_ordinal(low), dtype=np.float64)


class _Finite:
    """Tells for which features the columns that transformers make are finite, in the precision of what is behind."""

    def __init__(self, oracle: Asked, columns: Sequence[int]) -> None:
        self._oracle, self._columns = oracle, list(columns)
        steps = [step for step in oracle.transformers if not passes(step)]
        prefixes = [make_pipeline(*steps[: count + 1], "passthrough") for count in range(len(steps))]
        made = [trace(prefix, len(oracle.features)).columns for prefix in prefixes]
        self._steps = list(zip(steps, made, strict=True))
        ends = [each.estimator for each in oracle.traced.predictors]
        trees = {kind_of(end) for end in ends if is_made_of_trees(end)}
        self._dtype = np.float32 if trees - IN_FLOAT64 else np.float64

    @np.errstate(over="ignore", invalid="ignore")
    def __call__(self, values: Floats) -> NDArray[np.bool_]:
        """Return (n, columns), for rows in which the features are at `values`, (n, columns)."""
        rows = np.repeat(self._oracle.row[np.newaxis], len(values), axis=0)
        rows[:, self._columns] = values
        finite = np.ones(rows.shape, dtype=np.bool_)
        made, left = self._oracle.as_input(rows), np.arange(len(rows))
        with suppress(Exception):  # whatever is raised: a guess needs not be right
            for step, origins in self._steps:
                made = step.transform(made)
                if origins is None:
                    break
                dense = np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)
                told = [(place, each.feature) for place, each in enumerate(origins) if each is not None]
                places, features = np.array(told, dtype=np.int64).reshape(-1, 2).T
                bad, place = np.nonzero(~np.isfinite(dense[:, places].astype(self._dtype)))
                finite[left[bad], features[place]] = False
                passed = ~np.isinf(dense).any(axis=1)  # what is behind refuses the others, and all rows with them
                made, left = made[passed], left[passed]
        return finite[:, self._columns]


def _wrong(oracle: Asked, guesses: Mapping[int, Accepts]) -> frozenset[int]:
    """Return the features that a guess is wrong of; of very many, some are asked whether they refuse what it says."""
    wrong = _refusing(oracle, [(column, value) for column, guess in guesses.items() for value in _accepted(guess)])
    cells = [(column, value) for column, guess in guesses.items() for value in _refused(guess)]
    most = oracle.one_by_one(REFUSED_CELLS)
    order = np.random.default_rng(0).permutation(len(cells)).tolist()
    drawn, rest = [cells[place] for place in order[:most]], [cells[place] for place in order[most:]]
    taken = {column for column, value in drawn if _takes(oracle, [(column, value)])}
    if taken:
        taken |= {column for column, value in rest if _takes(oracle, [(column, value)])}
    return frozenset(wrong | taken)


def _accepted(guess: Accepts) -> Iterator[float]:
    """Yield numbers that are accepted if the guess is right, and on which it hangs."""
    if guess.nan:
        yield np.nan
    if guess.values:
        yield from guess.values
        return
    yield -np.inf if guess.low is None else guess.low
    yield np.inf if guess.high is None else guess.high


def _refused(guess: Accepts) -> Iterator[float]:
    """Yield numbers that are refused if the guess is right."""
    if not guess.nan:
        yield np.nan
    if guess.values:
        yield from {UNKNOWN} - set(guess.values)
        return
    for limit, end in ((guess.low, -np.inf), (guess.high, np.inf)):
        if limit is not None:
            yield from {float(np.nextafter(limit, end)), end}


def _refusing(oracle: Asked, cells: Cells) -> set[int]:
    """Return the features of the cells that are refused: halves that are accepted as a whole are not parted."""
    block = max(1, BLOCK_CELLS // len(oracle.row))
    waiting = [cells[first : first + block] for first in range(0, len(cells), block)]
    refusing: set[int] = set()
    while waiting:
        some = waiting.pop()
        if _takes(oracle, some):
            continue
        half = len(some) // 2
        if half:
            waiting += [some[:half], some[half:]]
        else:
            refusing.add(some[0][0])
    return refusing


def _takes(oracle: Asked, cells: Cells) -> bool:
    """Whether the estimator answers on a row for each of the cells."""
    rows = np.repeat(oracle.row[np.newaxis], len(cells), axis=0)
    columns, values = zip(*cells, strict=True)
    rows[np.arange(len(cells)), list(columns)] = values
    try:
        oracle.predict(rows)
    except Exception:  # whatever is raised, as `ask_feature` has it
        return False
    return True
