"""Pages of the report, of models that are made up: cards, comparisons, and what is asked of both."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.proof.parity import Comparison
from convert.proof.report.answers import Answers
from convert.proof.report.report import write_report

type Rows = NDArray[np.float64]

ALL = {"nan": False, "low": None, "high": None}


def card_of(names: list[str], labels: list[Any] | None = None, **certificate: Any) -> dict[str, Any]:
    """Return a card with a certificate that passed, of a classifier if there are labels."""
    versions = {"scikit-learn": "1.2.3", "numpy": "4.5.6"}
    tested = {
        "passed": True,
        "kind": "tested",
        "rows": {"random rows": 12_345},
        "label_differences": 0,
        "largest_difference": 0.0,
        "largest_score_difference": None,
        "refusals": {"tried": 16, "differences": 0},
        "tolerance": 1e-6,
        "graph_sha256": "9" * 64,
        "estimator_sha256": "e" * 64,
        "versions": versions,
    }
    return {
        "name": "model",
        "task": "regression" if labels is None else "classification",
        "estimator": "Estimator",
        "strategy": "float64 trees",
        "features": [{"name": name, "type": "float", "accepts": ALL} for name in names],
        "classes": {"labels": labels},
        "versions": versions,
        "created_at": "2026-11-23T12:00:00Z",
        "certificate": tested | certificate,
    }


def compared(rows: Rows, difference: Rows | None = None, label_differs: Any = None) -> list[Comparison]:
    count = len(rows)
    labels = np.zeros(count, dtype=np.bool_) if label_differs is None else label_differs
    difference = np.zeros(count) if difference is None else difference
    return [Comparison("random rows", rows, labels, difference, np.zeros(count), labels.astype(np.float64))]


def first_is_positive(rows: Rows) -> Answers:
    positive = (rows[:, 0] > 0).astype(np.float64)
    return Answers(np.array(["no", "yes"])[positive.astype(int)], np.c_[1 - positive, positive])


def never(rows: Rows) -> Answers:
    return Answers(np.full(len(rows), "no"), np.tile([1.0, 0.0], (len(rows), 1)))


def page_of(folder: Path, card: dict[str, Any], comparisons: list[Comparison], *asks: Any, **more: Any) -> str:
    options = {"thresholds": [np.empty(0)] * len(card["features"]), "sample": None} | more
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return write_report(folder, card, comparisons, *asks, **options).read_text()


def text_of(page: str) -> str:
    """Return the page's text, without its elements and with single spaces."""
    return " ".join(re.sub(r"<[^>]*>", " ", page[page.index("<body>") :]).split())
