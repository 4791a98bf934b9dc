"""Which estimators are made of trees, each with the file that reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from convert.errors import ConvertError
from convert.estimator.kinds import Kind, kind_of
from convert.graph.ensembles import (
    ada_boost,
    forests,
    gradient_boosting,
    hist_gradient_boosting,
    isolation,
    lightgbm,
    xgboost,
)
from convert.graph.trees import TreeEnsemble

READERS: dict[Kind, Callable[[Any], TreeEnsemble]] = {
    GradientBoostingClassifier: gradient_boosting.read_classifier,
    GradientBoostingRegressor: gradient_boosting.read_regressor,
    HistGradientBoostingClassifier: hist_gradient_boosting.read_classifier,
    HistGradientBoostingRegressor: hist_gradient_boosting.read_regressor,
    RandomForestClassifier: forests.read_forest_classifier,
    RandomForestRegressor: forests.read_forest_regressor,
    ExtraTreesClassifier: forests.read_forest_classifier,
    ExtraTreesRegressor: forests.read_forest_regressor,
    DecisionTreeClassifier: forests.read_tree_classifier,
    DecisionTreeRegressor: forests.read_tree_regressor,
    ExtraTreeClassifier: forests.read_tree_classifier,
    ExtraTreeRegressor: forests.read_tree_regressor,
    AdaBoostClassifier: ada_boost.read_classifier,
    AdaBoostRegressor: ada_boost.read_regressor,
    IsolationForest: isolation.read,
    "lightgbm.LGBMClassifier": lightgbm.read_classifier,
    "lightgbm.LGBMRegressor": lightgbm.read_regressor,
    "xgboost.XGBClassifier": xgboost.read_classifier,
    "xgboost.XGBRFClassifier": xgboost.read_classifier,
    "xgboost.XGBRegressor": xgboost.read_regressor,
    "xgboost.XGBRFRegressor": xgboost.read_regressor,
}
"""The reader of each estimator that is made of trees."""


def is_made_of_trees(estimator: Any) -> bool:
    """Whether there is a reader of the estimator's class."""
    return kind_of(estimator) in READERS


def read_whole(estimator: Any) -> TreeEnsemble:
    """Return the estimator's trees, as `read_trees` does; raise ConvertError if there is more to it than those."""
    ensemble = read_trees(estimator)
    if ensemble.init is not None:
        raise ConvertError(f"it starts from init={type(ensemble.init).__name__}, whose answer varies with the row")
    return ensemble


def read_trees(estimator: Any) -> TreeEnsemble:
    """Return the estimator's trees; raise ConvertError for one that is not made of trees, or not of known ones."""
    reader = READERS.get(kind_of(estimator))
    if reader is None:
        raise ConvertError(f"{type(estimator).__name__} is not an ensemble of trees: leave --strategy out")
    return reader(estimator)
