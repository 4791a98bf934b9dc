"""What the tests of LightGBM and XGBoost share: rows, and the comparison with their own `predict`."""

from typing import Any

import numpy as np
import onnxruntime
import pandas
from numpy.typing import NDArray

from convert.graph.graph import Graph, Value
from convert.oracle.oracle import Oracle
from convert.oracle.sample import Table
from convert.oracle.thresholds import tree_thresholds
from convert.proof.parity import Candidate
from convert.proof.rows import accepted_rows, row_sets
from convert.strategies.table import STRATEGIES

GENERATOR = np.random.default_rng(9)
COUNT = 400
NUMBERS = np.column_stack(
    [
        GENERATOR.integers(0, 9, COUNT).astype(float),
        GENERATOR.normal(size=COUNT).round(2),
        np.where(GENERATOR.random(COUNT) < 0.3, 0.0, GENERATOR.normal(size=COUNT)),
        GENERATOR.lognormal(2, 3, COUNT),
    ]
)
NUMBERS[GENERATOR.random(NUMBERS.shape) < 0.1] = np.nan
SCORE = np.nan_to_num(NUMBERS[:, :3]) @ [0.5, 1.0, -1.0] + (NUMBERS[:, 0] % 2 == 1) * 2 + GENERATOR.normal(size=COUNT)
VALUES = np.exp(SCORE / 4)
BINARY = (np.median(SCORE) < SCORE).astype(int)
THREE = np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.6]))
TABLE = pandas.DataFrame(
    {
        "city of birth": pandas.Categorical(GENERATOR.choice(["Oslo", "Bergen", "Bodø", "Ålesund", None], COUNT)),
        "age": NUMBERS[:, 1],
        "level": pandas.Categorical(GENERATOR.integers(1, 7, COUNT)),
        "active": SCORE + GENERATOR.normal(size=COUNT) > 1,
    }
)
TABLE_LABELS = (TABLE["city of birth"].cat.codes % 2 + (TABLE["level"].cat.codes % 3) + TABLE["active"] > 1).to_numpy()
ODD = [0.5, 1.99, -0.5, -1.0, 3.0, 9.0, 255.0, 1e8, 2.0**24, 1e-35, -1e-35, 1e-36, 1e-45, -0.0, np.inf, -np.inf, np.nan]
"""What a category, a zero and a missing value may be taken for."""


def oracle(estimator: Any, rows: NDArray[np.float64]) -> Oracle:
    return Oracle(estimator, Table("rows", None, tuple(rows.T)))


def tried(oracle: Oracle, each: int = 4000) -> NDArray[np.float64]:
    """Return what `verify` would try, a sample of the many, and odd numbers in each column."""
    sets = [rows[:each] for _, rows in row_sets(oracle, oracle.accepts, tree_thresholds(oracle), each)]
    odd = sets[0][np.arange(len(ODD) * oracle.width) % len(sets[0])].copy()
    for place in range(len(odd)):
        odd[place, place // len(ODD)] = ODD[place % len(ODD)]
    return np.concatenate([*sets, odd[accepted_rows(odd, oracle.accepts)]])


def written(oracle: Oracle, strategy: str) -> Candidate:
    return Candidate(STRATEGIES[strategy].write_graph(oracle, "model"), oracle.rounded)


def assert_same(oracle: Oracle, strategy: str, tolerance: float) -> None:
    """Compare an estimator with what a strategy writes of it: labels, and shares and values within `tolerance`."""
    rows = tried(oracle)
    made = written(oracle, strategy).run(rows)
    if oracle.task == "regression":
        np.testing.assert_allclose(made["value"][:, 0], oracle.predict(rows), rtol=tolerance, atol=0)
        return
    assert made["label"].tolist() == oracle.predict(rows).tolist()
    expected = oracle.predict_proba(rows)
    assert expected is not None
    np.testing.assert_allclose(made["probabilities"], expected, rtol=0, atol=tolerance)


def run(graph: Graph, value: Value, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a graph makes of rows."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    data = graph.model("sums", [value]).SerializeToString()
    made: NDArray[np.float64] = onnxruntime.InferenceSession(data, options).run(None, {"X": rows})[0]
    return made
