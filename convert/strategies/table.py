"""One file for each way to write a graph, best first.

A strategy returns a model whose one input ``X`` is (n, features) and whose outputs are ``label`` (n,) and
``probabilities`` (n, classes) for a classifier, ``value`` (n, 1) for a regressor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx

from convert.errors import ConvertError, during
from convert.graph.ensembles.table import is_made_of_trees, read_trees
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.strategies import limits, plain, single, tabulate, trees
from convert.strategies.composed import strategy as composed


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to write a graph.

    name: as the card has it.
    accepts: what of the values that the estimator accepts the graph computes with, feature by feature.
    tolerance: the largest difference that `verify` passes, of a probability, or of a value as part of the largest.
    exact: whether labels and sums are the same bits, and so what is tried is not to lie clear of where labels change.
    walks_trees: whether it walks the trees of each row, for which there may be a faster way where rows are many.
    """

    name: str
    write_graph: Callable[[Oracle, str], onnx.ModelProto]
    accepts: Callable[[Oracle], list[Accepts]]
    tolerance: float
    exact: bool = True
    walks_trees: bool = False


TABULATED = Strategy(tabulate.NAME, tabulate.write_graph, limits.accepts, 0.0)
FLOAT64_TREES = Strategy(trees.NAME, trees.write_graph, limits.accepts, 1e-15, walks_trees=True)
FLOAT32_TREES = Strategy(trees.NAME_OF_FLOAT32, trees.write_graph, limits.accepts, 1.2e-7, walks_trees=True)
"""For trees whose sums are float32, and so are the exponentials of those: 1.2e-7 is the last bit of a 1."""
COMPOSED = Strategy(composed.NAME, composed.write_graph, limits.accepts_of_operators, 1e-9, exact=False)
COMPOSED_OF_FLOAT32 = Strategy(
    composed.NAME_OF_FLOAT32, composed.write_graph, limits.accepts_of_operators, 1e-6, exact=False
)
"""For what has such trees, or another part that computes in float32."""
PLAIN = Strategy(plain.NAME, plain.write_graph, plain.accepts, 1e-9, exact=False)
STRATEGIES = {
    strategy.name: strategy
    for strategy in (TABULATED, FLOAT64_TREES, FLOAT32_TREES, COMPOSED, COMPOSED_OF_FLOAT32, PLAIN)
}


def _candidates(oracle: Oracle) -> tuple[Strategy, ...]:
    """Return the strategies that may write the estimator, best first."""
    ensemble = read_trees(oracle.last) if is_made_of_trees(oracle.last) else None
    if ensemble is not None and ensemble.init is None:  # which nothing else is let near
        return TABULATED, FLOAT32_TREES if ensemble.single else FLOAT64_TREES
    if single.has_float32(oracle.estimator):
        return (COMPOSED_OF_FLOAT32,)
    return (COMPOSED, PLAIN) if plain.refusal(oracle.estimator) is None else (COMPOSED,)


def write_graph(oracle: Oracle, name: str, wanted: str | None = None) -> tuple[onnx.ModelProto, Strategy, str]:
    """Return the graph by the `wanted` strategy, or by the first that can; and why by no better one.

    Raises ConvertError if none can, with the reason of the first that counts: that a table would have too many cells
    keeps nothing from being converted.
    """
    candidates = (STRATEGIES[wanted],) if wanted is not None else _candidates(oracle)
    reasons: dict[str, str] = {}
    for strategy in candidates:
        try:
            with during(f"it was written as {strategy.name}", oracle.estimator):
                graph = strategy.write_graph(oracle, name)
            return graph, strategy, "; ".join(f"not {failed}: {reason}" for failed, reason in reasons.items())
        except ConvertError as error:
            reasons[strategy.name] = str(error)
    counting = [reason for failed, reason in reasons.items() if failed != tabulate.NAME]
    raise ConvertError((counting or list(reasons.values()))[0])
