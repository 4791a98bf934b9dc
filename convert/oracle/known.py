"""What a fitted estimator knows of a feature: its type, its categories, the precision of its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError, listed
from convert.estimator.encoded import HISTOGRAM_BOOSTING, LIGHTGBM, XGBOOST
from convert.estimator.features import Feature, Floats, type_of
from convert.estimator.fitted import parts_of
from convert.estimator.floats import cannot_be_float32, told_of_float32
from convert.estimator.kinds import Kind, kind_of
from convert.graph.ensembles.table import is_made_of_trees, read_trees
from convert.graph.tracing import Traced
from convert.graph.transformers.origins import (
    COMPARED_AS_FLOAT32,
    FITTED_ON_FLOAT32,
    FLOAT32,
    PANDAS_CATEGORY,
    Known,
    untouched,
)

IN_FLOAT64: frozenset[Kind] = frozenset({*HISTOGRAM_BOOSTING, *LIGHTGBM})
"""The trees that do not round rows to float32."""
NO_OBJECTS = {*LIGHTGBM, *XGBOOST}
"""Those that take pandas' booleans, but not as objects."""
ZEROS = 2e-35
"""Up to which size LightGBM's thresholds stand for 0."""
NARROW = (
    np.dtype(bool),
    *(np.dtype(f"{kind}{size}") for kind in ("int", "uint") for size in (8, 16)),
    np.dtype(np.float16),
)
"""What numpy makes float32 of beside a float32."""
BETWEEN = 16
"""How many bits more than a float32 a number has, at the most, that is half way between two in the same data."""


def features_of(
    names: Sequence[str],
    values: Sequence[NDArray[Any]] | None,
    traced: Traced,
    dropped: frozenset[int],
    *,
    named: bool,
) -> tuple[Feature, ...]:
    """Return the features of an estimator that was `traced`; raises as `feature_of` does.

    values: the columns of a sample, if there is one. named: whether the estimator knows a table, not an array.
    """
    used = {origin.feature for _, columns in traced.predictors for origin in columns or () if origin is not None}
    features = [
        Feature(name, dropped=True)
        if column in dropped
        else feature_of(name, known, None if values is None else values[column], used=column in used)
        for column, (name, known) in enumerate(zip(names, traced.known, strict=True))
    ]
    single = compared_in_float32(traced.known)
    between = _between_numbers(traced)
    if named or not any(cannot_be_float32(each) for each in between.values()):  # an array is of one type
        single |= split_as_float32(between) - _typed_float64(values, named=named)
    if _compared_behind(traced):
        _check_computed(traced, names, values)
        single |= computed_in_float32(traced.known, values)
    for column, feature in enumerate(features):
        if column in single and feature == Feature(feature.name) and not _has_categories(traced.known[column]):
            features[column] = replace(feature, dtype="float32", column="float32")
    for column in _marked(traced.known, PANDAS_CATEGORY):
        features[column] = replace(features[column], column="category")
    for column in _taken_as_numbers(traced):
        if features[column] == Feature(features[column].name, "bool", column="object"):
            features[column] = replace(features[column], column="float64")
    narrow = {feature.column for feature in features if feature.column in {"float32", "float16"}}
    if len(narrow) == 1 and not named and all(feature.numeric for feature in features):  # an array is of one type
        return tuple(replace(feature, dtype=min(narrow), column=min(narrow)) for feature in features)
    return tuple(features)


def _typed_float64(values: Sequence[NDArray[Any]] | None, *, named: bool) -> set[int]:
    """Return the features that the sample has as float64, with numbers that are none of float32; of an array, all."""
    typed = {
        column
        for column, each in enumerate(values or ())
        if each.dtype == np.float64 and not np.array_equal(each.astype(np.float32), each, equal_nan=True)
    }
    return set(range(len(values or ()))) if typed and not named else typed


def _taken_as_numbers(traced: Traced) -> set[int]:
    """Return the features that are given, as they come, to an estimator that takes no column of objects."""
    given = [columns for last, columns in traced.predictors if kind_of(last) in NO_OBJECTS]
    return {origin.feature for columns in given for origin in columns or () if origin is not None}


def feature_of(name: str, known: Sequence[NDArray[Any]], values: NDArray[Any] | None, *, used: bool) -> Feature:
    """Return the feature: of the type that the encoders know, else of the type that the sample's `values` have.

    Strings that no encoder knows may be where nothing is made of them, such as the name of a customer. Raises
    ConvertError for categories that are not told apart, or not at all, in JSON, CSV and float64.
    """
    categories = [value for one in known for value in one.tolist()]
    present = [value for value in categories if value is not None and value == value]
    none, nan = (any(value is None for value in categories), any(value != value for value in categories))
    _check_missing(name, known, present, none=none, nan=nan)
    kind = _kind_of(name, known, present)
    column = "object" if none or any(one.dtype.kind == "O" for one in known) else "float64"
    if kind == "str":
        return Feature(name, "str", tuple(sorted(set(present))), none, column="object")
    told = "float" if values is None else type_of(values)
    if kind == "float" and told == "bool" and not set(present) <= {0, 1}:
        raise ConvertError(f"the sample has booleans for {name!r}, of which the estimator knows {listed(present[:5])}")
    if "bool" in {kind, told if kind == "float" else None}:  # pandas' nullable booleans come to encoders as 0 and 1
        return Feature(name, "bool", none=none, column="object" if kind == "bool" else column)
    if kind == "float":
        dtype, column = _precision(name, known, column)
        return Feature(name, none=none, dtype=dtype, column=column)
    if told == "str" and used:
        told = "float"  # so that what is not a number is told of
    return Feature(name, told, none=none, column=column if told == "float" else "object")


def _check_missing(name: str, known: Sequence[NDArray[Any]], present: Sequence[Any], *, none: bool, nan: bool) -> None:
    """Raise ConvertError where an estimator tells missing values apart that JSON and CSV have one word for."""
    if none and nan:
        raise ConvertError(
            f"the encoders and imputers on {name!r} tell None from NaN, JSON has null for both: make NaN of both before"
            " you fit, or give the imputer missing_values=None"
        )
    if nan and not present and any(one.dtype.kind == "O" for one in known):
        raise ConvertError(
            f"SimpleImputer was fitted on {name!r} as objects, in which it fills NaN and leaves None, and JSON has null"
            " for both: make numbers of the column before you fit"
        )
    if (none or nan) and "" in present:
        raise ConvertError(
            f'{name!r} is "" or missing, and an empty cell of CSV is both: make one of them before you fit'
        )


def _kind_of(name: str, known: Sequence[NDArray[Any]], present: Sequence[Any]) -> str | None:
    """Return the type of the categories, None where there are none; raise ConvertError for what is not served."""
    first = f"the categories of {name!r} are {listed(present[:5])}"
    kinds = {_kind(value) for value in present}
    if any(one.dtype.kind not in "biufOUT" or (one.dtype.kind == "f" and one.dtype.itemsize > 8) for one in known):
        kinds = {str(one.dtype) for one in known}
    each = [{_kind(value) for value in one.tolist() if value is not None and value == value} for one in known]
    if kinds == {"bool", "float"} and all(len(one) < 2 for one in each) and set(present) <= {0, 1}:
        kinds = {"bool"}  # of two encoders, one was given numbers
    if len(kinds) > 1 or not kinds <= {"float", "bool", "str"}:
        types = " and ".join(sorted(kinds))
        raise ConvertError(f"{first}, of type {types}, which is not served: make strings of them before you fit")
    if kinds == {"float"} and any(float(value) != value for value in present):
        raise ConvertError(f"{first}; numbers are served as float64, which these are not: make strings of them")
    if any(isinstance(value, str) and value != value.encode("utf-8", "replace").decode() for value in present):
        raise ConvertError(f"{first}: half a surrogate pair is nothing that JSON has")
    return next(iter(kinds), None)


def _kind(value: Any) -> str:
    """Return what a category is: ``float``, ``bool`` or ``str``, or else the name of its type."""
    if isinstance(value, bool | np.bool_):
        return "bool"
    if isinstance(value, str):
        return "str"
    return "float" if isinstance(value, Real) else type(value).__name__


def _precision(name: str, known: Sequence[NDArray[Any]], column: str) -> tuple[str, str]:
    """Return what the numbers of a feature are rounded to, and the type of its column.

    pandas' nullable Float32 comes to encoders as float64, and is written in the digits of float32 all the same.
    """
    every = np.array([value for one in known for value in one.tolist() if value is not None], dtype=np.float64)
    narrow = {str(one.dtype) for one in known if one.size and one.dtype in (np.float16, np.float32)}
    if not narrow:
        return ("float32", column) if told_of_float32(every, 0) else ("float64", column)
    dtype = min(narrow)  # float16 comes first
    with np.errstate(over="ignore"):
        kept = every.astype(dtype).astype(np.float64)
    if len(narrow) > 1 or not np.array_equal(kept, every, equal_nan=True):
        kinds = ", ".join(sorted({str(one.dtype) for one in known}))
        raise ConvertError(f"the encoders on {name!r} know it as {kinds}: fit them on columns of one type")
    return dtype, dtype if column == "float64" else column


def split_as_float32(between: Mapping[int, Floats]) -> frozenset[int]:
    """Return the features that trees were grown on as float32, and compare as float64.

    Only there it matters: a threshold may be a number of the data, which its digits in CSV or JSON are above or below.
    """
    return frozenset(feature for feature, found in between.items() if told_of_float32(found, further=BETWEEN))


def _between_numbers(traced: Traced) -> dict[int, Floats]:
    """Return, sorted, the thresholds of trees that compare float64, by the features whose numbers they lie between."""
    found: dict[int, list[Floats]] = {}
    for last, columns in traced.predictors:
        for part in parts_of(last):
            width = getattr(part, "n_features_in_", None)  # none of one that was given, and copied to be fitted
            if kind_of(part) in IN_FLOAT64 and width == len(columns or ()):
                for origin, thresholds in zip(columns or (), _between(part), strict=True):
                    if origin is not None and origin.how != "category":
                        found.setdefault(origin.feature, []).append(thresholds)
    return {feature: np.unique(np.concatenate(parts)) for feature, parts in found.items()}


def _between(part: Any) -> list[Floats]:
    """Return the thresholds as they lie between numbers of the data, for each feature.

    LightGBM's are the next number each, and those at 0 tell nothing: it splits there at a number of float32.
    """
    found = _thresholds(part)
    if kind_of(part) not in LIGHTGBM:
        return found
    return [np.nextafter(each[np.abs(each) > ZEROS], -np.inf) for each in found]


def _compared_behind(traced: Traced) -> bool:
    """Whether trees that round rows to float32 compare what transformers make."""
    features = untouched(len(traced.known))
    return any(
        is_made_of_trees(last) and kind_of(last) not in IN_FLOAT64 and columns != features
        for last, columns in traced.predictors
    )


def _check_computed(traced: Traced, names: Sequence[str], values: Sequence[NDArray[Any]] | None) -> None:
    """Raise ConvertError where transformers compute in a type that the sample's columns have only together.

    numpy makes float32 of an int8 beside a float32, and of an int8 by itself float64; no float16 is computed with.
    """
    if values is None:
        return
    for group in traced.together:
        kinds = {names[feature]: values[feature].dtype for feature in sorted(group)}
        narrow = [name for name, kind in kinds.items() if kind in NARROW]
        if (narrow and FLOAT32 in kinds.values()) or any(kinds[name] == np.float16 for name in narrow):
            raise ConvertError(
                f"the sample has {narrow[0]!r} as {kinds[narrow[0]]}, by which scikit-learn rounds where it computes,"
                " and the service does not: make float64 of the columns before you fit"
            )


def _has_categories(known: Sequence[NDArray[Any]]) -> bool:
    return any(value is not None and value == value for one in known for value in one.tolist())


def computed_in_float32(known: Known, values: Sequence[NDArray[Any]] | None) -> frozenset[int]:
    """Return the features that transformers in front of trees get as float32, as they tell themselves, or the sample.

    A row that is scaled in float64 may be on the other side of a threshold.
    """
    typed = {column for column, each in enumerate(values or ()) if each.dtype == FLOAT32}
    return _marked(known, FITTED_ON_FLOAT32) | typed


def compared_in_float32(known: Known) -> frozenset[int]:
    """Return the features that a transformer in front of anything compares with numbers it learnt in float32."""
    return _marked(known, COMPARED_AS_FLOAT32)


def _marked(known: Known, mark: NDArray[Any]) -> frozenset[int]:
    return frozenset(column for column, each in enumerate(known) if any(one is mark for one in each))


def _thresholds(estimator: Any) -> list[Floats]:
    try:
        return read_trees(estimator).thresholds(estimator.n_features_in_)
    except ConvertError:  # whoever writes the trees says why
        return [np.empty(0)] * estimator.n_features_in_
