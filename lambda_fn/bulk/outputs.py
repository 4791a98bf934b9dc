"""Scores as the bytes of an output: CSV, JSON Lines or NPY, packed or not."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lambda_fn.bulk.columns import PREDICTION, PROBABILITIES, Columns, class_names
from lambda_fn.codecs import csv_rows
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.model.card import Card
from lambda_fn.model.model import Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.bulk.block import Block

PACKING = 3
"""How hard gzip tries, from 1 to 9: rather fast than small."""


class Output(Protocol):
    """A format of outputs."""

    def head(self, rows: int) -> bytes:
        """Return what stands in front of so many rows."""

    def rows(self, block: Block | None, begin: int, end: int, scores: Scores) -> bytes:
        """Return the rows of a block from `begin` to `end`, with their scores."""

    def refusals(self, scores: Scores) -> Iterator[ServiceError]:
        """Yield the error for each row whose score it has no word for."""


class CsvOutput:
    """CSV under a header, as `/predict` answers it."""

    def __init__(self, columns: Columns, card: Card) -> None:
        self._columns, self._classes = columns, [card.classes[place] for place in columns.classes]

    def head(self, rows: int) -> bytes:
        """Return the header."""
        names = [PREDICTION] if self._columns.prediction else []
        names += [str(csv_rows.text_of(label)) for label in self._classes]
        return csv_rows.line([*self._columns.keys, *names]).encode()

    def rows(self, block: Block | None, begin: int, end: int, scores: Scores) -> bytes:
        """Return a line for each row."""
        probabilities = _probabilities(scores, self._columns)
        prediction = scores.prediction if self._columns.prediction else None
        keys = block.csv_keys(self._columns.keys, begin, end) if block and self._columns.keys else []
        return csv_rows.lines(keys, prediction, probabilities)

    def refusals(self, scores: Scores) -> Iterator[ServiceError]:
        """Yield nothing: CSV has words for all numbers."""
        return iter(())


class JsonOutput:
    """JSON Lines: an object for each row."""

    def __init__(self, columns: Columns, card: Card) -> None:
        names = class_names(card)
        self._columns = columns
        self._keys = [json.dumps(name) for name in columns.keys]
        self._names = [json.dumps(names[place]) for place in columns.classes]

    def head(self, rows: int) -> bytes:
        """Return nothing."""
        return b""

    def rows(self, block: Block | None, begin: int, end: int, scores: Scores) -> bytes:
        """Return a line for each row: keys, the label, the probabilities by class."""
        texts = block.json_keys(self._columns.keys, begin, end) if block and self._columns.keys else []
        columns: list[Sequence[str]] = []
        for name, column in zip(self._keys, texts, strict=True):
            columns.append([f"{name}: {text.decode()}" for text in column])
        prediction = scores.prediction if self._columns.prediction else None
        probabilities = _probabilities(scores, self._columns)
        many, alone = end - begin >= csv_rows.MANY_LINES, not columns
        at_once = self._at_once(prediction, probabilities, alone=alone) if many else None
        if at_once is not None and alone:
            return at_once
        if at_once is not None:
            columns.append(at_once.decode().split("\n")[:-1])
        else:
            columns += self._one_by_one(prediction, probabilities)
        return "".join(f"{{{', '.join(row)}}}\n" for row in zip(*columns, strict=True)).encode()

    def _one_by_one(
        self, prediction: NDArray[Any] | None, probabilities: NDArray[np.floating[Any]] | None
    ) -> list[Sequence[str]]:
        """Return columns of the members of each row's object."""
        columns: list[Sequence[str]] = []
        if prediction is not None:
            columns.append([f'"{PREDICTION}": {json.dumps(label)}' for label in prediction.tolist()])
        if probabilities is not None:
            form = ", ".join(f"{name.replace('%', '%%')}: %r" for name in self._names)
            columns.append([f'"{PROBABILITIES}": {{{form % tuple(row)}}}' for row in probabilities.tolist()])
        return columns

    def _at_once(
        self, prediction: NDArray[Any] | None, probabilities: NDArray[np.floating[Any]] | None, *, alone: bool
    ) -> bytes | None:
        """Return the same, line by line; whole objects if nothing else is in them. None if there is no such way."""
        from lambda_fn.codecs import text_rows  # here: plans and summaries have no rows

        columns = text_rows.columns_of(prediction, probabilities, lambda label: json.dumps(label).encode())
        if not columns:
            return None
        names = [] if prediction is None else [f'"{PREDICTION}": ']
        if probabilities is not None:
            first, *others = self._names
            names += [f'"{PROBABILITIES}": {{{first}: ', *[f"{name}: " for name in others]]
        end = "}" * (probabilities is not None) + "}" * alone + "\n"
        behind = [*[f", {name}".encode() for name in names[1:]], end.encode()]
        return text_rows.rows_of(b"{" * alone + names[0].encode(), zip(columns, behind, strict=True))

    def refusals(self, scores: Scores) -> Iterator[ServiceError]:
        """Yield the error for each row that is scored NaN or infinite."""
        for values in (scores.prediction, scores.probabilities):
            if values is None or values.dtype.kind != "f" or np.isfinite(values).all():
                continue
            rows = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
            for row in rows.nonzero()[0].tolist():
                yield ServiceError(Problem.SCORE_NOT_FINITE, f"row {row} is scored {values[row].tolist()}", row=row)


class NpyOutput:
    """NPY: an array of labels or values (n,), with probabilities a structured one, as `/predict` answers it."""

    def __init__(self, columns: Columns, card: Card) -> None:
        self._columns = columns
        self._labels: np.dtype[Any] | None = None
        if card.classes and isinstance(card.classes[0], str):
            self._labels = np.dtype(f"U{max(len(str(label)) for label in card.classes)}")
        self._dtype: np.dtype[Any] | None = None

    def head(self, rows: int) -> bytes:
        """Return the header; an empty one where no row was scored, as nobody knows of what type they are."""
        dtype = self._dtype or np.dtype(np.float64)
        file = io.BytesIO()
        descr = np.lib.format.dtype_to_descr(dtype)
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": (rows,)})
        return file.getvalue()

    def rows(self, block: Block | None, begin: int, end: int, scores: Scores) -> bytes:
        """Return the rows' bytes."""
        parts: dict[str, NDArray[Any]] = {}
        if self._columns.prediction:
            parts[PREDICTION] = scores.prediction.astype(self._labels or scores.prediction.dtype, copy=False)
        probabilities = _probabilities(scores, self._columns)
        if probabilities is not None:
            parts[PROBABILITIES] = probabilities
        if list(parts) == [PREDICTION]:
            self._dtype = parts[PREDICTION].dtype
            return parts[PREDICTION].tobytes()
        answer = np.empty(end - begin, [(name, part.dtype, part.shape[1:]) for name, part in parts.items()])
        for name, part in parts.items():
            answer[name] = part
        self._dtype = answer.dtype
        return answer.tobytes()

    def refusals(self, scores: Scores) -> Iterator[ServiceError]:
        """Yield nothing."""
        return iter(())


OUTPUTS: dict[str, type[CsvOutput | JsonOutput | NpyOutput]] = {"csv": CsvOutput, "jsonl": JsonOutput, "npy": NpyOutput}


def packed(data: bytes) -> bytes:
    """Return a member of gzip; members one behind the other are what they hold one behind the other."""
    packer = zlib.compressobj(PACKING, wbits=31)
    return packer.compress(data) + packer.flush()


def _probabilities(scores: Scores, columns: Columns) -> NDArray[np.floating[Any]] | None:
    """Return the probabilities (n, columns) that are written; None for none."""
    if not columns.classes or scores.probabilities is None:
        return None
    if len(columns.classes) == scores.probabilities.shape[1]:
        return scores.probabilities
    return scores.probabilities[:, list(columns.classes)]
