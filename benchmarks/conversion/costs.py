"""Fit the model of costs in convert/strategies/masks/cost.py: time ensembles of many shapes, print what parts take.

Times are those of sums alone, on one thread, the best of some repetitions; fitted is what is off in parts of the whole,
by least squares, with no part below 0.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import onnxruntime
from scipy.optimize import nnls
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from threadpoolctl import threadpool_limits

from benchmarks.conversion.models import samples
from benchmarks.conversion.timing import Rows
from convert.errors import ConvertError
from convert.graph.ensembles.table import read_trees
from convert.graph.graph import Graph, Value
from convert.graph.sums import write_sums
from convert.graph.trees import TreeEnsemble
from convert.strategies.masks import cost
from convert.strategies.masks.strategy import plan_of, write_plan
from convert.strategies.masks.votes import votes_of

ROWS = 8000
SMALL, LARGE = 32, 512
"""Two sizes of a call: what a larger one takes more is its rows'."""


def main() -> int:
    """Time, fit, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conversion.costs", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7)
    repetitions = parser.parse_args().repetitions
    warnings.simplefilter("ignore")
    operator: list[_Timed] = []
    masks: list[_Timed] = []
    pairs: list[tuple[_Timed, _Timed, int]] = []
    with threadpool_limits(1):
        for name, estimator, classes, width in _ensembles():
            training, targets = samples(width, classes)
            ensemble = read_trees(estimator.fit(training, targets))
            rows = np.random.default_rng(1).normal(size=(ROWS, width))
            for each in _counted(ensemble):
                counts = cost.counts_of_tree_operator(each)
                operator.append(_Timed(name, counts, partial(_by_operator, ensemble=each), rows))
            with suppress(ConvertError):
                plan = plan_of(ensemble, width)
                write = partial(write_plan, plan=plan, missing=False)
                masks.append(_Timed(name, cost.counts_of_masks(plan), write, rows))
                pairs.append((operator[-1], masks[-1], cost.nodes_of_masks(plan)))
        for _ in range(repetitions):  # each of all in turns: the machine is slower at times
            for timed in (*operator, *masks):
                timed.measure()
    _print("TREE_OPERATOR", operator)
    _print("MASKS", masks)
    nodes = [(this.call - own.call) / count for own, this, count in pairs]
    print(f"NODE = {np.median(nodes):.0f}  # from {np.quantile(nodes, 0.1):.0f} to {np.quantile(nodes, 0.9):.0f}")
    return 0


def _counted(ensemble: TreeEnsemble) -> list[TreeEnsemble]:
    """Return the ensemble, and if it votes, what adds up the votes in one sum."""
    votes = votes_of(ensemble)
    return [ensemble] if votes is None else [votes[1], ensemble]


class _Timed:
    """Sums, written by `write`, for `rows`: what a row does, and how long it takes, in ns by the rows of a call."""

    def __init__(
        self, name: str, counts: Mapping[str, float], write: Callable[[Graph, Value], Value], rows: Rows
    ) -> None:
        self.name, self.counts, self._rows = name, counts, rows
        graph = Graph(rows.shape[1])
        model = graph.model("sums", [write(graph, graph.rows)])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        data = model.SerializeToString()
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        self.nanoseconds = dict.fromkeys((SMALL, LARGE), np.inf)

    def measure(self) -> None:
        """Measure once more."""
        for size, best in self.nanoseconds.items():
            count = min(ROWS, 100 * size) // size * size
            began = time.perf_counter()
            for start in range(0, count, size):
                self._session.run(None, {"X": self._rows[start : start + size]})
            self.nanoseconds[size] = min(best, (time.perf_counter() - began) / count * 1e9)

    @property
    def call(self) -> float:
        """What a call takes beside its rows."""
        return (self.nanoseconds[SMALL] - self.nanoseconds[LARGE]) * SMALL


def _ensembles() -> Iterator[tuple[str, Any, int, int]]:
    """Yield names, estimators, how many classes (0 for a regression) and how many features."""
    for trees, width, depth in product((20, 100, 400), (4, 10, 40), (1, 3, 4, 5)):
        boosting = GradientBoostingClassifier(n_estimators=trees, max_depth=depth, random_state=0)
        yield f"GB {trees} x {depth}, {width}", boosting, 2, width
    for width, most in product((5, 20), (3, 5, 7, 99)):
        for classes in (2, 3):
            forest = RandomForestClassifier(100, max_depth=most, random_state=0)
            yield f"RF {most}, {width}, {classes}", forest, classes, width
        yield f"RFR {most}, {width}", RandomForestRegressor(100, max_depth=most, random_state=0), 0, width
    for width in (6, 30):
        yield f"Hist {width}", HistGradientBoostingClassifier(random_state=0), 2, width
        yield f"Hist 15 leaves {width}", HistGradientBoostingClassifier(max_leaf_nodes=15, random_state=0), 3, width
        yield f"ET 6, {width}", ExtraTreesClassifier(100, max_depth=6, random_state=0), 3, width
        yield f"AdaBoost {width}", AdaBoostClassifier(n_estimators=100, random_state=0), 2, width
        yield f"GB 3 classes {width}", GradientBoostingClassifier(random_state=0), 3, width
        many = HistGradientBoostingRegressor(max_iter=800, early_stopping=False, random_state=0)
        yield f"Hist 800 {width}", many, 0, width
        yield f"GBR 2000 {width}", GradientBoostingRegressor(n_estimators=2000, random_state=0), 0, width


def _by_operator(graph: Graph, rows: Value, ensemble: TreeEnsemble) -> Value:
    return write_sums(graph, rows, rows.shape[1] or 0, ensemble)


def _print(title: str, timed: Sequence[_Timed]) -> None:
    """Print the fitted table, and how far off it is."""
    names = list(timed[0].counts)
    counts = np.array([[each.counts[name] for name in names] for each in timed])
    taken = np.array([each.nanoseconds[LARGE] for each in timed])
    fitted, _ = nnls(counts / taken[:, np.newaxis], np.ones(len(taken)))
    print(f"{title} = {dict(zip(names, fitted.round(3).tolist(), strict=True))}")
    off = counts @ fitted / taken
    print(f"  off by {np.quantile(off, [0.0, 0.1, 0.5, 0.9, 1.0]).round(2)}")
    for each, factor, nanoseconds in zip(timed, off, taken, strict=True):
        print(f"  {each.name:24} {nanoseconds:10.0f} ns, {factor:.2f}")


if __name__ == "__main__":
    sys.exit(main())
