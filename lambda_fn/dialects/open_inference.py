"""The Open Inference Protocol, version 2, over REST, with Triton's binary tensors.

See https://github.com/kserve/open-inference-protocol and
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md.
A model takes a tensor for each feature, (n,) or (n, 1), or a single one of all, (n, features), of any name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn import VERSION
from lambda_fn.codecs.json_document import parse_document
from lambda_fn.codecs.json_rows import LEAST_BYTES, encode_values
from lambda_fn.codecs.json_values import kind_of
from lambda_fn.codecs.names import columns, width_of
from lambda_fn.codecs.sizes import check_size
from lambda_fn.dialects.rows import Column, Table, values_of, zeros
from lambda_fn.dialects.tensors import (
    BYTES,
    LENGTH,
    OF_FEATURES,
    Buffer,
    Tensor,
    datatype_of,
    malformed,
    of_bytes,
    read,
    to_bytes,
)
from lambda_fn.errors import Problem, ServiceError, listed
from lambda_fn.http.request import Request, Response
from lambda_fn.predicting import Asked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.dialects.dialect import Service
    from lambda_fn.model.card import Card, Feature
    from lambda_fn.model.model import Model, Scores
    from lambda_fn.serving.loaded import Loaded

EXTENSIONS = ("binary_tensor_data",)
JSON_LENGTH = "inference-header-content-length"
PREDICTION, PROBABILITIES = "prediction", "probabilities"
LABELS: Mapping[str, str] = {"int": "INT64", "float": "FP64", "bool": "BOOL", "str": BYTES}
ROW_DEPTH = 5
"""How deep a row stands: in the data of an input."""
UNSERVED = ("classification", "shared_memory_region")
"""Parameters of an output that belong to extensions which are not served."""


def error(error: ServiceError) -> dict[str, Any]:
    """Return the body that tells of an error."""
    return {"error": error.text}


def server(service: Service, request: Request) -> Response:
    """Answer the server's metadata."""
    return _json({"name": "plume", "version": VERSION, "extensions": EXTENSIONS})


def live(service: Service, request: Request) -> Response:
    """Answer that the service runs."""
    return _json({"live": True})


def ready(service: Service, request: Request) -> Response:
    """Answer whether the model of `/predict` is there; a function that has none scores others by name."""
    if service.catalog.front is not None:
        service.find(request, "")
    return _json({"ready": True})


def model_ready(service: Service, request: Request, name: str, version: str = "") -> Response:
    """Answer that a model is there to score."""
    service.find(request, name, version)
    return _json({"name": name, "ready": True})


def metadata(service: Service, request: Request, name: str, version: str = "") -> Response:
    """Answer which tensors a model takes and answers with, by their names, datatypes and shapes."""
    loaded = service.find(request, name, version)
    card = loaded.model.card
    taken = [each for each in card.features if not each.dropped]
    kinds = {OF_FEATURES[each.type] for each in taken}
    matrix = (
        f"instead of these, one input of any name, [-1, {len(card.names)}], the features in the order of GET /model"
    )
    return _json(
        {
            "name": name,
            "versions": [loaded.version],
            "platform": "onnx_onnxv1",
            "inputs": [{"name": each.name, "datatype": OF_FEATURES[each.type], "shape": [-1, 1]} for each in taken],
            "outputs": _outputs(loaded.model),
            "parameters": {"matrix": matrix} if len(kinds) == 1 else {},
        }
    )


def infer(service: Service, request: Request, name: str, version: str = "") -> Response:
    """Answer the tensors that the model makes of those in the body."""
    return service.predict_asked(request, name, version, partial(_decode, name))


_MODEL, _VERSION = "/v2/models/{name}", "/v2/models/{name}/versions/{version}"
ROUTES = {
    ("GET", "/v2"): server,
    ("GET", "/v2/health/live"): live,
    ("GET", "/v2/health/ready"): ready,
    ("GET", _MODEL): metadata,
    ("GET", _VERSION): metadata,
    ("GET", f"{_MODEL}/ready"): model_ready,
    ("GET", f"{_VERSION}/ready"): model_ready,
    ("POST", f"{_MODEL}/infer"): infer,
    ("POST", f"{_VERSION}/infer"): infer,
}


def describe(card: Card, name: str, probabilities: bool) -> dict[str, Any]:
    """Return the path items of the dialect."""
    from lambda_fn.dialects.open_inference_paths import paths  # here: few calls ask for the document

    return paths(card, name)


def _outputs(model: Model) -> list[dict[str, Any]]:
    """Return what is told of the outputs."""
    card = model.card
    kind = type(card.classes[0]).__name__ if card.classes else "float"
    told: list[dict[str, Any]] = [{"name": PREDICTION, "datatype": LABELS[kind], "shape": [-1]}]
    if model.has_probabilities:
        labels = {"labels": json.dumps(card.classes)}
        told.append({"name": PROBABILITIES, "datatype": "FP64", "shape": [-1, len(card.classes)], "parameters": labels})
    return told


def _decode(name: str, request: Request, loaded: Loaded) -> Asked:
    document, tensors = _read(request, loaded.model.card)
    names = [PREDICTION, PROBABILITIES] if loaded.model.has_probabilities else [PREDICTION]
    binary = dict.fromkeys(names, _flag(_member(document, "parameters"), "binary_data_output", False))
    wanted = document.get("outputs")
    if not isinstance(wanted, list | None):
        raise ServiceError(Problem.INVALID_MEMBER, f"`outputs` is {kind_of(wanted)}, expected a list")
    wanted = wanted or [{"name": each} for each in names]
    asked = dict(_asked(each, binary) for each in wanted)
    answer = partial(_answer, name, document.get("id"), asked)
    width = len(loaded.model.card.classes)
    label = LENGTH.size if width and isinstance(loaded.model.card.classes[0], str) else 1
    least = sum(LEAST_BYTES * width if each == PROBABILITIES else label for each in asked)
    return Asked(_rows(tensors, loaded.model.card), PROBABILITIES in asked, answer, least)


def _flag(parameters: Mapping[str, Any], name: str, default: bool) -> bool:
    """Return a parameter that is true or false; raise ServiceError if it is neither."""
    flag = parameters.get(name, default)
    if not isinstance(flag, bool):
        raise ServiceError(Problem.INVALID_MEMBER, f"the parameter {name!r} is {kind_of(flag)}, expected true or false")
    return flag


def _asked(output: Any, binary: Mapping[str, bool]) -> tuple[str, bool]:
    """Return the name of an output that is asked for, and whether it is to come as bytes."""
    name = output.get("name") if isinstance(output, dict) else None
    if not isinstance(name, str) or name not in binary:
        came = f"{name[:200]!r}" if isinstance(name, str) else kind_of(output)
        raise ServiceError(Problem.INVALID_MEMBER, f"`outputs` has {came}, the model has {listed(list(binary))}")
    parameters = _member(output, "parameters")
    for each in UNSERVED:
        if parameters.get(each):
            raise ServiceError(
                Problem.INVALID_MEMBER, f"output {name!r} has the parameter {each!r}, which is not served"
            )
    return name, _flag(parameters, "binary_data", binary[name])


def _read(request: Request, card: Card) -> tuple[Mapping[str, Any], list[Tensor]]:
    """Return the JSON of the body, and the tensors of its inputs, which are in it or behind it."""
    told, body = request.headers.get(JSON_LENGTH), request.body
    if told and (not told.isdecimal() or len(told) > 9 or int(told) > len(body)):
        raise ServiceError(
            Problem.INVALID_MEMBER,
            f"{JSON_LENGTH} is {told[:50]!r}, expected the bytes of the JSON, of {len(body)} in all",
        )
    if told and int(told) == 0:
        return {}, [_raw(body, card)]
    length = int(told) if told else len(body)
    if length < len(body) and not request.binary:
        kind = request.headers.get("content-type")
        raise malformed(f"what is in front passed the tensors as text, for the Content-Type is {kind[:200]}: send none")
    document = parse_document(body[:length], ROW_DEPTH)
    if not isinstance(document, dict) or not isinstance(document.get("inputs"), list):
        came = kind_of(document.get("inputs")) if isinstance(document, dict) and "inputs" in document else "not there"
        raise ServiceError(Problem.MISSING_DATA, f"`inputs` is {came}, expected a list of tensors")
    if not isinstance(document.get("id"), str | None):
        raise ServiceError(Problem.INVALID_MEMBER, f"`id` is {kind_of(document['id'])}, expected a string")
    buffer = Buffer(memoryview(body)[length:])
    tensors = [read(member, place, buffer) for place, member in enumerate(document["inputs"])]
    buffer.check_empty()
    return document, tensors


def _raw(body: bytes, card: Card) -> Tensor:
    """Return a body without JSON as the one input of a model of numbers, FP64; or as strings of its only feature."""
    if len(card.names) == 1 and card.features[0].type == "str":
        count, at = 0, 0
        while at + 4 <= len(body):
            at += 4 + int.from_bytes(body[at : at + 4], "little")
            count += 1
        return Tensor("", BYTES, of_bytes(memoryview(body), BYTES, [count, 1], "the body"))
    if len(card.names) == 1 and card.features[0].type == "bool":
        return Tensor("", "BOOL", of_bytes(memoryview(body), "BOOL", [len(body), 1], "the body"))
    width = 8 * len(card.names)
    if len(body) % width:
        raise malformed(f"the body has {len(body)} bytes, a row of {len(card.names)} numbers of FP64 takes {width}")
    return Tensor("", "FP64", of_bytes(memoryview(body), "FP64", [len(body) // width, len(card.names)], "the body"))


def _rows(tensors: list[Tensor], card: Card) -> NDArray[np.float64]:
    """Return the rows (n, features) of the inputs; raise ServiceError if they are not those of the model."""
    parts = _columns(tensors, card)
    count = len(tensors[0].values) if tensors else 0
    if not count:
        raise ServiceError(Problem.EMPTY_DATA, "the inputs have no row; scikit-learn, too, takes 1 row at least")
    kinds = {each.datatype for each in tensors}
    if not card.numeric or not kinds.isdisjoint({BYTES, "BOOL"}):
        return Table(
            [_column(part, feature) for part, feature in zip(parts, card.features, strict=True)], count
        ).numbers(card)
    rows = np.zeros((count, len(parts)))
    for column, part in enumerate(parts):
        if part is not None:
            rows[:, column] = part
    return rows


def _column(part: NDArray[Any] | None, feature: Feature) -> Column:
    """Return a feature's values as JSON has them, None in the place of NaN where it is no number."""
    if part is None:
        return zeros
    if feature.type == "float" or part.dtype.kind != "f":
        return lambda rows: part[rows].tolist()
    return lambda rows: [None if value != value else value for value in part[rows].tolist()]


def _columns(tensors: list[Tensor], card: Card) -> list[NDArray[Any] | None]:
    """Return what the inputs hold of each feature, (n,), each value as it is; None for one that is dropped."""
    if len(tensors) == 1 and (tensors[0].name not in card.columns or tensors[0].values.shape[1:] not in {(), (1,)}):
        values = tensors[0].values
        if values.ndim == 1 and len(card.names) == 1:
            values = values.reshape(-1, 1)
        if values.shape[1:] != (len(card.names),):
            raise ServiceError(
                Problem.WRONG_WIDTH,
                f"input {tensors[0].name[:200]!r} is of shape {list(values.shape)}, expected an input for each feature,"
                f" or one of shape [rows, {len(card.names)}]: the model takes {width_of(card.names)}",
            )
        return [None if feature.dropped else values[:, column] for column, feature in enumerate(card.features)]
    order = columns([each.name for each in tensors], card, "`inputs`")
    count = tensors[0].values.size
    for tensor in tensors:
        if tensor.values.shape not in {(count,), (count, 1)}:
            came = f"input {tensor.name[:200]!r} is of shape {list(tensor.values.shape)}"
            detail = f"{came}, expected [{count}] or [{count}, 1] as of the first"
            raise ServiceError(Problem.RAGGED_ROWS, detail)
    return [None if place is None else tensors[place].values.ravel() for place in order]


def _answer(name: str, request_id: str | None, asked: Mapping[str, bool], scores: Scores, loaded: Loaded) -> Response:
    """Answer the outputs that are asked for, each as bytes or not, in the order in which they are."""
    parts: list[bytes] = []
    outputs = [
        _output(each, values_of(scores, each == PROBABILITIES), parts if binary else None)
        for each, binary in asked.items()
    ]
    head = {"model_name": name, "model_version": loaded.version, **({} if request_id is None else {"id": request_id})}
    text = f'{json.dumps(head)[:-1]}, "outputs": [{", ".join(outputs)}]}}'
    if not parts:
        return Response(200, text, loaded.headers("application/json"))
    size = len(text.encode())
    check_size((size + sum(map(len, parts))) * 4 // 3)
    headers = {**loaded.headers("application/octet-stream"), JSON_LENGTH: str(size)}
    return Response(200, b"".join([text.encode(), *parts]), headers)


def _output(name: str, values: NDArray[Any], parts: list[bytes] | None) -> str:
    """Return what the JSON says of an output; its bytes, if it is to come as such, are put to the `parts`."""
    told = json.dumps({"name": name, "datatype": datatype_of(values.dtype), "shape": values.shape})[:-1]
    if parts is None:
        flat = values.reshape(-1) if values.ndim == 1 or np.isfinite(values).all() else values
        return f'{told}, "data": {encode_values(flat)}}}'
    parts.append(to_bytes(values))
    return f'{told}, "parameters": {json.dumps({"binary_data_size": len(parts[-1])})}}}'


def _member(document: Any, name: str) -> Mapping[str, Any]:
    """Return a member that is an object, or empty."""
    member = document.get(name)
    if member is not None and not isinstance(member, dict):
        raise ServiceError(Problem.INVALID_MEMBER, f"`{name}` is {kind_of(member)}, expected an object")
    return member or {}


def _json(document: Mapping[str, Any]) -> Response:
    return Response(200, json.dumps(document))
