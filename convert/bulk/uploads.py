"""A local file, or a folder of files, as objects that workers can read; Parquet becomes CSV on the way."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError
from rich.console import Console
from rich.progress import Progress

from convert.bulk.stack import asking
from convert.errors import ConvertError, listed
from convert.model_file.versions import parse_uri

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".csv", ".jsonl", ".ndjson", ".npy", ".csv.gz", ".jsonl.gz", ".ndjson.gz", ".npy.gz", ".parquet")
PARQUET = ".parquet"


def uploaded(source: str, uploads: str, console: Console) -> str:
    """Return where the input is on S3: as it is, or uploaded under `uploads`, ``s3://bucket/prefix/``.

    The key has the digest of what is in the file, so that the same is uploaded once.
    Raises ConvertError for a file that is not there or of no format that is read, and if S3 refuses it.
    """
    if source.startswith("s3://"):
        if source.endswith(PARQUET):
            raise ConvertError(f"{source}: workers read no Parquet: give a local file, which is uploaded as CSV")
        return source
    path = Path(source)
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file() and not _is_hidden(each.relative_to(path)))
        if not files:
            raise ConvertError(f"{source} holds no file whose path begins nowhere with _ or a dot")
        names = [_checked(each, each.relative_to(path)) for each in files]
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            raise ConvertError(f"{source} holds two files that would be {twice[0]}: leave one out")
        digests = [_digest(each) for each in files]
        whole = hashlib.sha256("\n".join(map(" ".join, zip(digests, names, strict=True))).encode()).hexdigest()
        prefix = f"{uploads}{whole[:16]}/"
        for file, name in zip(files, names, strict=True):
            _upload(file, f"{prefix}{name}", console)
        return prefix
    if not path.is_file():
        raise ConvertError(f"{source} is neither s3://…, nor a file or a folder here")
    name = _checked(path, Path(path.name))
    return _upload(path, f"{uploads}{_digest(path)[:16]}/{name}", console)


def _is_hidden(path: Path) -> bool:
    """Whether workers would pass a file over, by its path in the folder."""
    return any(part.startswith(("_", ".")) for part in path.parts)


def _checked(path: Path, name: Path) -> str:
    """Return the name of a file on S3; raise ConvertError for one of no format that is read."""
    if not path.name.endswith(ENDINGS):
        raise ConvertError(f"{path} ends with none of {listed(ENDINGS)}: name it by what it holds")
    return name.as_posix() + (".csv" if path.name.endswith(PARQUET) else "")  # behind: in a folder may be t.csv, too


def _upload(path: Path, uri: str, console: Console) -> str:
    bucket, key = parse_uri(uri)
    with asking(uri):
        client = boto3.client("s3")
        try:
            client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchKey", "NotFound"}:
                raise
        else:
            console.print(f"{uri} is there already", soft_wrap=True, markup=False)
            return uri
        with _readable(path) as file:
            console.print(f"uploading {path} to {uri}", soft_wrap=True, markup=False)
            with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
                task = bar.add_task("", total=file.stat().st_size)
                try:
                    client.upload_file(str(file), bucket, key, Callback=partial(bar.advance, task))
                except S3UploadFailedError as error:
                    raise ConvertError(f"{uri}: {error}") from error
    return uri


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _readable(path: Path) -> Iterator[Path]:
    """Give a file that workers read: the file itself, or the rows of a Parquet file as CSV."""
    if not path.name.endswith(PARQUET):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="plume-") as folder:
        written = Path(folder) / "rows.csv"
        _write_csv(path, written)
        yield written


def _write_csv(path: Path, out: Path) -> None:
    """Write the rows of a Parquet file as CSV, a row group at a time."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        with parquet.ParquetFile(path) as file:
            fields = [pa.field(each.name, _cell_type(each)) for each in file.schema_arrow]
            alone = len(fields) == 1  # a missing value without quotes would be an empty line, which is no row
            schema = pa.schema([pa.field(each.name, pa.string()) for each in fields] if alone else fields)
            with csv.CSVWriter(str(out), schema) as writer:
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group)
                    columns = [_cells(each, field) for each, field in zip(rows.columns, fields, strict=True)]
                    if alone:
                        columns = [columns[0].cast(pa.string()).fill_null("")]
                    writer.write_table(pa.table(columns, schema))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ConvertError(f"{path} can't be read as Parquet and written as CSV: {error}") from error


def _cell_type(field: pa.Field) -> pa.DataType:
    """Return as what a column is written: a category as its value, float32 as the float64 that it is, bytes as text.

    Raises ValueError for what no cell of CSV holds.
    """
    import pyarrow as pa
    from pyarrow import csv

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if kind in (pa.float16(), pa.float32()):
        return pa.float64()
    texts = (pa.string_view(), pa.binary_view(), pa.binary(), pa.large_binary())
    if kind in texts or pa.types.is_fixed_size_binary(kind):
        return pa.string()
    try:
        csv.CSVWriter(io.BytesIO(), pa.schema([pa.field(field.name, kind)])).close()
    except pa.ArrowInvalid as error:
        raise ValueError(f"the column {field.name!r} is {field.type}, which no cell holds: leave it out") from error
    return kind


def _cells(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """Return a column as it is written; raise ValueError for a value that can't be."""
    import pyarrow as pa

    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise ValueError(f"the column {field.name!r}: {error}") from error
