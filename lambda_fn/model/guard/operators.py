"""The operators that load: one line each, and no more than our exporters write (tests/test_contract.py compares).

A line has the function that tells the output's shape, the element types that go in and come out, and the values of
every attribute. No operator runs a subgraph, or makes memory out of a number in the file; integers are looked up with,
compared and cast, never divided by. Every value made of the rows is (…, n, …) for n rows, whatever n is, and no
operator mixes rows: nothing is summed, sorted, joined or looked up along the axis of the batch.
See https://onnx.ai/onnx/operators/ for the operators; what is asked of them here is less than they can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lambda_fn.model.guard.messages import BATCH, Dims, Tensor, Value, integers, refused, shown
from lambda_fn.model.guard.protobuf import Reader
from lambda_fn.model.guard.trees import check_ensemble

LETTERS: Mapping[int, str] = {
    1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "l", 8: "s", 9: "?", 10: "e", 11: "d", 12: "I", 13: "L",
}  # fmt: skip
"""ONNX's element types, each with a letter, numpy's for most: d is float64, l is int64, s a string, ? a boolean."""
KINDS: Mapping[str, int] = {letter: kind for kind, letter in LETTERS.items()}
ANY = " ".join(f"{letter}l>{letter}" for letter in KINDS)
"""Class labels are of any type."""


class Node:
    """A node: its operator's name, its inputs, its attributes."""

    __slots__ = ("attributes", "inputs", "name", "reader")

    def __init__(self, reader: Reader, name: str, inputs: Sequence[Tensor], attributes: Mapping[str, Value]) -> None:
        self.reader = reader
        self.name = name
        self.inputs = inputs
        self.attributes = attributes

    def number(self, name: str) -> int:
        """Return an attribute that is an integer; raise ServiceError for another."""
        return number_in(self.attributes, name)

    def constant(self, place: int) -> list[int]:
        """Return an input that is a constant of integers; raise ServiceError for another one."""
        return integers(self.reader, self.inputs[place])

    def refused(self, expected: str) -> Exception:
        """Return the error for inputs other than `expected`."""
        came = " and ".join(shown(each.dims) for each in self.inputs)
        return refused(f"{self.name} was expected to have {expected}, it has {came}")


def number_in(attributes: Mapping[str, Value], name: str) -> int:
    """Return the integer that an attribute is; raise ServiceError if it is none."""
    value = attributes[name]
    if not isinstance(value, int):
        raise refused(f"the attribute {name!r} was expected to be an integer")
    return value


def elementwise(node: Node) -> list[Dims]:
    """Numpy's broadcasting, but nothing is stretched to the batch's size from another one than 1."""
    shapes = [each.dims for each in node.inputs]
    dims = []
    for place in range(-max(map(len, shapes)), 0):
        sizes = {shape[place] for shape in shapes if len(shape) >= -place}
        sizes -= {1}
        if len(sizes) > 1:
            raise node.refused("inputs that fit each other")
        dims.append(sizes.pop() if sizes else 1)
    return [tuple(dims)]


def unary(node: Node) -> list[Dims]:
    """Each element for itself."""
    return [node.inputs[0].dims]


def clip(node: Node) -> list[Dims]:
    """The first input, between two numbers."""
    if any(each.dims or each.data is None for each in node.inputs[1:]):
        raise node.refused("two constant numbers behind what it clips")
    return unary(node)


def along(node: Node) -> list[Dims]:
    """Softmax: the shape stays, but rows are told apart."""
    dims, axis = node.inputs[0].dims, node.number("axis")
    _check_axis(node, dims, len(dims) - 1 if axis == -1 else axis)
    return [dims]


def cum_sum(node: Node) -> list[Dims]:
    """The same, the axis being a constant."""
    dims, axis = node.inputs[0].dims, node.inputs[1]
    _check_axis(node, dims, *node.constant(1))
    if axis.dims:
        raise node.refused("one axis")
    return [dims]


def concat(node: Node) -> list[Dims]:
    """Inputs of one shape, but for their size along the axis."""
    axis, shapes = node.number("axis"), [each.dims for each in node.inputs]
    _check_axis(node, shapes[0], axis, empty=True)
    if len({(*dims[:axis], *dims[axis + 1 :], len(dims)) for dims in shapes}) > 1:
        raise node.refused("inputs that fit each other")
    return [(*shapes[0][:axis], sum([dims[axis] for dims in shapes]), *shapes[0][axis + 1 :])]


def gather(node: Node) -> list[Dims]:
    """Choose columns by constant indices, or look up in a constant by indices made of the rows."""
    data, indices = node.inputs
    axis = node.number("axis")
    _check_axis(node, data.dims, axis)
    if indices.data is None and data.data is None:
        raise node.refused("a constant")
    return [(*data.dims[:axis], *indices.dims, *data.dims[axis + 1 :])]


def gather_elements(node: Node) -> list[Dims]:
    """Choose elements of each row."""
    (data, indices), axis = [each.dims for each in node.inputs], node.number("axis")
    _check_axis(node, data, axis)
    if len(data) != len(indices) or (data[:axis], data[axis + 1 :]) != (indices[:axis], indices[axis + 1 :]):
        raise node.refused("indices of the shape of what they choose from")
    return [indices]


def gather_nd(node: Node) -> list[Dims]:
    """Look up in a constant."""
    table, indices = node.inputs
    *dims, count = indices.dims or (0,)
    if table.data is None or not 1 <= count <= len(table.dims):
        raise node.refused("a constant, and indices into it")
    return [(*dims, *table.dims[count:])]


def reduce(node: Node) -> list[Dims]:
    """Over axes that are a constant."""
    return [_reduced(node, node.constant(1))]


def arg(node: Node) -> list[Dims]:
    """ArgMax, over one axis."""
    return [_reduced(node, [node.number("axis")])]


def _reduced(node: Node, axes: Sequence[int]) -> Dims:
    dims, keep = node.inputs[0].dims, node.number("keepdims") if "keepdims" in node.attributes else 1
    _check_axis(node, dims, *axes)
    return tuple([1 if axis in axes else size for axis, size in enumerate(dims) if keep or axis not in axes])


def top_k(node: Node) -> list[Dims]:
    """Values and indices of the first of each row."""
    dims, axis = node.inputs[0].dims, node.number("axis")
    _check_axis(node, dims, axis)
    [count] = node.constant(1) if node.inputs[1].dims == (1,) else [0]
    if not 1 <= count <= dims[axis]:
        raise node.refused("no more to take than there is")
    return [(*dims[:axis], count, *dims[axis + 1 :])] * 2


def squeeze(node: Node) -> list[Dims]:
    """Without axes of one element."""
    dims, axes = node.inputs[0].dims, node.constant(1)
    _check_axis(node, dims, *axes)
    if any(dims[axis] != 1 for axis in axes):
        raise node.refused("axes of one element to leave out")
    return [tuple([size for axis, size in enumerate(dims) if axis not in axes])]


def unsqueeze(node: Node) -> list[Dims]:
    """With one more axis, of one element."""
    dims, axes = node.inputs[0].dims, node.constant(1)
    if len(axes) != 1 or not 0 <= axes[0] <= len(dims):
        raise node.refused("one axis to add")
    return [(*dims[: axes[0]], 1, *dims[axes[0] :])]


def transpose(node: Node) -> list[Dims]:
    """The axes in another order, which the table checks."""
    dims = node.inputs[0].dims
    if len(dims) != 2:
        raise node.refused("two axes")
    return [dims[::-1]]


def flat(node: Node) -> list[Dims]:
    """Reshape, to one number for each row: (n,) or (n, 1)."""
    wanted = tuple(node.constant(1))
    if wanted not in ((-1,), (-1, 1)) or any(size not in (1, BATCH) for size in node.inputs[0].dims):
        raise node.refused("one number for each row")
    return [(BATCH, *wanted[1:])]


def extract(node: Node) -> list[Dims]:
    """Look up in a list of constants: skl2onnx's way to class labels."""
    table, indices = node.inputs
    if table.data is None or len(table.dims) != 1 or indices.dims != (BATCH, 1):
        raise node.refused("a list of constants, and an index for each row")
    return [(1, BATCH)]


def mat_mul(node: Node) -> list[Dims]:
    """Rows times a constant matrix, or a constant matrix times rows that stand upright."""
    first, second = node.inputs
    constant = [each.data is not None for each in node.inputs]
    if len(first.dims) != 2 or len(second.dims) != 2 or not any(constant) or not first.dims[1] == second.dims[0] > 0:
        raise node.refused("rows and a constant matrix that fit each other")
    return [(first.dims[0], second.dims[1])]


def split(node: Node) -> list[Dims]:
    """Parts along the first axis, as large as a constant says."""
    dims, sizes = node.inputs[0].dims, node.constant(1)
    _check_axis(node, dims, 0)
    if min(sizes, default=0) < 1 or sum(sizes) != dims[0]:
        raise node.refused("parts that it has")
    return [(size, *dims[1:]) for size in sizes]


def trees(node: Node) -> list[Dims]:
    """One sum for each target."""
    dims = node.inputs[0].dims
    if len(dims) != 2 or dims[0] != BATCH:
        raise node.refused("rows")
    return [(BATCH, check_ensemble(node.reader, node.attributes, dims[1], node.inputs[0].kind))]


def _check_axis(node: Node, dims: Dims, *axes: int, empty: bool = False) -> None:
    """Raise ServiceError unless there are axes, each once, of a row's elements: not the batch's, and not `empty`."""
    for axis in axes:
        if not 0 <= axis < len(dims) or dims[axis] == BATCH or (dims[axis] == 0 and not empty):
            raise node.refused(f"a row's elements along axis {axis}")
    if not axes or len(set(axes)) < len(axes):
        raise node.refused("axes, each once")


class Operator:
    """A line of the table.

    infer: returns the shapes of the outputs, or raises ServiceError for inputs that do not fit.
    types: what comes out for what goes in, a letter for each; `*` is as many more of the last as there are, also of
    what comes out. Of a cast: what it may make of what.
    attributes: the values that each may have, with None if it need not be there; () for one that `infer` looks at.
    """

    __slots__ = ("attributes", "infer", "types")

    def __init__(self, infer: Callable[[Node], list[Dims]], types: str, **attributes: tuple[object, ...]) -> None:
        self.infer = infer
        self.types = types
        self.attributes = attributes

    def kinds(self, taken: str) -> str | None:
        """Return what comes out for what goes in, None where that is not in the table."""
        types = dict([each.split(">") for each in self.types.split()])
        return types.get(taken) or (types.get(f"{taken[0]}*") if len(set(taken)) == 1 else None)


ML = "ai.onnx.ml"
OPTIONAL = (None,)
TREES: Mapping[str, tuple[object, ...]] = {
    **dict.fromkeys(("n_targets", "tree_roots", "nodes_modes", "nodes_featureids", "nodes_splits"), ()),
    **dict.fromkeys(("nodes_truenodeids", "nodes_trueleafs", "nodes_falsenodeids", "nodes_falseleafs"), ()),
    **dict.fromkeys(("leaf_targetids", "leaf_weights"), ()),
    "nodes_missing_value_tracks_true": OPTIONAL,
    "aggregate_function": (1,),
    "post_transform": (0,),
}
"""The attributes of the tree operator, which `trees` looks at; leaves are summed up, and the sums left as they are."""
OPERATORS: Mapping[tuple[str, str], Operator] = {
    ("", "Abs"): Operator(unary, "d>d"),
    ("", "Add"): Operator(elementwise, "dd>d ff>f BB>B"),
    ("", "ArgMax"): Operator(arg, "d>l l>l", axis=(1,), keepdims=(0, 1, None), select_last_index=(0, 1, None)),
    ("", "Cast"): Operator(unary, "d>fil f>di ?>dfl l>df? i>d B>i", to=()),
    ("", "Clip"): Operator(clip, "ddd>d fff>f"),
    ("", "Concat"): Operator(concat, "d*>d f*>f l*>l ?*>? B*>B", axis=(0, 1, 2)),
    ("", "CumSum"): Operator(cum_sum, "dl>d"),
    ("", "Div"): Operator(elementwise, "dd>d"),
    ("", "Equal"): Operator(elementwise, "dd>? ll>?"),
    ("", "Exp"): Operator(unary, "d>d"),
    ("", "Gather"): Operator(gather, f"di>d Bi>B {ANY}", axis=(0, 1)),
    ("", "GatherElements"): Operator(gather_elements, "dl>d di>d fi>f", axis=(1,)),
    ("", "GatherND"): Operator(gather_nd, "dl>d ll>l"),
    ("", "Greater"): Operator(elementwise, "dd>? ff>?"),
    ("", "GreaterOrEqual"): Operator(elementwise, "dd>?"),
    ("", "Identity"): Operator(unary, "d>d l>l"),
    ("", "IsNaN"): Operator(unary, "d>? f>?"),
    ("", "Less"): Operator(elementwise, "dd>?"),
    ("", "Log"): Operator(unary, "d>d"),
    ("", "MatMul"): Operator(mat_mul, "dd>d ff>f"),
    ("", "Max"): Operator(elementwise, "dd>d"),
    ("", "Min"): Operator(elementwise, "ff>f"),
    ("", "Mod"): Operator(elementwise, "dd>d", fmod=(1,)),
    ("", "Mul"): Operator(elementwise, "dd>d ff>f"),
    ("", "Neg"): Operator(unary, "d>d f>f"),
    ("", "Pow"): Operator(elementwise, "dd>d"),
    ("", "ReduceMax"): Operator(reduce, "dl>d", keepdims=(1,)),
    ("", "ReduceMean"): Operator(reduce, "dl>d", keepdims=(1,)),
    ("", "ReduceSum"): Operator(reduce, "dl>d fl>f", keepdims=(0, 1)),
    ("", "ReduceSumSquare"): Operator(reduce, "dl>d", keepdims=(1,)),
    ("", "Relu"): Operator(unary, "d>d"),
    ("", "Reshape"): Operator(flat, "dl>d sl>s"),
    ("", "Sigmoid"): Operator(unary, "d>d"),
    ("", "Softmax"): Operator(along, "d>d", axis=(1, -1)),
    ("", "Split"): Operator(split, "dl>d* fl>f* il>i* Bl>B*", axis=(0,)),
    ("", "Sqrt"): Operator(unary, "d>d"),
    ("", "Squeeze"): Operator(squeeze, "dl>d ll>l Bl>B"),
    ("", "Sub"): Operator(elementwise, "dd>d ff>f"),
    ("", "Tanh"): Operator(unary, "d>d"),
    ("", "TopK"): Operator(top_k, "dl>dl", axis=(1,), largest=(0,), sorted=(1,)),
    ("", "Transpose"): Operator(transpose, "i>i d>d f>f B>B", perm=((1, 0),)),
    ("", "Unsqueeze"): Operator(unsqueeze, "dl>d ll>l"),
    ("", "Where"): Operator(elementwise, "?dd>d ?ff>f ?ll>l"),
    (ML, "ArrayFeatureExtractor"): Operator(extract, "il>i sl>s"),
    (ML, "TreeEnsemble"): Operator(trees, "d>d f>f", **TREES),
}
"""By domain and name."""
