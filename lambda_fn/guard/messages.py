"""The messages of a model file, as far as `guard` reads them: no field but those that our exporters write.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.guard.protobuf import Field, Ints, Reader, Span
from lambda_fn.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Message(Record):
    """A kind of message: its name, the fields it may have, and what some of the others are called."""

    name: str
    fields: frozenset[int]
    others: Mapping[int, str]


MODEL = Message("the model", frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14}), {20: "training information", 25: "functions"})
GRAPH = Message("the graph", frozenset({1, 2, 5, 10, 11, 12}), {15: "sparse initializers"})
NODE = Message("a node", frozenset({1, 2, 3, 4, 5, 6, 7}), {8: "an overload"})
ATTRIBUTE = Message(
    "an attribute", frozenset({1, 2, 3, 4, 5, 7, 8, 9, 13, 20}), {6: "a graph", 11: "graphs", 22: "a sparse tensor"}
)
TENSOR = Message(
    "a tensor", frozenset({1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12}), {13: "external data", 14: "a data location"}
)
FLOATS, INTS = 0x3D, 0x40
"""The tags of an attribute's lists; python's onnx repeats them in front of every element."""
BRANCH, LEAF = b"\x4a\x0aBRANCH_LEQ", b"\x4a\x04LEAF"
"""The two elements, tag and length included, of `nodes_modes` in the older tree operators."""


class Attribute:
    """What is kept of a node's attribute."""

    def __init__(self) -> None:
        self.name = ""
        self.number = 0
        self.tensor: Span | None = None
        self.ints: Ints = np.empty(0, np.int64)
        self.is_leaf: NDArray[np.bool_] = np.empty(0, np.bool_)


def fields_of(reader: Reader, span: Span, message: Message) -> Iterator[Field]:
    """Yield the fields of a message; raise ServiceError for one that it may not have."""
    for part in reader.fields(span):
        _check_known(part, message)
        yield part


def _check_known(part: Field, message: Message) -> None:
    if part.number not in message.fields:
        held = message.others.get(part.number, f"field {part.number}")
        raise refused(f"{message.name} holds {held}, which no exporter writes")


def span_of(part: Field) -> Span:
    """Return where the bytes of a message or string are; raise ServiceError if the field holds none."""
    if isinstance(part.value, int):
        raise refused(f"bytes were expected in field {part.number}, a number came")
    return part.value


def text_of(reader: Reader, part: Field) -> str:
    """Return the string in a field; raise ServiceError if it holds none."""
    span = span_of(part)
    return reader.data[span.start : span.end].decode("utf-8", "backslashreplace")


def refused(detail: str) -> ServiceError:
    """Return the error for a file that holds something else than was expected."""
    return ServiceError(Problem.MODEL_INVALID, f"the model file is refused: {detail}")


def read_attribute(reader: Reader, span: Span) -> Attribute:
    """Return the attribute; a list is expected in one run, or packed. Raise ServiceError for what it may not hold."""
    attribute, lists = Attribute(), 0
    position = span.start
    while position < span.end:
        tag = reader.data[position]
        if tag == INTS:
            attribute.ints, position = reader.run_of_ints(position, span.end)
            lists += 1
        elif tag == FLOATS:
            position = reader.run_of_floats(position, span.end)
            lists += 1
        elif reader.data.startswith((BRANCH, LEAF), position, span.end):
            attribute.is_leaf, position = _run_of_modes(reader.data, position, span.end)
            lists += 1
        else:
            part = reader.field(position, span.end)
            lists += _keep(reader, attribute, part)
            position = part.end
    if lists > 1:
        raise refused(f"attribute {attribute.name!r} was expected to have one value, it has {lists}")
    return attribute


def _keep(reader: Reader, attribute: Attribute, part: Field) -> bool:
    """Keep what is needed of the field; return whether it is a value, or a list of them, that may come once."""
    _check_known(part, ATTRIBUTE)
    match part.number, part.value:
        case 1, _:
            attribute.name = text_of(reader, part)
        case 3, int(number):
            attribute.number = number if number < 2**63 else number - 2**64
        case 5, Span() as tensor:
            check_tensor(reader, tensor)
            attribute.tensor = tensor
        case 8, Span() as packed:
            attribute.ints = reader.packed_ints(packed)
    return part.number in (5, 8)


def _run_of_modes(data: bytes, position: int, end: int) -> tuple[NDArray[np.bool_], int]:
    """Read the modes at `position`: whether each node is a leaf, and where the modes end.

    Each is replaced by one byte that can't begin a field, 0 or 1, and those in front of the first other byte count.
    """
    codes = np.frombuffer(data[position:end].replace(BRANCH, b"\0").replace(LEAF, b"\1"), np.uint8)
    others = codes > 1
    is_leaf = codes[: int(np.argmax(others)) if others.any() else len(codes)] == 1
    leaves = int(is_leaf.sum())
    return is_leaf, position + leaves * len(LEAF) + (len(is_leaf) - leaves) * len(BRANCH)


def check_tensor(reader: Reader, tensor: Span) -> None:
    """Raise ServiceError for a tensor whose data are elsewhere."""
    for _ in fields_of(reader, tensor, TENSOR):
        pass
