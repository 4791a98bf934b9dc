"""`verify`: a model file is the model that its estimator is, or not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
from rich.console import Console

from convert.card import KEY
from convert.errors import ConvertError
from convert.estimator import load_estimator, task_of
from convert.parity import TOLERANCE, compare
from convert.sample import find_sample
from convert.seal import check_seal
from convert.tables import difference_table, parity_table


def verify(model: Path, onnx_file: Path, sample: Path | None, console: Console) -> bool:
    """Compare the model file with the estimator in `model`, print a table, and return whether they agree."""
    estimator = load_estimator(model)
    try:
        data = onnx_file.read_bytes()
    except OSError as error:
        raise ConvertError(f"{onnx_file}: {error.strerror}") from error
    check_seal(data, str(onnx_file))
    names = _check_card(estimator, data, onnx_file)
    rows = find_sample(model, sample)
    if rows is None:
        console.print(f"no training rows: {model.with_suffix('.csv')} is not there, and no --sample was given")
    comparisons = compare(estimator, data, rows)
    console.print(parity_table(comparisons))
    agree = not any(comparison.failed.any() for comparison in comparisons)
    if agree:
        console.print(f"[green]the same model[/]: labels equal, differences within {TOLERANCE:g}")
    else:
        console.print(difference_table(comparisons, names))
        console.print(f"[red]not the same model[/]: labels must be equal, differences within {TOLERANCE:g}")
    return agree


def _check_card(estimator: Any, data: bytes, source: Path) -> list[str]:
    """Return the names of the features; raise ConvertError if the card is of another kind of estimator."""
    properties = {entry.key: entry.value for entry in onnx.load_from_string(data).metadata_props}
    card = json.loads(properties[KEY])
    names = [feature["name"] for feature in card["features"]]
    labels = card["classes"]["labels"] if card["task"] == "classification" else None
    expected_labels = estimator.classes_.tolist() if task_of(estimator) == "classification" else None
    if (len(names), labels) != (estimator.n_features_in_, expected_labels):
        raise ConvertError(
            f"{source} takes {len(names)} features and has the classes {labels},"
            f" the estimator takes {estimator.n_features_in_} and has {expected_labels}"
        )
    return names
