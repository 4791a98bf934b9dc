"""The certificate: what a comparison of estimator and model file showed, as the card tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

from convert.model_file.card import library_versions
from convert.model_file.disk import graph_digest
from convert.proof.parity import Comparison
from convert.proof.refusals import Refusals
from convert.proof.rows import EVERY_CELL


def make_certificate(
    comparisons: Sequence[Comparison],
    refusals: Refusals,
    tolerance: float,
    model: onnx.ModelProto,
    estimator_sha256: str,
    companions: Mapping[str, str],
) -> dict[str, Any]:
    """Return the certificate, of JSON values only.

    Of `companions`, the digest of each by its role, the one for many rows was tried on the same rows as the graph, and
    answered the same bits. It is ``proved`` where every cell of a table was tried and no bit differs, and ``tested``
    otherwise.
    """
    bitwise = not any(comparison.failed(0.0).any() for comparison in comparisons)
    differences = [float(comparison.difference.max()) for comparison in comparisons]
    every_cell = any(comparison.source == EVERY_CELL for comparison in comparisons)
    scores = [float(each.score_difference.max()) for each in comparisons if each.score_difference is not None]
    agree = not any(comparison.failed(tolerance).any() for comparison in comparisons)
    certificate: dict[str, Any] = {
        "passed": agree and not refusals.differing,
        "kind": "proved" if every_cell and bitwise else "tested",
        "rows": {comparison.source: len(comparison.rows) for comparison in comparisons},
        "label_differences": sum(int(comparison.label_differs.sum()) for comparison in comparisons),
        "largest_difference": _largest(differences),
        "largest_score_difference": _largest(scores),
        "refusals": {"tried": refusals.tried, "differences": len(refusals.differing)},
        "tolerance": tolerance,
        "graph_sha256": graph_digest(model),
        "estimator_sha256": estimator_sha256,
        "versions": library_versions(),
    }
    if companions:
        certificate["companions"] = dict(companions)
        apart = [int(each.graphs_differ.sum()) for each in comparisons if each.graphs_differ is not None]
        certificate["graphs_differ"] = sum(apart)
    return certificate


def _largest(differences: Sequence[float]) -> float | None:
    """Return the largest difference; None if there is none, or one that is not finite."""
    return float(np.max(differences)) if len(differences) and np.isfinite(differences).all() else None
