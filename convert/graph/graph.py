"""A graph that is being written, node by node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"
OPSETS = {"": 21, ML: 5}
"""ai.onnx.ml 5 has `TreeEnsemble`, the one tree operator that onnxruntime runs in float64."""
IR_VERSION = 10


class Graph:
    """The nodes and constants written so far. Values go by their names, which `node` and `constant` return."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(self, operator: str, *inputs: str, domain: str = "", name: str | None = None, **attributes: Any) -> str:
        """Write a node with one output and return the output's name: `name`, or a new one."""
        output = name or f"{operator.lower()}_{len(self._nodes)}"
        self._write(operator, inputs, [output], domain, attributes)
        return output

    def top(self, values: str, count: int) -> tuple[str, str]:
        """Write the `count` smallest of each row, smallest first; return the names of values and columns."""
        outputs = (f"sorted_{len(self._nodes)}", f"order_{len(self._nodes)}")
        inputs = (values, self.constant(np.array([count])))
        self._write("TopK", inputs, outputs, "", {"axis": 1, "largest": 0, "sorted": 1})
        return outputs

    def constant(self, values: Any) -> str:
        """Write a constant; a list or scalar becomes the array that numpy makes of it."""
        array = np.asarray(values)
        if array.dtype.kind in "UO":
            array = array.astype(object)  # onnx knows strings as objects
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def cast(self, value: str, dtype: type[np.generic] | np.dtype[Any]) -> str:
        """Cast to a numpy type."""
        return self.node("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def model(self, name: str, width: int, outputs: Mapping[str, tuple[int, Sequence[int | None]]]) -> onnx.ModelProto:
        """Return the model: input ``X`` of (n, `width`) float64, and `outputs` by name with element type and shape."""
        graph = helper.make_graph(
            self._nodes,
            name,
            [helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, width])],
            [helper.make_tensor_value_info(output, kind, shape) for output, (kind, shape) in outputs.items()],
            self._constants,
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="plume")

    def _write(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], domain: str, attributes: dict[str, Any]
    ) -> None:
        written = {key: _attribute(value) for key, value in attributes.items()}
        self._nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **written))


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
