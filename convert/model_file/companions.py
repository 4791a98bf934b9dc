"""Companions: graphs beside a model file that answer what it answers, or more, and cost nothing until they are asked.

A model file's card names each by its role and its digest. It is where the model file is, under that name with the first
digits of its digest behind it, on disk and on S3 alike (`lambda_fn/storage/store.py`): so it is never overwritten by
another, is written before the model file that names it, and whichever version is current has its own. There is one role
today, `many_rows`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from convert.errors import ConvertError
from convert.model_file.card import companions_of
from convert.model_file.disk import check_replaceable, write_sealed

MANY_ROWS = "many_rows"
DIGITS = 16
"""How many digits of a digest stand in the name."""


def place(model: str, sha256: str) -> str:
    """Return the path, or URI, of a companion with that digest of the model file at `model`.

    >>> place("build/churn.onnx", "0123456789abcdef" * 4)
    'build/churn.onnx.0123456789abcdef'
    """
    return f"{model}.{sha256[:DIGITS]}"


def digest(data: bytes) -> str:
    """Return the digest that a card names a companion by: SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_companions(model: Path, card: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the bytes of each companion of the model file, by its role; raise ConvertError for one that is lost."""
    found = {}
    for role, sha256 in companions_of(card).items():
        path = Path(place(str(model), sha256))
        try:
            found[role] = path.read_bytes()
        except OSError as error:
            raise ConvertError(
                f"{path}, a companion of {model}, is not there ({error.strerror}): keep it beside that, or export again"
            ) from error
        if digest(found[role]) != sha256:
            raise ConvertError(f"{path} was altered after its export: its digest is not the one in {model}")
    return found


def write_companions(model: Path, companions: Iterable[bytes]) -> None:
    """Write companions beside a model file, which is written after them."""
    for data in companions:
        write_sealed(Path(place(str(model), digest(data))), data)


def write_with_companions(model: Path, data: bytes, companions: Collection[bytes]) -> None:
    """Write a model file and its companions, these first, and remove those of the file that was there before."""
    check_replaceable(model)
    write_companions(model, companions)
    write_sealed(model, data)
    _remove_others(model, companions)


def _remove_others(model: Path, companions: Iterable[bytes]) -> None:
    named = re.compile(rf"{re.escape(model.name)}\.[0-9a-f]{{{DIGITS}}}")
    kept = {place(model.name, digest(data)) for data in companions}
    for path in model.parent.iterdir():
        if named.fullmatch(path.name) and path.name not in kept and path.is_file():
            with suppress(OSError):  # one that stays is in nobody's way
                path.unlink()
