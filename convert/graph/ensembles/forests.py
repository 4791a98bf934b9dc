"""Decision trees, and forests of them.

Reading is exact: thresholds and leaf values are the estimator's own float64 numbers, in the order in which
scikit-learn adds them up. Each reader names the method of scikit-learn 1.9 that it follows.
"""

from __future__ import annotations

from typing import Any

from convert.graph.ensembles.reading import read_tree, refuse_several_outputs
from convert.graph.heads import Head, Shares, Sum
from convert.graph.trees import TreeEnsemble


def _forest(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow ForestClassifier.predict_proba and ForestRegressor.predict: the trees' sum, divided by their number."""
    refuse_several_outputs(estimator)
    trees = tuple(read_tree(member.tree_, member.tree_.value[:, 0, :]) for member in estimator.estimators_)
    return TreeEnsemble(trees, trees[0].values.shape[1], None, float(len(trees)), float32=True, head=head)


def read_forest_classifier(estimator: Any) -> TreeEnsemble:
    """Read RandomForestClassifier and ExtraTreesClassifier."""
    return _forest(estimator, Shares())


def read_forest_regressor(estimator: Any) -> TreeEnsemble:
    """Read RandomForestRegressor and ExtraTreesRegressor."""
    return _forest(estimator, Sum())


def _decision_tree(estimator: Any, head: Head) -> TreeEnsemble:
    """Follow BaseDecisionTree.predict and DecisionTreeClassifier.predict_proba."""
    refuse_several_outputs(estimator)
    tree = read_tree(estimator.tree_, estimator.tree_.value[:, 0, :])
    return TreeEnsemble((tree,), tree.values.shape[1], None, None, float32=True, head=head)


def read_tree_classifier(estimator: Any) -> TreeEnsemble:
    """Read DecisionTreeClassifier and ExtraTreeClassifier."""
    return _decision_tree(estimator, Shares())


def read_tree_regressor(estimator: Any) -> TreeEnsemble:
    """Read DecisionTreeRegressor and ExtraTreeRegressor."""
    return _decision_tree(estimator, Sum())
