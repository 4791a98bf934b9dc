"""Transformers that are written in float64, with scikit-learn's own operations in its order: bit for bit the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from convert import numeric, projections
from convert.columns import Columns, number_columns, side_by_side
from convert.errors import ConvertError
from convert.estimator import unwrapped
from convert.features import UNKNOWN
from convert.graph import Graph
from convert.oracle import Oracle
from convert.origins import imputed_columns, indicated_columns, marks_nan, outputs_of
from convert.refused import not_written

type Writer = Callable[[Graph, Columns, Any], Columns]


def input_columns(oracle: Oracle) -> Columns:
    """Return the columns that the graph of an estimator begins with."""
    return Columns(
        "X",
        tuple(each.categories if each.type == "str" else None for each in oracle.features),
        dtypes=oracle.dtypes,
    )


def write_transform(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write `transformer` on `rows`; return what it makes of them.

    Raises ConvertError for a transformer, or a setting of one, that is not written exactly.
    """
    if transformer is None or isinstance(transformer, str):  # "passthrough"
        return rows
    transformer = unwrapped(transformer)
    writer = WRITERS.get(type(transformer))
    if writer is None:
        raise ConvertError(not_written(transformer))
    return writer(graph, rows, transformer)


def write_steps(graph: Graph, rows: Columns, transformers: Sequence[Any]) -> Columns:
    """Write `transformers` one after the other; raise ConvertError as `write_transform` does."""
    for transformer in transformers:
        rows = write_transform(graph, rows, transformer)
    return rows


def _numbers(graph: Graph, values: Any) -> str:
    """Write numbers that scikit-learn may hold in float32, if it was fitted on such."""
    return graph.constant(np.asarray(values, dtype=np.float64))


def _compute(graph: Graph, operator: str, rows: Columns, values: Any) -> Columns:
    """Write the operator on rows and numbers, rounded where scikit-learn has the result in float32.

    Which is the same as if it were computed in float32: float64 has more than twice the bits.
    """
    made = graph.node(operator, rows.name, _numbers(graph, values))
    rows = rows.with_dtype(rows.dtype)
    if rows.dtype == "float32":
        made = graph.cast(graph.cast(made, np.float32), np.float64)
    elif rows.dtype != "float64":
        raise ConvertError(f"what is computed in {rows.dtype} is not written: make float64 of it before you fit")
    return rows.made(made)


def _divide(graph: Graph, rows: Columns, scale: Any) -> Columns:
    """Write rows / scale, and as scikit-learn does in a sparse matrix, rows * (1 / scale)."""
    return _compute(graph, "Mul", rows, 1 / scale) if rows.sparse else _compute(graph, "Div", rows, scale)


def _standard_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    """Follow StandardScaler.transform, which makes mean and scale of the rows' type first."""
    if scaler.with_mean:
        rows = _compute(graph, "Sub", rows, scaler.mean_.astype(rows.dtype))
    if not scaler.with_std:
        return rows
    return _divide(graph, rows, scaler.scale_ if rows.sparse else scaler.scale_.astype(rows.dtype))


def _min_max_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    scaled = _compute(graph, "Mul", rows, scaler.scale_)
    moved = _compute(graph, "Add", scaled, scaler.min_)
    if not scaler.clip:
        return moved
    low, high = (_numbers(graph, np.asarray(limit, dtype=rows.dtype)) for limit in scaler.feature_range)
    return moved.made(graph.node("Clip", moved.name, low, high))


def _max_abs_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    if getattr(scaler, "clip", False):
        raise ConvertError("MaxAbsScaler is written with clip=False only: fit it so")
    return _divide(graph, rows, scaler.scale_)


def _robust_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    if scaler.with_centering:
        rows = _compute(graph, "Sub", rows, scaler.center_)
    return _divide(graph, rows, scaler.scale_) if scaler.with_scaling else rows


def _simple_imputer(graph: Graph, rows: Columns, imputer: Any) -> Columns:
    """Write each column's statistic where the column is missing; a string's is the number of its category."""
    kept = imputed_columns(imputer)
    missing = _write_missing(graph, rows, imputer)
    rows = rows.with_dtype("float64" if _in_objects(imputer) else rows.dtype)
    if len(kept) < len(rows.categories):
        rows, chosen = rows.chosen(graph, kept), graph.constant(np.array(kept))
        known = graph.node("Gather", missing, chosen, axis=1)
    else:
        known = missing
    statistics = zip((imputer.statistics_[column] for column in kept), rows.categories, strict=True)
    numbers = [float(value) if texts is None else float(texts.index(value)) for value, texts in statistics]
    filled = _numbers(graph, np.array(numbers).astype(rows.dtype))
    imputed = rows.made(graph.node("Where", known, filled, rows.name))
    if not imputer.add_indicator:
        return imputed
    chosen = graph.constant(np.asarray(imputer.indicator_.features_, dtype=np.int64))
    indicator = graph.cast(graph.node("Gather", missing, chosen, axis=1), np.float64)
    told = number_columns(indicator, len(imputer.indicator_.features_), dtype=rows.dtype)
    return side_by_side(graph, [imputed, told], sparse=rows.sparse)


def _write_missing(graph: Graph, rows: Columns, imputer: Any) -> str:
    """Write where the imputer finds its marker, (n, columns); no feature is None here and NaN there."""
    missing = imputer.missing_values
    if missing is None or marks_nan(missing):
        return graph.node("IsNaN", rows.name)
    if isinstance(missing, str):  # each column holds the numbers of its own categories
        numbers = [float(known.index(missing)) if known and missing in known else np.nan for known in rows.categories]
        return graph.node("Equal", rows.name, graph.constant(np.array(numbers)))
    if not isinstance(missing, Real):
        raise ConvertError(
            f"{type(imputer).__name__} is written for missing_values that are numbers or strings, not {missing!r}"
        )
    if not _in_objects(imputer) and not isinstance(missing, np.generic):
        missing = np.dtype(rows.dtype).type(missing)  # as numpy compares an array of such with Python's numbers
    return graph.node("Equal", rows.compared_by(imputer), graph.constant(np.float64(missing)))


def _in_objects(imputer: Any) -> bool:
    """Whether the imputer leaves objects as they are, which no number is rounded in."""
    return getattr(imputer, "_fit_dtype", np.dtype(object)).kind == "O"


def _one_hot_encoder(graph: Graph, rows: Columns, encoder: Any) -> Columns:
    """Write, for each feature, the place among its columns of the one that is 1, and compare the columns with it."""
    rows.compared_by(encoder)
    made = []
    for column, (categories, table) in enumerate(zip(encoder.categories_, encoder_tables(encoder), strict=True)):
        if table.shape[1]:
            places = np.where(table.any(axis=1), table.argmax(axis=1), -1)
            place = graph.node("Gather", graph.constant(places), _rank(graph, rows, column, categories), axis=0)
            made.append(graph.node("Equal", place, graph.constant(np.arange(table.shape[1]))))
    if not made:  # every feature had one category, which was dropped
        return rows.chosen(graph, [])
    return number_columns(
        graph.cast(graph.node("Concat", *made, axis=1), np.float64),
        sum(outputs_of(encoder)),
        sparse=bool(encoder.sparse_output),
        dtype=_output_dtype(encoder),
    )


def _table_encoder(graph: Graph, rows: Columns, encoder: Any) -> Columns:
    """Write, for each feature, what the encoder makes of each of its categories."""
    rows.compared_by(encoder)
    made = []
    for column, (categories, table) in enumerate(zip(encoder.categories_, encoder_tables(encoder), strict=True)):
        found = graph.node("Gather", graph.constant(table), _rank(graph, rows, column, categories), axis=0)
        made.append(graph.node("Squeeze", found, graph.constant(np.array([1]))))
    return number_columns(graph.node("Concat", *made, axis=1), sum(outputs_of(encoder)), dtype=_output_dtype(encoder))


def _output_dtype(encoder: Any) -> str:
    """Return the type of the numbers that an encoder makes; whole numbers are computed with in float64."""
    dtype = np.dtype(getattr(encoder, "dtype", np.float64))
    return str(dtype) if dtype in (np.float32, np.float16) else "float64"


def encoder_tables(encoder: Any) -> list[NDArray[np.float64]]:
    """Return what the encoder makes of each feature, (1 + categories, outputs): of no known category, then of each.

    It is asked, so that all its settings (unknown, missing, dropped, infrequent categories) are in the answers.
    """
    counts = outputs_of(encoder)
    tables = []
    for column, (categories, end) in enumerate(zip(encoder.categories_, np.cumsum(counts), strict=True)):
        outputs = slice(end - counts[column], end)
        known = _transformed(encoder, column, list(categories))[:, outputs]
        try:
            unknown = _transformed(encoder, column, [_none_of(categories)])[:, outputs]
        except ValueError:  # it refuses what it does not know, and so does the service
            unknown = np.zeros((1, known.shape[1]))
        tables.append(np.concatenate([unknown, known]))
    return tables


def _transformed(encoder: Any, column: int, values: list[Any]) -> NDArray[np.float64]:
    """Return what the encoder makes of rows with `values` in one column, and in the others their first category."""
    rows = np.empty((len(values), len(encoder.categories_)), dtype=object)
    for other, categories in enumerate(encoder.categories_):
        rows[:, other] = values if other == column else categories[0]
    if all(categories.dtype.kind in "biuf" for categories in encoder.categories_):
        rows = rows.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown categories, of names that are lacking
        made = encoder.transform(rows)
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


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


def _rank(graph: Graph, rows: Columns, column: int, categories: NDArray[Any]) -> str:
    """Write which of the `categories` a column is, counted from 1, or 0 for none of them: (n, 1) int64."""
    value = graph.node("Gather", rows.name, graph.constant(np.array([column])), axis=1)
    missing = next((place for place, one in enumerate(categories.tolist(), 1) if one is None or one != one), 0)
    texts = rows.categories[column]
    if texts is None:
        rank = _rank_of_number(graph, value, categories)
    else:  # the column holds the number of a text, -1 for others: the last entry of the table
        places = {one: place for place, one in enumerate(categories.tolist(), 1)}
        table = graph.constant(np.array([*(places.get(text, 0) for text in texts), 0]))
        known = graph.node("Where", graph.node("IsNaN", value), graph.constant(np.float64(UNKNOWN)), value)
        rank = graph.node("Gather", table, graph.cast(known, np.int64), axis=0)
    if not missing:
        return rank
    return graph.node("Where", graph.node("IsNaN", value), graph.constant(np.array([missing])), rank)


def _rank_of_number(graph: Graph, value: str, categories: NDArray[Any]) -> str:
    numbers = [one for one in categories.tolist() if one is not None and one == one]
    if any(isinstance(one, str) for one in numbers):
        raise ConvertError(f"an encoder knows {numbers[0]!r}, but no feature of strings is in front of it")
    equal = graph.node("Equal", value, graph.constant(np.array(numbers, dtype=np.float64)))
    ranks = graph.constant(np.arange(1.0, len(numbers) + 1)[:, np.newaxis])  # one of them at most is equal
    return graph.cast(graph.node("MatMul", graph.cast(equal, np.float64), ranks), np.int64)


def _function_transformer(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    if transformer.func is not None:
        raise ConvertError(
            "FunctionTransformer runs a function of its own, which no graph holds: apply it before rows are sent"
        )
    return rows


def _missing_indicator(graph: Graph, rows: Columns, indicator: Any) -> Columns:
    missing = _write_missing(graph, rows, indicator)
    told = indicated_columns(indicator)
    name = graph.cast(graph.node("Gather", missing, graph.constant(np.array(told)), axis=1), np.float64)
    sparse = rows.sparse if indicator.sparse == "auto" else bool(indicator.sparse)
    return number_columns(name, len(told), sparse=sparse)


def _selector(graph: Graph, rows: Columns, selector: Any) -> Columns:
    return rows.with_dtype(rows.dtype).chosen(graph, selector.get_support(indices=True).tolist())


def _column_transformer(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write each part on its columns, side by side in the order of `transformers_`."""
    if transformer.transformer_weights:
        raise ConvertError("ColumnTransformer is written without transformer_weights: scale its parts with a scaler")
    parts = []
    for name, part, _ in transformer.transformers_:
        indices = transformer._transformer_to_input_indices[name]
        if len(indices) and not (isinstance(part, str) and part == "drop"):
            parts.append(write_transform(graph, rows.chosen(graph, [int(index) for index in indices]), part))
    if not parts:
        raise ConvertError("ColumnTransformer drops all columns: nothing is left to predict from")
    return side_by_side(graph, parts, sparse=bool(transformer.sparse_output_))


def _feature_union(graph: Graph, rows: Columns, union: Any) -> Columns:
    """Write each part on all columns, side by side."""
    if union.transformer_weights:
        raise ConvertError("FeatureUnion is written without transformer_weights: scale its parts with a scaler instead")
    kept = [part for _, part in union.transformer_list if not (isinstance(part, str) and part == "drop")]
    parts = [write_transform(graph, rows, part) for part in kept]
    return side_by_side(graph, parts, sparse=any(part.sparse for part in parts))


def _pipeline(graph: Graph, rows: Columns, pipeline: Any) -> Columns:
    return write_steps(graph, rows, [step for _, step in pipeline.steps])


EXACT_WRITERS: dict[type, Writer] = {
    Binarizer: numeric.binarizer,
    ColumnTransformer: _column_transformer,
    FeatureUnion: _feature_union,
    FunctionTransformer: _function_transformer,
    GenericUnivariateSelect: _selector,
    KBinsDiscretizer: numeric.discretizer,
    MaxAbsScaler: _max_abs_scaler,
    MinMaxScaler: _min_max_scaler,
    MissingIndicator: _missing_indicator,
    OneHotEncoder: _one_hot_encoder,
    OrdinalEncoder: _table_encoder,
    Pipeline: _pipeline,
    PolynomialFeatures: numeric.polynomial_features,
    RFE: _selector,
    RFECV: _selector,
    RobustScaler: _robust_scaler,
    SelectFdr: _selector,
    SelectFpr: _selector,
    SelectFromModel: _selector,
    SelectFwe: _selector,
    SelectKBest: _selector,
    SelectPercentile: _selector,
    SequentialFeatureSelector: _selector,
    SimpleImputer: _simple_imputer,
    StandardScaler: _standard_scaler,
    TargetEncoder: _table_encoder,
    VarianceThreshold: _selector,
}
"""The writer of each transformer whose numbers are scikit-learn's, bit for bit."""
WRITERS = {**EXACT_WRITERS, **projections.WRITERS}
