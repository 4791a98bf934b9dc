"""LightGBM's and XGBoost's own files, and what is in them, as the estimators of scikit-learn's kind that they are.

What a booster answers depends on its objective: a classifier's labels are 0, 1 and so on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from convert.errors import ConvertError
from convert.estimator import booster_insides
from convert.estimator.kinds import kind_of

LABELLING = (
    "binary",
    "multiclass",
    "multiclassova",
    "multi:softprob",
    "multi:softmax",
    "binary:logistic",
    "binary:hinge",
)
"""The objectives whose answers tell of classes."""


def estimator_of(booster: Any) -> Any:
    """Return a booster of LightGBM or XGBoost as a classifier or a regressor; anything else as it is."""
    make = BOOSTERS.get(str(kind_of(booster)))
    return booster if make is None else make(booster)


def _of_lightgbm(booster: Any) -> Any:
    pairs = booster_insides.lightgbm_pairs(booster.model_to_string(num_iteration=1))
    objective = pairs.get("objective", "custom").split()[0]
    classes = max(2, int(pairs["num_class"])) if objective in LABELLING else 0
    return booster_insides.lightgbm_estimator(booster, objective, classes)


def _of_xgboost(booster: Any) -> Any:
    import xgboost

    config = json.loads(booster.save_config())
    labels = config["learner"]["objective"]["name"] in LABELLING
    estimator = xgboost.XGBClassifier() if labels else xgboost.XGBRegressor()
    estimator.load_model(booster.save_raw("json"))
    return estimator


BOOSTERS: Mapping[str, Callable[[Any], Any]] = {
    "lightgbm.Booster": _of_lightgbm,
    "xgboost.Booster": _of_xgboost,
}


def read_lightgbm(path: Path) -> Any:
    """Read the text of `Booster.save_model`; raise ConvertError if it is none."""
    import lightgbm

    text = path.read_text(encoding="utf-8")
    if not text.startswith("tree\n"):
        raise ConvertError(f"{path} is not the text of a LightGBM model: it begins with {text[:20]!r}, not with 'tree'")
    try:
        return lightgbm.Booster(model_str=text)
    except lightgbm.basic.LightGBMError as error:
        raise ConvertError(f"{path} is no model of LightGBM: {error}: write it with save_model") from error


def read_xgboost(path: Path) -> Any:
    """Read the JSON, or binary JSON, of `save_model`; raise ConvertError if it is none."""
    import xgboost

    try:
        return xgboost.Booster(model_file=bytearray(path.read_bytes()))
    except xgboost.core.XGBoostError as error:
        raise ConvertError(f"{path} is no model of XGBoost: write it with save_model, or with joblib") from error


OWN_FILES: Mapping[str, Callable[[Path], Any]] = {
    ".txt": read_lightgbm,
    ".json": read_xgboost,
    ".ubj": read_xgboost,
}
"""By the ending of its name, what reads a file of another package than joblib, pickle and skops."""
