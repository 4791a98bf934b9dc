"""One file for each way to write a graph, best first.

A strategy returns a model whose one input ``X`` is (n, features) and whose outputs are ``label`` (n,) and
``probabilities`` (n, classes) for a classifier, ``value`` (n, 1) for a regressor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import onnx

from convert.accepts import Accepts
from convert.errors import ConvertError
from convert.oracle import Oracle
from convert.strategies import composed, plain, tabulate, trees
from convert.trees import READERS, read_trees


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to write a graph.

    name: as the card has it.
    accepts: what of the accepted values the graph computes with.
    tolerance: the largest difference that `verify` passes, of a probability, or of a value as part of the largest.
    """

    name: str
    write_graph: Callable[[Oracle, str], onnx.ModelProto]
    accepts: Callable[[Accepts], Accepts]
    tolerance: float


def _all(asked: Accepts) -> Accepts:
    """Return what the estimator accepts: the graph computes with all of it."""
    return asked


EXACT = (
    Strategy(tabulate.NAME, tabulate.write_graph, _all, 0.0),
    Strategy(trees.NAME, trees.write_graph, _all, 1e-15),
)
"""For what is made of trees; nothing else is let near those, skl2onnx being silently wrong on some."""
COMPOSED = Strategy(composed.NAME, composed.write_graph, _all, 1e-9)
PLAIN = Strategy(plain.NAME, plain.write_graph, plain.accepts, 1e-6)
STRATEGIES = {strategy.name: strategy for strategy in (*EXACT, COMPOSED, PLAIN)}


def _candidates(oracle: Oracle) -> tuple[Strategy, ...]:
    """Return the strategies that may write the estimator, best first; raise ConvertError if none may."""
    if type(oracle.last) in READERS:
        return EXACT if read_trees(oracle.last).init is None else (COMPOSED,)
    if type(oracle.last) in composed.ESTIMATORS:
        return (COMPOSED,) if composed.is_ensemble(oracle.last) else (COMPOSED, PLAIN)
    refusal = plain.refusal(oracle.last)
    if refusal is not None:
        raise ConvertError(refusal)
    return (PLAIN,)


def write_graph(oracle: Oracle, name: str, wanted: str | None = None) -> tuple[onnx.ModelProto, Strategy, str]:
    """Return the graph by the `wanted` strategy, or by the first that can; and why by no better one.

    Raises ConvertError if none can.
    """
    candidates = (STRATEGIES[wanted],) if wanted is not None else _candidates(oracle)
    reasons: list[str] = []
    for strategy in candidates:
        try:
            return strategy.write_graph(oracle, name), strategy, "; ".join(reasons)
        except ConvertError as error:
            reasons.append(f"not {strategy.name}: {error}" if len(candidates) > 1 else str(error))
    raise ConvertError(reasons[-1].removeprefix(f"not {candidates[-1].name}: "))
