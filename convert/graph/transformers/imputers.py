"""SimpleImputer and MissingIndicator: what is missing, what stands for it, what tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.features import Floats
from convert.graph.columns import Columns, Later, number_columns, side_by_side
from convert.graph.graph import Graph, Value
from convert.graph.transformers.arithmetic import constant_numbers
from convert.graph.transformers.origins import FITTED_ON_FLOAT32, FLOAT32, Known, Origins, replaced, told
from convert.graph.transformers.transformer import Transformer


def _simple_imputer(graph: Graph, rows: Columns, imputer: Any) -> Columns:
    """Write each column's statistic where the column is missing; a string's is the number of its category."""
    if rows.sources and (imputer.missing_values is None or _marks_nan(imputer.missing_values)):
        return _behind_curves(graph, rows, imputer)
    kept = _imputed_columns(imputer)
    missing = _write_missing(graph, rows, imputer)
    rows = rows.with_dtype("float64" if _in_objects(imputer) else rows.dtype)
    if len(kept) < len(rows.categories):
        rows, chosen = rows.chosen(graph, kept), graph.constant(np.array(kept))
        known = graph.node("Gather", missing, chosen, axis=1)
    else:
        known = missing
    statistics = zip((imputer.statistics_[column] for column in kept), rows.categories, strict=True)
    numbers = [_as_number(value, texts) for value, texts in statistics]
    filled = constant_numbers(graph, np.array(numbers).astype(rows.dtype))
    imputed = rows.made(graph.node("Where", known, filled, rows.value, name="imputed"))
    if not imputer.add_indicator:
        return imputed
    chosen = graph.constant(np.asarray(imputer.indicator_.features_, dtype=np.int64))
    indicator = graph.cast(graph.node("Gather", missing, chosen, axis=1), np.float64, "indicators")
    told = number_columns(indicator, len(imputer.indicator_.features_), dtype=rows.dtype)
    return side_by_side(graph, [imputed, told], sparse=rows.sparse)


def _as_number(statistic: Any, texts: tuple[str, ...] | None) -> float:
    return float(statistic) if texts is None else float(texts.index(statistic))


def _behind_curves(graph: Graph, rows: Columns, imputer: Any) -> Columns:
    """Return the columns and the indicators for trees: what stands for NaN is on one side of a threshold, too."""
    dtype = "float64" if _in_objects(imputer) else rows.dtype
    kept = [(column, imputer.statistics_[column]) for column in _imputed_columns(imputer)]
    numbers = np.array([_as_number(value, rows.categories[column]) for column, value in kept]).astype(dtype)
    sources = [rows.sources[column].through(partial(_filled, float(number)))
               for (column, _), number in zip(kept, numbers, strict=True)]  # fmt: skip
    told = imputer.indicator_.features_ if imputer.add_indicator else ()
    sources += [rows.sources[column].through(_marks) for column in told]
    made = number_columns(
        Later(lambda: _simple_imputer(graph, rows.plain(), imputer).value),
        len(sources),
        sparse=rows.sparse,
        summed_by=rows.summed_by,
        dtype=dtype,
    )
    return replace(made, sources=tuple(sources))


def _filled(number: float, values: Floats) -> Floats:
    return np.where(np.isnan(values), number, values)


def _marks(values: Floats) -> Floats:
    return np.isnan(values).astype(np.float64)


def _write_missing(graph: Graph, rows: Columns, imputer: Any) -> Value:
    """Write where the imputer finds its marker, (n, columns); no feature is None here and NaN there."""
    missing = imputer.missing_values
    if missing is None or _marks_nan(missing):
        return graph.node("IsNaN", rows.value, name="missing")
    if isinstance(missing, str):  # each column holds the numbers of its own categories
        numbers = [float(known.index(missing)) if known and missing in known else np.nan for known in rows.categories]
        return graph.node("Equal", rows.value, graph.constant(np.array(numbers)), name="missing")
    if not isinstance(missing, Real):
        raise ConvertError(
            f"{type(imputer).__name__} is written for missing_values that are numbers or strings, not {missing!r}"
        )
    if not _in_objects(imputer) and not isinstance(missing, np.generic):
        missing = np.dtype(rows.dtype).type(missing)  # as numpy compares an array of such with Python's numbers
    return graph.node("Equal", rows.compared_by(imputer), graph.constant(np.float64(missing)), name="missing")


def _in_objects(imputer: Any) -> bool:
    """Whether the imputer leaves objects as they are, which no number is rounded in."""
    dtype = insides.imputed_dtype(imputer)
    return dtype is None or dtype.kind == "O"


def _imputed_columns(imputer: Any) -> list[int]:
    """Return the columns that a SimpleImputer keeps: those for which it has a value, which may be None."""
    statistics = enumerate(imputer.statistics_.tolist())
    return [column for column, value in statistics if value is None or value == value]


def _follow_imputer(imputer: Any, columns: Origins, known: Known) -> Origins:
    """Follow the columns that are kept, and the indicators behind them; NaN is in no order that could break."""
    missing = imputer.missing_values
    for column, statistic in zip(columns, imputer.statistics_, strict=True):
        if column is not None and column.how == "value":
            known[column.feature] += _known_to(imputer, statistic)
    if missing is not None and not _marks_nan(missing):
        columns = [replaced(column, _marker(imputer), known) for column in columns]
    made = [columns[index] for index in _imputed_columns(imputer)]
    if imputer.add_indicator:
        made += [told(columns[index]) for index in imputer.indicator_.features_]
    return made


def _known_to(imputer: Any, statistic: Any) -> Iterator[NDArray[Any]]:
    """Yield what an imputer knows of a feature: what it fills in, if that is no number, and None or NaN in objects.

    It tells one from the other there, and does not tell whether it ever saw the one that it fills. Where it was fitted
    on objects that are all numbers, some were None, most likely: NaN among objects stands for that doubt.
    """
    if statistic is None or isinstance(statistic, str | bool):
        yield np.array([statistic], dtype=object)
    dtype = insides.imputed_dtype(imputer)
    if dtype == FLOAT32:
        yield FITTED_ON_FLOAT32
    missing = imputer.missing_values
    if missing is None:
        yield np.array([None], dtype=object)
    elif dtype is not None and dtype.kind == "O" and _marks_nan(missing):
        doubtful = isinstance(missing, float) and all(isinstance(each, Real) for each in imputer.statistics_)
        yield np.array([np.nan], dtype=object if doubtful else np.float64)


def _marker(imputer: Any) -> NDArray[Any]:
    """Return what stands for a missing value, in the type of the rows if they may hold it in that type only."""
    marker, dtype = np.array([imputer.missing_values]), insides.imputed_dtype(imputer)
    narrow = dtype in (np.float32, np.float16) and marker.dtype.kind == "f"
    rounded = marker.astype(dtype) if narrow else marker
    return marker if np.array_equal(rounded.astype(marker.dtype), marker) else rounded


def _marks_nan(missing: Any) -> bool:
    """Whether an imputer's `missing_values` are NaN, or pandas' NA, which are None and NaN as well."""
    return type(missing).__name__ == "NAType" or (isinstance(missing, float) and missing != missing)


def _missing_indicator(graph: Graph, rows: Columns, indicator: Any) -> Columns:
    missing = _write_missing(graph, rows, indicator)
    told = _indicated_columns(indicator)
    name = graph.cast(
        graph.node("Gather", missing, graph.constant(np.array(told, dtype=np.int64)), axis=1), np.float64, "indicators"
    )
    sparse = rows.sparse if indicator.sparse == "auto" else bool(indicator.sparse)
    return number_columns(name, len(told), sparse=sparse)


def _follow_indicator(indicator: Any, columns: Origins, known: Known) -> Origins:
    if indicator.missing_values is not None and indicator.missing_values == indicator.missing_values:
        columns = [replaced(column, np.array([indicator.missing_values]), known) for column in columns]
    return [told(columns[index]) for index in _indicated_columns(indicator)]


def _indicated_columns(indicator: Any) -> list[int]:
    """Return the columns of which a MissingIndicator tells what is missing.

    Raises ConvertError where it refuses a number in the others: a feature takes an interval of numbers.
    """
    marker = indicator.missing_values
    if indicator.features == "missing-only" and indicator.error_on_new and marker is not None and marker == marker:
        raise ConvertError(f"MissingIndicator refuses {marker!r} where it is new: fit it with error_on_new=False")
    return [int(column) for column in indicator.features_]


IMPUTER = Transformer(_simple_imputer, _follow_imputer)
INDICATOR = Transformer(_missing_indicator, _follow_indicator)
