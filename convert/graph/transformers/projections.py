"""Transformers that project rows onto components: products of matrices, whose last bits are those of their library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator import insides
from convert.graph.columns import Columns, number_columns
from convert.graph.graph import Graph, Value
from convert.graph.transformers.origins import Known, Origins
from convert.graph.transformers.transformer import SUMS, Transformer

SPREAD = 1e6
"""How many times the smallest of whitened directions the largest may vary: 1e-16 of it is blown up as much."""


def _principal_components(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write _BasePCA._transform, which centres what it has projected."""
    projected = _write_product(graph, rows.value, transformer.components_.T)
    offset = transformer.mean_.reshape(1, -1) @ transformer.components_.T
    projected = graph.node("Sub", projected, _constant(graph, offset), name="centred")
    if transformer.whiten:
        scale = np.sqrt(transformer.explained_variance_)
        scale = np.maximum(scale, np.finfo(scale.dtype).eps)
        _check_spread(scale, transformer)
        projected = graph.node("Div", projected, _constant(graph, scale), name="whitened")
    return _projected(projected, transformer, len(transformer.components_))


def _components(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write rows @ components_ transposed: TruncatedSVD, NeighborhoodComponentsAnalysis, random projections."""
    weights = transformer.components_
    dense = weights.toarray() if hasattr(weights, "toarray") else weights
    sparse = rows.sparse and dense is not weights and not transformer.dense_output
    return _projected(_write_product(graph, rows.value, dense.T), transformer, len(dense), sparse=sparse)


def _independent_components(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write FastICA.transform."""
    name = rows.value
    if transformer.whiten:
        _check_spread(np.linalg.svd(transformer.components_, compute_uv=False), transformer)
        name = graph.node("Sub", name, _constant(graph, transformer.mean_), name="centred")
    weights = transformer.components_
    return _projected(_write_product(graph, name, weights.T), transformer, len(weights))


def _factor_analysis(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write FactorAnalysis.transform."""
    weights = transformer.components_ / transformer.noise_variance_
    covariance = np.linalg.inv(np.eye(len(weights)) + weights @ transformer.components_.T)
    centred = graph.node("Sub", rows.value, _constant(graph, transformer.mean_), name="centred")
    projected = _write_product(graph, _write_product(graph, centred, weights.T), covariance)
    return _projected(projected, transformer, len(weights))


def _discriminants(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    """Write LinearDiscriminantAnalysis.transform."""
    name = rows.value
    if transformer.solver == "lsqr":
        raise ConvertError(
            "LinearDiscriminantAnalysis transforms with solver='svd' or 'eigen': fit it with one of them"
        )
    if transformer.solver == "svd":
        name = graph.node("Sub", name, _constant(graph, transformer.xbar_), name="centred")
    kept = transformer.scalings_[:, : insides.discriminant_count(transformer)]
    return _projected(_write_product(graph, name, kept), transformer, kept.shape[1])


def _check_spread(scales: NDArray[Any], transformer: Any) -> None:
    """Raise ConvertError where rounding is blown up: scikit-learn's answer for a row then varies with its batch."""
    if scales.max(initial=0.0) > SPREAD * scales.min(initial=np.inf):
        raise ConvertError(
            f"{type(transformer).__name__} whitens directions in which its training rows hardly vary, and blows up what"
            " is rounded: fit it with fewer n_components, behind a StandardScaler"
        )


def _projected(value: Value, transformer: Any, count: int, *, sparse: bool = False) -> Columns:
    return number_columns(value, count, sparse=sparse, summed_by=type(transformer).__name__)


def _write_product(graph: Graph, rows: Value, weights: NDArray[Any]) -> Value:
    return graph.node("MatMul", rows, _constant(graph, np.ascontiguousarray(weights)), name="projected")


def _constant(graph: Graph, values: Any) -> Value:
    return graph.constant(np.asarray(values, dtype=np.float64))


def _follow(transformer: Any, columns: Origins, known: Known) -> None:
    """Each column is made of all."""


def _projection(write: Callable[[Graph, Columns, Any], Columns]) -> Transformer:
    return Transformer(write, _follow, exact=False, limit=lambda _: SUMS)


PRINCIPAL_COMPONENTS = _projection(_principal_components)
COMPONENTS = _projection(_components)
INDEPENDENT_COMPONENTS = _projection(_independent_components)
FACTOR_ANALYSIS = _projection(_factor_analysis)
DISCRIMINANTS = _projection(_discriminants)
