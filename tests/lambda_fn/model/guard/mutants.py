"""Files that nobody wrote: good ones with something altered. All of them are sealed.

An alteration is of bytes, or of what they mean: names, operators, attributes, constants, types, the card.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from convert.model_file.seal import PREFIX, ZEROS, seal
from lambda_fn.model.guard.operators import LETTERS, OPERATORS
from tests.lambda_fn.model.guard.draws import NUMBERS, SHAPES, WHOLE, pick


def seal_by_hand(data: bytes) -> bytes:
    """Seal bytes that need not be a model."""
    if PREFIX not in data:
        data += b"\x72\x4a" + PREFIX + ZEROS  # metadata_props, 74 bytes
    start = data.rindex(PREFIX) + len(PREFIX)
    zeroed = data[:start] + ZEROS + data[start + 64 :]
    return data[:start] + hashlib.sha256(zeroed).hexdigest().encode() + data[start + 64 :]


def mutant(random: np.random.Generator, files: Sequence[bytes]) -> bytes:
    """Return one of the `files` with up to three alterations, of its bytes or of its messages."""
    data = pick(random, files)
    times = random.integers(1, 4)
    if random.random() < 0.4:
        for _ in range(times):
            data = altered_bytes(random, data)
        return seal_by_hand(data)
    model = onnx.load_from_string(data)
    alterations = [alter_number] if random.random() < 0.5 else ALTERATIONS  # most of those end in the guard
    for _ in range(times):
        pick(random, alterations)(random, model)
    return seal(model)


def altered_bytes(random: np.random.Generator, data: bytes) -> bytes:
    start, length = int(random.integers(len(data))), int(random.integers(1, 9))
    part, rest = data[start : start + length], data[start + length :]
    kept = data[:start]
    return pick(
        random,
        [
            kept + random.bytes(len(part)) + rest,
            kept + bytes([part[0] ^ (1 << int(random.integers(8)))]) + data[start + 1 :],
            kept + part + part + rest,
            kept + rest,
            kept + part[::-1] + rest,
        ],
    )


def names_of(model: ModelProto) -> list[str]:
    made = [name for node in model.graph.node for name in node.output]
    return ["", "X", "nothing", *made, *(each.name for each in model.graph.initializer)]


def alter_names(random: np.random.Generator, model: ModelProto) -> None:
    node = pick(random, model.graph.node)
    names = pick(random, [node.input, node.output])
    if len(names) and random.random() < 0.8:
        names[random.integers(len(names))] = pick(random, names_of(model))
    elif len(names) and random.random() < 0.5:
        del names[random.integers(len(names))]
    else:
        names.append(pick(random, names_of(model)))


def alter_nodes(random: np.random.Generator, model: ModelProto) -> None:
    nodes, place = list(model.graph.node), int(random.integers(len(model.graph.node)))
    change = random.integers(4)
    if change == 0:
        nodes[place].domain, nodes[place].op_type = pick(random, list(OPERATORS))
        return
    if change == 1:
        nodes.insert(int(random.integers(len(nodes))), nodes.pop(place))
    elif change == 2:
        nodes.insert(place, nodes[place])
    else:
        del nodes[place]
    copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)


def alter_attributes(random: np.random.Generator, model: ModelProto) -> None:
    node = pick(random, model.graph.node)
    if not node.attribute or random.random() < 0.1:
        value = pick(random, [1, [0, 1], 1.0, "text", numpy_helper.from_array(np.ones(2))])
        node.attribute.append(helper.make_attribute(pick(random, ["axis", "keepdims", "to", "other"]), value))
        return
    place = int(random.integers(len(node.attribute)))
    attribute = node.attribute[place]
    if random.random() < 0.15:
        del node.attribute[place]
    elif attribute.type == AttributeProto.TENSOR:
        alter_tensor(random, attribute.t)
    elif attribute.type == AttributeProto.INTS and len(attribute.ints) and random.random() < 0.8:
        near = [*WHOLE, *attribute.ints[:50], len(attribute.ints)]
        attribute.ints[random.integers(len(attribute.ints))] = pick(random, near)
    elif attribute.type == AttributeProto.INTS:
        attribute.ints.append(pick(random, WHOLE))
    else:
        attribute.i = pick(random, WHOLE)


def alter_constant(random: np.random.Generator, model: ModelProto) -> None:
    if model.graph.initializer:
        alter_tensor(random, pick(random, model.graph.initializer))


def alter_number(random: np.random.Generator, model: ModelProto) -> None:
    """Alter an element of a constant, or of the numbers in an attribute, and leave its type."""
    attributes = [each for node in model.graph.node for each in node.attribute]
    tensors = [*model.graph.initializer, *(each.t for each in attributes if each.type == AttributeProto.TENSOR)]
    numbers = [each for each in tensors if each.data_type != TensorProto.STRING and min(each.dims, default=1) > 0]
    lists = [each for each in attributes if each.type == AttributeProto.INTS]
    if lists and random.random() < 0.2:
        ints = pick(random, lists).ints
        ints[random.integers(len(ints))] = int(pick(random, ints))
    elif numbers:
        tensor = pick(random, numbers)
        tensor.CopyFrom(numpy_helper.from_array(with_another(random, numpy_helper.to_array(tensor)), tensor.name))


def with_another(random: np.random.Generator, array: NDArray[Any]) -> NDArray[Any]:
    """Return the array with another number in a place, an odd one or one that is near."""
    array = array.copy()
    whole = array.dtype.kind in "iu"
    odd: list[Any] = WHOLE if whole else NUMBERS
    near = [*array.flat[:20].tolist(), 0, 1, 2]
    with np.errstate(all="ignore"):
        array.flat[random.integers(array.size)] = np.array([pick(random, pick(random, [odd, near]))]).astype(
            array.dtype
        )[0]
    return array


def alter_tensor(random: np.random.Generator, tensor: TensorProto) -> None:
    change = random.integers(6)
    if change == 0 and tensor.dims:
        tensor.dims[random.integers(len(tensor.dims))] = pick(random, WHOLE)
    elif change == 1:
        tensor.data_type = pick(random, list(LETTERS))
    elif tensor.data_type == TensorProto.STRING:
        tensor.string_data.append(b"\xff" if change == 2 else b"x" * 5000)
    else:
        try:
            array = numpy_helper.to_array(tensor).copy()
        except (TypeError, ValueError):  # altered before
            return
        if change == 2:
            array = np.resize(array, pick(random, SHAPES))
        elif array.size:
            array = with_another(random, array)
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def alter_ports(random: np.random.Generator, model: ModelProto) -> None:
    port = pick(random, [*model.graph.input, *model.graph.output])
    change = random.integers(3)
    if change == 0:
        port.type.tensor_type.elem_type = pick(random, list(LETTERS))
    elif change == 1:
        pick(random, port.type.tensor_type.shape.dim).dim_value = pick(random, WHOLE)
    else:
        port.name = pick(random, names_of(model))


def alter_card(random: np.random.Generator, model: ModelProto) -> None:
    for entry in model.metadata_props:
        if entry.key == "card":
            entry.value = json.dumps(altered_json(random, json.loads(entry.value)))


def altered_json(random: np.random.Generator, value: Any) -> Any:
    """Return the value with something in it altered, removed or put somewhere else."""
    if isinstance(value, dict | list) and value and random.random() < 0.85:
        key: Any = pick(random, list(value) if isinstance(value, dict) else range(len(value)))
        if random.random() < 0.1:
            del value[key]
        elif isinstance(value, list) and random.random() < 0.1:
            value.append(value[key])
        else:
            value[key] = altered_json(random, value[key])
        return value
    others: list[Any] = [
        None,
        True,
        False,
        0,
        1,
        -1,
        1.5,
        10**400,
        float("nan"),
        float("inf"),
        "",
        "str",
        [],
        {},
        [[]],
        [1, "a"],
    ]
    return pick(random, [*others, [value], {"type": value}, str(value)])


ALTERATIONS: list[Callable[[np.random.Generator, ModelProto], None]] = [
    *(alter_names, alter_nodes, alter_attributes, alter_attributes, alter_constant, alter_constant),
    *(alter_ports, alter_card),
]


def read_files(folder: Path) -> list[bytes]:
    """Return the good files in a folder."""
    return [path.read_bytes() for path in sorted(folder.glob("*.onnx"))]
