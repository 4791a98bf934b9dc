"""The features that an estimator takes: their names, their types, and their values as numbers.

Everything that is compared, drawn or sent to the graph is a matrix of float64. A string is in it as the number of its
category, from 0, or as -1 if it is none of them; a boolean as 0 or 1; a missing value as NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError

UNKNOWN = -1.0
"""The number of a string that is none of the categories."""
BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}

type Floats = NDArray[np.float64]
type FeatureType = Literal["float", "bool", "str"]


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of the estimator's input.

    categories: of a string feature, those that the estimator knows; the i-th goes by the number i.
    none: whether the estimator knows a missing value as None rather than as NaN.
    dtype: what its numbers are rounded to, ``float64``, ``float32`` or ``float16``.
    column: the type of the column that the estimator gets: those of `dtype`, ``object``, or pandas' ``category``.
    dropped: whether the estimator never looks at it, and need not get it. Its number is 0, whatever it is.
    """

    name: str
    type: FeatureType = "float"
    categories: tuple[str, ...] = ()
    none: bool = False
    dtype: str = "float64"
    column: str = "float64"
    dropped: bool = False

    @property
    def unknown(self) -> str:
        """Return a string that is none of the categories."""
        return max(("unknown", *self.categories), key=len) + "?" if "unknown" in self.categories else "unknown"

    def decode(self, numbers: Floats) -> NDArray[Any]:
        """Return the values that `numbers`, (n,), stand for, as the estimator takes them.

        >>> Feature("city", "str", ("Oslo", "Paris")).decode(np.array([1, -1, np.nan])).tolist()
        ['Paris', 'unknown', nan]
        """
        numbers = self.rounded(numbers)
        if self.numeric:
            return numbers.astype(self.column)
        values = np.empty(len(numbers), dtype=object)
        missing = np.isnan(numbers)
        values[missing] = None if self.none else np.nan
        if self.type == "float":
            values[~missing] = numbers[~missing].tolist()
        elif self.type == "bool":
            values[~missing] = (numbers[~missing] != 0).tolist()
        else:
            known = np.array([*self.categories, self.unknown], dtype=object)  # -1 is the last one
            values[~missing] = known[numbers[~missing].astype(np.int64)]
        return values

    @property
    def numeric(self) -> bool:
        """Whether the estimator gets a column of numbers, rather than one of objects."""
        return self.type != "str" and not self.none and self.column not in {"object", "category"}

    def rounded(self, numbers: Floats) -> Floats:
        """Return `numbers`, of any shape, as the service rounds them before it looks at them."""
        if self.dtype == "float64":
            return numbers
        with np.errstate(over="ignore"):  # what is beyond becomes infinite, and is looked at as that
            return numbers.astype(self.dtype).astype(np.float64)

    def encode(self, values: Sequence[Any] | NDArray[Any], where: str) -> Floats:
        """Return `values`, (n,), as numbers; None, NaN and empty text are missing.

        Raises ConvertError for a value of another type, naming its row, counted from 0, in `where`.

        >>> Feature("city", "str", ("Oslo", "Paris")).encode(["Paris", "Rome", None], "cities.csv")
        array([ 1., -1., nan])
        >>> Feature("active", "bool").encode([True, "no"], "people.csv")
        Traceback (most recent call last):
        convert.errors.ConvertError: people.csv, row 1: expected true or false for 'active', got 'no'
        """
        if isinstance(values, np.ndarray) and values.dtype.kind in "fiu" and self.type != "str":
            return self.rounded(values.astype(np.float64))
        codes = {category: float(code) for code, category in enumerate(self.categories)}
        numbers = [self._number(value, codes, row, where) for row, value in enumerate(values)]
        return self.rounded(np.array(numbers, dtype=np.float64))

    def _number(self, value: Any, codes: dict[str, float], row: int, where: str) -> float:
        if isinstance(value, str) and value in codes:
            return codes[value]
        if value == "" if self.type == "str" and isinstance(value, str) else is_missing(value):
            return np.nan
        if self.type == "str":
            number = UNKNOWN if isinstance(value, str) else None
        else:
            number = BOOLEANS.get(str(value).strip().lower()) if self.type == "bool" else as_number(value)
        if number is None:
            expected = {"float": "a number", "bool": "true or false", "str": "a string"}[self.type]
            advice = ": put an encoder in front of what was fitted" if self.type == "float" else ""
            raise ConvertError(
                f"{where}, row {row}: expected {expected} for {self.name!r}, got {str(value)[:50]!r}{advice}"
            )
        return number


def is_missing(value: Any) -> bool:
    """Whether `value` is None, NaN or empty text."""
    return (
        value is None or (isinstance(value, float) and value != value) or (isinstance(value, str) and not value.strip())
    )


def as_number(value: Any) -> float | None:
    """Return `value` as a number; None if it is none."""
    if isinstance(value, bytes | Decimal):  # of which float() makes one, and JSON a string
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def type_of(values: Sequence[Any] | NDArray[Any]) -> FeatureType:
    """Return the type of a column: what all its values are.

    >>> type_of(["1", "", "2.5"]), type_of(["true", "", "False"]), type_of(["1", "", "x"])
    ('float', 'bool', 'str')
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return "bool" if values.dtype.kind == "b" else "float"
    present = [value for value in values if not is_missing(value)]
    if all(as_number(value) is not None for value in present):
        return "bool" if present and all(isinstance(value, bool | np.bool_) for value in present) else "float"
    return "bool" if all(str(value).strip().lower() in {"true", "false"} for value in present) else "str"
