"""Files that nobody wrote: graphs put together at random. All of them are sealed.

A graph is of operators of the table; most of its nodes fit, so that onnxruntime is what is tried, and some do not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from convert.model_file.seal import seal
from lambda_fn.errors import ServiceError
from lambda_fn.model.guard.messages import BATCH, ITEM_BYTES, MAX_AXES, Tensor, Value
from lambda_fn.model.guard.operators import KINDS, LETTERS, OPERATORS, OPTIONAL, Node
from lambda_fn.model.guard.protobuf import Reader, Span
from tests.conftest import TESTS
from tests.lambda_fn.model.guard.draws import NUMBERS, SHAPES, WHOLE, pick


class Growing:
    """A graph that grows: what has been made of two features, and how each was."""

    def __init__(self, random: np.random.Generator, *, fitting: float) -> None:
        """Begin with the rows; of the nodes, a part of `fitting` is tried on the guard's own table until it fits."""
        self.random = random
        self.fitting = fitting
        self.made: dict[str, Tensor] = {"X": Tensor(KINDS["d"], (BATCH, 2), 8)}
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def grow(self) -> None:
        """Add a node, if one is found."""
        for _ in range(20):
            (domain, name), operator = pick(self.random, list(OPERATORS.items()))
            taken, _, letters = pick(self.random, operator.types.split()).partition(">")
            taken = taken.replace("*", taken[0] * int(self.random.integers(0, 4)))
            inputs = [self._input(name, letter, place) for place, letter in enumerate(taken)]
            attributes = self._attributes(name, operator.attributes, letters)
            node = helper.make_node(name, [each for each, _, _ in inputs], ["made"], domain=domain, **attributes)
            fits = self._shapes(node, [tensor for _, tensor, _ in inputs])
            if fits is None and self.random.random() < self.fitting:
                continue
            self._add(node, letters, fits or [(BATCH, 1)])
            self.constants += [constant for _, _, constant in inputs if constant is not None]
            return

    def _add(self, node: NodeProto, letters: str, shapes: Sequence[tuple[int, ...]]) -> None:
        count = len(letters) if node.op_type == "TopK" else 1
        if node.op_type == "Cast":
            letters = LETTERS[node.attribute[0].i]
        node.output[:] = [f"v{len(self.nodes)}_{place}" for place in range(count)]
        self.nodes.append(node)
        for name, letter, dims in zip(node.output, letters, shapes, strict=False):
            self.made[name] = Tensor(KINDS[letter], dims, ITEM_BYTES.get(KINDS[letter], 100))

    def _input(self, name: str, letter: str, place: int) -> tuple[str, Tensor, TensorProto | None]:
        """Return the name and the tensor of what was made, or of a constant, which is returned as well."""
        fit = [each for each in self.made.items() if LETTERS[each[1].kind] == letter]
        lately = fit[-4:]
        constant = (name, place) in CONSTANT_INPUTS
        if lately and (self.random.random() < (0.03 if constant else 0.75)):
            return *pick(self.random, lately), None
        array = self._constant(name, letter, place)
        proto = numpy_helper.from_array(array, f"c{len(self.constants)}_{place}_{len(self.nodes)}")
        data = array.ravel() if letter == "l" else Span(0, 0)
        return proto.name, Tensor(KINDS[letter], array.shape, max(array.itemsize, 1), data), proto

    def _constant(self, name: str, letter: str, place: int) -> NDArray[Any]:
        random = self.random
        if letter == "s":
            return np.array(["a", "bc", "d"], dtype=object)
        if (name, place) in CONSTANT_INPUTS and letter == "l":
            shape = {"CumSum": ()}.get(name, (1,) if random.random() < 0.8 else (2,))
            return np.full(shape, pick(random, [1, 1, 1, 0, 2, -1, 3]), np.int64)
        shapes = [(*lead, *each[1].dims[1:]) for each in self.made.items() for lead in ((), (1,))]
        shape = pick(random, [*SHAPES, *(each for each in shapes if BATCH not in each)])
        values: list[Any] = (WHOLE if random.random() < 0.2 else [0, 1, 2, -1]) if letter in "bBhHiIlL" else NUMBERS
        with np.errstate(all="ignore"):
            drawn = np.array([pick(random, values) for _ in range(int(np.prod(shape)))], dtype=object)
            dtype = np.dtype(letter)
            whole = dtype.kind in "iu"
            clipped = [min(max(each, np.iinfo(dtype).min), np.iinfo(dtype).max) if whole else each for each in drawn]
            return np.array(clipped).astype(dtype).reshape(shape)

    def _attributes(self, name: str, allowed: Any, letters: str) -> dict[str, Any]:
        if name == "TreeEnsemble":
            return random_trees(self.random)
        made = {key: pick(self.random, values) for key, values in allowed.items() if values not in ((), OPTIONAL)}
        if name == "Cast":
            made["to"] = KINDS[pick(self.random, letters)]
        return {key: value for key, value in made.items() if value is not None}

    def _shapes(self, node: NodeProto, inputs: Sequence[Tensor]) -> list[tuple[int, ...]] | None:
        """Return what the guard says of the outputs' shapes, None where it refuses."""
        attributes: dict[str, Value] = {}
        raw = b""
        for each in node.attribute:
            if each.type == AttributeProto.TENSOR:
                start = len(raw)
                raw += each.t.raw_data
                span = Span(start, len(raw))
                attributes[each.name] = Tensor(each.t.data_type, tuple(each.t.dims), ITEM_BYTES[each.t.data_type], span)
            else:
                attributes[each.name] = each.i if each.type == AttributeProto.INT else np.array(each.ints, np.int64)
        try:
            operator = OPERATORS[node.domain, node.op_type]
            shapes = operator.infer(Node(Reader(raw), node.op_type, list(inputs), attributes))
        except (ServiceError, ValueError):
            return None
        good = all(dims.count(BATCH) == 1 and len(dims) <= MAX_AXES and max(dims) < 5000 for dims in shapes)
        return shapes if good else None

    def model(self) -> ModelProto:
        """Return a model of what has grown: a classification where there is something for it, else a regression."""
        numbers = {
            name: each.dims for name, each in self.made.items() if each.kind == KINDS["d"] and len(each.dims) == 2
        }
        fit = [name for name, dims in numbers.items() if dims[0] == BATCH and dims[1] > 0]
        last = fit[-1]
        card = json.loads((TESTS / "card.json").read_text())
        outputs = [helper.make_tensor_value_info("value", TensorProto.DOUBLE, [None, 1])]
        nodes = [helper.make_node("ReduceSum", [last, "axes"], ["value"], keepdims=1, domain="")]
        axes = [numpy_helper.from_array(np.array([1]), "axes")]
        if numbers[last][1] == 3:
            names, axes = ("label", "probabilities"), []
            nodes = [helper.make_node("ArgMax", [last], ["index"], axis=1, keepdims=0, select_last_index=0, domain="")]
            nodes += [
                helper.make_node("Identity", [each], [name]) for each, name in zip(("index", last), names, strict=True)
            ]
            outputs = [helper.make_tensor_value_info("label", TensorProto.INT64, [None])]
            outputs += [helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, [None, 3])]
        else:
            card["task"] = "regression"
        rows = helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, 2])
        graph = helper.make_graph([*self.nodes, *nodes], "random", [rows], outputs, [*self.constants, *axes])
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("ai.onnx.ml", 5)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        helper.set_model_props(model, {"card": json.dumps(card)})
        return model


CONSTANT_INPUTS = {
    *(("ReduceSum", 1), ("ReduceMean", 1), ("ReduceSumSquare", 1), ("CumSum", 1), ("TopK", 1), ("Squeeze", 1)),
    *(("Unsqueeze", 1), ("MatMul", 1), ("Clip", 1), ("Clip", 2), ("GatherND", 0), ("Reshape", 1)),
    ("ArrayFeatureExtractor", 0),
}
"""Operators, and which of their inputs has to be a constant."""


def random_trees(random: np.random.Generator) -> dict[str, Any]:
    """Return the attributes of some stumps."""
    count, sums = int(random.integers(1, 5)), int(random.integers(1, 4))
    splits = np.array([pick(random, NUMBERS) for _ in range(count)])
    weights = np.array([pick(random, NUMBERS) for _ in range(2 * count)])
    return {
        "n_targets": sums,
        "aggregate_function": 1,
        "post_transform": 0,
        "tree_roots": list(range(count)),
        "nodes_modes": numpy_helper.from_array(np.zeros(count, np.uint8)),
        "nodes_featureids": random.integers(0, 2, count).tolist(),
        "nodes_splits": numpy_helper.from_array(splits),
        "nodes_truenodeids": list(range(0, 2 * count, 2)),
        "nodes_trueleafs": [1] * count,
        "nodes_falsenodeids": list(range(1, 2 * count, 2)),
        "nodes_falseleafs": [1] * count,
        "leaf_targetids": random.integers(0, sums, 2 * count).tolist(),
        "leaf_weights": numpy_helper.from_array(weights),
        **({"nodes_missing_value_tracks_true": [1] * count} if random.random() < 0.3 else {}),
    }


def random_graph(random: np.random.Generator, files: Sequence[bytes]) -> bytes:
    """Return a sealed model of up to 30 random nodes."""
    growing = Growing(random, fitting=1.0 if random.random() < 0.7 else 0.9)
    for _ in range(int(random.integers(1, 31))):
        growing.grow()
    return seal(growing.model())
