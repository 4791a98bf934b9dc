"""Which format an object is in, and the module that reads it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from lambda_fn.bulk.block import Format

MODULES = {"csv": "csv_table", "jsonl": "json_lines", "npy": "npy_table"}
ENDINGS = {"csv": "csv", "jsonl": "jsonl", "ndjson": "jsonl", "npy": "npy"}
PACKED = ".gz"


def reader(name: str) -> Format:
    """Return the module that reads a format."""
    return cast("Format", import_module(f"lambda_fn.bulk.{MODULES[name]}"))


def format_of(key: str, asked: str) -> tuple[str, bool]:
    """Return the format of an object by its name, empty if that does not say it, and whether it is packed by gzip.

    >>> format_of("in/a.csv.gz", ""), format_of("in/a.parquet", ""), format_of("in/part-0", "csv")
    (('csv', True), ('', False), ('csv', False))
    """
    packed = key.lower().endswith(PACKED)
    ending = (key[: -len(PACKED)] if packed else key).lower().rpartition(".")[2]
    return asked or ENDINGS.get(ending, ""), packed


def is_hidden(name: str) -> bool:
    """Whether a name is one that Hive, Spark and Athena pass over, too."""
    return any(part.startswith(("_", ".")) for part in name.split("/"))
