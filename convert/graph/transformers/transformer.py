"""What there is to know of a kind of transformers: one of these stands at the end of each file here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from convert.graph.columns import Columns
from convert.graph.graph import Graph
from convert.graph.transformers.origins import Known, Origins

SUMS = 1e300
"""Up to here numbers may be added up without an overflow, whatever their order."""


@dataclass(frozen=True, slots=True)
class Transformer:
    """How transformers of a class are written and followed.

    write: writes a fitted transformer on columns and returns what it makes of them. Raises ConvertError for a setting
    that is not written.
    follow: returns the origin of each column that it makes, and adds to what is known of each feature; None where not
    even their number can be told.
    exact: whether the numbers are scikit-learn's, bit for bit; where they are not, nothing behind may compare them.
    computes: whether it computes with numbers, in the type that all its columns have together.
    limit: beyond which size of numbers its sums or products may overflow; None for no size.
    curve: whether it never falls, column by column, so that in front of trees it need not be written.
    """

    write: Callable[[Graph, Columns, Any], Columns]
    follow: Callable[[Any, Origins, Known], Origins | None]
    exact: bool = True
    computes: bool = False
    limit: Callable[[Any], float] | None = None
    curve: bool = False
