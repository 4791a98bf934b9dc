"""Curves: what a transformer makes of a column without ever falling, such as a logarithm, in front of trees.

The last bits of a logarithm are those of its library, and no graph has them. Trees need none: whether the image of a
number is at or below a threshold is whether the number itself is at or below another, which is found by bisection, with
scikit-learn's own function. So trees compare the column in front of the curve with thresholds that are pulled back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.estimator.floats import from_ordinal, neighbours, ordinal
from convert.graph.bins import write_bins
from convert.graph.graph import Graph, Value
from convert.graph.tree_operator import rounded
from convert.graph.trees import Tree, TreeEnsemble, split_again

type Curve = Callable[[Floats], Floats]
"""Makes of numbers (m,) their images (m,); it may make NaN of some, and refuse some with a ValueError."""

EXPONENTS = np.arange(-1074, 1024, 3)
PROBES = np.unique(np.concatenate([[-np.inf, 0.0, np.inf], 2.0**EXPONENTS, -(2.0**EXPONENTS)]))
"""Numbers of every size: between which of them a curve begins and ends is looked for first."""
MOST_STEPS = 2000
FEWEST_STEPS = 20
"""How many numbers to either side of a cut are looked at: those that fell were within five."""
LOOKED_AT = 300_000
"""How many are looked at for a column, if its cuts are not very many."""
BLOCK = 500
"""Of how many cuts at once."""
OTHERS = "use a StandardScaler or a KBinsDiscretizer instead"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a column is found to the bit.

    value, place: the matrix (n, columns) that has it, or has what is in front of its curve, and the number of the
    column there.
    curve: what makes the column of that; None for nothing. It makes NaN of NaN.
    missing: what stands in the column for NaN, and for numbers of which the curve makes NaN.
    """

    value: Value
    place: int
    curve: Curve | None = None
    missing: float = np.nan

    def through(self, curve: Curve) -> Source:
        """Return the source of the column that another curve makes of this one; that may make numbers of NaN."""
        [missing], _ = asked(curve, np.array([self.missing]))
        return replace(self, curve=partial(_in_turn, self.curve, curve), missing=float(missing))


class Compared(NamedTuple):
    """What trees compare: rows (n, width), and the ensemble, its thresholds being for those."""

    rows: Value
    width: int
    ensemble: TreeEnsemble


class Domain(NamedTuple):
    """The lowest and the highest number that a curve makes a number of, and whether it makes NaN of some others."""

    low: float = -np.inf
    high: float = np.inf
    nan: bool = False


class Crossings(NamedTuple):
    """Where a curve crosses each of some limits: the last number at or below it, (m,).

    again: by its place, where it crosses a limit more than once, the last numbers in front of each of the crossings.
    """

    cuts: Floats
    again: Mapping[int, Floats]


class _Back(NamedTuple):
    """What becomes of the sorted `thresholds` of a column, None for nothing, and where NaN goes, if not as before."""

    thresholds: Floats
    crossings: Crossings | None
    missing_left: NDArray[np.bool_] | None
    domain: Domain


def in_front(graph: Graph, sources: Sequence[Source], ensemble: TreeEnsemble) -> Compared:
    """Write what is in front of the curves of the columns that trees split on, and pull their thresholds back.

    Raises ConvertError for thresholds that lie below all that a curve makes.
    """
    splits = ensemble.thresholds(len(sources))
    used = [column for column, found in enumerate(splits) if len(found)] or [0]
    _check_no_curve(sources, ensemble)
    back = {column: _pulled_back(sources[column], splits[column], float32=ensemble.float32) for column in used}
    trees = tuple(_moved(tree, used, back, ensemble, len(sources)) for tree in ensemble.trees)
    rows = _write_rows(graph, [(sources[column], back[column].domain) for column in used])
    if ensemble.single:
        rows = _write_numbers_of_cuts(graph, rows, [back[column].crossings for column in used])
    sides = tuple(replace(each, feature=used.index(each.feature)) for each in ensemble.sides)
    blank = None if ensemble.blank is None else replace(ensemble.blank, sizes=ensemble.blank.sizes[used])
    made = replace(ensemble, trees=trees, float32=ensemble.single, sides=sides, blank=blank)
    return Compared(rows, len(used), made)


def _check_no_curve(sources: Sequence[Source], ensemble: TreeEnsemble) -> None:
    """Raise ConvertError for a curve in front of numbers of categories, or of numbers that stand for missing ones."""
    taken = {each.feature for each in ensemble.sides}
    taken |= set() if ensemble.blank is None else set(np.flatnonzero(ensemble.blank.sizes >= 0).tolist())
    if any(sources[column].curve is not None for column in taken):
        raise ConvertError(
            "a curve is in front of trees that split its column by sets of categories, or take some of its numbers for"
            " missing ones: put the curve on other columns"
        )


def _write_numbers_of_cuts(graph: Graph, rows: Value, found: Sequence[Crossings | None]) -> Value:
    """Write, in the place of each column with a curve, how many cuts are below its number: float32 holds that.

    Raises ConvertError where a curve crosses a threshold several times.
    """
    if any(each is not None and each.again for each in found):
        raise ConvertError(f"a curve falls by a last bit in front of trees that add up in float32: {OTHERS}")
    made = []
    for column, each in enumerate(found):
        value = graph.node("Gather", rows, graph.constant(np.array([column])), axis=1)
        if each is not None:
            number = graph.cast(write_bins(graph, value, each.cuts), np.float64)
            missing = graph.constant(np.float64(np.nan))
            value = graph.node("Where", graph.node("IsNaN", value), missing, number)
        made.append(value)
    return graph.node("Concat", *made, axis=1, name="numbers_of_cuts")


def pulled_back(graph: Graph, sources: Sequence[Source], limits: Sequence[Floats]) -> tuple[Value, list[Floats]]:
    """Write what is in front of the curves; return it, and limits of each column, pulled back.

    What is above one of those is above the limit, behind the curve. Raises ConvertError as `in_front` does.
    """
    back = [_pulled_back(source, limit, float32=False) for source, limit in zip(sources, limits, strict=True)]
    if any(each.crossings and each.crossings.again for each in back):
        raise ConvertError(f"an edge of bins is where a curve in front of it falls by a last bit: {OTHERS}")
    rows = _write_rows(graph, [(source, each.domain) for source, each in zip(sources, back, strict=True)])
    return rows, [each.thresholds if each.crossings is None else each.crossings.cuts for each in back]


def _pulled_back(source: Source, thresholds: Floats, *, float32: bool) -> _Back:
    if source.curve is None or not len(thresholds):
        return _Back(thresholds, None, None, Domain())
    curve = partial(_as_float32, source.curve) if float32 else source.curve
    domain = domain_of(curve)
    missing = float(np.float32(source.missing)) if float32 else source.missing
    missing_left = None if np.isnan(missing) else missing <= thresholds
    return _Back(thresholds, crossings(curve, thresholds, domain), missing_left, domain)


def _in_turn(first: Curve | None, second: Curve, values: Floats) -> Floats:
    """Return what two curves make, one after the other, and NaN where there is no number between them."""
    between = values if first is None else first(values)
    return np.where(np.isnan(between), np.nan, second(between))


def _as_float32(curve: Curve, values: Floats) -> Floats:
    return curve(values).astype(np.float32).astype(np.float64)


def asked(curve: Curve, values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the images of numbers, (m,), and which of the numbers the curve refuses, whose images are NaN."""
    with np.errstate(all="ignore"):
        try:
            return curve(values), np.zeros(len(values), dtype=np.bool_)
        except ValueError:
            if len(values) <= 1:
                return np.full(len(values), np.nan), np.ones(len(values), dtype=np.bool_)
    halves = [asked(curve, half) for half in np.array_split(values, 2)]
    images, refused = zip(*halves, strict=True)
    return np.concatenate(images), np.concatenate(refused)


def domain_of(curve: Curve) -> Domain:
    """Return where a curve makes numbers, which is an interval; raise ConvertError if it makes none of any."""
    images, refused = asked(curve, PROBES)
    [defined] = np.nonzero(~np.isnan(images))
    if not len(defined):
        raise ConvertError("a transformer makes NaN of every number: leave it out")
    first, last = int(defined[0]), int(defined[-1])
    low = PROBES[0] if first == 0 else edge(curve, outside=PROBES[first - 1], inside=PROBES[first])
    high = PROBES[-1] if last == len(PROBES) - 1 else edge(curve, outside=PROBES[last + 1], inside=PROBES[last])
    return Domain(float(low), float(high), bool((np.isnan(images) & ~refused).any()))


def edge(curve: Curve, *, outside: float, inside: float) -> float:
    """Return the last number from `inside` to `outside` that the curve makes a number of."""
    good, bad = int(ordinal(np.float64(inside))), int(ordinal(np.float64(outside)))
    while abs(bad - good) > 1:
        middle = (good + bad) // 2
        [image], _ = asked(curve, from_ordinal(np.array([middle])))
        good, bad = (good, middle) if np.isnan(image) else (middle, bad)
    return float(from_ordinal(np.int64(good)))


def largest_at_or_below(curve: Curve, limits: Floats, domain: Domain) -> Floats:
    """Return, for each limit, the largest number in the domain whose image is not above it.

    Where all images are above it, that is the number in front of the domain.
    """
    (lowest, highest), _ = asked(curve, np.array([domain.low, domain.high]))
    if (limits < lowest).any() and np.isneginf(domain.low):
        raise ConvertError("trees split below all that a transformer in front of them makes: fit them on what it makes")
    below, above = (np.full(len(limits), ordinal(np.float64(end))) for end in domain[:2])
    inner = (limits >= lowest) & (limits < highest)
    while (inner & (below + 1 < above)).any():
        middle = (below & above) + ((below ^ above) >> 1)  # half way, where the difference would overflow
        is_below = asked(curve, from_ordinal(middle))[0] <= limits
        below, above = np.where(is_below, middle, below), np.where(is_below, above, middle)
    before = float(neighbours(domain.low, -np.inf, "float64"))
    return np.where(inner, from_ordinal(below), np.where(limits < lowest, before, domain.high))


def crossings(curve: Curve, limits: Floats, domain: Domain, looked_at: int = LOOKED_AT) -> Crossings:
    """Return where a curve crosses each limit, which it may do several times: last bits may fall where it rises.

    It is looked at some steps to either side of where bisection finds it, of about so many numbers in all. Raises
    ConvertError as `largest_at_or_below` does, and for a curve whose last bits depend on the numbers beside.
    """
    cuts = largest_at_or_below(curve, limits, domain)
    again: dict[int, Floats] = {}
    steps = min(MOST_STEPS, max(FEWEST_STEPS, looked_at // (2 * len(limits) + 1))) if looked_at else 0
    ends = ordinal(np.array(domain[:2]))
    for first in range(0, len(limits) if steps else 0, BLOCK):
        some = slice(first, first + BLOCK)
        places = np.clip(ordinal(cuts[some])[:, np.newaxis] + np.arange(-steps, steps + 1), *ends)
        values = from_ordinal(places)
        below = _images(curve, values) <= limits[some, np.newaxis]
        turned = below[:, 1:] != below[:, :-1]
        for place in np.flatnonzero(turned.sum(axis=1) > 1).tolist():
            if not below[place, 0] or below[place, -1]:
                raise ConvertError(f"a curve in front of trees falls near one of their thresholds: {OTHERS}")
            again[first + place] = values[place, :-1][turned[place]]
    return Crossings(cuts, again)


def _images(curve: Curve, values: Floats) -> Floats:
    """Return the images of (m, steps) numbers; raise ConvertError if they are others beside other numbers."""
    images, _ = asked(curve, values.ravel())
    shifted, _ = asked(curve, values.ravel()[1:])
    if not np.array_equal(images[1:], shifted, equal_nan=True):
        raise ConvertError(f"a curve in front of trees depends, in last bits, on the rows beside: {OTHERS}")
    return images.reshape(values.shape)


def _moved(tree: Tree, used: Sequence[int], back: Mapping[int, _Back], ensemble: TreeEnsemble, width: int) -> Tree:
    """Return the tree for rows of the `used` columns of `width`, in front of their curves, not rounded to float32.

    Of an ensemble that adds up in float32, thresholds behind curves become numbers of cuts.
    """
    plain = rounded(tree) if ensemble.float32 and not ensemble.single else tree
    threshold, missing_left, inner = plain.threshold.copy(), plain.missing_left.copy(), tree.left != -1
    feature = np.where(tree.feature < width, tree.feature, tree.feature - width + len(used))
    again: dict[int, Floats] = {}
    for place, column in enumerate(used):
        nodes = np.flatnonzero(inner & (tree.feature == column))
        feature[nodes] = place
        nodes = nodes[~np.isnan(tree.threshold[nodes])]
        thresholds, found, missing, _ = back[column]
        places = np.searchsorted(thresholds, tree.threshold[nodes])
        if found is not None:
            threshold[nodes] = places if ensemble.single else found.cuts[places]
            pairs = zip(nodes.tolist(), places.tolist(), strict=True)
            again |= {node: found.again[number] for node, number in pairs if number in found.again}
        if missing is not None:
            missing_left[nodes] = missing[places]
    moved = replace(tree, feature=feature, threshold=threshold, missing_left=missing_left)
    return split_again(moved, again) if again else moved


def _write_rows(graph: Graph, columns: Sequence[tuple[Source, Domain]]) -> Value:
    """Write the columns' sources side by side, (n, columns), NaN where a curve makes NaN of a number."""
    runs: list[tuple[Value, list[int]]] = []
    for source, _ in columns:
        if not runs or runs[-1][0] != source.value:
            runs.append((source.value, []))
        runs[-1][1].append(source.place)
    parts = [_chosen(graph, value, places) for value, places in runs]
    rows = parts[0] if len(parts) == 1 else graph.node("Concat", *parts, axis=1, name="columns")
    for operator, end, none in (("Less", 0, -np.inf), ("Greater", 1, np.inf)):
        ends = np.array([domain[end] if domain.nan else none for _, domain in columns])
        if np.isfinite(ends).any():
            beyond = graph.node(operator, rows, graph.constant(ends))
            rows = graph.node("Where", beyond, graph.constant(np.float64(np.nan)), rows, name="in_domain")
    return rows


def _chosen(graph: Graph, value: Value, places: list[int]) -> Value:
    if places == list(range(value.shape[1] or 0)):
        return value
    return graph.node("Gather", value, graph.constant(np.array(places)), axis=1, name="chosen")
