"""The messages of a model file, as far as they are looked at: no field but those that our exporters write.

Field numbers are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.guard.protobuf import Field, Ints, Reader, Span
from lambda_fn.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

type Parts = dict[int, list[int | Span]]
"""The values of a message's fields by their numbers."""


class Message(Record):
    """A kind of message: its name, the fields it may have once, those it may have again, and what others are called."""

    name: str
    once: frozenset[int]
    again: frozenset[int] = frozenset()
    others: Mapping[int, str] = {}


MODEL = Message(
    "the model", frozenset({1, 2, 3, 4, 5, 6, 7}), frozenset({8, 14}), {20: "training information", 25: "functions"}
)
OPSET = Message("an opset", frozenset({1, 2}))
ENTRY = Message("an entry of the metadata", frozenset({1, 2}))
GRAPH = Message("the graph", frozenset({2}), frozenset({1, 5, 11, 12}), {15: "sparse initializers"})
PORT = Message("an input or output", frozenset({1, 2}))
TYPE = Message("a type", frozenset({1}), others={4: "a sequence", 5: "a map", 8: "a sparse tensor", 9: "an optional"})
TENSOR_TYPE = Message("a tensor's type", frozenset({1, 2}))
SHAPE = Message("a shape", frozenset(), frozenset({1}))
DIMENSION = Message("a dimension", frozenset({1}))
NODE = Message("a node", frozenset({3, 4, 7}), frozenset({1, 2, 5}), {8: "an overload"})
ATTRIBUTE = Message(
    "an attribute", frozenset({1, 3, 5, 8, 20}), others={6: "a graph", 11: "graphs", 22: "a sparse tensor"}
)
TENSOR = Message(
    "a tensor", frozenset({2, 5, 7, 8, 9, 10}), frozenset({1, 6}), {13: "external data", 14: "a data location"}
)
INTS = 0x40
"""The tag of an attribute's list of integers; python's onnx repeats it in front of every element."""
ITEM_BYTES: Mapping[int, int] = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8}
"""How many bytes an element takes, by its type in ONNX; a string, 8, is none of them."""
FLOAT32, UINT8, INT32, INT64, STRING, BOOL, FLOAT64 = 1, 2, 6, 7, 8, 9, 11
PACKED: Mapping[int, int] = {INT32: 5, INT64: 7, FLOAT64: 10}
"""The field in which skl2onnx writes elements, by their type."""
NONE: list[int | Span] = []
TEXT_BYTES = 96
"""What a string takes beside its characters, in onnxruntime and in Python."""
MAX_AXES = 3
"""The most that is written: rows, classes, features."""
BATCH = -1
"""The size of the axis along which the rows are."""

type Dims = tuple[int, ...]


class Tensor:
    """A value of the graph: its element type in ONNX, its dimensions, how many bytes an element takes at the most.

    data: of a constant, its elements, or where they are; None for what is made of the rows.
    bytes: what it takes, or what it takes for a row.
    """

    __slots__ = ("bytes", "data", "dims", "item", "kind")

    def __init__(self, kind: int, dims: Dims, item: int, data: Span | Ints | list[str] | None = None) -> None:
        self.kind = kind
        self.dims = dims
        self.item = item
        self.data = data
        self.bytes = abs(prod(dims)) * item  # the batch's axis is -1


type Value = int | Ints | Tensor
"""What an attribute holds."""


def parts_of(reader: Reader, span: Span, message: Message) -> Parts:
    """Return the fields of a message; raise ServiceError for one that it may not have, or not again."""
    parts: Parts = {}
    position, end = span.start, span.end
    while position < end:
        position = keep(parts, reader.field(position, end), message)
    return parts


def keep(parts: Parts, field: Field, message: Message) -> int:
    """Add a field to the others, and return where the next one starts; raise ServiceError as `parts_of` does."""
    number, value, end = field
    if number in parts:
        if number not in message.again:
            raise refused(f"{message.name} was expected to have field {number} once, it came again")
        parts[number].append(value)
    elif number in message.once or number in message.again:
        parts[number] = [value]
    else:
        held = message.others.get(number, f"field {number}")
        raise refused(f"{message.name} holds {held}, which no exporter writes")
    return end


def spans(parts: Parts, number: int) -> Sequence[Span]:
    """Return where the bytes of the messages or strings in a field are; raise ServiceError if it holds others."""
    found = parts.get(number, NONE)
    for value in found:
        if isinstance(value, int):
            raise refused(f"bytes were expected in field {number}, a number came")
    return found  # type: ignore[return-value]


def number_of(parts: Parts, number: int, default: int = 0) -> int:
    """Return the integer in a field; raise ServiceError if it holds none."""
    value = parts.get(number, [default])[0]
    if not isinstance(value, int):
        raise refused(f"a number was expected in field {number}, bytes came")
    return value if value < 2**63 else value - 2**64


def only(parts: Parts, number: int, message: Message) -> Span:
    """Return where the one message in a field is; raise ServiceError if there is none."""
    found = spans(parts, number)
    if len(found) != 1:
        raise refused(f"{message.name} was expected to have field {number} once, it has it {len(found)} times")
    return found[0]


def texts_of(reader: Reader, parts: Parts, number: int) -> list[str]:
    """Return the strings in a field; raise ServiceError where they are none."""
    return [text_of(reader, span) for span in spans(parts, number)]


def text_of(reader: Reader, span: Span) -> str:
    """Return a string; raise ServiceError if it is not UTF-8."""
    try:
        return reader.data[span.start : span.end].decode()
    except UnicodeDecodeError as error:
        raise refused(f"text was expected at byte {span.start:,}, it is not UTF-8") from error


def refused(detail: str) -> ServiceError:
    """Return the error for a file that holds something else than was expected."""
    return ServiceError(Problem.MODEL_INVALID, f"the model file is refused: {detail[:500]}")  # names are of any length


def read_attribute(reader: Reader, span: Span) -> tuple[str, Value]:
    """Return an attribute's name and value; a list is expected in one run, or packed.

    Raises ServiceError for what it may not hold.
    """
    parts: Parts = {}
    values: list[Value] = []
    position = span.start
    while position < span.end:
        if reader.data[position] == INTS:
            ints, position = reader.run_of_ints(position, span.end)
            values.append(ints)
        else:
            position = keep(parts, reader.field(position, span.end), ATTRIBUTE)
    name = text_of(reader, only(parts, 1, ATTRIBUTE))
    if 3 in parts:
        values.append(number_of(parts, 3))
    values += [reader.packed_ints(packed) for packed in spans(parts, 8)]
    values += [read_tensor(reader, tensor)[1] for tensor in spans(parts, 5)]
    if len(values) != 1:
        raise refused(f"attribute {name!r} was expected to have one value, it has {len(values)}")
    [value] = values
    expected = 2 if isinstance(value, int) else 4 if isinstance(value, Tensor) else 7
    if number_of(parts, 20) != expected:
        raise refused(f"attribute {name!r} was expected to be of type {expected}, as its value is")
    return name, value


def read_tensor(reader: Reader, span: Span) -> tuple[str, Tensor]:
    """Return name and tensor; raise ServiceError where its elements are elsewhere, or other than its dimensions say."""
    parts = parts_of(reader, span, TENSOR)
    dims = tuple([number_of({1: [dim]}, 1) for dim in parts.get(1, ())])
    if len(dims) > MAX_AXES or min(dims, default=0) < 0:
        raise refused(f"at most {MAX_AXES} dimensions of 0 or more were expected, not {dims[:MAX_AXES]}")
    kind, count = number_of(parts, 2), prod(dims)
    [name] = texts_of(reader, parts, 8) or [""]
    held = [number for number in (5, 6, 7, 9, 10) if number in parts]
    if kind == STRING and held == ([6] if count else []):
        texts = texts_of(reader, parts, 6)
        if len(texts) == count:
            return name, Tensor(kind, dims, TEXT_BYTES + max([4 * len(text) for text in texts], default=0), texts)
    elif kind in ITEM_BYTES and held in ([9], [PACKED.get(kind)]):
        data: Span | Ints = only(parts, held[0], TENSOR)
        if held != [9] and kind != FLOAT64:
            data = reader.packed_ints(data)  # type: ignore[arg-type]
        size = len(data) if not isinstance(data, Span) else (data.end - data.start) / ITEM_BYTES[kind]
        if size == count:
            return name, Tensor(kind, dims, ITEM_BYTES[kind], data)
    raise refused(f"tensor {name!r} was expected to have {count:,} elements of type {kind}, it has others")


def shown(dims: Dims) -> str:
    """Return dimensions as a message has them: `n` is the size of the batch."""
    return f"({', '.join('n' if size == BATCH else str(size) for size in dims)})"


def integers(reader: Reader, tensor: Tensor) -> list[int]:
    """Return the elements of a constant of int64; raise ServiceError for another value."""
    if tensor.data is None or tensor.kind != INT64:
        raise refused("a constant of integers was expected")
    return [int(element) for element in elements_of(reader, tensor, "l")]


def elements_of(reader: Reader, constant: Tensor, letter: str) -> NDArray[Any] | list[str]:
    """Return the elements of a constant, of numpy's type `letter`, behind each other."""
    data = constant.data
    if isinstance(data, Span):
        return np.frombuffer(reader.data[data.start : data.end], np.dtype(letter).newbyteorder("<"))
    return [] if data is None else data
