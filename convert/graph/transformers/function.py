"""FunctionTransformer, of no function of its own."""

from __future__ import annotations

from typing import Any

from convert.errors import ConvertError
from convert.graph.columns import Columns
from convert.graph.graph import Graph
from convert.graph.transformers.origins import Known, Origins
from convert.graph.transformers.transformer import Transformer


def _write(graph: Graph, rows: Columns, transformer: Any) -> Columns:
    if transformer.func is not None:
        raise ConvertError(
            "FunctionTransformer runs a function of its own, which no graph holds: apply it before rows are sent"
        )
    return rows


def _follow(transformer: Any, columns: Origins, known: Known) -> Origins:
    return columns if transformer.func is None else [None] * len(columns)


FUNCTION = Transformer(_write, _follow)
