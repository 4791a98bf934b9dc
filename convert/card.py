"""The card that a model file carries. docs/card.schema.json is its schema, lambda_fn/ reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import skl2onnx

from convert import estimator as estimators

FORMAT_VERSION = 1
KEY = "card"


def make_card(
    estimator: Any, *, name: str, features: tuple[str, ...], strategy: str, created_at: datetime
) -> Mapping[str, Any]:
    """Return the card of `estimator`, of JSON values only."""
    task = estimators.task_of(estimator)
    card: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "task": task,
        "estimator": type(estimator).__name__,
        "strategy": strategy,
        "features": [{"name": feature, "type": "float"} for feature in features],
        "refuses": ["nan", "infinity", "beyond_float32"],
        "versions": {
            "scikit-learn": estimators.version(),
            "skl2onnx": skl2onnx.__version__,
            "onnx": onnx.__version__,
            "numpy": np.__version__,
        },
        "created_at": created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if task == "classification":
        card["classes"] = {"type": estimators.label_type(estimator.classes_), "labels": estimator.classes_.tolist()}
    return card


def creation_time(model: Path) -> datetime:
    """Return SOURCE_DATE_EPOCH if it is set, else when the estimator's file was written.

    Not the time of the export: the same estimator exports to the same bytes.
    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch) if epoch else int(model.stat().st_mtime), UTC)
