"""Scalers: numbers less a number, divided by another."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.graph.columns import Columns
from convert.graph.graph import Graph
from convert.graph.transformers.arithmetic import compute, constant_numbers
from convert.graph.transformers.curved import rising
from convert.graph.transformers.origins import FITTED_ON_FLOAT32, FLOAT32, Known, Origins, grown
from convert.graph.transformers.transformer import Transformer


def _divide(graph: Graph, rows: Columns, scale: Any) -> Columns:
    """Write rows / scale, and as scikit-learn does in a sparse matrix, rows * (1 / scale)."""
    return compute(graph, "Mul", rows, 1 / scale) if rows.sparse else compute(graph, "Div", rows, scale)


def _standard_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    """Follow StandardScaler.transform, which makes mean and scale of the rows' type first."""
    if scaler.with_mean:
        rows = compute(graph, "Sub", rows, scaler.mean_.astype(rows.dtype))
    if not scaler.with_std:
        return rows
    return _divide(graph, rows, scaler.scale_ if rows.sparse else scaler.scale_.astype(rows.dtype))


def _min_max_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    scaled = compute(graph, "Mul", rows, scaler.scale_)
    moved = compute(graph, "Add", scaled, scaler.min_)
    if not scaler.clip:
        return moved
    low, high = (constant_numbers(graph, np.asarray(limit, dtype=rows.dtype)) for limit in scaler.feature_range)
    return moved.made(graph.node("Clip", moved.value, low, high, name="clipped"))


def _max_abs_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    if getattr(scaler, "clip", False):
        raise ConvertError("MaxAbsScaler is written with clip=False only: fit it so")
    return _divide(graph, rows, scaler.scale_)


def _robust_scaler(graph: Graph, rows: Columns, scaler: Any) -> Columns:
    if scaler.with_centering:
        rows = compute(graph, "Sub", rows, scaler.center_)
    return _divide(graph, rows, scaler.scale_) if scaler.with_scaling else rows


def follow_scaler(scaler: Any, columns: Origins, known: Known) -> Origins:
    """Every scaler divides by, or multiplies with, a number above 0; rounding keeps the order."""
    for column in columns if FLOAT32 in {getattr(values, "dtype", None) for values in vars(scaler).values()} else ():
        if column is not None and column.how == "value":
            known[column.feature].append(FITTED_ON_FLOAT32)
    return [grown(column) for column in columns]


STANDARD = Transformer(rising(_standard_scaler), follow_scaler, computes=True)
MIN_MAX = Transformer(rising(_min_max_scaler), follow_scaler, computes=True)
MAX_ABS = Transformer(rising(_max_abs_scaler), follow_scaler, computes=True)
ROBUST = Transformer(rising(_robust_scaler), follow_scaler, computes=True)
