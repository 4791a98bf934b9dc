"""Rows in CSV: a header with the names of the features, then numbers."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows of shape (n, features) and the names of their columns."""

    names: tuple[str, ...]
    rows: NDArray[np.float64]

    def reordered(self, names: tuple[str, ...]) -> Sample:
        """Return the sample with its columns in the order of `names`; raise ConvertError if it has others."""
        if set(self.names) != set(names) or len(self.names) != len(names):
            raise ConvertError(f"the sample has {', '.join(self.names)}, the model takes {', '.join(names)}")
        return Sample(names, self.rows[:, [self.names.index(name) for name in names]])


def beside(model: Path) -> Path:
    """Return where `train` leaves the training rows of the estimator in `model`."""
    return model.with_suffix(".csv")


def write_sample(path: Path, sample: Sample) -> None:
    """Write the rows so that they read back bit for bit."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(sample.names)
        writer.writerows(sample.rows.tolist())


def read_sample(path: Path) -> Sample:
    """Read the rows; raise ConvertError naming the line that is not numbers."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            names = next(reader, [])
            rows = [_numbers(line, names, f"{path}, line {reader.line_num}") for line in reader if line]
    except OSError as error:
        raise ConvertError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConvertError(f"{path} is not a CSV file in UTF-8: {error}") from error
    if names and all(_is_number(name) for name in names):
        raise ConvertError(f"{path} starts with {', '.join(names)}, expected a header with the names of the features")
    if not rows:
        raise ConvertError(f"{path} has no rows, expected a header with the names of the features, then numbers")
    return Sample(tuple(names), np.array(rows))


def _numbers(line: list[str], names: list[str], where: str) -> list[float]:
    if len(line) != len(names):
        raise ConvertError(f"{where}: expected {len(names)} numbers, got {len(line)}")
    try:
        return [float(text) if text.strip() else np.nan for text in line]
    except ValueError as error:
        raise ConvertError(f"{where}: expected {len(names)} numbers: {error}") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def find_sample(model: Path, given: Path | None) -> Sample | None:
    """Return the `given` sample, else the one that lies beside the model, else None."""
    if given is not None:
        return read_sample(given)
    return read_sample(beside(model)) if beside(model).exists() else None
