"""The card that a model file carries. docs/card.schema.json is its schema, lambda_fn/ reads it."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convert import estimator as estimators
from convert.accepts import Accepts
from convert.errors import ConvertError

FORMAT_VERSION = 1


def make_card(
    estimator: Any, *, name: str, features: Mapping[str, Accepts], strategy: str, created_at: datetime
) -> Mapping[str, Any]:
    """Return the card of `estimator`, of JSON values only; `features` are what it accepts, by name and in order."""
    task = estimators.task_of(estimator)
    card: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "task": task,
        "estimator": type(estimator).__name__,
        "strategy": strategy,
        "features": [
            {"name": feature, "type": "float", "accepts": asdict(accepts)} for feature, accepts in features.items()
        ],
        "versions": library_versions(),
        "created_at": created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if task == "classification":
        card["classes"] = {"type": estimators.label_type(estimator.classes_), "labels": estimator.classes_.tolist()}
    return card


def library_versions() -> dict[str, str]:
    """Return the versions of what a conversion depends on."""
    return {name: importlib.metadata.version(name) for name in ("scikit-learn", "skl2onnx", "onnx", "numpy")}


def accepts_of(card: Mapping[str, Any]) -> dict[str, Accepts]:
    """Return what each feature accepts, by name and in order."""
    return {feature["name"]: Accepts(**feature["accepts"]) for feature in card["features"]}


def creation_time(model: Path) -> datetime:
    """Return SOURCE_DATE_EPOCH if it is set, else when the estimator's file was written.

    Not the time of the export: the same estimator exports to the same bytes.
    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or str(int(model.stat().st_mtime))
    if not epoch.isdecimal():
        raise ConvertError(f"SOURCE_DATE_EPOCH is a number of seconds since 1970, not {epoch!r}")
    return datetime.fromtimestamp(int(epoch), UTC)
