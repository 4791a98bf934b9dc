"""The card that a model file carries. docs/card.schema.json is its schema, lambda_fn/ reads it."""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convert.errors import ConvertError
from convert.estimator.features import Feature
from convert.estimator.fitted import label_type
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle

FORMAT_VERSION = 1
"""The version of the format that is written. When to raise it, and what else changes then: lambda_fn/model/card.py."""

NOTHING: Mapping[str, Any] = {}


def make_card(
    oracle: Oracle,
    accepts: Sequence[Accepts],
    *,
    name: str,
    strategy: str,
    created_at: datetime,
    told: Mapping[str, Any] = NOTHING,
) -> Mapping[str, Any]:
    """Return the card of the estimator, of JSON values only.

    accepts: what the model takes, feature by feature. told: members that tell of the sample; none for what is empty.
    """
    card: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "name": name,
        "task": oracle.task,
        "estimator": type(oracle.estimator).__name__,
        "strategy": strategy,
        "features": [_member(feature, each) for feature, each in zip(oracle.features, accepts, strict=True)],
        "versions": library_versions(),
        "created_at": created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if oracle.task == "classification":
        card["classes"] = {"type": label_type(oracle.classes), "labels": oracle.classes.tolist()}
    return card | {member: value for member, value in told.items() if value}


def _member(feature: Feature, accepts: Accepts) -> dict[str, Any]:
    """Return what the card says of a feature; whole numbers from low to high need not be listed."""
    member: dict[str, Any] = {"name": feature.name, "type": feature.type}
    if feature.dropped:
        return {**member, "dropped": True, "accepts": {"nan": True, "low": None, "high": None}}
    if feature.dtype != "float64":
        member["dtype"] = feature.dtype
    if feature.type == "str":
        member["categories"] = list(feature.categories)
    accepted: dict[str, Any] = {"nan": accepts.nan, "low": accepts.low, "high": accepts.high}
    if accepts.values and (feature.type == "float" or accepts.values != _whole(accepted)):
        accepted["values"] = list(accepts.values)
    return {**member, "accepts": accepted}


def _whole(accepted: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(float(number) for number in range(int(accepted["low"]), int(accepted["high"]) + 1))


def library_versions() -> dict[str, str]:
    """Return the versions of what a conversion depends on."""
    return {name: importlib.metadata.version(name) for name in ("scikit-learn", "skl2onnx", "onnx", "numpy")}


def companions_of(card: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of each companion that a card names, by its role."""
    return {role: member["sha256"] for role, member in card.get("companions", {}).items()}


def accepts_of(card: Mapping[str, Any]) -> dict[str, Accepts]:
    """Return what each feature accepts, by name and in order."""
    found = {}
    for feature in card["features"]:
        accepted = feature["accepts"]
        values = accepted.get("values") or (() if feature["type"] == "float" else _whole(accepted))
        found[feature["name"]] = Accepts(**{**accepted, "values": tuple(values)})
    return found


def creation_time(model: Path) -> datetime:
    """Return SOURCE_DATE_EPOCH if it is set, else when the estimator's file was written.

    Not the time of the export: the same estimator exports to the same bytes.
    See https://reproducible-builds.org/specs/source-date-epoch/.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or str(int(model.stat().st_mtime))
    if not epoch.isdecimal():
        raise ConvertError(f"SOURCE_DATE_EPOCH is a number of seconds since 1970, not {epoch!r}")
    return datetime.fromtimestamp(int(epoch), UTC)
