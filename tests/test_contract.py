"""What one half writes, the other lets in, and no more: every estimator of the registry, every way to write it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import AttributeProto, ModelProto, shape_inference
from sklearn.base import ClassifierMixin, clone, is_classifier
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBClassifier

from convert.errors import ConvertError
from convert.estimator.fitted import parts_of
from convert.estimator.kinds import Kind
from convert.graph.ensembles.table import READERS, is_made_of_trees
from convert.model_file.seal import seal
from convert.strategies import plain, tabulate
from convert.strategies.composed.strategy import ESTIMATORS
from convert.strategies.many_rows import write_each
from convert.strategies.table import STRATEGIES
from lambda_fn.model.guard.check import check_model
from lambda_fn.model.guard.operators import LETTERS, OPERATORS, OPTIONAL
from tests.conftest import oracle_of
from tests.convert.graph.test_transforms import LABELS, PIPELINES
from tests.convert.strategies.test_registry import OTHERS, SETTINGS

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = np.random.default_rng(2).normal(size=(200, 3)).round()
CLASSES: dict[str, NDArray[Any]] = {
    "two": np.array([0, 1]),
    "three": np.array([0, 1, 2]),
    "strings": np.array(["one", "two", "three"]),
    "two strings": np.array(["one", "two"]),
    "booleans": np.array([False, True]),
    "floats": np.array([0.0, 1.0, 2.0]),
}
"""What classifiers are fitted on."""
BY_SKL2ONNX = {LinearRegression, LogisticRegression, Pipeline, StandardScaler}
"""What skl2onnx may write and be loaded. The rest of its operators, its trees first of all, are not let in."""
WHOLE = [np.dtype(letter) for letter in "bBhHiIlL"]
"""The types of whole numbers; each is a type of class labels."""


def class_of(kind: Kind) -> type:
    """Return the class of that kind; one of another package is imported."""
    if isinstance(kind, type):
        return kind
    package, _, name = kind.partition(".")
    found: type = getattr(import_module(package), name)
    return found


def estimator_of(kind: type) -> Any:
    """Return an estimator in small settings; one that is made of another gets a linear model."""
    settings = SETTINGS.get(kind, {})
    if kind in ESTIMATORS and "estimator" in signature(kind).parameters:
        settings = {
            "estimator": LogisticRegression() if issubclass(kind, ClassifierMixin) else LinearRegression()
        } | settings
    return kind(**settings)


def targets(kind: type) -> list[str]:
    return list(CLASSES) if is_classifier(estimator_of(kind)) else ["numbers"]


def fitted(kind: type, target: str) -> Any:
    """Return an estimator that is fitted; None where it takes no such target, or no such rows."""
    estimator = estimator_of(kind)
    small = {
        "n_estimators": 3,
        "max_iter": 3,
        "max_depth": 2,
        "n_components": 1,
    }  # or else random thresholds make too many cells
    estimator.set_params(**{name: value for name, value in small.items() if name in estimator.get_params()})
    if kind is IsolationForest:
        return estimator.set_params(max_samples=6).fit(ROWS)
    score = ROWS.sum(axis=1)
    if target != "numbers":
        answers = CLASSES[target][np.digitize(score, [-1, 1][: len(CLASSES[target]) - 1])]
    for rows, numbers in ((ROWS, score), (np.abs(ROWS), np.abs(score) + 1), (ROWS[:, :1], score)):
        with suppress(ValueError):
            return clone(estimator).fit(rows, numbers if target == "numbers" else answers)
    return None


@cache
def written_for(kind: type) -> list[ModelProto]:
    """Return what every strategy that can writes of an estimator, fitted on every target that it takes."""
    estimators = [fitted(kind, target) for target in targets(kind)]
    return [model for estimator in estimators if estimator is not None for model in written(estimator)]


def written(estimator: Any, *, tabulated: bool = True) -> list[ModelProto]:
    """Return what every strategy that can writes of an estimator; tables take long where there are many cells."""
    models = []
    for strategy in STRATEGIES.values():
        if strategy.name == tabulate.NAME and not tabulated:
            continue
        if strategy.name == plain.NAME and not all(type(part) in BY_SKL2ONNX for part in parts_of(estimator)):
            continue
        try:
            models.append(strategy.write_graph(oracle_of(estimator), "model"))
        except ConvertError:  # not written in this way
            continue
    return models + written_for_many_rows(estimator)


def written_for_many_rows(estimator: Any) -> list[ModelProto]:
    """Return the graphs for many rows of what is made of trees; they get in as such, too."""
    oracle = oracle_of(estimator)
    if not is_made_of_trees(oracle.last):
        return []
    models = [model for _, model in write_each(oracle, "model")]
    takes = [
        (-np.inf if each.low is None else each.low, np.inf if each.high is None else each.high)
        for each in oracle.accepts
    ]
    for model in models:
        check_model(seal(model), takes)
    return models


def get_in(models: list[ModelProto]) -> None:
    assert models
    for model in models:
        check_model(seal(model))


KINDS = sorted({class_of(kind) for kind in (*READERS, *ESTIMATORS)}, key=str)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_gets_in(kind: type) -> None:
    get_in(written_for(kind))


@cache
def more() -> list[ModelProto]:
    """Return settings of estimators, pipelines, and labels of all types."""
    score = ROWS.sum(axis=1)
    three = np.digitize(score, [-1, 1])
    estimators = [
        clone(estimator).fit(ROWS, three) for estimator in OTHERS if not isinstance(estimator, FrozenEstimator)
    ]
    estimators += [clone(pipeline).fit(rows, LABELS) for pipeline, rows in PIPELINES]
    labels = [np.array([3, 5, 9]).astype(dtype) for dtype in WHOLE]
    labels += [np.array([1, 2, 3], dtype) for dtype in (np.float16, np.float32)]
    estimators += [LogisticRegression().fit(ROWS, each[three]) for each in labels]
    estimators += [make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS, score)]
    gaps = np.where(ROWS > 1, np.nan, ROWS)
    estimators += [XGBClassifier(n_estimators=40, n_jobs=1).fit(gaps, three)]  # long enough for rows of both signs
    tailed = np.column_stack([np.random.default_rng(3).lognormal(0, 6, len(ROWS)), ROWS[:, 0]])  # one crowds, one not
    estimators += [HistGradientBoostingRegressor(min_samples_leaf=2).fit(tailed, score)]
    norms = [make_pipeline(Normalizer(norm), LogisticRegression()) for norm in ("l1", "l2", "max")]
    estimators += [norm.fit(ROWS, three) for norm in norms]
    constant = written(DecisionTreeRegressor().fit(ROWS, np.ones(len(ROWS))))
    return [*constant, *(model for estimator in estimators for model in written(estimator, tabulated=False))]


def test_settings_pipelines_and_labels_of_all_types_get_in() -> None:
    get_in(more())


# What the table of operators admits, a line for each element type and each value of an attribute


type Use = tuple[str, ...]


def uses(model: ModelProto) -> Iterator[Use]:
    """Yield how the model uses operators, by the types that onnx itself infers."""
    inferred = shape_inference.infer_shapes(model, strict_mode=True).graph
    kinds = {each.name: each.data_type for each in inferred.initializer}
    ports = (*inferred.input, *inferred.value_info, *inferred.output)
    kinds |= {each.name: each.type.tensor_type.elem_type for each in ports}
    for node in inferred.node:
        taken, made = ("".join(LETTERS[kinds[name]] for name in names) for names in (node.input, node.output))
        taken = f"{taken[0]}*" if node.op_type == "Concat" else taken
        made = f"{made[0]}*" if node.op_type == "Split" else made
        yield (node.domain, node.op_type, f"{taken}>{made}")
        for attribute in node.attribute:
            value = attribute.i if attribute.type == AttributeProto.INT else tuple(attribute.ints)
            looked_at = OPERATORS[node.domain, node.op_type].attributes[attribute.name] in ((), OPTIONAL)
            yield (node.domain, node.op_type, attribute.name, "" if looked_at else str(value))
        absent = OPERATORS[node.domain, node.op_type].attributes.keys() - {each.name for each in node.attribute}
        yield from ((node.domain, node.op_type, name, str(None)) for name in absent)


def admitted() -> Iterator[Use]:
    """Yield how the table admits that operators are used."""
    for (domain, name), operator in OPERATORS.items():
        for each in operator.types.split():
            taken, made = each.split(">")
            alternatives = made if "to" in operator.attributes else [made]
            yield from ((domain, name, f"{taken}>{letters}") for letters in alternatives)
        for attribute, values in operator.attributes.items():
            yield from ((domain, name, attribute, str(value)) for value in values)
            if values in ((), OPTIONAL):
                yield (domain, name, attribute, "")


def test_the_table_admits_what_is_written_and_no_more() -> None:
    models = [*more(), *(model for kind in KINDS for model in written_for(kind))]
    assert {use for model in models for use in uses(model)} == set(admitted())


def test_no_operator_on_the_list_takes_a_subgraph() -> None:
    for domain, name in OPERATORS:
        schema = onnx.defs.get_schema(name, domain=domain)
        kinds = {each.type for each in schema.attributes.values()}
        assert not kinds & {onnx.defs.OpSchema.AttrType.GRAPH, onnx.defs.OpSchema.AttrType.GRAPHS}, name
