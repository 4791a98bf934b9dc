"""What is to be scored: the objects of a run's input, and where each is cut."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lambda_fn.bulk import npy_table
from lambda_fn.bulk.blocks import MOST_ROW_BYTES
from lambda_fn.bulk.borders import even, next_line, next_row
from lambda_fn.bulk.failures import RefusedError, asking
from lambda_fn.bulk.formats import ENDINGS, PACKED, format_of, is_hidden, reader
from lambda_fn.bulk.options import Options
from lambda_fn.bulk.row_ends import row_ends
from lambda_fn.bulk.run import RUN, STATE, Folder
from lambda_fn.bulk.source import start_of
from lambda_fn.codecs.csv_rows import BOM
from lambda_fn.codecs.csv_slices import separators
from lambda_fn.config import location
from lambda_fn.model.card import Card
from lambda_fn.record import Record
from lambda_fn.storage import large
from lambda_fn.storage.large import Object

START_BYTES = 2**17
"""How much of an object is looked at: its header, and rows by which all are estimated."""
MB = 1e6
LOOKERS = 16
MOST_CHUNKS = 100_000
"""What all children answer is one state of 256 KB: a digit and a comma each."""
SMALL = 1.5
"""Up to so many times a chunk's size an object is one chunk."""


class Table(Record):
    """An object that is to be scored: its format, its chunks' borders, about how many rows it has."""

    object: Object
    format: str
    packed: bool
    head: int
    borders: tuple[int, ...]
    rows_about: int
    note: str


def objects(options: Options) -> tuple[list[Object], list[str]]:
    """Return the objects of the input, in the order of their keys, and notes; raise RefusedError if there is none.

    Left out are those that runs wrote, and those whose names Hive, Spark and Athena pass over, too.
    """
    bucket, key = location(options.input)
    with asking(options.input):
        if key.endswith("/"):
            found = [each for each in large.listed(bucket, key) if not each.key.endswith("/")]
        else:
            one = large.find(bucket, key)
            if one is None:
                raise RefusedError(f"there is no object at {options.input}; a prefix ends with a slash")
            found = [one]
    notes = []
    if key.endswith("/"):
        outputs = [each.key.removesuffix(STATE + RUN) for each in found if each.key.endswith(f"/{STATE}{RUN}")]
        own = Folder.of(options.output)
        outputs = [prefix for prefix in outputs if prefix != key] + [own.prefix] * (own.bucket == bucket)
        tables = [each for each in found if not each.key.startswith(tuple(outputs))]
        if len(tables) < len(found):
            notes.append(f"{len(found) - len(tables)} objects are left out, which runs wrote")
        found = [each for each in tables if not is_hidden(each.key[len(key) :])]
        if len(found) < len(tables):
            notes.append(f"{len(tables) - len(found)} objects are left out, whose names begin with _ or a dot")
    if not found:
        raise RefusedError(f"there is no object under {options.input}")
    strange = [each.key for each in found if not format_of(each.key, options.format)[0]]
    if strange:
        raise RefusedError(
            f"{len(strange)} of {len(found)} objects end with none of {', '.join(ENDINGS)} (and {PACKED}), the first is"
            f" {strange[0]!r}: give `format` if they are one of them. Parquet is read by the command, from a local file"
        )
    _check_amount(found, options)
    return found, notes


def _check_amount(found: Sequence[Object], options: Options) -> None:
    """Raise RefusedError for more chunks than a run has, before borders are looked for."""
    size = options.chunk_mb * MB
    count = sum(max(1, round(each.size / size)) if size else 1 for each in found)
    if count > MOST_CHUNKS:
        raise RefusedError(
            f"{options.input} makes about {count:,} chunks of {len(found):,} objects, at most {MOST_CHUNKS:,} are:"
            " give a larger chunk_mb, or a prefix of fewer objects"
        )


def table_of(found: Object, options: Options, card: Card) -> Table:
    """Return how an object is cut; raise RefusedError if it is no table for the model."""
    kind, packed = format_of(found.key, options.format)
    module = reader(kind)
    beginning, whole = start_of(found, packed=packed, size=START_BYTES)
    if kind == "csv" and not whole and not len(row_ends(beginning.removeprefix(BOM), False)):
        beginning, whole = start_of(found, packed=packed, size=MOST_ROW_BYTES)
    head = module.check_head(beginning, whole, card, options, found.uri)
    size = options.chunk_mb * MB
    borders: tuple[int, ...] = ()
    is_large = 0 < size * SMALL < found.size
    note = f"{found.uri} goes as one chunk, streamed: it is packed" if is_large and packed else ""
    if kind == "npy":
        rows, borders = _npy(found, packed, beginning[:head], size if is_large else 0)
        if packed and npy_table.is_turned(beginning[:head]):
            raise RefusedError(f"{found.uri} is packed, and in Fortran's order: unpack it, or save it in C's")
    else:
        rows = _rows_about(beginning[head:], whole, found.size - head, packed)
        if is_large and not packed:
            borders, note = _borders(found, kind, beginning, head, size)
    return Table(found, kind, packed, head, borders, rows, note)


def _npy(found: Object, packed: bool, head: bytes, size: float) -> tuple[int, tuple[int, ...]]:
    """Return how many rows an array has, and the borders of its chunks."""
    rows, width = npy_table.rows_in(head), npy_table.row_bytes(head)
    if not packed and found.size != len(head) + rows * width:
        raise RefusedError(
            f"{found.uri} has {found.size - len(head):,} bytes behind its header, which tells of {rows:,} times {width}"
        )
    if packed or not size or not width:
        return rows, ()
    cuts = (len(head) + round((at - len(head)) / width) * width for at in even(len(head), found.size, size))
    return rows, tuple(sorted(set(cuts) - {len(head), found.size}))


def _borders(found: Object, kind: str, beginning: bytes, head: int, size: float) -> tuple[tuple[int, ...], str]:
    """Return where chunks of lines part, and a note if some can't part where they should: these become larger."""
    places = list(even(head, found.size, size))
    with ThreadPoolExecutor(LOOKERS) as lookers:
        if kind == "csv":
            text = beginning.removeprefix(BOM).lstrip(b"\r\n")
            commas = separators(text[: next(iter(row_ends(text, True)), 0)])
            cuts = list(lookers.map(lambda at: next_row(found, at, commas), places))
        else:
            cuts = list(lookers.map(lambda at: next_line(found, at), places))
    borders = tuple(sorted({cut for cut in cuts if cut is not None and head < cut < found.size}))
    unknown, note = cuts.count(None), ""
    if not borders:
        note = f"{found.uri} goes as one chunk, streamed: where its rows end can't be told at any of {len(cuts)} places"
    elif unknown:
        note = (
            f"{found.uri}: where rows end can't be told at {unknown} of {len(cuts)} places, within quotes or long rows:"
            " the chunks there are larger"
        )
    return borders, note


def _rows_about(rows: bytes, whole: bool, size: int, packed: bool) -> int:
    """Return about how many rows there are, by those at the begin; of a packed object three times its size in bytes."""
    lines = rows.count(b"\n") or (1 if rows else 0)
    if whole or not lines:
        return lines + (1 if whole and rows and not rows.endswith(b"\n") and b"\n" in rows else 0)
    return round((3 if packed else 1) * size * lines / len(rows))
