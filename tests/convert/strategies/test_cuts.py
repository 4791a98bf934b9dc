"""Classifiers with a threshold of their own, over trees: their labels are scikit-learn's where a last bit decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from rich.console import Console
from sklearn.base import clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from convert.estimator.floats import from_ordinal, ordinal
from convert.export import export
from convert.proof.parity import Candidate
from convert.proof.verify import verify
from convert.strategies.composed import cuts
from convert.strategies.table import write_graph
from tests.conftest import oracle_of

GENERATOR = np.random.default_rng(5)
ROWS = GENERATOR.normal(size=(400, 4)).round(2)
LABELS = np.array(["no", "yes"])[(ROWS[:, 0] + ROWS[:, 1] ** 2 + GENERATOR.normal(size=400) > 1).astype(int)]
BOOSTED = [
    GradientBoostingClassifier(n_estimators=8, random_state=0),
    GradientBoostingClassifier(n_estimators=8, loss="exponential", random_state=0),
    HistGradientBoostingClassifier(max_iter=8),
    AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=8, random_state=0),
]
SHARED = [
    RandomForestClassifier(7, max_depth=4, random_state=0),
    ExtraTreesClassifier(6, random_state=0),
    DecisionTreeClassifier(max_depth=4),
    make_pipeline(StandardScaler(), GradientBoostingClassifier(n_estimators=5, random_state=0)),
]


def labels_of(estimator: Any) -> list[str]:
    oracle = oracle_of(estimator, ROWS)
    graph, _, _ = write_graph(oracle, "model")
    labels: list[str] = Candidate(graph, oracle.rounded).run(ROWS)["label"].tolist()
    return labels


@pytest.mark.parametrize("positive", ["no", "yes"])
@pytest.mark.parametrize("trees", [*BOOSTED, *SHARED], ids=repr)
def test_labels_are_exact_at_every_probability_that_there_is(trees: Any, positive: str) -> None:
    fitted = clone(trees).fit(ROWS, LABELS)
    shares = np.unique(fitted.predict_proba(ROWS)[:, int(positive == "yes")])
    for share in GENERATOR.permutation(shares)[:12]:
        for limit in (np.nextafter(share, 0), share, np.nextafter(share, 1)):
            tuned = FixedThresholdClassifier(
                FrozenEstimator(fitted), threshold=limit, pos_label=positive, response_method="predict_proba"
            ).fit(ROWS, LABELS)
            assert labels_of(tuned) == tuned.predict(ROWS).tolist()


@pytest.mark.parametrize("positive", ["no", "yes"])
@pytest.mark.parametrize("trees", BOOSTED, ids=repr)
def test_labels_are_exact_at_every_raw_score_that_there_is(trees: Any, positive: str) -> None:
    fitted = clone(trees).fit(ROWS, LABELS)
    for score in GENERATOR.permutation(np.unique(fitted.decision_function(ROWS)))[:12]:
        limit = score if positive == "yes" else -score
        tuned = FixedThresholdClassifier(
            FrozenEstimator(fitted), threshold=limit, pos_label=positive, response_method="decision_function"
        ).fit(ROWS, LABELS)
        assert labels_of(tuned) == tuned.predict(ROWS).tolist()


@pytest.mark.parametrize("limit", ["auto", 0.0, 1.0, -1.0, 2.0, 0.5, 1e-300, 1 - 1e-16])
@pytest.mark.parametrize("trees", [*BOOSTED, LogisticRegression()], ids=repr)
def test_any_limit_may_be_given(trees: Any, limit: Any) -> None:
    for positive in (None, "no"):
        labels = LABELS if positive else (LABELS == "yes").astype(int)
        tuned = FixedThresholdClassifier(clone(trees), threshold=limit, pos_label=positive).fit(ROWS, labels)
        assert labels_of(tuned) == tuned.predict(ROWS).tolist()


def test_a_search_for_the_limit_and_members_of_an_ensemble() -> None:
    tuned = TunedThresholdClassifierCV(clone(BOOSTED[0]), cv=3, random_state=0)
    binary = (LABELS == "yes").astype(int)
    for whole in (tuned, make_pipeline(StandardScaler(), tuned), VotingClassifier([("a", tuned), ("b", SHARED[0])])):
        fitted = whole.fit(ROWS, binary)
        assert labels_of(fitted) == fitted.predict(ROWS).tolist()


@pytest.mark.parametrize("trees", [*BOOSTED, *SHARED], ids=repr)
def test_labels_of_one_against_the_rest_are_exact_over_trees(trees: Any) -> None:
    ties = np.array(["a", "b", "c"])[np.digitize(ROWS[:, 0], [-0.5, 0.5])]
    fitted = OneVsRestClassifier(clone(trees)).fit(ROWS[:, 1:].round(0), ties)
    rows = GENERATOR.normal(size=(4000, 3)).round(0)
    oracle = oracle_of(fitted, rows)
    graph, _, _ = write_graph(oracle, "model")
    assert Candidate(graph, oracle.rounded).run(rows)["label"].tolist() == fitted.predict(rows).tolist()


@pytest.mark.parametrize("limit", [0.3, 2.0])
def test_the_file_is_served_and_verified(limit: float, tmp_path: Path) -> None:
    model, out = tmp_path / "model.joblib", tmp_path / "model.onnx"
    joblib.dump(FixedThresholdClassifier(clone(BOOSTED[0]), threshold=limit, pos_label="no").fit(ROWS, LABELS), model)
    export(model, out, name="model")
    with (tmp_path / "output.txt").open("w") as file:
        assert verify(model, out, None, Console(file=file, width=120), random_rows=2000)


@pytest.mark.parametrize("trees", BOOSTED, ids=repr)
@pytest.mark.parametrize("limit", [0.01, 0.3, 0.5, 0.87, 0.999])
def test_probabilities_near_a_cut_do_not_depend_on_the_rows_beside(trees: Any, limit: float) -> None:
    shares = cuts.shares_of(clone(trees).fit(ROWS, LABELS))
    assert shares is not None
    found = cuts.cuts_of(lambda scores: shares(scores)[:, 1] >= limit)
    assert len(found.scores) % 2 == 1
    near = from_ordinal(ordinal(found.scores[:1]) + np.arange(-300, 300))
    alone = np.array([shares(np.array([score]))[0] for score in near.tolist()])
    for size in (2, 3, 7, 8, 16, 599):
        for first in (0, 1, 2):
            assert shares(near[first : first + size]).tolist() == alone[first : first + size].tolist()
    expected = (np.searchsorted(found.scores, near, side="right") % 2 == 1) != found.below
    assert expected.tolist() == (alone[:, 1] >= limit).tolist()
