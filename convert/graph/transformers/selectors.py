"""Selectors of columns."""

from __future__ import annotations

from typing import Any

from convert.graph.columns import Columns
from convert.graph.graph import Graph
from convert.graph.transformers.origins import Known, Origins
from convert.graph.transformers.transformer import Transformer


def _write(graph: Graph, rows: Columns, selector: Any) -> Columns:
    return rows.with_dtype(rows.dtype).chosen(graph, selector.get_support(indices=True).tolist())


def _follow(selector: Any, columns: Origins, known: Known) -> Origins:
    return [columns[index] for index in selector.get_support(indices=True)]


SELECTOR = Transformer(_write, _follow)
