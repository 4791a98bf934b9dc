"""`verify`: a model file is the model that its estimator is, or not; its card says which from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from rich.console import Console

from convert.accepts import Accepts, ask
from convert.card import accepts_of
from convert.certificate import make_certificate
from convert.errors import ConvertError
from convert.estimator import load_estimator, task_of
from convert.model_file import read_card, read_model, write_model
from convert.parity import compare
from convert.rows import EVERY_CELL, Rows, row_sets
from convert.sample import Sample, beside, find_sample
from convert.strategies import STRATEGIES, tabulate
from convert.tables import difference_table, parity_table, verdict
from convert.thresholds import tree_thresholds


def verify(model: Path, onnx_file: Path, sample: Path | None, console: Console) -> bool:
    """Compare the model file with the estimator in `model`, print a table, certify it, and return whether they agree.

    The certificate, passed or not, becomes part of the file's card.
    """
    estimator = load_estimator(model)
    data = read_model(onnx_file)
    card = read_card(data)
    strategy = STRATEGIES[card["strategy"]]
    accepts = accepts_of(card)
    rows = find_sample(model, sample)
    if rows is not None:
        rows = rows.reordered(tuple(accepts))
    _check_card(estimator, card, onnx_file)
    _check_range(estimator, rows, model, console)
    if [strategy.accepts(asked) for asked in ask(estimator, rows)] != list(accepts.values()):
        raise ConvertError(f"{onnx_file} does not accept what the estimator accepts: export it again")
    comparisons = compare(estimator, data, _row_sets(estimator, rows, accepts, strategy.name))
    console.print(parity_table(comparisons, strategy.tolerance))
    graph = onnx.load_from_string(data)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    certificate = make_certificate(comparisons, strategy.tolerance, graph, digest)
    if not certificate["passed"]:
        console.print(difference_table(comparisons, strategy.tolerance, list(accepts)))
    console.print(verdict(certificate))
    write_model(onnx_file, graph, {**card, "certificate": certificate})
    return bool(certificate["passed"])


def _row_sets(
    estimator: Any, sample: Sample | None, accepts: dict[str, Accepts], strategy: str
) -> Iterator[tuple[str, Rows]]:
    yield from row_sets(estimator, sample, list(accepts.values()))
    if strategy == tabulate.NAME:
        yield EVERY_CELL, tabulate.every_cell(estimator)


def _check_range(estimator: Any, sample: Sample | None, model: Path, console: Console) -> None:
    """Say which rows can't be tried; raise ConvertError if nothing tells what range the features have."""
    thresholds = any(len(found) for found in tree_thresholds(estimator))
    if sample is None and not thresholds:
        name = type(estimator).__name__
        raise ConvertError(f"nothing tells the range of this {name}'s features: give its training rows as --sample")
    if sample is None:
        console.print(f"no training rows: {beside(model)} is not there, and no --sample was given")
    if not thresholds:
        console.print(f"no thresholds to try: a {type(estimator).__name__} shows none")


def _check_card(estimator: Any, card: dict[str, Any], source: Path) -> None:
    """Raise ConvertError if the card is of another estimator."""
    takes = len(card["features"])
    labels = card["classes"]["labels"] if card["task"] == "classification" else None
    expected_labels = estimator.classes_.tolist() if task_of(estimator) == "classification" else None
    if (takes, repr(labels)) != (estimator.n_features_in_, repr(expected_labels)):
        raise ConvertError(
            f"{source} takes {takes} features and has the classes {labels},"
            f" the estimator takes {estimator.n_features_in_} and has {expected_labels}"
        )
