"""The insides of LightGBM and XGBoost: all that is read or set of them that is private.

As in `insides.py`, each function names the attribute, and where LightGBM 4.7 or XGBoost 3.4 makes it.
"""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import LabelEncoder


def lightgbm_pairs(text: str) -> dict[str, str]:
    """Return what LightGBM's text has in front of its first empty line, by what is in front of each line's first =."""
    lines = text.strip("\n").split("\n\n")[0].splitlines()
    return {key: value for key, _, value in (line.partition("=") for line in lines)}


def lightgbm_estimator(booster: Any, objective: str, classes: int) -> Any:
    """Return a booster of LightGBM as an estimator with that many classes, 0 for a regressor.

    What `LGBMModel.fit` and `LGBMClassifier.fit` of lightgbm/sklearn.py leave behind.
    """
    import lightgbm

    estimator = lightgbm.LGBMClassifier() if classes else lightgbm.LGBMRegressor()
    estimator._Booster, estimator._objective, estimator.fitted_ = booster, objective, True
    estimator._best_iteration = booster.best_iteration
    estimator._n_features = estimator._n_features_in = booster.num_feature()
    numbered = [f"Column_{place}" for place in range(booster.num_feature())]
    estimator._fitted_with_feature_names = booster.feature_name() != numbered
    if classes:
        estimator._le = LabelEncoder().fit(np.arange(classes))
        estimator._classes, estimator._n_classes = estimator._le.classes_, classes
    return estimator


def lightgbm_trees(estimator: Any) -> Any:
    """Return an estimator of LightGBM of the same trees, to be given numbers of categories, in arrays.

    ``_fitted_with_feature_names``, made by `LGBMModel.fit` of lightgbm/sklearn.py.
    """
    trees = copy.copy(estimator)
    trees._fitted_with_feature_names = False
    return trees


def xgboost_booster(estimator: Any) -> Any:
    """Return the trees of an estimator of XGBoost that it predicts with: those of the best iteration, if it knows one.

    `_get_iteration_range` of xgboost/sklearn.py.
    """
    booster, (first, last) = estimator.get_booster(), estimator._get_iteration_range(None)
    return booster[first:last] if last else booster


def xgboost_document(booster: Any) -> Any:
    """Return the JSON that XGBoost writes of a model."""
    return json.loads(bytes(booster.save_raw("json")))


def xgboost_categories(estimator: Any) -> dict[int, list[Any]]:
    """Return the categories that an estimator of XGBoost was fitted on as pandas has them, by the places of columns.

    ``cats`` of its JSON, which `CatContainer::Save` of src/data/cat_container.cc writes.
    """
    model = xgboost_document(estimator.get_booster())["learner"]["gradient_booster"]["model"]
    every = [_decoded(each) for each in model.get("cats", {}).get("enc", [])]  # of a linear model there are none
    return {place: categories for place, categories in enumerate(every) if categories}


def _decoded(column: dict[str, Any]) -> list[Any]:
    """Return the categories of a column: numbers, or strings that lie one behind the other."""
    if "offsets" not in column:
        return list(column["values"])
    text, ends = np.array(column["values"]).astype(np.uint8).tobytes(), column["offsets"]
    return [text[start:end].decode() for start, end in itertools.pairwise(ends)]


def xgboost_start(booster: Any) -> NDArray[np.float64]:
    """Return what the sums of XGBoost start with, (sums,): what it answers where each leaf is 0.

    It is what `ProbToMargin` makes of ``base_score``, in float32.
    """
    import xgboost

    document = xgboost_document(booster)
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        children, numbers = tree["left_children"], tree["split_conditions"]
        tree["split_conditions"] = [
            0.0 if left == -1 else number for left, number in zip(children, numbers, strict=True)
        ]
    empty = xgboost.Booster(model_file=bytearray(json.dumps(document).encode()))
    empty.feature_names = empty.feature_types = None
    row = xgboost.DMatrix(np.full((1, empty.num_features()), np.nan))
    return np.asarray(empty.predict(row, output_margin=True), dtype=np.float64).reshape(-1)
