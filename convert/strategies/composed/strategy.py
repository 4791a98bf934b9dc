"""Float64 operators: scikit-learn's formulas, one estimator at a time, ensembles of them by putting them together.

Sums are those of other libraries than scikit-learn's, so last bits may differ; trees within an ensemble do not.
"""

from __future__ import annotations

import onnx

from convert.errors import ConvertError
from convert.estimator.refused import LISTED
from convert.graph.answers import classifier_model, regressor_model
from convert.graph.columns import input_columns
from convert.graph.ensembles.table import READERS
from convert.graph.graph import Graph
from convert.oracle.oracle import Oracle
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.writers import CLASSIFIERS, REGRESSORS

NAME = "float64 operators"
NAME_OF_FLOAT32 = "float64 operators on float32"
ESTIMATORS = (CLASSIFIERS.keys() | REGRESSORS.keys()) - READERS.keys()
"""The classes that are written, trees aside."""


def write_graph(oracle: Oracle, name: str) -> onnx.ModelProto:
    """Return the estimator in float64; raise ConvertError for one, or a setting of one, that is not written."""
    graph = Graph(oracle.width)
    composer, rows = Composer(graph, CLASSIFIERS, REGRESSORS), input_columns(graph, oracle.features, oracle.dtypes)
    if oracle.task == "regression":
        return regressor_model(graph, composer.regressor(rows, oracle.estimator), name)
    answer = composer.classifier(rows, oracle.estimator)
    if answer.probabilities is None and hasattr(oracle.estimator, "predict_proba"):
        raise ConvertError(f"the probabilities of {type(oracle.last).__name__} are not written: {LISTED}")
    return classifier_model(graph, answer, oracle.classes, name)
