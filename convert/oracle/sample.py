"""Rows in CSV, Parquet or NPY: training rows, or rows like them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError, listed, reason_of
from convert.estimator.features import Feature, Floats, as_number


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of shape (n, features), as `convert.estimator.features` has them, and the names of their columns."""

    names: tuple[str, ...]
    rows: Floats


@dataclass(frozen=True, slots=True)
class Table:
    """What a file holds: columns of n values each, and their names, if it has them.

    typed: returns what pandas or numpy makes of the file, if that has types of its own.
    """

    source: str
    names: tuple[str, ...] | None
    columns: tuple[NDArray[Any], ...]
    typed: Callable[[], Any] | None = None

    def reordered(self, names: tuple[str, ...], dropped: frozenset[int] = frozenset()) -> Table:
        """Return the columns `names`, in that order; raise ConvertError if one is lacking, or there twice.

        Others, such as that of the labels, are left out; columns without names are taken as they come. Of those whose
        numbers are in `dropped`, zeros are taken.
        """
        own = self.names if self.names is not None else names
        taken = [name for column, name in enumerate(names) if column not in dropped]
        places = {name: place for place, name in enumerate(own)}
        twice = len(own) != len(self.columns) or any(own.count(name) > 1 for name in taken if len(places) < len(own))
        if twice or not places.keys() >= set(taken):
            has = listed(self.names) if self.names is not None else f"{len(self.columns)} columns without names"
            lacks = [name for name in taken if name not in places]
            why = f"it lacks {listed(lacks)}" if lacks else "each of them once"
            raise ConvertError(f"the sample has {has}, the model takes {listed(taken)}; {why}")
        zeros = np.zeros(len(self.columns[0]))
        columns = (zeros if n in dropped else self.columns[places[name]] for n, name in enumerate(names))
        return replace(self, names=names, columns=tuple(columns))

    def encoded(self, features: Sequence[Feature]) -> Sample:
        """Return the rows as numbers; raise ConvertError for a value of another type than the feature has."""
        columns = []
        for feature, values in zip(features, self.columns, strict=True):
            text = next((value for value in values if isinstance(value, str)), None) if self.typed else None
            if text is not None and feature.type == "float" and not feature.dropped:
                raise ConvertError(
                    f"{self.source}: expected a number for {feature.name!r}, got text, {text[:50]!r}: make numbers of"
                    " it before you fit, or put an encoder in front"
                )
            columns.append(feature.encode(values, self.source))
        return Sample(tuple(feature.name for feature in features), np.column_stack(columns))


def beside(model: Path) -> Path:
    """Return where `train` leaves the training rows of the estimator in `model`."""
    return model.with_suffix(".csv")


def find_table(model: Path, given: Path | None) -> Table | None:
    """Return the `given` sample, else the one that lies beside the model, else None."""
    if given is not None:
        return read_table(given)
    return read_table(beside(model)) if beside(model).exists() else None


def write_sample(path: Path, sample: Sample) -> None:
    """Write the rows as CSV, so that they read back bit for bit."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(sample.names)
        writer.writerows(sample.rows.tolist())


def read_table(path: Path) -> Table:
    """Read a file by the ending of its name; raise ConvertError if it does not hold rows of that format."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ConvertError(f"{path} is none of {', '.join(READERS)}")
    try:
        table = reader(path)
    except OSError as error:
        raise ConvertError(f"{path}: {error.strerror or error}") from error
    if not table.columns or not len(table.columns[0]):
        raise ConvertError(f"{path} has no rows")
    return table


def _read_csv(path: Path) -> Table:
    """Read lines of text under a header; a cell stays text, None if it is empty."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            names = next(reader, [])
            lines = [_checked(line, names, f"{path}, line {reader.line_num}") for line in reader if line]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConvertError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if names and all(as_number(name) is not None for name in names):
        raise ConvertError(
            f"{path} starts with {listed(names)}, expected a header with the names of the features; if those"
            " are numbers, give the sample as Parquet"
        )
    return Table(str(path), tuple(names), tuple(np.array(column, dtype=object) for column in zip(*lines, strict=True)))


def _checked(line: list[str], names: list[str], where: str) -> list[str]:
    if len(line) != len(names):
        raise ConvertError(f"{where}: expected {len(names)} values, got {len(line)}")
    return line


def _read_parquet(path: Path) -> Table:
    import pyarrow  # here, as few samples need it
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except OSError:
        raise
    except Exception as error:  # pyarrow raises ValueError, KeyError or classes of its own, as it comes
        raise ConvertError(f"{path} is not a Parquet file: {reason_of(error)}") from error
    columns = tuple(_values(column) for column in table.columns)
    return Table(str(path), tuple(table.column_names), columns, partial(_as_pandas, table))


def _values(column: Any) -> NDArray[Any]:
    """Return a column of Arrow's: floats as they are, NaN where one is missing, and all else as Python's objects.

    One of a type that Python has no objects for is full of that type, which no feature takes.
    """
    import pyarrow

    whole = pyarrow.types.is_integer(column.type) or pyarrow.types.is_boolean(column.type)
    if pyarrow.types.is_floating(column.type) or (whole and not column.null_count):
        numbers: NDArray[Any] = column.to_numpy()
        return numbers
    values = np.empty(len(column), dtype=object)
    try:
        values[:] = column.to_pylist()
    except Exception:  # as above
        values[:] = column.type
    return values


def _as_pandas(table: Any) -> Any | None:
    """Return Arrow's table as pandas has it; None if pandas does not."""
    try:
        return table.to_pandas()
    except Exception:  # as above
        return None


def _read_npy(path: Path) -> Table:
    """Read numbers of shape (rows, features), or a structured array, whose fields have names."""
    try:
        array = np.load(path, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:  # Python's own parser reads the header, and raises what it likes
        raise ConvertError(f"{path} is not an NPY file of numbers: {reason_of(error)}") from error
    if not isinstance(array, np.ndarray):
        raise ConvertError(f"{path} holds several arrays, expected one")
    names = array.dtype.names
    kinds = [array.dtype] if names is None else [array.dtype[name] for name in names]
    odd = [str(kind) for kind in kinds if kind.kind not in "biufU" or (kind.kind == "f" and kind.itemsize > 8)]
    if odd:
        raise ConvertError(f"{path} holds {listed(sorted(set(odd)))}, expected numbers, booleans or strings")
    if array.ndim != (2 if names is None else 1):
        expected = "(rows, features)" if names is None else "(rows,), as its columns have names"
        raise ConvertError(f"{path} holds an array of shape {array.shape}, expected {expected}")
    if names is not None:
        return Table(str(path), names, tuple(array[name] for name in names))
    return Table(str(path), None, tuple(array.T), None if array.dtype.kind == "U" else lambda: array)


READERS: Mapping[str, Callable[[Path], Table]] = {".csv": _read_csv, ".parquet": _read_parquet, ".npy": _read_npy}
