"""The page itself: its words and tables, around the plots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from convert.page.plot import Plot, number
from convert.page.render import rendered
from convert.proof.parity import Comparison
from convert.proof.report.axes import shown_value

SHOWN = 20
"""How many differing rows are listed; the count names them all."""


@dataclass(frozen=True, slots=True)
class Plots:
    """What the page shows.

    held: the features that the slices do not show, with the value that they have there.
    refusal: why there are no slices, or nothing.
    """

    histogram: Plot
    scatter: Plot
    slices: Sequence[Plot]
    held: Sequence[tuple[str, str]]
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headline: `kind` is ``proved``, ``tested`` or ``failed``."""

    kind: str
    mark: str
    title: str
    text: str


def render(card: Mapping[str, Any], comparisons: Sequence[Comparison], plots: Plots) -> str:
    """Return the page; all that comes from card and rows is escaped."""
    certificate = card["certificate"]
    differing = sum(int(each.failed(certificate["tolerance"]).sum()) for each in comparisons)
    return rendered(
        "proof/report/page.html",
        card=card,
        certificate=certificate,
        verdict=verdict(card, differing),
        asked=_asked(card),
        facts=list(_facts(card)),
        sets=[_set_line(card, comparison) for comparison in comparisons],
        total=_total(card),
        names=[feature["name"] for feature in card["features"]],
        differing=list(_differing(card, comparisons)),
        differing_total=differing,
        plots=plots,
        number=number,
    )


def verdict(card: Mapping[str, Any], differing: int) -> Verdict:
    """Return the certificate as a headline and a sentence; `differing` rows are beyond what is allowed."""
    certificate = card["certificate"]
    tried = f"{sum(certificate['rows'].values()):,} rows"
    if not certificate["passed"]:
        labels = f", {certificate['label_differences']:,} of them in the label" if card["task"] != "regression" else ""
        text = f"Of {tried} that were tried, {differing:,} differ by more than is allowed{labels}."
        return Verdict("failed", "✘", "NOT the same model", f"{text} {_asked(card)}")
    if certificate["kind"] == "proved":
        text = f"Every cell of the model's table was compared with scikit-learn, {tried} in all: no bit differs."
        return Verdict("proved", "✔", "The same model, proved", text)
    labels = "" if card["task"] == "regression" else ", no label differs"
    largest = number(certificate["largest_difference"])
    text = f"{tried} were tried{labels}, the largest difference is {largest}. {_asked(card)}"
    return Verdict("tested", "✔", "The same model, as far as tested", text)


def _asked(card: Mapping[str, Any]) -> str:
    """Return what a model has to fulfil to be the same."""
    tolerance = card["certificate"]["tolerance"]
    if card["task"] == "regression":
        return f"Values must agree within {tolerance:g} of the largest." if tolerance else "Not a bit may differ."
    within = f"probabilities within {tolerance:g}" if tolerance else "probabilities to the last bit"
    return f"Labels must be equal, {within}."


def _facts(card: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what identifies the two models."""
    certificate = card["certificate"]
    yield "model", card["name"]
    yield "estimator", f"{card['estimator']}, {card['task']}, {_plural(len(card['features']), 'feature')}"
    yield "strategy", card["strategy"]
    yield "card of", card["created_at"].replace("T", " ").replace("Z", " UTC")
    yield "estimator, SHA-256", certificate["estimator_sha256"]
    yield "graph, SHA-256", certificate["graph_sha256"]
    exported, verified = (
        ", ".join(f"{name} {version}" for name, version in versions.items())
        for versions in (card["versions"], certificate["versions"])
    )
    yield "verified with" if exported != verified else "versions", verified
    if exported != verified:
        yield "exported with", exported


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _set_line(card: Mapping[str, Any], comparison: Comparison) -> tuple[str, str, str, str, bool]:
    """Return name, rows tried, label differences, largest difference, and whether a row fails."""
    labels, largest = int(comparison.label_differs.sum()), float(np.max(comparison.difference, initial=0.0))
    failed = bool(comparison.failed(card["certificate"]["tolerance"]).any())
    return comparison.source, f"{len(comparison.rows):,}", _labels(card, labels), number(largest), failed


def _total(card: Mapping[str, Any]) -> tuple[str, str, str]:
    certificate = card["certificate"]
    rows, labels = sum(certificate["rows"].values()), certificate["label_differences"]
    return f"{rows:,}", _labels(card, labels), number(certificate["largest_difference"])


def _labels(card: Mapping[str, Any], differing: int) -> str:
    return "none" if card["task"] == "regression" else f"{differing:,}"


def _differing(
    card: Mapping[str, Any], comparisons: Sequence[Comparison]
) -> Iterator[tuple[str, int, list[str], str, str, str]]:
    """Yield the first rows that differ, those with another label before all, with what either side says of them."""
    failed = [each.failed(card["certificate"]["tolerance"]) for each in comparisons]
    labels = [(each, row) for each in comparisons for row in np.flatnonzero(each.label_differs)[:SHOWN].tolist()]
    others = [
        (each, row)
        for each, rows in zip(comparisons, failed, strict=True)
        for row in np.flatnonzero(rows & ~each.label_differs)[:SHOWN].tolist()
    ]
    for each, row in [*labels, *others][:SHOWN]:
        values = shown_values(card, each.rows[row].tolist())
        expected, actual = str(each.expected[row]), str(each.actual[row])
        yield each.source, row, values, expected, actual, number(float(each.difference[row]))


def shown_values(card: Mapping[str, Any], row: Sequence[float]) -> list[str]:
    """Return each value of a row (features,) as text: all digits of a number, a string, or a boolean."""
    return [shown_value(feature, value) for feature, value in zip(card["features"], row, strict=True)]
