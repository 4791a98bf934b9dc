"""The bodies: by dialect and name, each a function of the model's card and of how many bytes there may be."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"

type Features = Sequence[Mapping[str, Any]]
type Bodies = dict[str, Callable[[], bytes]]


def bodies(kind: str, features: Features, size: int) -> Bodies:
    """Return the bodies of a dialect, of at most `size` bytes, for a model that takes `features`."""
    return {JSON: json_bodies, CSV: csv_bodies, NPY: npy_bodies}[kind](features, size)


def value(feature: Mapping[str, Any]) -> Any:
    """Return a value that the feature takes, of few characters."""
    if feature["type"] == "str":
        return min(feature["categories"], key=len)
    return feature["accepts"].get("values", [1])[0]


def filled(start: bytes, part: bytes, end: bytes, size: int, between: bytes = b",") -> bytes:
    """Return as many parts as fit, between `start` and `end`."""
    count = (size - len(start) - len(end) + len(between)) // (len(part) + len(between))
    return start + between.join([part] * count) + end


def json_bodies(features: Features, size: int) -> Bodies:
    """Return rows in few bytes, what is no row, and what nests."""
    row = [value(feature) for feature in features]
    listed = json.dumps(row, separators=(",", ":")).encode()
    named = json.dumps(dict(zip(names(features), row, strict=True)), separators=(",", ":")).encode()
    split = json.dumps({"columns": names(features)}, separators=(",", ":")).encode()[:-1]

    def rows(part: bytes, end: bytes = b"]}", start: bytes = b'{"data":[') -> Callable[[], bytes]:
        return lambda: filled(start, part, end, size)

    def deep(opening: bytes, closing: bytes, levels: int) -> Callable[[], bytes]:
        return rows(opening * levels + closing * levels)

    return {
        "rows": rows(listed),
        "objects": rows(named),
        "split": rows(listed, start=split + b',"data":['),
        "split under many names": rows(b'"a"', start=b'{"data":[[1]],"columns":['),
        "rows, probabilities": rows(listed, b'],"probabilities":true}'),
        "rows, the last wrong": rows(listed, b",[]]}"),
        "objects, the last wrong": rows(named, b",{}]}"),
        "objects, an escape": rows(named, b',{"\\"":1}]}'),
        "rows, the last cut": rows(listed, b",["),
        "rows, the last one NaN": rows(listed, b"," + json.dumps([float("nan")] * len(features)).encode() + b"]}"),
        "rows and an astral letter": rows(listed, ',["😀"]]}'.encode()),
        "empty lists": rows(b"[]"),
        "empty objects": rows(b"{}"),
        "lists of one": rows(b"[1]"),
        "objects of one": rows(b'{"":1}'),
        "objects of one, two names": rows(b'{"a":1,"b":2}'),
        "a member twice, late": rows(b'{"":1}', b',{"":1,"":1}]}'),
        "lists of 2 levels": deep(b"[", b"]", 2),
        "lists of 4 levels": deep(b"[", b"]", 4),
        "lists of 500 levels": deep(b"[", b"]", 500),
        "objects of 100 levels": lambda: filled(b'{"data":[', b'{"":' * 100 + b"0" + b"}" * 100, b"]}", size),
        "brackets": lambda: b"[" * size,
        "braces": lambda: filled(b"", b'{"":', b"", size, b""),
        "one row": lambda: filled(b'{"data":[[', b"0", b"]]}", size),
        "one row of lists": lambda: filled(b'{"data":[[', b"[]", b"]]}", size),
        "one row of deep lists": lambda: filled(b'{"data":[[', b"[" * 50 + b"]" * 50, b"]]}", size),
        "one row of strings": lambda: filled(b'{"data":[[', b'"ab"', b"]]}", size),
        "one object of many names": lambda: numbered(b'{"data":[{', b'"%d":1,', b'"":1}]}', size),
        "many members": lambda: numbered(b'{"data":[[1]],', b'"%d":1,', b'"":1}', size),
        "a long index": rows(b"0", b"]}", b'{"data":[' + listed + b'],"index":['),
        "a deep index": rows(b"[" * 50 + b"]" * 50, b"]}", b'{"data":[' + listed + b'],"index":['),
        "long numbers": rows(b"[" + b"1" * 4300 + b"]"),
        "a longer number": lambda: b'{"data":[[' + b"1" * (size - 20) + b"]]}",
        "a long fraction": lambda: b'{"data":[[1.' + b"1" * (size - 20) + b"]]}",
        "a long string": lambda: b'{"data":[["' + b"a" * (size - 20) + b'"]]}',
        "escapes": lambda: filled(b'{"data":[["', b"\\ud83d\\ude00", b'"]]}', size, b""),
        "spaces": lambda: b'{"data":[[' + b" " * (size - 20) + b"1]]}",
        "1e999": rows(b"[" + b",".join([b"1e999"] * len(features)) + b"]"),
    }


def csv_bodies(features: Features, size: int) -> Bodies:
    """Return rows in few bytes, line ends and quotes of all kinds, and cells of any length."""
    row = ",".join(str(value(feature)) for feature in features).encode()
    header = ",".join(names(features)).encode() + b"\n"
    quoted = ",".join(f'"{value(feature)}"' for feature in features).encode()

    def rows(part: bytes, start: bytes = b"", end: bytes = b"", between: bytes = b"\n") -> Callable[[], bytes]:
        return lambda: filled(start, part, end, size, between)

    return {
        "rows": rows(row),
        "rows under a header": rows(row, header),
        "quoted rows": rows(quoted),
        "rows, the last wrong": rows(row, end=b"\n,x,"),
        "quoted rows, the last wrong": rows(quoted, end=b"\n" + b",".join([b"x"] * len(features))),
        "rows, the last one NaN": rows(row, end=b"\n" + b",".join([b"nan"] * len(features))),
        "rows, one with a quote": rows(row, end=b'\n"1"'),
        "rows ended by \\r\\n": rows(row, between=b"\r\n"),
        "rows ended by \\r\\r\\n": rows(row, between=b"\r\r\n"),
        "empty cells": rows(b"," * (len(features) - 1)),
        "\\r": lambda: b"1" + b"\r" * (size - 2) + b"1",
        "quoted \\r": lambda: b'"' + b"\r" * (size - 3) + b'"1',
        "\\n": lambda: b"1" + b"\n" * (size - 2) + b"1",
        "quoted \\n": lambda: b'"' + b"\n" * (size - 2) + b'"',
        "commas": lambda: b"," * size,
        "quotes": lambda: b'"' * (size // 2 * 2),
        "an open quote": lambda: b'1,2\n"' + b"1,2\n" * (size // 4 - 2),
        "an open quote, many cells": lambda: b'"",' * (size // 3 - 1) + b'"',
        "empty quotes": rows(b'""'),
        "one of \\r in quotes": rows(b'"\r"'),
        "one long cell": lambda: b"1" * size,
        "a long fraction": lambda: b"1." + b"1" * (size - 2),
        "long cells": rows(b"1" * 100_000),
        "one row of numbers": rows(b"1", between=b","),
        "a header of many names": lambda: numbered(b"", b"a%d,", b"\n1", size),
        "spaces": lambda: b" " * size,
        "ends of lines that are none": rows("\u2028".encode(), between=b""),
        "no UTF-8": rows(b"\xff,\xff"),
        "NUL": lambda: b"\0" * size,
    }


def npy_bodies(features: Features, size: int) -> Bodies:
    """Return arrays of the smallest numbers, and headers that mean harm."""
    width = len(features)

    def plain(kind: str, order: str = "C", last: float = 1) -> Callable[[], bytes]:
        def make() -> bytes:
            array = np.ones((max(1, (size - 200) // width // np.dtype(kind).itemsize), width), kind)
            array[-1] = last
            return saved(np.asarray(array, order=order))  # type: ignore[call-overload]

        return make

    def fields() -> bytes:
        kind = [(name, "u1") for name in names(features)]
        return saved(np.ones(max(1, (size - 64 * width - 200) // width), kind))

    return {
        "u1": plain("u1"),
        "b1": plain("b1"),
        "f2": plain("f2"),
        "f8": plain("f8"),
        "u1 in Fortran's order": plain("u1", "F"),
        "f2, the last NaN": plain("f2", last=float("nan")),
        "fields": fields,
        "a header of names": lambda: headed(b"[" + b",".join(b"a%d" % each for each in range(9000)) + b"]", size),
        "a header of fields": lambda: headed(
            b"{'descr': [" + b",".join(b"('%d','u1')" % each for each in range(4000)) + b"],", size
        ),
        "a header of padding": lambda: headed(
            b"{'descr': [" + b"('','|V1')," * 5000 + b"], 'fortran_order': False, 'shape': (100,)}", size
        ),
        "a header of brackets": lambda: headed(b"(" * 65_000, size),
        "a header of minus signs": lambda: headed(b"-" * 65_000, size),
        "a header of digits": lambda: headed(b"9" * 65_000, size),
        "a shape of many numbers": lambda: headed(
            b"{'descr': 'u1', 'fortran_order': False, 'shape': (" + b"1," * 30_000 + b")}", size
        ),
        "a huge shape": lambda: headed(
            b"{'descr': '<f8', 'fortran_order': False, 'shape': (4611686018427387904, %d)}" % width, size
        ),
        "no header": lambda: b"\x93NUMPY\x01\x00\xff\xff" + bytes(size - 10),
    }


def names(features: Features) -> list[str]:
    """Return the names of the features."""
    return [str(feature["name"]) for feature in features]


def numbered(start: bytes, part: bytes, end: bytes, size: int) -> bytes:
    """Return as many parts as fit, each with a number of its own."""

    def parts() -> Iterator[bytes]:
        left = size - len(start) - len(end)
        for number in range(size):
            text = part % number
            left -= len(text)
            if left < 0:
                return
            yield text

    return start + b"".join(parts()) + end


def saved(array: Any) -> bytes:
    """Return the file that numpy writes of an array."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def headed(header: bytes, size: int) -> bytes:
    """Return a file with `header`, whatever follows."""
    start = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header
    return start + bytes(max(0, size - len(start)))
