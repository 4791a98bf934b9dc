"""`verify`: a model file is the model that its estimator is, or not; its card says which from then on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from rich.console import Console

from convert.accepts import Accepts, ask
from convert.card import accepts_of
from convert.certificate import make_certificate
from convert.errors import ConvertError
from convert.estimator import as_input, load_estimator, task_of, width_of
from convert.model_file import read_card, read_model, write_model
from convert.parity import Candidate, compare
from convert.rows import EVERY_CELL, Rows, accepted_rows, row_sets
from convert.sample import Sample, beside, find_sample
from convert.strategies import STRATEGIES, tabulate
from convert.tables import difference_table, parity_table, verdict
from convert.thresholds import tree_thresholds


def verify(
    model: Path,
    onnx_file: Path,
    sample: Path | None,
    console: Console,
    *,
    report: Path | None = None,
    features: tuple[str, str] | None = None,
) -> bool:
    """Compare the model file with the estimator in `model`, print a table, certify it, and return whether they agree.

    The certificate, passed or not, becomes part of the file's card. Where a folder is given as `report`, a page goes
    there, which plots the two `features`.
    """
    if features is not None and report is None:
        raise ConvertError("--features chooses what the page plots: give its folder as --report")
    estimator = load_estimator(model)
    data = read_model(onnx_file)
    card = read_card(data)
    if report is not None:
        from convert.report import check_features  # here and below: matplotlib takes longer than the rest to import

        check_features(card, features)
    strategy = STRATEGIES.get(card["strategy"])
    if strategy is None:
        raise ConvertError(f"{onnx_file} was written by the strategy {card['strategy']!r}, which is unknown here")
    accepts = accepts_of(card)
    rows = find_sample(model, sample)
    if rows is not None:
        rows = rows.reordered(tuple(accepts))
    _check_card(estimator, card, onnx_file)
    thresholds = tree_thresholds(estimator)
    _check_range(estimator, thresholds, rows, model, console)
    if [strategy.accepts(asked) for asked in ask(estimator, rows)] != list(accepts.values()):
        raise ConvertError(f"{onnx_file} does not accept what the estimator accepts: export it again")
    if rows is not None:
        _check_refusals(estimator, rows, list(accepts.values()), console)
    sets = row_sets(thresholds, rows, list(accepts.values()))
    cells = [(EVERY_CELL, tabulate.every_cell(estimator))] if strategy.name == tabulate.NAME else []
    comparisons = compare(estimator, data, chain(sets, cells))
    console.print(parity_table(comparisons, strategy.tolerance))
    graph = onnx.load_from_string(data)
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    certificate = make_certificate(comparisons, strategy.tolerance, graph, digest)
    if not certificate["passed"]:
        console.print(difference_table(comparisons, strategy.tolerance, list(accepts)))
    console.print(verdict(certificate))
    write_model(onnx_file, graph, {**card, "certificate": certificate})
    if report is not None:
        from convert.report import write_report
        from convert.report.asks import asks

        card, (expected, actual) = {**card, "certificate": certificate}, asks(estimator, Candidate(data))
        page = write_report(
            report, card, comparisons, expected, actual, thresholds=thresholds, sample=rows, features=features
        )
        console.print(f"wrote {page} ({page.stat().st_size:,} bytes)", markup=False)
    return bool(certificate["passed"])


def _check_refusals(estimator: Any, sample: Sample, accepts: Sequence[Accepts], console: Console) -> None:
    """Raise ConvertError for a training row that the card refuses and the estimator does not."""
    refused = np.flatnonzero(~accepted_rows(sample.rows, accepts))
    for row in refused.tolist():
        try:
            estimator.predict(as_input(estimator, sample.rows[row : row + 1]))
        except ValueError:
            continue
        raise ConvertError(f"training row {row} is refused by the card, but not by the estimator: {sample.rows[row]}")
    if len(refused):
        console.print(f"{len(refused):,} training rows are left out: the estimator refuses them")


def _check_range(estimator: Any, found: Sequence[Rows], sample: Sample | None, model: Path, console: Console) -> None:
    """Say which rows can't be tried; raise ConvertError if nothing tells what range the features have."""
    thresholds = any(len(values) for values in found)
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
    if (takes, repr(labels)) != (width_of(estimator), repr(expected_labels)):
        raise ConvertError(
            f"{source} takes {takes} features and has the classes {labels},"
            f" the estimator takes {width_of(estimator)} and has {expected_labels}"
        )
