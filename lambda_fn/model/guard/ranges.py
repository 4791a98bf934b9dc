"""Every index into a table is inside it: what numbers each value of a graph may be, followed from node to node.

Asked of graphs for many rows, which are mostly tables. Of a value, a lowest and a highest number are known for each
element of a row, or one for all of them; of what no rule is for, nothing is. NaN is not followed: our graphs replace it
where the card lets it in, and of one that does not, onnxruntime refuses the index when it comes, and the model's own
graph scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.model.guard.messages import (
    BATCH,
    BOOL,
    FLOAT32,
    INT32,
    INT64,
    STRING,
    UINT8,
    Tensor,
    elements_of,
    refused,
)
from lambda_fn.model.guard.operators import LETTERS, number_in
from lambda_fn.model.guard.protobuf import Reader
from lambda_fn.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.guard.graph import Step

LOOKUPS = ("Gather", "GatherElements", "GatherND")
"""The operators that look up in their first input by their second."""


class Range(Record):
    """The lowest and the highest numbers, each for all elements of a row, (1,), or for one each, (elements,).

    alone: whether at most one element of a row is not 0.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    alone: bool = False

    def all(self) -> Range:
        """Return one for all elements."""
        return Range(self.low.min(keepdims=True), self.high.max(keepdims=True))

    def part(self, places: Any) -> Range:
        """Return that of some elements, which may be the same several times."""
        return Range(self.low, self.high) if len(self.low) == 1 else Range(self.low[places], self.high[places])

    def rounded(self) -> Range:
        """Return that of the numbers in float32: it rounds what rises to what does not fall."""
        low, high = (end.astype(np.float32).astype(np.float64) for end in (self.low, self.high))
        return Range(low, high, self.alone)


ANYTHING = Range(np.array([-np.inf]), np.array([np.inf]))
WHOLE = (UINT8, INT32, INT64)
OF_TYPES: Mapping[int, Range] = {
    BOOL: Range(np.array([0.0]), np.array([1.0])),
    UINT8: Range(np.array([0.0]), np.array([255.0])),
}


def check_indices(
    reader: Reader, steps: Sequence[Step], values: Mapping[str, Tensor], rows: Sequence[tuple[float, float]]
) -> None:
    """Raise ServiceError for a graph that looks up in a table what is not shown to be in it.

    rows: the lowest and the highest number that each feature may be.
    """
    known: dict[str, Range] = {}

    def range_of(name: str) -> Range:
        if name not in known:
            constant = values[name].data is not None
            known[name] = _range_of_constant(reader, values[name]) if constant else _range_of_rows(rows, values[name])
        return known[name]

    for step in steps:
        inputs = [values[name] for name in step.inputs]
        if step.name in LOOKUPS and 0 not in inputs[1].dims:  # no place is always inside
            _check_lookup(step, inputs, range_of(step.inputs[1]).all())
        rule = RULES.get(step.name)
        made = [ANYTHING] * len(step.outputs)
        if rule is not None:
            made = rule(Seen(reader, step, inputs, [range_of(name) for name in step.inputs]))
        for name, found in zip(step.outputs, made, strict=True):
            kind = values[name].kind
            of_type = OF_TYPES.get(kind)
            if of_type is not None:
                found = Range(of_type.low, of_type.high, found.alone)
            known[name] = found.rounded() if kind == FLOAT32 else found


def _range_of_rows(rows: Sequence[tuple[float, float]], taken: Tensor) -> Range:
    if taken.dims[1] != len(rows):
        raise refused(f"rows of {len(rows)} features were expected as the input, not of {taken.dims[1]}")
    return Range(*np.array(rows, float).T)


def _check_lookup(step: Step, inputs: Sequence[Tensor], found: Range) -> None:
    axis = 0 if step.name == "GatherND" else number_in(step.attributes, "axis")
    size = inputs[0].dims[axis]
    if not -size <= found.low[0] <= found.high[0] <= size - 1:  # -1 is the last
        raise refused(
            f"what {step.name} looks up was expected to be shown to be within {-size} and {size - 1}, it is within"
            f" {found.low[0]:g} and {found.high[0]:g}"
        )


def _range_of_constant(reader: Reader, constant: Tensor) -> Range:
    """Return the range of a constant, of each row where it has two axes; nothing is known of text, and of no number."""
    if constant.kind == STRING:
        return ANYTHING
    elements = np.asarray(elements_of(reader, constant, LETTERS[constant.kind]), np.float64)
    if not elements.size or np.isnan(elements).any():
        return ANYTHING
    rows = elements.reshape(constant.dims[0], -1) if len(constant.dims) == 2 else elements.reshape(1, -1)
    return Range(rows.min(axis=1), rows.max(axis=1))


class Seen:
    """A node, and what is known of its inputs."""

    __slots__ = ("inputs", "ranges", "reader", "step")

    def __init__(self, reader: Reader, step: Step, inputs: Sequence[Tensor], ranges: Sequence[Range]) -> None:
        self.reader, self.step, self.inputs, self.ranges = reader, step, inputs, ranges

    def along_rows(self) -> bool:
        """Whether constants that the node takes have a number for each element of a row: (elements, 1), or one."""
        return all(
            each.data is None or len(each.dims) == 0 or (len(each.dims) == 2 and each.dims[1] == 1)
            for each in self.inputs
        )

    def lists(self, name: str) -> NDArray[np.int64]:
        """Return an attribute that is a list, which the guard has seen to be one."""
        value = self.step.attributes[name]
        return np.asarray([] if isinstance(value, int | Tensor) else value, np.int64)

    def elements(self, place: int) -> NDArray[Any]:
        """Return the elements of a constant."""
        constant = self.inputs[place]
        return np.asarray(elements_of(self.reader, constant, LETTERS[constant.kind])).reshape(constant.dims)


def same(seen: Seen) -> list[Range]:
    """What leaves every element where it is."""
    return [seen.ranges[0]]


def moved(seen: Seen) -> list[Range]:
    """What leaves elements as they are, but takes axes away, or adds some."""
    return [seen.ranges[0].all()]


def cast(seen: Seen) -> list[Range]:
    """To whole numbers, what comes behind the point is cut off; what does not fit is told by its type."""
    found = seen.ranges[0]
    if number_in(seen.step.attributes, "to") in WHOLE:
        return [Range(np.trunc(found.low), np.trunc(found.high), found.alone)]
    return [found]


def add(seen: Seen) -> list[Range]:
    """Sums of the lowest and of the highest; those of bytes begin anew behind 255."""
    (first, second) = seen.ranges if seen.along_rows() else [each.all() for each in seen.ranges]
    return [Range(first.low + second.low, first.high + second.high)]


def equal(seen: Seen) -> list[Range]:
    """A number is equal to at most one of several."""
    numbers = seen.inputs[1]
    alone = seen.inputs[0].dims == (BATCH, 1) and numbers.data is not None and len(numbers.dims) == 1
    if alone:
        several = seen.elements(1).tolist()
        alone = len(set(several)) == len(several)
    return [Range(np.array([0.0]), np.array([1.0]), alone)]


def least(seen: Seen) -> list[Range]:
    """Min."""
    (first, second) = seen.ranges if seen.along_rows() else [each.all() for each in seen.ranges]
    return [Range(np.minimum(first.low, second.low), np.minimum(first.high, second.high))]


def clip(seen: Seen) -> list[Range]:
    """Between two numbers."""
    _, low, high = seen.ranges
    return [Range(low.low, high.high)]


def where(seen: Seen) -> list[Range]:
    """One or the other."""
    _, first, second = seen.ranges if seen.along_rows() else [each.all() for each in seen.ranges]
    return [Range(np.minimum(first.low, second.low), np.maximum(first.high, second.high))]


def argmax(seen: Seen) -> list[Range]:
    """A place along the axis."""
    return [Range(np.array([0.0]), np.array([seen.inputs[0].dims[number_in(seen.step.attributes, "axis")] - 1.0]))]


def top_k(seen: Seen) -> list[Range]:
    """Numbers of the row, and their places in it."""
    return [seen.ranges[0].all(), Range(np.array([0.0]), np.array([seen.inputs[0].dims[1] - 1.0]))]


def gather(seen: Seen) -> list[Range]:
    """Some of a row's elements, or what is in the table."""
    if seen.inputs[1].data is not None and (len(seen.inputs[0].dims), len(seen.inputs[1].dims)) == (2, 1):
        return [seen.ranges[0].part(seen.elements(1).astype(np.int64))]
    return [seen.ranges[0].all()]


def gather_elements(seen: Seen) -> list[Range]:
    """What is in the table, row by row; of rows, any of their elements."""
    found = seen.ranges[0] if seen.inputs[0].data is not None else seen.ranges[0].all()
    return [Range(found.low, found.high)]


def split(seen: Seen) -> list[Range]:
    """Some of a row's elements."""
    ends = np.cumsum(seen.elements(1)).tolist()
    if len(seen.inputs[0].dims) != 2:
        return [seen.ranges[0].all()] * len(ends)
    return [seen.ranges[0].part(slice(first, last)) for first, last in zip([0, *ends], ends, strict=False)]


def concat(seen: Seen) -> list[Range]:
    """The elements of all; of those that are known all alike, as many as there are."""
    if len(seen.inputs[0].dims) != 2:
        whole = [each.all() for each in seen.ranges]
        return [Range(min(each.low for each in whole), max(each.high for each in whole))]
    axis = number_in(seen.step.attributes, "axis")
    parts = list(zip(seen.ranges, [each.dims[axis] for each in seen.inputs], strict=True))
    low = np.concatenate([np.broadcast_to(each.low, size) for each, size in parts])
    high = np.concatenate([np.broadcast_to(each.high, size) for each, size in parts])
    return [Range(low, high)]


def mat_mul(seen: Seen) -> list[Range]:
    """A matrix without negative numbers, times rows that have none; or rows of which one element is not 0, times it."""
    upright = seen.inputs[0].data is not None
    rows, matrix = seen.ranges[upright], seen.elements(not upright).astype(np.float64)
    if not (rows.low >= 0).all() or not np.isfinite(rows.high).all() or not (matrix >= 0).all():
        return [ANYTHING]
    if not upright:
        return [Range(np.zeros(1), rows.high.max() * matrix.max(keepdims=True)[0])] if rows.alone else [ANYTHING]
    low, high = (np.broadcast_to(end, matrix.shape[1]) for end in (rows.low, rows.high))
    more = 1 + matrix.shape[1] * 2.0**-23  # each addition may round up
    return [Range((matrix * low).sum(axis=1) / more, (matrix * high).sum(axis=1) * more)]


def trees(seen: Seen) -> list[Range]:
    """Of one tree for each sum, its leaves' values; of more, nothing is known."""
    weights, count = seen.step.attributes["leaf_weights"], number_in(seen.step.attributes, "n_targets")
    if not isinstance(weights, Tensor):
        return [ANYTHING]
    values = np.asarray(elements_of(seen.reader, weights, LETTERS[weights.kind]), np.float64)
    targets, (true, true_leaf, false, false_leaf), roots = (
        seen.lists("leaf_targetids"),
        [seen.lists(f"nodes_{name}") for name in ("truenodeids", "trueleafs", "falsenodeids", "falseleafs")],
        seen.lists("tree_roots"),
    )
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    if len(roots) != count:
        return [ANYTHING]
    for root in roots.tolist():
        level = np.array([root])
        leaves: list[NDArray[np.int64]] = []
        while len(level):
            leaves += [true[level][true_leaf[level] == 1], false[level][false_leaf[level] == 1]]
            level = np.concatenate([true[level][true_leaf[level] == 0], false[level][false_leaf[level] == 0]])
        every = np.concatenate(leaves)
        target = int(targets[every[0]])
        if (targets[every] != target).any() or low[target] != np.inf:
            return [ANYTHING]
        low[target], high[target] = values[every].min(), values[every].max()
    return [Range(low, high)]


RULES: Mapping[str, Callable[[Seen], list[Range]]] = {
    "Add": add,
    "ArgMax": argmax,
    "Cast": cast,
    "Clip": clip,
    "Concat": concat,
    "Equal": equal,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Identity": same,
    "MatMul": mat_mul,
    "Min": least,
    "Reshape": moved,
    "Split": split,
    "Squeeze": moved,
    "TopK": top_k,
    "Transpose": same,
    "TreeEnsemble": trees,
    "Unsqueeze": moved,
    "Where": where,
}
"""What a node makes of what is known of its inputs; operators without a line make what nothing is known of."""
