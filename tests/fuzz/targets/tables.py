"""Tables of bulk runs: planned, cut, read and written; cut or whole, the same comes of them."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from lambda_fn.bulk.columns import columns_of
from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.formats import reader
from lambda_fn.bulk.inputs import Table, table_of
from lambda_fn.bulk.options import Options
from lambda_fn.bulk.outputs import OUTPUTS
from lambda_fn.bulk.refusals import parts_of, reason
from lambda_fn.bulk.run import Chunk
from lambda_fn.model.model import Model
from lambda_fn.storage import large
from tests.fuzz import values
from tests.fuzz.bodies import FEATURES, cell, posts, rows_of
from tests.fuzz.draws import Draws
from tests.fuzz.finds import ROOT, FindError
from tests.fuzz.grounds import FILES

SHARE = 15
ENDINGS = ("csv", "jsonl", "npy")
SIZES_MB = (0.0, 0.00005, 0.0001, 0.0003)
MOST_PIECES = 1000
"""An object comes in so many at most: to give single bytes of a long one takes longer than to score it."""


class Run(NamedTuple):
    """An object, the model that scores it, options, and in pieces of which size the object comes."""

    model: str
    key: str
    data: bytes
    options: Options
    piece: int


def make(draws: Draws) -> Run:
    """Return a table that is sound or was altered."""
    model, ending = draws.pick(list(FEATURES)), draws.pick(ENDINGS)
    rows = rows_of(draws, FEATURES[model]) * draws.pick((1, 1, 1, 3))
    keys = draws.below(3) if ending != "npy" else 0
    data = _table(draws, model, ending, rows, keys)
    if draws.below(2):
        data = values.altered_bytes(draws, data)
    packed = draws.once_in(6)
    if packed:
        data = gzip.compress(data, 1)
        data = values.altered_bytes(draws, data) if draws.once_in(3) else data
    options = Options(
        input="s3://bucket/in/",
        output="s3://bucket/out/",
        format=draws.pick(("", "", "", *ENDINGS)),
        output_format=draws.pick(("", *ENDINGS)) if not keys else draws.pick(ENDINGS[:2]),
        header=draws.pick(("", "", "present", "absent")),
        columns=("id", "prediction") if keys else (),
        chunk_mb=draws.pick(SIZES_MB),
    )
    piece = max(draws.pick((2**20, 1, 7, 100)), len(data) // MOST_PIECES)
    return Run(model, f"in/table.{ending}{'.gz' * packed}", data, options, piece)


def _table(draws: Draws, model: str, ending: str, rows: list[Any], keys: int) -> bytes:
    """Return rows as a table, beside them keys if there are to be some."""
    names = [name for name, _ in FEATURES[model]]
    ids = [values.text(draws) for _ in rows] if keys else []
    if ending == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator=draws.pick(("\n", "\r\n")))
        head = [*names, "id"] if keys else names
        writer.writerows([head] if keys or draws.below(2) else [])
        cells = [[cell(each) for each in row] for row in rows]
        writer.writerows([[*row, found] for row, found in zip(cells, ids, strict=True)] if keys else cells)
        return text.getvalue().encode("utf-8", "replace")
    if ending == "jsonl":
        objects = [dict(zip(names, row, strict=True)) for row in rows]
        found = [{**each, "id": values.value(draws)} for each in objects] if keys else draws.pick((objects, rows))
        return "".join(f"{json.dumps(each)}\n" for each in found).encode()
    return draws.pick(
        posts(model, rows)[-7:-3]
        if model != "people"
        else posts("patients", rows_of(draws, FEATURES["patients"]))[-7:-3]
    )().body


def check(made: Run) -> None:
    """Score it as it is cut, and as a whole."""
    _take_the_place_of_s3(made)
    model, found = _model(made.model), large.Object("bucket", made.key, len(made.data), '"1"')
    try:
        columns_of(made.options.columns, model.card, model.has_probabilities)
        table = table_of(found, made.options, model.card)
    except RefusedError:
        return
    came = [_scored(made, table, borders) for borders in {table.borders, ()}]
    if len(came) == 2 and None not in came and came[0] != came[1]:
        raise FindError("a table that is cut is scored otherwise than as a whole", f"{came[0]}\n{came[1]}"[:3000])


def _scored(made: Run, table: Table, borders: tuple[int, ...]) -> tuple[bytes, list[Any]] | None:
    """Return what is written, and what is put aside, with why; None if a chunk is refused."""
    model = _model(made.model)
    columns = columns_of(made.options.columns, model.card, model.has_probabilities)
    kind = made.options.output_format or table.format
    output = OUTPUTS[kind](columns, model.card)
    data, aside = [], []
    try:
        for begin, end in pairwise([0, *borders, table.object.size]):
            chunk = Chunk(
                "0",
                "bucket",
                made.key,
                table.object.size,
                '"1"',
                table.format,
                table.packed,
                begin,
                end,
                table.head,
                "",
            )
            for block in reader(table.format).blocks(chunk, model.card, made.options):
                for part in parts_of(block, range(len(block.rows)), model, output, bool(columns.classes)):
                    if part.scores is not None:
                        data.append(output.rows(block, part.begin, part.end, part.scores))
                    elif part.error is not None:
                        block.where(part.begin)
                        aside.append((part.error.problem.code, reason(part.error), block.text(part.begin)))
    except RefusedError:
        return None
    _check_output(b"".join(data), kind, columns.keys)
    return b"".join(data), aside


def _check_output(data: bytes, kind: str, keys: tuple[str, ...]) -> None:
    try:
        if kind == "jsonl":
            for line in data.decode().splitlines() if "\u2028" not in data.decode() else []:
                json.loads(line)
        elif kind == "csv" and not keys:
            list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    except ValueError as error:
        raise FindError(f"an output that is no {kind}", f"{error}\n{data[:1000]!r}") from error


def size(made: Run) -> int:
    """Return the bytes of the object, counted for each time that a look at it is had."""
    return 100 * len(made.data)


@cache
def _model(name: str) -> Model:
    return Model((ROOT / "tests" / "files" / f"{FILES[name]}.onnx").read_bytes())


def _take_the_place_of_s3(made: Run) -> None:
    """Have bulk read the object of this input, in pieces."""

    def stream(found: large.Object, begin: int, end: int) -> Iterator[bytes]:
        for at in range(begin, end, made.piece):
            yield made.data[at : min(end, at + made.piece)]

    large.stream = stream
