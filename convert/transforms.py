"""Transformers that are written in float64, with scikit-learn's own operations in its order: bit for bit the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from convert.errors import ConvertError
from convert.graph import Graph

SELECTORS = (SelectKBest, SelectPercentile, VarianceThreshold)

type Writer = Callable[[Graph, str, Any], str]


def write_transform(graph: Graph, rows: str, transformer: Any) -> str:
    """Write `transformer` on `rows`, (n, features) float64; return the name of what it makes of them.

    Raises ConvertError for a transformer, or a setting of one, that is not written exactly.
    """
    if transformer is None or isinstance(transformer, str):  # "passthrough"
        return rows
    writer = WRITERS.get(type(transformer))
    if writer is None:
        raise ConvertError(f"{type(transformer).__name__} is not among the transformers that are written exactly")
    return writer(graph, rows, transformer)


def write_steps(graph: Graph, rows: str, transformers: Sequence[Any]) -> str:
    """Write `transformers` one after the other; raise ConvertError as `write_transform` does."""
    sparse = False
    for transformer in transformers:
        if (
            sparse
            and type(transformer) not in {ColumnTransformer, Pipeline, *SELECTORS}
            and hasattr(transformer, "fit")
        ):
            raise ConvertError(
                f"{type(transformer).__name__} computes otherwise on the sparse matrix in front of it: fit that step"
                " with sparse_output=False or sparse_threshold=0"
            )
        sparse = _is_sparse(transformer) or (sparse and type(transformer) in SELECTORS)
        rows = write_transform(graph, rows, transformer)
    return rows


def _is_sparse(transformer: Any) -> bool:
    """Whether what the transformer makes is a sparse matrix."""
    if isinstance(transformer, Pipeline):
        return any(_is_sparse(step) for _, step in transformer.steps)
    if isinstance(transformer, OneHotEncoder):
        return bool(transformer.sparse_output)
    return bool(getattr(transformer, "sparse_output_", False))


def _numbers(graph: Graph, values: Any) -> str:
    """Write numbers that scikit-learn may hold in float32, if it was fitted on such."""
    return graph.constant(np.asarray(values, dtype=np.float64))


def _standard_scaler(graph: Graph, rows: str, scaler: Any) -> str:
    if scaler.with_mean:
        rows = graph.node("Sub", rows, _numbers(graph, scaler.mean_))
    return graph.node("Div", rows, _numbers(graph, scaler.scale_)) if scaler.with_std else rows


def _min_max_scaler(graph: Graph, rows: str, scaler: Any) -> str:
    rows = graph.node("Add", graph.node("Mul", rows, _numbers(graph, scaler.scale_)), _numbers(graph, scaler.min_))
    if not scaler.clip:
        return rows
    low, high = scaler.feature_range
    return graph.node("Clip", rows, graph.constant(np.float64(low)), graph.constant(np.float64(high)))


def _max_abs_scaler(graph: Graph, rows: str, scaler: Any) -> str:
    if getattr(scaler, "clip", False):
        raise ConvertError("MaxAbsScaler is written with clip=False only")
    return graph.node("Div", rows, _numbers(graph, scaler.scale_))


def _robust_scaler(graph: Graph, rows: str, scaler: Any) -> str:
    if scaler.with_centering:
        rows = graph.node("Sub", rows, _numbers(graph, scaler.center_))
    return graph.node("Div", rows, _numbers(graph, scaler.scale_)) if scaler.with_scaling else rows


def _simple_imputer(graph: Graph, rows: str, imputer: Any) -> str:
    statistics = np.asarray(imputer.statistics_, dtype=np.float64)
    if imputer.add_indicator or np.isnan(statistics).any():
        raise ConvertError("SimpleImputer is written without add_indicator, and with a value for every column")
    value = graph.constant(statistics)
    if not isinstance(imputer.missing_values, Real):
        raise ConvertError(
            f"SimpleImputer is written for missing_values that are numbers, not {imputer.missing_values!r}"
        )
    if np.isnan(float(imputer.missing_values)):
        return graph.node("Where", graph.node("IsNaN", rows), value, rows)
    missing = graph.node("Equal", rows, graph.constant(np.float64(imputer.missing_values)))
    return graph.node("Where", missing, value, rows)


def _one_hot_encoder(graph: Graph, rows: str, encoder: Any) -> str:
    _check_categories(encoder, "ignore")
    if encoder._infrequent_enabled:
        raise ConvertError("OneHotEncoder is written without min_frequency and max_categories")
    columns = []
    for column, categories in enumerate(encoder.categories_):
        drop = None if encoder.drop_idx_ is None else encoder.drop_idx_[column]
        kept = categories if drop is None else np.delete(categories, drop)
        if len(kept):
            columns.append(graph.cast(_equal(graph, rows, column, kept), np.float64))
    return graph.node("Concat", *columns, axis=1)


def _ordinal_encoder(graph: Graph, rows: str, encoder: Any) -> str:
    _check_categories(encoder, "use_encoded_value")
    if getattr(encoder, "_infrequent_enabled", False):
        raise ConvertError("OrdinalEncoder is written without min_frequency and max_categories")
    columns = []
    for column, categories in enumerate(encoder.categories_):
        known = graph.cast(_equal(graph, rows, column, categories), np.float64)
        # one category at most is equal: its number plus 1, or 0
        ranks = graph.constant(np.arange(1.0, len(categories) + 1)[:, np.newaxis])
        rank = graph.node("MatMul", known, ranks)
        unknown = graph.node("Equal", rank, graph.constant(np.float64(0)))
        number = graph.node("Sub", rank, graph.constant(np.float64(1)))
        columns.append(graph.node("Where", unknown, graph.constant(np.float64(encoder.unknown_value)), number))
    return graph.node("Concat", *columns, axis=1)


def _check_categories(encoder: Any, handle_unknown: str) -> None:
    name = type(encoder).__name__
    if encoder.handle_unknown != handle_unknown:
        raise ConvertError(
            f"{name} refuses categories that it has not seen, and the service could not say which: fit it with"
            f" handle_unknown={handle_unknown!r}"
        )
    for categories in encoder.categories_:
        numbers = categories.dtype.kind in "biuf" and not np.isnan(np.asarray(categories, dtype=np.float64)).any()
        if not numbers or len(np.unique(categories.astype(np.float64))) < len(categories):
            listed = ", ".join(map(repr, categories[:5].tolist()))
            raise ConvertError(f"{name} is written for categories that are float64 numbers, not {listed}")


def _equal(graph: Graph, rows: str, column: int, categories: Any) -> str:
    """Write whether the column is equal to each of the categories, (n, categories)."""
    value = graph.node("Gather", rows, graph.constant(np.array([column])), axis=1)
    return graph.node("Equal", value, graph.constant(np.asarray(categories, dtype=np.float64)))


def _function_transformer(graph: Graph, rows: str, transformer: Any) -> str:
    if transformer.func is not None:
        raise ConvertError("FunctionTransformer runs a function of its own, which no graph holds")
    return rows


def _selector(graph: Graph, rows: str, selector: Any) -> str:
    return graph.node("Gather", rows, graph.constant(selector.get_support(indices=True)), axis=1)


def _column_transformer(graph: Graph, rows: str, transformer: Any) -> str:
    """Write each part on its columns, side by side in the order of `transformers_`."""
    weights = transformer.transformer_weights or {}
    if weights:
        raise ConvertError("ColumnTransformer is written without transformer_weights")
    parts = []
    for name, part, _ in transformer.transformers_:
        columns = np.asarray(transformer._transformer_to_input_indices[name], dtype=np.int64)
        if len(columns) and not (isinstance(part, str) and part == "drop"):
            chosen = graph.node("Gather", rows, graph.constant(columns), axis=1)
            parts.append(write_transform(graph, chosen, part))
    return graph.node("Concat", *parts, axis=1)


def _pipeline(graph: Graph, rows: str, pipeline: Any) -> str:
    return write_steps(graph, rows, [step for _, step in pipeline.steps])


WRITERS: dict[type, Writer] = {
    ColumnTransformer: _column_transformer,
    FunctionTransformer: _function_transformer,
    MaxAbsScaler: _max_abs_scaler,
    MinMaxScaler: _min_max_scaler,
    OneHotEncoder: _one_hot_encoder,
    OrdinalEncoder: _ordinal_encoder,
    Pipeline: _pipeline,
    RobustScaler: _robust_scaler,
    SelectKBest: _selector,
    SelectPercentile: _selector,
    SimpleImputer: _simple_imputer,
    StandardScaler: _standard_scaler,
    VarianceThreshold: _selector,
}
"""The writer of each transformer."""
