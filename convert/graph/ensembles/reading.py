"""What reading the trees of any ensemble takes."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.estimator.refused import OUTPUTS
from convert.graph.trees import Tree


def read_tree(tree: Any, values: Floats, target: int = 0) -> Tree:
    """Return scikit-learn's `Tree` with `values` (nodes, outputs) on its leaves."""
    return Tree(
        feature=tree.feature.astype(np.int64),
        threshold=tree.threshold,
        left=tree.children_left.astype(np.int64),
        right=tree.children_right.astype(np.int64),
        missing_left=tree.missing_go_to_left.astype(bool),
        values=values,
        target=target,
    )


def refuse_other_members(estimator: Any, member: Any, expected: type) -> None:
    """Raise ConvertError for a member that is no `expected`."""
    if not isinstance(member, expected):
        raise ConvertError(
            f"{type(estimator).__name__} boosts {type(member).__name__}; it converts when it boosts {expected.__name__}"
        )


def refuse_one_class(estimator: Any) -> None:
    """Raise ConvertError for a classifier that knows a single class."""
    if len(estimator.classes_) < 2:
        raise ConvertError(
            f"this {type(estimator).__name__} has seen one class only,"
            f" {estimator.classes_.tolist()}: fit it on rows of two or more"
        )


def refuse_several_outputs(estimator: Any) -> None:
    """Raise ConvertError for an estimator that was fitted on several targets."""
    if estimator.n_outputs_ != 1:
        raise ConvertError(f"{type(estimator).__name__} is not converted: {': '.join(OUTPUTS)}")
