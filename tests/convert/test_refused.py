"""What is refused, by name, with the true cause and with what to do: in one line, whatever is around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import AffinityPropagation, FeatureAgglomeration, KMeans
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsRegressor, LocalOutlierFactor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from convert.__main__ import main

GENERATOR = np.random.default_rng(5)
COUNT = 60
TABLE = pandas.DataFrame(
    {
        "text": [" ".join(GENERATOR.choice(["the", "cat", "sat", "on", "a", "red", "mat"], 5)) for _ in range(COUNT)],
        "age": GENERATOR.random(COUNT),
    }
)
ROWS, LABELS = GENERATOR.normal(size=(COUNT, 3)), GENERATOR.integers(0, 2, COUNT)
PAIRS = GENERATOR.integers(0, 2, (COUNT, 2))
LINEAR = LogisticRegression()
SPLITS = "is not converted: it splits texts into words, which onnxruntime does otherwise than scikit-learn: export the"
COLUMN = "it has several outputs: fit one estimator for each column of y, and export each"


class Doubled(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of one's own."""

    def fit(self, rows: NDArray[Any], target: Any = None) -> Doubled:
        self.n_features_in_ = rows.shape[1]
        return self

    def transform(self, rows: NDArray[Any]) -> NDArray[Any]:
        return rows * 2


def product(rows: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Return a kernel of one's own."""
    return np.asarray(rows @ others.T)


def refusal(estimator: Any, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Export the estimator; return the line that refuses it."""
    joblib.dump(estimator, folder / "model.joblib")
    assert main(["export", str(folder / "model.joblib"), "--out", str(folder / "model.onnx")]) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    assert len(line) < 300
    return line


@pytest.mark.parametrize(
    "vectorizer", [CountVectorizer(), TfidfVectorizer(), HashingVectorizer(n_features=16)], ids=repr
)
def test_texts_are_refused_by_name_wherever_they_are(
    vectorizer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ColumnTransformer([("text", vectorizer, "text"), ("age", StandardScaler(), ["age"])])
    whole = make_pipeline(columns, LINEAR).fit(TABLE, LABELS)
    alone = make_pipeline(vectorizer, LINEAR)
    places = [alone, make_pipeline(FeatureUnion([("a", vectorizer)]), LINEAR), OneVsRestClassifier(alone)]
    places += [VotingClassifier([("a", alone)]), make_pipeline(vectorizer, TfidfTransformer(), LINEAR)]
    for estimator in [whole, *(each.fit(TABLE["text"], LABELS) for each in places)]:
        assert f"{type(vectorizer).__name__} {SPLITS} steps behind it" in refusal(estimator, tmp_path, capsys)


@pytest.mark.parametrize("vectorizer", [DictVectorizer(), FeatureHasher(8)], ids=repr)
def test_mappings_are_refused_by_name(vectorizer: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estimator = make_pipeline(vectorizer, LINEAR).fit(TABLE.to_dict("records"), LABELS)
    line = refusal(estimator, tmp_path, capsys)
    assert f"{type(vectorizer).__name__} is not converted: it takes mappings" in line
    assert "use OneHotEncoder on a table" in line


@pytest.mark.parametrize(
    ("estimator", "target", "expected"),
    [
        (Ridge(), ROWS[:, :2], f"Ridge is not converted: {COLUMN}"),
        (LinearRegression(), ROWS[:, :2], f"LinearRegression is not converted: {COLUMN}"),
        (MLPRegressor(hidden_layer_sizes=(3,), max_iter=10), ROWS[:, :2], f"MLPRegressor is not converted: {COLUMN}"),
        (TransformedTargetRegressor(Ridge()), ROWS[:, :2], f"TransformedTargetRegressor is not converted: {COLUMN}"),
        (make_pipeline(StandardScaler(), OneVsRestClassifier(LINEAR)), PAIRS, f"is not converted: {COLUMN}"),
        (KNeighborsRegressor(), LABELS, "other neighbours than scikit-learn, once converted, where distances tie: use"),
        (LocalOutlierFactor(novelty=True), LABELS, "tie: use IsolationForest, OneClassSVM or EllipticEnvelope"),
        (
            make_pipeline(Doubled(), LINEAR),
            LABELS,
            "Doubled is not converted: it is no class of scikit-learn, and",
        ),
        (SVC(kernel=product), LABELS, "SVC is not converted: its kernel is a function: fit it with kernel='rbf'"),
        (
            AffinityPropagation(max_iter=1, random_state=0),
            LABELS,
            "did not converge, and labels every row as -1",
        ),
        (
            KMeans(2, n_init=1),
            "float32",
            "KMeans was fitted on float32, and takes no float64, which is served",
        ),
        (make_pipeline(FeatureAgglomeration(2), LINEAR), LABELS, "its means of columns are not written: use PCA"),
    ],
    ids=range(12),
)
@pytest.mark.filterwarnings("ignore")
def test_the_line_names_the_cause_and_what_to_do(
    estimator: Any, target: Any, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if isinstance(target, str):
        estimator.fit(ROWS.astype(target))
    else:
        estimator.fit(ROWS, target)
    assert expected in refusal(estimator, tmp_path, capsys)


def test_clusters_of_a_sparse_matrix_whose_distances_tie_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clusters = make_pipeline(OneHotEncoder(), AffinityPropagation(random_state=0)).fit(ROWS.round())
    line = refusal(clusters, tmp_path, capsys)
    assert "was fitted on a sparse matrix, whose distances tie: fit it on a dense one" in line
