"""Model files on disk: a graph, its card, its seal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from convert.errors import ConvertError
from convert.model_file.card import FORMAT_VERSION, companions_of
from convert.model_file.seal import check_seal, seal

CARD = "card"


def read_model(path: Path) -> bytes:
    """Return the bytes of a model file; raise ConvertError if it can't be read, or was altered after it was written."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConvertError(f"{path}: {error.strerror}") from error
    check_seal(data, str(path))
    return data


def read_card(data: bytes) -> dict[str, Any]:
    """Return the card in the bytes of a model file whose seal has been checked; raise ConvertError for none of ours."""
    properties = {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}
    if CARD not in properties:
        raise ConvertError("the model file carries no card; it was not written by `python -m convert export`")
    card: dict[str, Any] = json.loads(properties[CARD])
    version = card.get("format_version")
    if version != FORMAT_VERSION:
        raise ConvertError(
            f"the model file's card has format version {version}, this `python -m convert` writes and reads"
            f" {FORMAT_VERSION}: export the estimator again, or take the Plume that wrote the file"
        )
    return card


def sealed(model: onnx.ModelProto, card: Mapping[str, Any]) -> bytes:
    """Return the bytes of a model file: `model` with its card."""
    onnx.helper.set_model_props(model, {CARD: json.dumps(card)})
    return seal(model)


def write_model(path: Path, model: onnx.ModelProto, card: Mapping[str, Any]) -> bytes:
    """Write `model` with its card to the file `path`, at once or not at all; return its bytes."""
    data = sealed(model, card)
    write_sealed(path, data)
    return data


def check_replaceable(path: Path) -> None:
    """Raise ConvertError if there is something that is no file."""
    if path.exists() and not path.is_file():
        raise ConvertError(f"{path} is a directory or a device, which no model file replaces: give another --out")


def write_sealed(path: Path, data: bytes) -> None:
    """Write the bytes of a model file, or of a companion, at once or not at all."""
    check_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(data)
    partial.replace(path)


def graph_digest(model: onnx.ModelProto) -> str:
    """Return the SHA-256 of the model without its metadata: what a certificate is for."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.metadata_props[:]
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).hexdigest()


def is_of(certificate: Mapping[str, Any], card: Mapping[str, Any], model: onnx.ModelProto) -> bool:
    """Whether a certificate is of this very graph, and of the companions that the card names."""
    same = certificate.get("companions", {}) == companions_of(card)
    return bool(same and certificate["graph_sha256"] == graph_digest(model))


def check_certificate(card: Mapping[str, Any], model: onnx.ModelProto, source: str) -> None:
    """Raise ConvertError if the card holds no certificate of this very graph, or one that did not pass."""
    certificate = card.get("certificate")
    if certificate is None:
        raise ConvertError(f"{source} has no certificate: run `python -m convert verify` first")
    if not is_of(certificate, card, model):
        raise ConvertError(f"the certificate in {source} is of another graph: run `python -m convert verify` again")
    if not certificate["passed"]:
        raise ConvertError(f"{source} is not the model that its estimator is: its certificate did not pass")
