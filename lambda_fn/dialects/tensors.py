"""Tensors of the Open Inference Protocol: JSON or bytes become arrays, and arrays become either."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.codecs.json_values import kind_of
from lambda_fn.codecs.sizes import check_size
from lambda_fn.errors import Problem, ServiceError, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

BYTES = "BYTES"
KINDS = {"INT": "i", "UINT": "u", "FP": "f"}
DTYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    **{
        f"{name}{8 * size}": np.dtype(f"<{kind}{size}")
        for name, kind in KINDS.items()
        for size in ((2, 4, 8) if name == "FP" else (1, 2, 4, 8))
    },
}
"""The numpy type of each datatype's elements, little-endian; those of ``BYTES`` are strings of any length."""
OF_FEATURES: Mapping[str, str] = {"float": "FP64", "bool": "BOOL", "str": BYTES}
"""The datatype that stands for a type of features."""
ENCODED = ("base64", "datetime", "pd_json")
"""Content types of MLServer's, by which strings stand for something else."""
LENGTH = struct.Struct("<I")
MAX_DIMENSIONS = 2
EXACT = 2**53


class Tensor:
    """An input: its name, its datatype, and its values in its shape, strings as objects and null among them as None."""

    __slots__ = ("datatype", "name", "values")

    def __init__(self, name: str, datatype: str, values: NDArray[Any]) -> None:
        self.name = name
        self.datatype = datatype
        self.values = values


def malformed(detail: str) -> ServiceError:
    """Return the error for an input that is not what it says."""
    return ServiceError(Problem.MALFORMED_TENSOR, detail)


def read(member: Any, place: int, buffer: Buffer) -> Tensor:
    """Return the tensor that a member of ``inputs`` describes; what it holds may be next in the `buffer`.

    Raises ServiceError (malformed-tensor), with what was expected and what came.
    """
    if not isinstance(member, dict):
        raise malformed(f"input {place} is {kind_of(member)}, expected an object")
    name, datatype, shape = member.get("name"), member.get("datatype"), member.get("shape")
    if not isinstance(name, str):
        raise malformed(f"the name of input {place} is {_came(member, 'name')}, expected a string")
    where = f"input {name[:200]!r}"
    if not isinstance(datatype, str) or (datatype not in DTYPES and datatype != BYTES):
        raise malformed(f"the datatype of {where} is {_came(member, 'datatype')}, expected {_datatypes()}")
    if not isinstance(shape, list) or not 0 < len(shape) <= MAX_DIMENSIONS or not all(map(_is_size, shape)):
        raise malformed(f"the shape of {where} is {_came(member, 'shape')}, expected [rows] or [rows, columns]")
    parameters = _parameters(member, where)
    if parameters.get("shared_memory_region") is not None:
        raise malformed(f"{where} is in shared memory, which this service has none of")
    if parameters.get("content_type") in ENCODED:
        raise malformed(f"{where} has the content type {parameters['content_type']!r}, taken are values as they are")
    size = parameters.get("binary_data_size")
    if size is None:
        if "data" not in member:
            raise malformed(f"{where} has no `data`, and no parameter binary_data_size")
        return Tensor(name, datatype, of_json(member["data"], datatype, shape, where))
    if "data" in member:
        raise malformed(f"{where} has `data`, and the parameter binary_data_size: expected is one of them")
    if not _is_size(size):
        raise malformed(f"the binary_data_size of {where} is {kind_of(size)}, expected a number of bytes")
    return Tensor(name, datatype, of_bytes(buffer.take(size, where), datatype, shape, where))


class Buffer:
    """The bytes behind the JSON, which the tensors are in one after another."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)

    def take(self, size: int, where: str) -> memoryview:
        """Return the next `size` bytes; raise ServiceError if so many are not there."""
        if size > len(self._data):
            raise malformed(f"{where} has {size} bytes by its binary_data_size, {len(self._data)} are left in the body")
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def check_empty(self) -> None:
        """Raise ServiceError if bytes are left that belong to no tensor."""
        if len(self._data):
            raise malformed(f"the body has {len(self._data)} bytes behind those of its inputs")


def of_json(data: Any, datatype: str, shape: Sequence[int], where: str) -> NDArray[Any]:
    """Return values of JSON, nested or flat, as an array of the shape: numbers in the precision of their datatype."""
    flat = _flat(data, shape, where)
    if len(flat) != prod(shape):
        raise malformed(f"{where} has {len(flat)} values, its shape {list(shape)} has {prod(shape)}")
    kinds = set(map(type, flat))
    if not kinds <= _kinds(datatype):
        place = next(place for place, value in enumerate(flat) if type(value) not in _kinds(datatype))
        raise malformed(f"value {place} of {where} is {kind_of(flat[place])}, expected {datatype}")
    if datatype == BYTES:
        values = np.empty(len(flat), object)
        values[:] = flat
        return values.reshape(shape)
    try:
        array = np.array(flat, np.float64 if datatype.startswith("FP") else DTYPES[datatype])
    except OverflowError as error:
        raise malformed(f"{where} has a number that {datatype} does not hold") from error
    check_exact(array, where)
    with np.errstate(over="ignore"):
        rounded = array.astype(DTYPES[datatype])
    if datatype.startswith("FP") and not (np.isfinite(rounded) == np.isfinite(array)).all():
        raise malformed(f"{where} has a number that {datatype} does not hold")
    return rounded.reshape(shape)


def of_bytes(data: memoryview, datatype: str, shape: Sequence[int], where: str) -> NDArray[Any]:
    """Return values as they are in memory elsewhere, row by row, as an array of the shape."""
    count = prod(shape)
    if datatype == BYTES:
        return _strings(data, count, where).reshape(shape)
    dtype = DTYPES[datatype]
    if count * dtype.itemsize != len(data):
        raise malformed(
            f"{where} has {len(data)} bytes, its shape {list(shape)} of {datatype} takes {count * dtype.itemsize}"
        )
    values = np.frombuffer(data, np.uint8) != 0 if datatype == "BOOL" else np.frombuffer(data, dtype)
    check_exact(values, where)
    return values.reshape(shape)


def check_exact(values: NDArray[Any], where: str) -> None:
    """Raise ServiceError (malformed-tensor) for whole numbers of 8 bytes that float64, which models take, rounds."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return
    far = values[(values > EXACT) | (values < -EXACT)] if values.dtype.kind == "i" else values[values > EXACT]
    if any(int(float(value)) != value for value in far.tolist()):
        raise malformed(f"{where} has a whole number that float64 does not hold, beyond 2**53")


def to_bytes(values: NDArray[Any]) -> bytes:
    """Return the bytes of labels or numbers, as `of_bytes` reads them."""
    if values.dtype == object:
        texts = {label: label.encode("utf-8", "backslashreplace") for label in set(values.ravel().tolist())}
        told = {label: LENGTH.pack(len(text)) + text for label, text in texts.items()}
        parts = [told[label] for label in values.ravel().tolist()]
        check_size(sum(map(len, parts)) * 4 // 3)
        return b"".join(parts)
    return values.astype(DTYPES[datatype_of(values.dtype)], copy=False).tobytes()


def datatype_of(dtype: np.dtype[Any]) -> str:
    """Return the datatype of what numpy has.

    >>> datatype_of(np.dtype(np.int64)), datatype_of(np.dtype(np.float32)), datatype_of(np.dtype(object))
    ('INT64', 'FP32', 'BYTES')
    """
    if dtype.kind == "b":
        return "BOOL"
    return next((f"{name}{8 * dtype.itemsize}" for name, kind in KINDS.items() if kind == dtype.kind), BYTES)


def _flat(data: Any, shape: Sequence[int], where: str) -> list[Any]:
    """Return the values of a list, of lists in it those of each, which are to be as the shape says."""
    if not isinstance(data, list):
        raise malformed(f"the data of {where} is {kind_of(data)}, expected a list")
    if len(shape) < MAX_DIMENSIONS or not any(isinstance(part, list) for part in data):
        return data
    if len(data) != shape[0] or not all(isinstance(part, list) and len(part) == shape[1] for part in data):
        raise malformed(f"the data of {where} is nested otherwise than its shape {list(shape)}")
    return [value for part in data for value in part]


def _strings(data: memoryview, count: int, where: str) -> NDArray[np.object_]:
    if count > len(data) // LENGTH.size:
        raise malformed(f"{where} has {len(data)} bytes, {count} strings take {count * LENGTH.size} at the least")
    values, at = np.empty(count, object), 0
    for place in range(count):
        begin = at + LENGTH.size
        at = begin + (LENGTH.unpack_from(data, at)[0] if begin <= len(data) else 0)
        if not begin <= at <= len(data):
            raise malformed(f"string {place} of {where} ends behind its {len(data)} bytes")
        try:
            values[place] = str(data[begin:at], "utf-8")
        except UnicodeDecodeError as error:
            raise malformed(f"string {place} of {where} is not UTF-8: {error}") from error
    if at != len(data):
        raise malformed(f"{where} has {len(data) - at} bytes behind its {count} strings")
    return values


def _parameters(member: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    parameters = member.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise malformed(f"the parameters of {where} are {kind_of(parameters)}, expected an object")
    return parameters or {}


def _kinds(datatype: str) -> frozenset[type]:
    """Return the types of JSON's values that a datatype takes; null is a missing one."""
    if datatype == BYTES:
        return frozenset({str, type(None)})
    if datatype == "BOOL":
        return frozenset({bool})
    return frozenset({int, float, type(None)} if datatype.startswith("FP") else {int})


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _came(member: Mapping[str, Any], name: str) -> str:
    value = member.get(name)
    if name not in member:
        return "not there"
    return repr(value)[:100] if isinstance(value, str | list) else kind_of(value)


def _datatypes() -> str:
    return listed([*DTYPES, BYTES])
