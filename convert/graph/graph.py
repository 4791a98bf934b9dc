"""A graph that is being written, node by node.

Values are typed: what a node makes is inferred by onnx when it is written, so that a wrong attribute, or float32 where
float64 is meant, fails at the line that writes it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.shape_inference import infer_node_outputs

ML = "ai.onnx.ml"
OPSETS = {"": 21, ML: 5}
"""ai.onnx.ml 5 has `TreeEnsemble`, the one tree operator that onnxruntime runs in float64."""
IR_VERSION = 10
ROWS = "rows"
"""What the first dimension of everything that is computed for each row is called."""
SMALL = 1024
"""Up to how many elements a constant is shown to the inference: axes, counts, numbers of columns."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a node makes, or a constant.

    name: in the graph.
    kind: onnx's element type.
    shape: its dimensions, None for the number of rows.
    """

    name: str
    kind: int
    shape: tuple[int | None, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its element type as numpy has it."""
        return helper.tensor_dtype_to_np_dtype(self.kind)

    def __str__(self) -> str:
        """Return what a person reads of it: ``sorted: float64 (rows, 3)``."""
        shape = ", ".join(ROWS if size is None else str(size) for size in self.shape)
        return f"{self.name}: {self.dtype} ({shape})"


class Graph:
    """The nodes and constants written so far.

    >>> graph = Graph(2)
    >>> print(graph.node("Add", graph.rows, graph.constant([0.5, 1.5]), name="moved"))
    moved: float64 (rows, 2)
    >>> graph.node("Add", graph.rows, graph.constant(np.float32(1)))
    Traceback (most recent call last):
    convert.graph.graph.WrongNodeError: Add(X: float64 (rows, 2), constant_1: float32 ()): B has inconsistent type \
tensor(float)
    """

    def __init__(self, width: int) -> None:
        """Begin with rows of `width` features."""
        self.rows = Value("X", int(TensorProto.DOUBLE), (None, width))
        self._nodes: list[onnx.NodeProto] = []
        self._names: set[str] = {self.rows.name}
        self._constants: dict[Hashable, tuple[Value, onnx.TensorProto]] = {}
        self._small: dict[str, onnx.TensorProto] = {}

    def copy(self) -> Graph:
        """Return a graph of the same nodes and constants, to be written on in another way."""
        other = Graph(self.rows.shape[1] or 0)
        vars(other).update({name: copy(value) for name, value in vars(self).items()})
        return other

    def node(
        self, operator: str, *inputs: Value, domain: str = "", name: str | None = None, **attributes: Any
    ) -> Value:
        """Write a node with one output and return that: called `name`, if it is still free, or by its operator.

        Raises WrongNodeError for inputs or attributes that the operator does not take.
        """
        [output] = self._write(operator, inputs, [name or operator.lower()], domain, attributes)
        return output

    def top(self, values: Value, count: int) -> tuple[Value, Value]:
        """Write the `count` smallest of each row, smallest first; return them, and the numbers of their columns."""
        inputs = (values, self.constant(np.array([count])))
        attributes = {"axis": 1, "largest": 0, "sorted": 1}
        ordered, order = self._write("TopK", inputs, ["sorted", "order"], "", attributes)
        return ordered, order

    def split(self, value: Value, sizes: Sequence[int]) -> list[Value]:
        """Write the parts of `value` along its first axis, each of its size; return them."""
        if len(sizes) == 1:
            return [value]
        inputs, attributes = (value, self.constant(np.array(sizes))), {"axis": 0}
        return self._write("Split", inputs, [f"{value.name}_part"] * len(sizes), "", attributes)

    def constant(self, values: Any) -> Value:
        """Write a constant, once for equal ones; a list or scalar becomes the array that numpy makes of it."""
        array = np.asarray(values)
        if array.dtype.kind in "UO":
            array = array.astype(object)  # onnx knows strings as objects
        key = (array.dtype.str, array.shape, tuple(array.flat) if array.dtype == object else array.tobytes())
        if key not in self._constants:
            value = Value(f"constant_{len(self._constants)}", tensor_type(array), array.shape)
            tensor = numpy_helper.from_array(array, value.name)
            self._constants[key] = value, tensor
            if array.size <= SMALL:
                self._small[value.name] = tensor
        return self._constants[key][0]

    def cast(self, value: Value, dtype: type[np.generic] | np.dtype[Any], name: str | None = None) -> Value:
        """Cast to a numpy type."""
        return self.node("Cast", value, name=name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def model(self, name: str, outputs: Sequence[Value]) -> onnx.ModelProto:
        """Return the model: the rows are its input ``X``, (n, features) float64."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [_declared(self.rows)],
            [_declared(output) for output in outputs],
            [tensor for _, tensor in self._constants.values()],
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="plume")

    def _write(
        self, operator: str, inputs: Sequence[Value], names: Sequence[str], domain: str, attributes: dict[str, Any]
    ) -> list[Value]:
        written = {key: _attribute(value) for key, value in attributes.items()}
        outputs = [self._free(name) for name in names]
        node = helper.make_node(operator, [value.name for value in inputs], outputs, domain=domain, **written)
        made = self._inferred(node, inputs)
        self._nodes.append(node)
        return made

    def _free(self, name: str) -> str:
        """Return the name, or where it is taken, with a number behind it."""
        free, number = name, 1
        while free in self._names:
            number += 1
            free = f"{name}_{number}"
        self._names.add(free)
        return free

    def _inferred(self, node: onnx.NodeProto, inputs: Sequence[Value]) -> list[Value]:
        """Return what the node makes, typed by onnx's inference for this one node."""
        types = {value.name: _type_of(value) for value in inputs}
        data = {value.name: self._small[value.name] for value in inputs if value.name in self._small}
        try:
            schema = onnx.defs.get_schema(node.op_type, OPSETS[node.domain], node.domain)
            made = infer_node_outputs(schema, node, types, data, ir_version=IR_VERSION)
            return [_value_of(name, made[name]) for name in node.output]
        except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, onnx.defs.SchemaError) as error:
            given = ", ".join(str(value) for value in inputs)
            reason = " ".join(str(error).split())
            raise WrongNodeError(f"{node.op_type}({given}): {reason}") from error


class WrongNodeError(Exception):
    """A writer wrote a node that its operator does not allow: a defect of the writer."""


def tensor_type(array: NDArray[Any]) -> int:
    """Return ONNX's element type for the array's."""
    if array.dtype.kind in "UO":
        return int(TensorProto.STRING)
    return int(helper.np_dtype_to_tensor_dtype(array.dtype))


def _attribute(value: Any) -> Any:
    """An array with no type among ONNX's lists of attributes goes as a tensor."""
    if isinstance(value, np.ndarray):
        if value.dtype == np.int64:
            return value.tolist()
        return numpy_helper.from_array(value)
    return value


def _type_of(value: Value) -> onnx.TypeProto:
    return helper.make_tensor_type_proto(value.kind, [ROWS if size is None else size for size in value.shape])


def _declared(value: Value) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(value.name, value.kind, value.shape)


def _value_of(name: str, made: onnx.TypeProto) -> Value:
    """Return the value of an inferred type; a dimension without a number is that of the rows."""
    tensor = made.tensor_type
    shape = (size.dim_value if size.HasField("dim_value") else None for size in tensor.shape.dim)
    return Value(name, tensor.elem_type, tuple(shape))
