"""The same rows in every dialect: what a client posts, and where its labels are in the answer."""

from __future__ import annotations

import csv
import io
import json
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.fuzz.draws import Draws
from tests.fuzz.values import MARK, number

type Row = Sequence[Any]
type Features = Sequence[tuple[str, str]]
type Read = Callable[[bytes], list[Any]]

FEATURES: dict[str, Features] = {
    "iris": [("sepal length (cm)", "float"), ("sepal width (cm)", "float")],
    "patients": [("age", "float"), ("bmi", "float"), ("bp", "float")],
    "people": [("customer", "str"), ("city", "str"), ("age", "float"), ("income", "float"), ("active", "bool")],
}
"""What the models take that are served."""
DROPPED = "customer"
CITIES = ("Oslo", "Paris", "São Paulo", "", 'a, "b"', "\n", "x" * 300, "\u202e", " Oslo", "'", "a\rb", "1.0", MARK)
TENSORS = {"float": "FP64", "str": "BYTES", "bool": "BOOL"}


class Post(NamedTuple):
    """A body, where it is posted to, with which headers, and what reads the labels in its answer."""

    path: str
    headers: dict[str, str]
    body: bytes
    read: Read


def rows_of(draws: Draws, features: Features) -> list[Row]:
    """Return some rows; numbers may be missing where that is drawn."""
    count = draws.pick((1, 1, 1, 2, 2, 2, 3, 7, 40))
    return [[_value(draws, name, kind) for name, kind in features] for _ in range(count)]


def _value(draws: Draws, name: str, kind: str) -> Any:
    if kind == "float":
        return None if name == "income" and draws.once_in(6) else number(draws)
    return draws.pick(CITIES) if kind == "str" else bool(draws.below(2))


def posts(name: str, rows: Sequence[Row]) -> list[Callable[[], Post]]:
    """Return what makes the rows in each dialect, for the model of that name."""
    features = FEATURES[name]
    names = [each for each, _ in features]
    own, v1 = f"/models/{name}/predict", f"/v1/models/{name}:predict"
    lists = [list(row) for row in rows]
    turned = {"data": [row[::-1] for row in lists], "columns": names[::-1]}
    made: list[Callable[[], Post]] = [
        partial(_json, own, {"data": lists}, "prediction"),
        lambda: _json(own, {"data": _objects(names, rows)}, "prediction"),
        partial(_json, own, turned, "prediction"),
        lambda: Post(own, {"content-type": "text/csv"}, _csv(rows, names), _read_csv),
        lambda: Post(own, {"content-type": "text/csv; header=absent"}, _csv(rows, None), _read_csv),
        partial(_json, v1, {"instances": lists}, "predictions"),
        lambda: _json(v1, {"instances": _objects(names, rows)}, "predictions"),
        lambda: _json(v1, {"inputs": _columns(names, rows)}, "outputs"),
        partial(_infer, name, features, rows, binary=False),
        partial(_infer, name, features, rows, binary=True),
    ]
    if any(kind != "float" for _, kind in features):
        return made
    return [
        *made,
        *(
            partial(_npy_post, own, change, rows, names)
            for change in (np.asarray, np.asfortranarray, _swapped, _structured)
        ),
        *(partial(_tensor, name, rows, way) for way in ("json", "bytes", "alone")),
    ]


def invocations(name: str, rows: Sequence[Row]) -> list[Callable[[], Post]]:
    """Return what makes the rows as MLflow has them, for the model that the service has in front."""
    names, lists = [each for each, _ in FEATURES[name]], list(map(list, rows))
    post = partial(_json, "/invocations", member="predictions")
    return [
        lambda: post({"dataframe_split": {"columns": names, "data": lists}}),
        lambda: post({"dataframe_records": _objects(names, rows)}),
        lambda: post({"instances": lists}),
        lambda: post({"inputs": _columns(names, rows)}),
        lambda: Post("/invocations", {"content-type": "text/csv"}, _csv(rows, names), _member("predictions")),
    ]


def _objects(names: Sequence[str], rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _columns(names: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {each: [row[place] for row in rows] for place, each in enumerate(names)}


def _member(name: str) -> Read:
    return lambda body: list(json.loads(body)[name])


def _json(path: str, document: Any, member: str) -> Post:
    return Post(path, {"content-type": "application/json"}, json.dumps(document).encode(), _member(member))


def _csv(rows: Sequence[Row], names: Sequence[str] | None) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([names] if names else [])
    writer.writerows([[cell(each) for each in row] for row in rows])
    return text.getvalue().encode()


def cell(value: Any) -> Any:
    """Return a value as CSV has it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def _read_csv(body: bytes) -> list[str]:
    return [row[0] for row in csv.reader(io.StringIO(body.decode(), newline=""))][1:]


def _array(rows: Sequence[Row]) -> NDArray[np.float64]:
    return np.array([[np.nan if each is None else each for each in row] for row in rows], np.float64)


def _swapped(array: NDArray[np.float64]) -> NDArray[np.float64]:
    return array.astype(">f8")


def _structured(array: NDArray[np.float64]) -> NDArray[np.float64]:
    return array


def _npy_post(path: str, change: Callable[..., Any], rows: Sequence[Row], names: Sequence[str]) -> Post:
    file, array = io.BytesIO(), _array(rows)
    named = np.array([tuple(row) for row in array.tolist()], [(name, "<f8") for name in names])
    np.save(file, named if change is _structured else change(array))
    return Post(path, {"content-type": "application/x-npy"}, file.getvalue(), _read_npy)


def _read_npy(body: bytes) -> list[Any]:
    return list(np.load(io.BytesIO(body)).tolist())


def _tensor(name: str, rows: Sequence[Row], way: str) -> Post:
    """Return the rows as one tensor: in JSON, as bytes behind it, as bytes alone."""
    array = _array(rows)
    told: dict[str, Any] = {"name": "x", "shape": list(array.shape), "datatype": "FP64"}
    if way == "json":
        return _inference(name, [{**told, "data": array.ravel().tolist()}], b"")
    if way == "bytes":
        return _inference(name, [{**told, "parameters": {"binary_data_size": array.nbytes}}], array.tobytes())
    return Post(f"/v2/models/{name}/infer", {"inference-header-content-length": "0"}, array.tobytes(), _read_outputs)


def _infer(name: str, features: Features, rows: Sequence[Row], *, binary: bool) -> Post:
    """Return the rows as a tensor for each feature, in JSON or as bytes."""
    columns = _columns([each for each, _ in features], rows)
    told = [(each, TENSORS[kind], columns[each]) for each, kind in features if each != DROPPED]
    shapes = [{"name": each, "shape": [len(column), 1], "datatype": kind} for each, kind, column in told]
    if not binary:
        return _inference(
            name, [{**each, "data": column} for each, (*_, column) in zip(shapes, told, strict=True)], b""
        )
    parts = [_packed(kind, column) for _, kind, column in told]
    sizes = [{"parameters": {"binary_data_size": len(part)}} for part in parts]
    return _inference(name, [each | size for each, size in zip(shapes, sizes, strict=True)], b"".join(parts))


def _packed(kind: str, column: list[Any]) -> bytes:
    if kind == "BYTES":
        texts = [each.encode() for each in column]
        return b"".join(struct.pack("<I", len(each)) + each for each in texts)
    if kind == "BOOL":
        return bytes(column)
    return np.array([np.nan if each is None else each for each in column]).tobytes()


def _inference(name: str, inputs: list[dict[str, Any]], data: bytes) -> Post:
    outputs: list[dict[str, Any]] = [{"name": "prediction", "parameters": {"binary_data": bool(data)}}]
    head = json.dumps({"inputs": inputs, "outputs": outputs}).encode()
    headers = {"inference-header-content-length": str(len(head))} if data else {}
    headers["content-type"] = "application/octet-stream"
    return Post(f"/v2/models/{name}/infer", headers, head + data, _read_outputs)


def _read_outputs(body: bytes) -> list[Any]:
    """Return the labels of the first output, which may be behind the JSON."""
    document, end = json.JSONDecoder().raw_decode(body.decode("latin-1"))
    [output] = [each for each in document["outputs"] if each["name"] == "prediction"]
    if "data" in output:
        document = json.loads(body[:end] if end < len(body) else body)
        [output] = [each for each in document["outputs"] if each["name"] == "prediction"]
        return list(output["data"])
    data, kind, labels = body[end:], output["datatype"], []
    if kind != "BYTES":
        return list(np.frombuffer(data, {"BOOL": "?", "INT64": "<i8", "FP64": "<f8"}[kind]).tolist())
    while data:
        size = struct.unpack_from("<I", data)[0]
        labels.append(data[4 : 4 + size].decode())
        data = data[4 + size :]
    return labels
