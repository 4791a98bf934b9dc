"""`verify`: a model file is the model that its estimator is, or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from convert.accepts import Accepts
from convert.card import accepts_of, read_card
from convert.errors import ConvertError
from convert.estimator import load_estimator, task_of
from convert.parity import TOLERANCE, compare, tree_thresholds
from convert.sample import beside, find_sample
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
    accepts = _check_card(estimator, data, onnx_file)
    names = list(accepts)
    rows = find_sample(model, sample)
    thresholds = any(len(found) for found in tree_thresholds(estimator))
    if rows is not None:
        rows = rows.reordered(tuple(names))
    elif thresholds:
        console.print(f"no training rows: {beside(model)} is not there, and no --sample was given")
    else:
        raise ConvertError(
            f"nothing tells the range of this {type(estimator).__name__}'s features: give its training rows as --sample"
        )
    if not thresholds:
        console.print(f"no thresholds to try: a {type(estimator).__name__} shows none")
    comparisons = compare(estimator, data, rows, list(accepts.values()))
    console.print(parity_table(comparisons))
    agree = not any(comparison.failed.any() for comparison in comparisons)
    if agree:
        console.print(f"[green]the same model[/]: labels equal, differences within {TOLERANCE:g}")
    else:
        console.print(difference_table(comparisons, names))
        console.print(f"[red]not the same model[/]: labels must be equal, differences within {TOLERANCE:g}")
    return agree


def _check_card(estimator: Any, data: bytes, source: Path) -> dict[str, Accepts]:
    """Return what each feature accepts, by name; raise ConvertError if the card is of another estimator."""
    card = read_card(data)
    accepts = accepts_of(card)
    labels = card["classes"]["labels"] if card["task"] == "classification" else None
    expected_labels = estimator.classes_.tolist() if task_of(estimator) == "classification" else None
    if (len(accepts), repr(labels)) != (estimator.n_features_in_, repr(expected_labels)):
        raise ConvertError(
            f"{source} takes {len(accepts)} features and has the classes {labels},"
            f" the estimator takes {estimator.n_features_in_} and has {expected_labels}"
        )
    return accepts
