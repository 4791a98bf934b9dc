"""`verify`: a model file is the model that its estimator is, or not; its card says which from then on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from convert.errors import ConvertError, listed
from convert.estimator.features import Floats
from convert.estimator.fitted import classes_of, load_estimator, task_of, width_of
from convert.graph.ensembles.table import is_made_of_trees
from convert.model_file.card import companions_of, make_card
from convert.model_file.companions import MANY_ROWS, digest, read_companions
from convert.model_file.disk import read_card, read_model, write_model
from convert.model_file.service import Service
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.oracle.sample import beside, find_table
from convert.oracle.thresholds import tree_thresholds
from convert.proof.certificate import make_certificate
from convert.proof.own_table import check_own_table
from convert.proof.parity import BothGraphs, Candidate, Comparison, compare_answers
from convert.proof.refusals import compare_refusals, refused_together
from convert.proof.rows import EVERY_CELL, RANDOM_ROWS, SERVED, accepted_rows, edge_sets, row_sets, some_of_each
from convert.proof.tables import difference_table, parity_table, verdict
from convert.strategies import tabulate
from convert.strategies.table import STRATEGIES, Strategy


def verify(
    model: Path,
    onnx_file: Path,
    sample: Path | None,
    console: Console,
    *,
    report: Path | None = None,
    features: tuple[str, str] | None = None,
    random_rows: int = RANDOM_ROWS,
) -> bool:
    """Compare the model file with the estimator in `model`, print a table, certify it, and return whether they agree.

    The certificate, passed or not, becomes part of the file's card. Where a folder is given as `report`, a page goes
    there, which plots the two `features`. Fewer `random_rows` show less, sooner.
    """
    if features is not None and report is None:
        raise ConvertError("--features chooses what the page plots: give its folder as --report")
    data = read_model(onnx_file)
    card, graph = read_card(data), onnx.load_from_string(data)
    if report is not None:
        from convert.proof.report.axes import check_features  # here: other calls do without the page

        check_features(card, features)
    strategy = STRATEGIES.get(card["strategy"])
    if strategy is None:
        raise ConvertError(f"{onnx_file} was written by the strategy {card['strategy']!r}, which is unknown here")
    oracle = _oracle_of(model, sample, card, onnx_file)
    accepts = _accepted(oracle, strategy, card, onnx_file)
    beside = read_companions(onnx_file, card)
    with Service(data, beside.values()) as service:
        candidate = _candidate(graph, beside, card, oracle)
        sets = _sets_to_try(oracle, candidate, strategy, accepts, model, console, random_rows)
        comparisons = _compare_with_progress(oracle, candidate, service, sets, console)
        refusals = compare_refusals(oracle, accepts, service)
    refusals.differing.extend(refused_together(comparisons))
    certificate = make_certificate(
        comparisons, refusals, strategy.tolerance, graph, digest(model.read_bytes()), companions_of(card)
    )
    console.print(parity_table(comparisons, refusals, strategy.tolerance))
    if not certificate["passed"]:
        console.print(difference_table(comparisons, strategy.tolerance, oracle.features))
        console.print(*refusals.differing, sep="\n")
    console.print(verdict(certificate))
    write_model(onnx_file, graph, {**card, "certificate": certificate})
    if report is not None:
        _write_page(report, {**card, "certificate": certificate}, oracle, graph, comparisons, features, console)
    return bool(certificate["passed"])


def _candidate(
    graph: onnx.ModelProto, beside: Mapping[str, bytes], card: Mapping[str, Any], oracle: Oracle
) -> Candidate | BothGraphs:
    """Return the graph, to be run, or it and the one for many rows."""
    candidate = Candidate(graph, oracle.rounded)
    if MANY_ROWS not in beside:
        return candidate
    many = onnx.load_from_string(beside[MANY_ROWS])
    return BothGraphs(candidate, Candidate(many, oracle.rounded, card["companions"][MANY_ROWS]["batch_rows"]))


def _oracle_of(model: Path, sample: Path | None, card: dict[str, Any], source: Path) -> Oracle:
    """Return the estimator, its features named as in the card; raise ConvertError if it is another one."""
    estimator = load_estimator(model)
    _check_kind(estimator, card, source)
    return Oracle(estimator, find_table(model, sample), tuple(feature["name"] for feature in card["features"]))


def _accepted(oracle: Oracle, strategy: Strategy, card: dict[str, Any], source: Path) -> list[Accepts]:
    """Return what the model takes, feature by feature; raise ConvertError if the card says otherwise."""
    accepts = strategy.accepts(oracle)
    fresh = make_card(oracle, accepts, name=card["name"], strategy=card["strategy"], created_at=datetime.now(UTC))
    if fresh["features"] != card["features"]:
        raise ConvertError(f"{source} does not take what the estimator takes: export it again")
    return accepts


def _sets_to_try(
    oracle: Oracle,
    candidate: Candidate | BothGraphs,
    strategy: Strategy,
    accepts: Sequence[Accepts],
    model: Path,
    console: Console,
    random_rows: int,
) -> list[tuple[str, Floats]]:
    """Return the sets of rows to compare on, each with its name; say which there can't be."""
    thresholds = tree_thresholds(oracle)
    _check_range(oracle, thresholds, model, console)
    _check_training_rows(oracle, accepts, console)
    told = check_own_table(oracle, accepts)
    if told is not None:
        console.print(told)
    sets = list(row_sets(oracle, accepts, thresholds, random_rows))
    sets += edge_sets(oracle, candidate, accepts, thresholds, 0.0 if strategy.exact else strategy.tolerance)
    if strategy.name == tabulate.NAME:
        sets.append((EVERY_CELL, tabulate.every_cell(oracle)))
    return sets


def _write_page(
    folder: Path,
    card: dict[str, Any],
    oracle: Oracle,
    graph: onnx.ModelProto,
    comparisons: Sequence[Comparison],
    features: tuple[str, str] | None,
    console: Console,
) -> None:
    """Write the page that shows the comparison into `folder`, and say where it is."""
    from convert.proof.report.asks import asks
    from convert.proof.report.report import write_report  # here: matplotlib takes longer than the rest to import

    thresholds, (expected, actual) = tree_thresholds(oracle), asks(oracle, Candidate(graph, oracle.rounded))
    page = write_report(
        folder, card, comparisons, expected, actual, thresholds=thresholds, sample=oracle.sample, features=features
    )
    console.print(f"wrote {page} ({page.stat().st_size:,} bytes)", markup=False, soft_wrap=True)


def _compare_with_progress(
    oracle: Oracle,
    candidate: Candidate | BothGraphs,
    service: Service,
    sets: Sequence[tuple[str, Floats]],
    console: Console,
) -> list[Comparison]:
    """Compare with the candidate, and with the service; on a terminal a bar shows how many of the rows are done."""
    served = [(SERVED, some_of_each(sets, service.most_rows))]
    columns = (TextColumn("comparing"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=sum(len(rows) for _, rows in [*sets, *served]))
        advance = partial(progress.advance, task)
        comparisons = compare_answers(oracle, candidate, sets, advance)
        return comparisons + compare_answers(oracle, service, served, advance)


def _check_training_rows(oracle: Oracle, accepts: Sequence[Accepts], console: Console) -> None:
    """Raise ConvertError for a training row that the card refuses and the estimator does not."""
    if oracle.sample is None:
        return
    refused = np.flatnonzero(~accepted_rows(oracle.sample.rows, accepts))
    for row in refused.tolist():
        try:
            oracle.predict(oracle.sample.rows[row : row + 1])
        except (ValueError, TypeError):
            continue
        raise ConvertError(f"row {row} of the sample is refused by the card, but not by the estimator")
    if len(refused):
        console.print(f"{len(refused):,} training rows are left out: the estimator refuses them")


def _check_range(oracle: Oracle, found: Sequence[Floats], model: Path, console: Console) -> None:
    """Say which rows can't be tried; raise ConvertError if nothing tells what range the features have."""
    name, thresholds = type(oracle.last).__name__, any(len(values) for values in found)
    known = any(len(oracle.categories(column)) for column in range(len(oracle.features)))
    if oracle.sample is None and not thresholds and not known and not is_made_of_trees(oracle.last):
        raise ConvertError(f"nothing tells the range of this {name}'s features: give its training rows as --sample")
    if oracle.sample is None:
        console.print(f"no training rows: {beside(model)} is not there, and no --sample was given")
    if not thresholds:
        console.print(f"no thresholds to try: a {name} shows none")


def _check_kind(estimator: Any, card: dict[str, Any], source: Path) -> None:
    """Raise ConvertError if the card is of another estimator."""
    takes = len(card["features"])
    labels = card["classes"]["labels"] if card["task"] == "classification" else None
    expected_labels = classes_of(estimator).tolist() if task_of(estimator) == "classification" else None
    if (takes, repr(labels)) != (width_of(estimator), repr(expected_labels)):
        raise ConvertError(
            f"{source} takes {takes} features and has the classes {listed(labels or ['none'])}, the estimator takes"
            f" {width_of(estimator)} and has {listed(expected_labels or ['none'])}"
        )
