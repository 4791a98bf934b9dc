"""The rows that estimator and model file are compared on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from convert.estimator.features import Floats
from convert.graph.ensembles.table import is_made_of_trees
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.oracle.sample import Sample
from convert.proof.edges import Range, edge_rows, with_neighbours
from convert.proof.parity import Answers
from convert.proof.special import far_rows, is_exact, rows_between_labels, special_rows
from convert.proof.steady import steady

RANDOM_ROWS = 100_000
SIZE_ROWS = 10_000
SEED = 0
RANDOM_CELLS = 2 * 10**7
"""How many values the random rows have at the most: of more than 200 features there are fewer rows."""
STRING = 10
"""How many numbers a string counts for among those values, as encoders take their time."""
EACH = 6
"""How many rows are made of a threshold."""
MISSING_SHARE = 0.1
THRESHOLD_ROWS = 200_000
CELLS = 2 * 10**7
"""How many values the rows at the edges of steps, or at limits, have at the most."""
THRESHOLD_CELLS = 5 * 10**7
"""How many values the rows at thresholds have at the most: of more than 250 features, some thresholds are drawn."""
FAR_OFF = 20
"""How many ranges from both ends of its own a value is far off."""
NEAR_ROWS = 4000
"""How many rows near to the edges of sums are tried: for each, scikit-learn is asked a dozen times."""
BASES = 1000
"""How many training rows, and how many random ones, rows of other kinds are made from."""
CATEGORIES = 50
"""How many distinct values a feature of the sample has at the most to be taken for a category."""
HUGE = 8e307
"""Beyond it the width of a range overflows."""
EVERY_CELL = "every cell of the table"
EDGES = "edges of steps ± 1 ulp"
SERVED = "through the service"


def row_sets(
    oracle: Oracle, accepts: Sequence[Accepts], thresholds: Sequence[Floats], random_rows: int = RANDOM_ROWS
) -> Iterator[tuple[str, Floats]]:
    """Yield the sets of rows to try, each with its name: training, random, of any size, thresholds, limits, missing.

    Only what is accepted is in them; of very many threshold rows, some are drawn.
    """
    for name, rows in _known_sets(oracle, accepts, thresholds, random_rows):
        yield name, _tried(oracle, accepts, rows)


def edge_sets(
    oracle: Oracle, candidate: Answers, accepts: Sequence[Accepts], thresholds: Sequence[Floats], tolerance: float
) -> Iterator[tuple[str, Floats]]:
    """Yield more sets: what steps compare with, rows of special kinds, and, of a classifier, between its labels.

    Only what is accepted is in them. `candidate` is the model file, whose scores are the same within `tolerance`.
    """
    generator, known = np.random.default_rng(SEED), _range(thresholds, oracle.sample, accepts)
    bases = _random(oracle, accepts, known, BASES, generator)
    if oracle.sample is not None:
        bases = np.concatenate([generator.permutation(_tried(oracle, accepts, oracle.sample.rows))[:BASES], bases])
    for name, rows in _edge_sets(oracle, accepts, bases, known, tolerance, generator):
        rows = _tried(oracle, accepts, rows)
        if len(rows):
            yield name, rows
    if oracle.task == "classification":
        rows = _tried(oracle, accepts, rows_between_labels(candidate, accepts, bases, tolerance, generator))
        if len(rows):
            yield "between labels", rows


def _edge_sets(
    oracle: Oracle,
    accepts: Sequence[Accepts],
    bases: Floats,
    known: Range,
    tolerance: float,
    generator: np.random.Generator,
) -> Iterator[tuple[str, Floats]]:
    """Yield what steps compare with, and rows of special kinds.

    Where scores are the same within a `tolerance` only, rows on which a last bit decides are left out: those that come
    near to the edges of sums, and some with a value far off.
    """
    exact, near = (_tried(oracle, accepts, rows) for rows in edge_rows(oracle, accepts, bases, known, generator))
    near = generator.permutation(near)[:NEAR_ROWS]
    rows = np.concatenate([exact, near[steady(oracle, near, tolerance, generator)]])
    rows = rows[np.sort(generator.permutation(len(rows))[: min(THRESHOLD_ROWS, CELLS // _weight(oracle))])]
    far = _far_off(rows, known)
    yield EDGES, rows[~far]
    yield "edges far off", rows[far]  # apart: a regression's differences are parts of the largest value
    yield "special rows", special_rows(accepts, bases, known, generator)
    off = _tried(oracle, accepts, far_rows(accepts, bases, known, generator))
    yield "rows with a value far off", off if is_exact(tolerance) else off[steady(oracle, off, tolerance, generator)]


@np.errstate(over="ignore")
def _far_off(rows: Floats, known: Range) -> NDArray[np.bool_]:
    """Return (n,), whether a value of the row is many ranges from both ends of its own."""
    off = np.abs(rows - known.low) + np.abs(rows - known.high) > FAR_OFF * (known.high - known.low)
    every: NDArray[np.bool_] = off.any(axis=1)
    return every


def _weight(oracle: Oracle) -> int:
    return sum(STRING if feature.type == "str" else 1 for feature in oracle.features)


def _tried(oracle: Oracle, accepts: Sequence[Accepts], rows: Floats) -> Floats:
    """Return those of the rows that are compared, as the model gets them: all that are made pass here."""
    rows = oracle.rounded(rows)
    return rows[accepted_rows(rows, accepts)]


def _known_sets(
    oracle: Oracle, accepts: Sequence[Accepts], thresholds: Sequence[Floats], random_rows: int
) -> Iterator[tuple[str, Floats]]:
    sample, generator = oracle.sample, np.random.default_rng(SEED)
    known = _range(thresholds, sample, accepts)
    training = np.empty((0, len(accepts))) if sample is None else _tried(oracle, accepts, sample.rows)
    if len(training):
        yield "training rows", training
    random = _random(oracle, accepts, known, min(random_rows, max(1, RANDOM_CELLS // _weight(oracle))), generator)
    yield f"random rows (seed {SEED})", random
    if is_made_of_trees(oracle.last):  # which compare; what is computed of such numbers overflows, here and there
        sizes = _rows_of_any_size(random[:SIZE_ROWS], generator)
        yield "numbers of any size", np.where(accepted_cells(sizes, accepts), sizes, random[:SIZE_ROWS])
    turns = [_turns(oracle, column, found, accepts[column]) for column, found in enumerate(thresholds)]
    if any(len(found) for found in turns):
        turns = _drawn(turns, THRESHOLD_CELLS // len(accepts), generator)
        rows = _tried(oracle, accepts, _threshold_rows(turns, training if len(training) else random))
        drawn = generator.permutation(len(rows))[:THRESHOLD_ROWS]
        yield "thresholds ± 1 ulp", rows if len(rows) <= THRESHOLD_ROWS else rows[np.sort(drawn)]
    yield "limits of what is accepted", _limit_rows(accepts, random, generator)
    missing = np.array([accepted.nan for accepted in accepts])
    if missing.any():
        holes = (generator.random(random.shape) < MISSING_SHARE) & missing
        yield "missing values", np.where(holes, np.nan, random)


def _random(
    oracle: Oracle, accepts: Sequence[Accepts], known: Range, count: int, generator: np.random.Generator
) -> Floats:
    """Return up to `count` random rows in the range that is known."""
    random = known.low + (known.high - known.low) * generator.random((count, len(accepts)))
    _mix_in_categories(oracle, accepts, random, generator)
    return _tried(oracle, accepts, random)


def some_of_each(sets: Sequence[tuple[str, Floats]], count: int) -> Floats:
    """Return about `count` rows, as many of each of the sets where there are so many, in no order."""
    generator = np.random.default_rng(SEED)
    drawn: list[Floats] = []
    for place, rows in enumerate(sorted((rows for _, rows in sets), key=len)):
        share = (count - sum(len(each) for each in drawn)) // (len(sets) - place)
        drawn.append(rows[np.sort(generator.permutation(len(rows))[:share])])
    return generator.permutation(np.concatenate(drawn))


def _turns(oracle: Oracle, column: int, thresholds: Floats, accepts: Accepts) -> Floats:
    """Return where the answers may change with a feature: at thresholds, and at the numbers that are categories."""
    return np.empty(0) if accepts.values else np.union1d(thresholds, oracle.categories(column))


def _rows_of_any_size(bases: Floats, generator: np.random.Generator) -> Floats:
    """Return rows in which half of the numbers are of any order of magnitude, and of either sign."""
    exponents = generator.uniform(-324, 308, bases.shape)
    numbers = np.copysign(10.0**exponents, generator.random(bases.shape) - 0.5)
    return np.where(generator.random(bases.shape) < 0.5, numbers, bases)


def accepted_rows(rows: Floats, accepts: Sequence[Accepts]) -> NDArray[np.bool_]:
    """Return (n,), whether every value of the row is accepted."""
    every: NDArray[np.bool_] = accepted_cells(rows, accepts).all(axis=1)
    return every


def accepted_cells(rows: Floats, accepts: Sequence[Accepts]) -> NDArray[np.bool_]:
    """Return (n, features), whether the value is accepted."""
    low, high = limits_of(accepts)
    nan = np.array([each.nan for each in accepts])
    inside: NDArray[np.bool_] = ((rows >= low) & (rows <= high)) | (np.isnan(rows) & nan)
    for column, each in enumerate(accepts):
        if each.values:
            inside[:, column] &= np.isin(rows[:, column], each.values) | np.isnan(rows[:, column])
    return inside


def limits_of(accepts: Sequence[Accepts]) -> tuple[Floats, Floats]:
    """Return (features,), the lowest and the highest number that is accepted of each feature."""
    low = np.array([-np.inf if each.low is None else each.low for each in accepts])
    high = np.array([np.inf if each.high is None else each.high for each in accepts])
    return low, high


def _range(thresholds: Sequence[Floats], sample: Sample | None, accepts: Sequence[Accepts]) -> Range:
    """Return the lowest and highest value to try for each feature: the range that is known, and half of it beyond."""
    known = [
        np.concatenate([found, [] if sample is None else sample.rows[:, column]])
        for column, found in enumerate(thresholds)
    ]
    known = [values[np.isfinite(values)] for values in known]
    low = np.array([values.min() if len(values) else 0.0 for values in known])
    high = np.array([values.max() if len(values) else 1.0 for values in known])
    margin = np.where(high > low, high / 2 - low / 2, 0.5)
    lowest, highest = limits_of(accepts)
    with np.errstate(over="ignore"):
        low, high = low - margin, high + margin
    return Range(np.maximum(low, np.maximum(lowest, -HUGE)), np.minimum(high, np.minimum(highest, HUGE)))


def _mix_in_categories(
    oracle: Oracle, accepts: Sequence[Accepts], random: Floats, generator: np.random.Generator
) -> None:
    """Let a feature be what it is restricted to, and half of the time one of the categories that it seems to have."""
    for column, each in enumerate(accepts):
        if each.values:
            random[:, column] = generator.choice(each.values, len(random))
            continue
        values = oracle.categories(column)
        if not len(values) and oracle.sample is not None:
            values = np.unique(oracle.sample.rows[np.isfinite(oracle.sample.rows[:, column]), column])
            values = values if len(values) <= CATEGORIES else np.empty(0)
        if len(values):
            places = generator.random(len(random)) < 0.5
            random[places, column] = generator.choice(values, int(places.sum()))


def _threshold_rows(thresholds: Sequence[Floats], bases: Floats) -> Floats:
    """Return rows with one feature at each of its thresholds, and 1 ulp to either side in float64 and in float32."""
    rows = []
    for column, found in enumerate(thresholds):
        with np.errstate(over="ignore"):  # what is beyond float32 is no row to try
            values = np.concatenate([with_neighbours(found), with_neighbours(found.astype(np.float32))])
        block = bases[np.arange(len(values)) % len(bases)].copy()
        block[:, column] = values
        rows.append(block)
    return np.concatenate(rows)


def _drawn(turns: list[Floats], most: int, generator: np.random.Generator) -> list[Floats]:
    """Return the thresholds of each feature, or of many features some, where all made more than about `most` rows."""
    rows = EACH * sum(len(found) for found in turns)
    if rows <= max(most, THRESHOLD_ROWS):
        return turns
    return [found[generator.random(len(found)) < most / rows] for found in turns]


def _limit_rows(accepts: Sequence[Accepts], bases: Floats, generator: np.random.Generator) -> Floats:
    """Return rows with one feature at the lowest or highest number that is accepted; of very many features, of some."""
    most = max(1, CELLS // len(accepts) // 2)
    columns = np.arange(len(accepts))
    if len(columns) > most:
        columns = np.sort(generator.permutation(columns)[:most])
    rows = bases[np.arange(2 * len(columns)) % len(bases)].copy()
    low, high = limits_of(accepts)
    rows[np.arange(0, len(rows), 2), columns] = low[columns]
    rows[np.arange(1, len(rows), 2), columns] = high[columns]
    return rows
