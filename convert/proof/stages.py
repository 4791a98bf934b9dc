"""The parts of a fitted estimator, each with what it is given: from rows of features to rows of its own input."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, StackingClassifier, StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion, Pipeline

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.encoded import encoder_and_trees
from convert.estimator.features import Floats
from convert.estimator.fitted import flat
from convert.estimator.insides import Calibrated
from convert.estimator.members import members_of
from convert.graph.ensembles.table import is_made_of_trees, read_trees
from convert.graph.transformers.layouts import SideBySide, passes
from convert.graph.transforms import is_exact, layout_of
from convert.oracle.oracle import Oracle

type Inputs = Callable[[Floats], Any]
"""Makes of rows (n, features) what a part is given, (n, columns): an array, a sparse matrix or a table."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of an estimator.

    exact: whether a graph may be expected to compute `inputs` to the last bit, as it does behind the transformers that
    are written so, and not behind sums, whose last bits depend on the order of the terms.
    first: whether it is given the rows themselves.
    """

    part: Any
    inputs: Inputs
    exact: bool
    first: bool = False

    def outputs(self) -> Inputs:
        """Return what makes of rows that which the part, a transformer, makes of them."""
        return lambda rows: self.part.transform(self.inputs(rows))


def stages_of(oracle: Oracle) -> list[Stage]:
    """Return the parts of the oracle's estimator, itself first, whose input can be told."""
    return list(_walk(Stage(oracle.estimator, oracle.as_input, True, first=True)))


def _walk(stage: Stage) -> Iterator[Stage]:
    encoded = encoder_and_trees(stage.part)
    if encoded is not None:
        yield from (each for inner in _in_turn(stage, encoded) for each in _walk(inner))
        return
    if is_made_of_trees(stage.part):
        inner = _members(stage, [_started_from(stage.part)])
        stage = _as_trees_see_it(stage)
    else:
        inner = next(
            (follow(stage) for kind, follow in FOLLOWERS.items() if isinstance(stage.part, kind)), _alike(stage)
        )
    yield stage
    for each in inner:
        yield from _walk(each)


def _started_from(ensemble: Any) -> Any:
    """Return the estimator that gradient boosting starts from, if its answer varies."""
    try:
        return read_trees(ensemble).init
    except ConvertError:
        return getattr(ensemble, "init_", None)


def _as_trees_see_it(stage: Stage) -> Stage:
    """Return the stage with what its trees compare with thresholds: float32, mostly."""
    try:
        float32 = read_trees(stage.part).float32
    except ConvertError:
        float32 = True
    if not (float32 and stage.exact):
        return stage
    return replace(stage, inputs=lambda rows: _dense(stage.inputs(rows)).astype(np.float32))


def _alike(stage: Stage) -> Iterator[Stage]:
    """Yield the fitted estimators within another that are as wide as it is: they are given what it is given."""
    yield from _members(stage, [part for value in getattr(stage.part, "__dict__", {}).values() for part in flat(value)])


def _members(stage: Stage, parts: list[Any]) -> Iterator[Stage]:
    width, seen = _width_of(stage.part), set()
    for part in parts:
        if id(part) not in seen and _width_of(part) is not None and width in {None, _width_of(part)}:
            seen.add(id(part))
            yield replace(stage, part=part)


def _width_of(part: Any) -> int | None:
    try:
        width: int | None = part.n_features_in_
    except (AttributeError, NotFittedError):
        return None
    return width


def _pipeline(stage: Stage) -> Iterator[Stage]:
    return _in_turn(stage, [step for _, step in stage.part.steps])


def _in_turn(stage: Stage, steps: Sequence[Any]) -> Iterator[Stage]:
    for step in steps:
        if passes(step):
            continue
        stage = replace(stage, part=step)
        yield stage
        stage = Stage(step, stage.outputs(), stage.exact and is_exact(step))


def _side_by_side(stage: Stage) -> Iterator[Stage]:
    layout = layout_of(stage.part)
    for part in layout.parts if isinstance(layout, SideBySide) else ():
        if passes(part.transformer):
            continue
        if part.columns is None:
            yield replace(stage, part=part.transformer)
        else:
            yield Stage(part.transformer, _chosen_of(stage, list(part.columns)), stage.exact)


def _bagging(stage: Stage) -> Iterator[Stage]:
    for part, columns in members_of(stage.part):
        yield Stage(part, _chosen(stage.inputs, list(columns or ())), stage.exact)


def _stacking(stage: Stage) -> Iterator[Stage]:
    yield from (replace(stage, part=part) for part in stage.part.estimators_)
    yield Stage(stage.part.final_estimator_, stage.outputs(), False)


def _calibration(stage: Stage) -> Iterator[Stage]:
    for member in stage.part.calibrated_classifiers_:
        yield from _calibrated(stage, insides.calibrated(member))


def _calibrated(stage: Stage, part: Calibrated) -> Iterator[Stage]:
    """Follow _CalibratedClassifier.predict_proba: a calibrator is given a column of scores."""
    yield replace(stage, part=part.estimator)
    method = "decision_function" if hasattr(part.estimator, "decision_function") else "predict_proba"

    def scores(rows: Floats) -> Any:
        found = getattr(part.estimator, method)(stage.inputs(rows))
        if len(part.calibrators) > 1:
            return found
        return found[:, 1:] if found.ndim > 1 else found[:, np.newaxis]

    for column, calibrator in enumerate(part.calibrators):
        yield Stage(calibrator, _chosen(scores, [column]), False)


def _chosen_of(stage: Stage, indices: list[int]) -> Inputs:
    """Return some of the columns that a transformer is given: by name, if it knows those: others may be lacking."""
    names = getattr(stage.part, "feature_names_in_", None)
    if names is None:
        return _chosen(stage.inputs, indices)

    def chosen(rows: Floats) -> Any:
        made = stage.inputs(rows)
        return made[[names[index] for index in indices]] if hasattr(made, "iloc") else made[:, indices]

    return chosen


def _chosen(inputs: Inputs, indices: Any) -> Inputs:
    def chosen(rows: Floats) -> Any:
        made = inputs(rows)
        return made.iloc[:, indices] if hasattr(made, "iloc") else made[:, indices]

    return chosen


def _dense(made: Any) -> Any:
    return made.toarray() if hasattr(made, "toarray") else np.asarray(made)


FOLLOWERS: dict[type, Callable[[Stage], Iterator[Stage]]] = {
    Pipeline: _pipeline,
    ColumnTransformer: _side_by_side,
    FeatureUnion: _side_by_side,
    BaggingClassifier: _bagging,
    BaggingRegressor: _bagging,
    CalibratedClassifierCV: _calibration,
    StackingClassifier: _stacking,
    StackingRegressor: _stacking,
}
