"""A model file's digest of itself: an altered byte anywhere in the file shows.

The digest is the metadata entry ``digest``: the SHA-256, as 64 hexadecimal digits, of the whole file with zeros in
their place. It tells of accidents, not of attackers: who can replace the file can also seal it anew.
"""

from __future__ import annotations

import hashlib

import onnx

from convert.errors import ConvertError

KEY = "digest"
ZEROS = b"0" * 64
PREFIX = b"\x0a\x06digest\x12\x40"
"""How protobuf writes the entry's key and the length of its value (onnx.proto, StringStringEntryProto)."""


def seal(model: onnx.ModelProto) -> bytes:
    """Return the serialized model with its digest in its metadata.

    >>> data = seal(onnx.helper.make_model(onnx.helper.make_graph([], "none", [], [])))
    >>> check_seal(data, "model.onnx")
    >>> check_seal(data.replace(b"none", b"nine"), "model.onnx")
    Traceback (most recent call last):
    convert.errors.ConvertError: model.onnx was altered after its export: its digest is not that of its bytes
    """
    onnx.helper.set_model_props(model, {**_metadata(model), KEY: ZEROS.decode()})
    data: bytes = model.SerializeToString(deterministic=True)
    start = data.rindex(PREFIX) + len(PREFIX)
    return data[:start] + _digest(data, start) + data[start + 64 :]


def check_seal(data: bytes, source: str) -> None:
    """Raise ConvertError if the bytes of the model file `source` are not those that were sealed."""
    start = data.rfind(PREFIX) + len(PREFIX)
    if start < len(PREFIX):
        raise ConvertError(f"{source} carries no digest; it was not written by `python -m convert export`")
    if data[start : start + 64] != _digest(data, start):
        raise ConvertError(f"{source} was altered after its export: its digest is not that of its bytes")


def _digest(data: bytes, start: int) -> bytes:
    return hashlib.sha256(data[:start] + ZEROS + data[start + 64 :]).hexdigest().encode()


def _metadata(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props if entry.key != KEY}
