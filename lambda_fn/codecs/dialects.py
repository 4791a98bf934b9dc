"""The dialects: which module has the codec of a media type. `Codec` says what such a module has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from lambda_fn.codecs.codec import Codec

JSON = "application/json"
CODECS: Mapping[str, str] = {
    JSON: "lambda_fn.codecs.json_rows",
    "text/csv": "lambda_fn.codecs.csv_rows",
    "application/x-npy": "lambda_fn.codecs.npy_rows",
}
"""The modules of the dialects by media type; where a client takes several equally, the earlier ones are preferred."""


@cache
def codec(media_type: str) -> Codec:
    """Return the codec of one of the media types, imported when it is first asked for."""
    return cast("Codec", import_module(CODECS[media_type]))
