"""What the commands print: tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from convert.text import moment

if TYPE_CHECKING:
    from convert.estimator.features import Feature
    from convert.model_file.versions import Version
    from convert.proof.parity import Comparison
    from convert.proof.refusals import Refusals

SHOWN = 10
"""How many differing rows are listed; the count names them all."""


def parity_table(comparisons: Sequence[Comparison], refusals: Refusals, tolerance: float) -> Table:
    """Return one line for each set of rows."""
    table = Table("rows", "tried", "labels differ", "largest difference", title="estimator against model file")
    for comparison in comparisons:
        labels, difference = int(comparison.label_differs.sum()), float(comparison.difference.max())
        style = "red" if comparison.failed(tolerance).any() else "green"
        table.add_row(comparison.source, f"{len(comparison.rows):,}", f"{labels:,}", f"{difference:.3g}", style=style)
    apart = [comparison.graphs_differ for comparison in comparisons if comparison.graphs_differ is not None]
    if apart:
        tried, differing = sum(map(len, apart)), sum(int(each.sum()) for each in apart)
        style = "red" if differing else "green"
        table.add_row("by the graph for many rows", f"{tried:,}", "", f"{differing:,} rows' bits differ", style=style)
    differing = len(refusals.differing)
    style = "red" if differing else "green"
    table.add_row("rows that may be refused", f"{refusals.tried:,}", "", f"{differing} refusals differ", style=style)
    return table


def difference_table(comparisons: Sequence[Comparison], tolerance: float, features: Sequence[Feature]) -> Table:
    """Return the first rows that differ, with what either side says of them."""
    total = sum(int(comparison.failed(tolerance).sum()) for comparison in comparisons)
    names = [feature.name for feature in features]
    table = Table("rows", "row", *names, "estimator", "model file", "difference", title=f"{total:,} rows differ")
    for comparison in comparisons:
        for row in np.flatnonzero(comparison.failed(tolerance))[: SHOWN - table.row_count]:
            numbers = comparison.rows[row : row + 1]
            values = [repr(feature.decode(numbers[:, column]).tolist()[0]) for column, feature in enumerate(features)]
            table.add_row(
                comparison.source,
                str(row),
                *values,
                str(comparison.expected[row]),
                str(comparison.actual[row]),
                f"{comparison.difference[row]:.3g}",
            )
    return table


def verdict(certificate: Mapping[str, Any]) -> str:
    """Return the certificate in a line, with rich's markup."""
    if certificate.get("graphs_differ"):
        return f"[red]not the same model[/]: on {certificate['graphs_differ']:,} rows its companion has other bits"
    within = f"labels must be equal, differences within {certificate['tolerance']:g}"
    if not certificate["passed"]:
        return f"[red]not the same model[/]: {within}"
    if certificate["kind"] == "proved":
        return "[green]the same model, proved[/]: no bit differs in any cell of the table"
    return f"[green]the same model[/]: labels equal, differences within {certificate['tolerance']:g}"


def history_lines(versions: Sequence[Version]) -> Iterator[str]:
    """Yield one line for each version, newest first: its id, when it was published, its bytes, its SHA-256."""
    for version in versions:
        size = "deleted" if version.deletion else f"{version.size:,} bytes"
        current = "  current" if version.current else ""
        yield f"{version.id}  {moment(version.modified)}  {size}  {version.sha256 or '-'}{current}"
