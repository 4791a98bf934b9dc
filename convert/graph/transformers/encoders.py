"""Encoders of categories: each feature by a table of what the encoder makes of its categories."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.encoded import PandasCategories
from convert.estimator.features import UNKNOWN
from convert.graph.columns import Columns, number_columns
from convert.graph.graph import Graph, Value
from convert.graph.transformers.origins import PANDAS_CATEGORY, Known, Origin, Origins
from convert.graph.transformers.transformer import Transformer


def _one_hot_encoder(graph: Graph, rows: Columns, encoder: Any) -> Columns:
    """Write, for each feature, the place among its columns of the one that is 1, and compare the columns with it."""
    rows.compared_by(encoder)
    made = []
    for column, (categories, table) in enumerate(zip(encoder.categories_, _tables_of(encoder), strict=True)):
        if table.shape[1]:
            places = np.where(table.any(axis=1), table.argmax(axis=1), -1)
            place = graph.node("Gather", graph.constant(places), _rank(graph, rows, column, categories), axis=0)
            made.append(graph.node("Equal", place, graph.constant(np.arange(table.shape[1]))))
    if not made:  # every feature had one category, which was dropped
        return rows.chosen(graph, [])
    return number_columns(
        graph.cast(graph.node("Concat", *made, axis=1), np.float64, "one_hot"),
        sum(_outputs_of(encoder)),
        sparse=bool(encoder.sparse_output),
        dtype=_output_dtype(encoder),
    )


def _table_encoder(graph: Graph, rows: Columns, encoder: Any) -> Columns:
    """Write, for each feature, what the encoder makes of each of its categories."""
    rows.compared_by(encoder)
    made = []
    for column, (categories, table) in enumerate(zip(encoder.categories_, _tables_of(encoder), strict=True)):
        found = graph.node("Gather", graph.constant(table), _rank(graph, rows, column, categories), axis=0)
        made.append(graph.node("Squeeze", found, graph.constant(np.array([1]))))
    return number_columns(
        graph.node("Concat", *made, axis=1, name="encoded"), sum(_outputs_of(encoder)), dtype=_output_dtype(encoder)
    )


def _output_dtype(encoder: Any) -> str:
    """Return the type of the numbers that an encoder makes; whole numbers are computed with in float64."""
    dtype = np.dtype(getattr(encoder, "dtype", np.float64))
    return str(dtype) if dtype in (np.float32, np.float16) else "float64"


def _tables_of(encoder: Any) -> list[NDArray[np.float64]]:
    """Return what the encoder makes of each feature, (1 + categories, outputs): of no known category, then of each.

    It is asked, so that all its settings (unknown, missing, dropped, infrequent categories) are in the answers.
    """
    counts = _outputs_of(encoder)
    outputs = [slice(end - count, end) for count, end in zip(counts, np.cumsum(counts), strict=True)]
    every = max(len(categories) for categories in encoder.categories_)
    known = _transformed(encoder, outputs, [_repeated(each, every) for each in encoder.categories_])
    try:
        unknown = _transformed(encoder, outputs, [[_none_of(each)] for each in encoder.categories_])
    except ValueError:  # it refuses what it does not know, and so does the service
        unknown = [np.zeros((1, count)) for count in counts]
    pairs = zip(unknown, known, encoder.categories_, strict=True)
    return [np.concatenate([first, each[: len(categories)]]) for first, each, categories in pairs]


def _repeated(categories: NDArray[Any], count: int) -> list[Any]:
    """Return `count` categories: each, and the first again."""
    return [*categories, *[categories[0]] * (count - len(categories))]


def _transformed(encoder: Any, outputs: list[slice], columns: list[list[Any]]) -> list[NDArray[np.float64]]:
    """Return what the encoder makes of each of the `columns` of values, (rows, outputs)."""
    rows = np.empty((len(columns[0]), len(columns)), dtype=object)
    for place, values in enumerate(columns):
        rows[:, place] = values
    if all(categories.dtype.kind in "biuf" for categories in encoder.categories_):
        rows = rows.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown categories, of names that are lacking
        made = encoder.transform(rows)
    if hasattr(made, "tocsc"):
        made = made.tocsc()
        return [np.asarray(made[:, each].toarray(), dtype=np.float64) for each in outputs]
    dense = np.asarray(made, dtype=np.float64)
    return [dense[:, each] for each in outputs]


def _none_of(categories: NDArray[Any]) -> Any:
    """Return a value of the categories' type that is none of them."""
    texts = [value for value in categories.tolist() if isinstance(value, str)]
    if texts:
        return max(texts, key=len) + "?"
    numbers = [float(value) for value in categories.tolist() if value is not None and value == value]
    beyond = (
        max(numbers, default=0.0) + 1.5,
        max(numbers, default=0.0) / 2 + 0.1,
        min(numbers, default=0.0) - 1.5,
        0.1,
    )
    return next(number for number in beyond if number not in numbers)


def _rank(graph: Graph, rows: Columns, column: int, categories: NDArray[Any]) -> Value:
    """Write which of the `categories` a column is, counted from 1, or 0 for none of them: (n, 1) int64."""
    value = graph.node("Gather", rows.value, graph.constant(np.array([column])), axis=1)
    missing = next((place for place, one in enumerate(categories.tolist(), 1) if one is None or one != one), 0)
    texts = rows.categories[column]
    if texts is None:
        rank = _rank_of_number(graph, value, categories)
    else:  # the column holds the number of a text, -1 for others: the last entry of the table
        places = {one: place for place, one in enumerate(categories.tolist(), 1)}
        table = graph.constant(np.array([*(places.get(text, 0) for text in texts), 0]))
        known = graph.node("Where", graph.node("IsNaN", value), graph.constant(np.float64(UNKNOWN)), value)
        rank = graph.node("Gather", table, graph.cast(known, np.int64), axis=0, name="category")
    if not missing:
        return rank
    return graph.node("Where", graph.node("IsNaN", value), graph.constant(np.array([missing])), rank, name="category")


def _rank_of_number(graph: Graph, value: Value, categories: NDArray[Any]) -> Value:
    numbers = [one for one in categories.tolist() if one is not None and one == one]
    if any(isinstance(one, str) for one in numbers):
        raise ConvertError(f"an encoder knows {numbers[0]!r}, but no feature of strings is in front of it")
    equal = graph.node("Equal", value, graph.constant(np.array(numbers, dtype=np.float64)))
    ranks = graph.constant(np.arange(1.0, len(numbers) + 1)[:, np.newaxis])  # one of them at most is equal
    return graph.cast(graph.node("MatMul", graph.cast(equal, np.float64), ranks), np.int64, "category")


def _follow(encoder: Any, columns: Origins, known: Known) -> Origins:
    made: Origins = []
    for column, categories, count in zip(columns, encoder.categories_, _outputs_of(encoder), strict=True):
        if column is not None and column.how in {"value", "replaced"}:
            known[column.feature].append(categories)
            if isinstance(encoder, PandasCategories):
                known[column.feature].append(PANDAS_CATEGORY)
            made += [Origin(column.feature, "category")] * count
        else:
            _check_takes_all(encoder, column)
            made += [None] * count
    return made


def _check_takes_all(encoder: Any, column: Origin | None) -> None:
    """Raise ConvertError for an encoder that refuses what it does not know behind what computes.

    Which numbers of the feature it takes is then asked of it, and those need be no interval.
    """
    computed = column is None or column.how == "grows"
    if computed and getattr(encoder, "handle_unknown", None) == "error":
        raise ConvertError(
            f"{type(encoder).__name__} refuses what it does not know behind a transformer that computes, and which"
            " numbers those are can't be told: fit it with another handle_unknown, or put it first"
        )


def _outputs_of(encoder: Any) -> list[int]:
    """Return how many columns the encoder makes of each of its features."""
    if isinstance(encoder, OneHotEncoder):
        return insides.one_hot_widths(encoder)
    several = isinstance(encoder, TargetEncoder) and encoder.target_type_ == "multiclass"
    return [len(encoder.classes_) if several else 1] * len(encoder.categories_)


ONE_HOT = Transformer(_one_hot_encoder, _follow)
ORDINAL = TARGET = Transformer(_table_encoder, _follow)
