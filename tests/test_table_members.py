"""Tables behind members of ensembles, and of what wraps another: their encoders and types count as a pipeline's do."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.export import export
from tests.tables import assert_served, bodies, sample_of, save, served

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(5)
N = 160
TABLE = pandas.DataFrame(
    {
        "city": GENERATOR.choice(["Oslo", "Rome", "Kyiv"], N),
        "part": (GENERATOR.integers(0, 5, N) / 10).astype(np.float32),
        "f": GENERATOR.normal(size=N).round(3),
    }
)
LABELS = ((TABLE["part"] > 0.2) ^ (TABLE["f"] > 0.5) ^ (TABLE["city"] == "Oslo")).astype(int).to_numpy()


def encoded(last: Any, unknown: str = "ignore") -> Any:
    encoder = OneHotEncoder(handle_unknown=unknown)
    return make_pipeline(make_column_transformer((encoder, ["city", "part"]), remainder="passthrough"), last)


WRAPPED = {
    "voting": lambda one: VotingClassifier(
        [("a", one), ("b", encoded(DecisionTreeClassifier(max_depth=4)))], voting="soft"
    ),
    "stacking": lambda one: StackingClassifier([("a", one)], cv=2),
    "calibrated": lambda one: CalibratedClassifierCV(one, cv=2),
    "threshold": lambda one: FixedThresholdClassifier(one, threshold=0.4),
    "one against the rest": OneVsRestClassifier,
    "within another": lambda one: FixedThresholdClassifier(VotingClassifier([("a", one)], voting="soft")),
}


@pytest.mark.parametrize("unknown", ["ignore", "error"])
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_encoders_of_members_know_strings_and_float32(wrap: Any, unknown: str, tmp_path: Path) -> None:
    estimator = wrap(encoded(LogisticRegression(), unknown)).fit(TABLE, LABELS)
    model = served(estimator, tmp_path)
    assert [feature.dtype for feature in model.card.features] == ["float64", "float32", "float64"]
    assert_served(estimator, TABLE, model, apart=1e-9)


def test_encoders_of_a_regressor_whose_target_is_transformed(tmp_path: Path) -> None:
    estimator = TransformedTargetRegressor(encoded(Ridge()), transformer=StandardScaler()).fit(TABLE, TABLE["f"])
    model = served(estimator, tmp_path)
    for dialect, decode in bodies(TABLE):
        predicted = model.score(decode(model.card)).prediction
        np.testing.assert_allclose(predicted, estimator.predict(TABLE), rtol=1e-9, err_msg=dialect)


def test_members_of_a_bagging_have_columns_of_their_own(tmp_path: Path) -> None:
    rows = TABLE[["part", "f"]].to_numpy(dtype=np.float32).round(1)
    member = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    estimator = BaggingClassifier(member, n_estimators=4, max_features=1, random_state=0).fit(rows, LABELS)
    model = served(estimator, tmp_path)
    sent = np.array([[float(str(number)) for number in row] for row in rows])  # as JSON and CSV spell them
    np.testing.assert_array_equal(model.score(sent).prediction, estimator.predict(rows))


@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
@pytest.mark.parametrize("scaled", [True, False])
def test_bins_that_were_learnt_from_float32_are_compared_in_it(strategy: str, scaled: bool, tmp_path: Path) -> None:
    rows = GENERATOR.integers(0, 300, (400, 2)).astype(np.float32) / np.float32(100)
    labels = (rows[:, 0] * 7 % 3 > 1.5).astype(int)
    bins = KBinsDiscretizer(4, encode="ordinal", strategy=strategy)
    steps = [StandardScaler(), bins] if scaled else [bins]
    for last in (DecisionTreeClassifier(), LogisticRegression()):
        estimator = make_pipeline(*steps, last).fit(rows, labels)
        sent = np.array([[float(str(number)) for number in row] for row in rows])
        np.testing.assert_array_equal(served(estimator, tmp_path).score(sent).prediction, estimator.predict(rows))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "bool", "float16"])
def test_what_numpy_computes_with_beside_float32_only_is_refused(dtype: str, tmp_path: Path) -> None:
    table = pandas.DataFrame({"p": GENERATOR.integers(0, 2, N), "f": GENERATOR.normal(size=N), "g": TABLE["f"]})
    table = table.astype({"p": dtype, "f": np.float32, "g": np.float32})
    estimator = make_pipeline(StandardScaler(), DecisionTreeClassifier()).fit(table, LABELS)
    message = f"the sample has 'p' as {dtype}, .* make float64 of the columns"
    with pytest.raises(ConvertError, match=message):
        export(
            save(estimator, tmp_path), tmp_path / "model.onnx", name="m", sample=sample_of(table, tmp_path, "parquet")
        )
    apart = make_column_transformer((StandardScaler(), ["f", "g"]), remainder="passthrough")
    estimator = make_pipeline(apart, DecisionTreeClassifier()).fit(table, LABELS)
    assert_served(estimator, table, served(estimator, tmp_path, sample_of(table, tmp_path, "parquet")))


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()])
def test_an_encoder_that_refuses_behind_a_scaler_is_refused(encoder: Any, tmp_path: Path) -> None:
    rows = GENERATOR.integers(0, 4, (N, 2)).astype(float)
    estimator = make_pipeline(MinMaxScaler(), encoder, DecisionTreeClassifier()).fit(rows, LABELS)
    with pytest.raises(ConvertError, match="refuses what it does not know behind a transformer that computes"):
        export(save(estimator, tmp_path), tmp_path / "model.onnx", name="model")
    binned = make_pipeline(KBinsDiscretizer(3, encode="ordinal"), encoder, DecisionTreeClassifier()).fit(rows, LABELS)
    np.testing.assert_array_equal(served(binned, tmp_path).score(rows).prediction, binned.predict(rows))


MARKED = np.where(GENERATOR.random((N, 3)) < 0.2, -1.0, GENERATOR.normal(size=(N, 3)).round(1))
INDICATED = [
    make_union(MissingIndicator(missing_values=-1, features="all"), StandardScaler()),
    make_union(MissingIndicator(), StandardScaler()),
    make_column_transformer((MissingIndicator(missing_values=-1, error_on_new=False), [0, 2]), remainder="passthrough"),
    make_union(MissingIndicator(missing_values=-1, features="all"), SimpleImputer(missing_values=-1)),
]


@pytest.mark.parametrize("transformer", INDICATED, ids=range(len(INDICATED)))
@pytest.mark.parametrize("last", [LogisticRegression(), DecisionTreeClassifier(max_depth=5)])
def test_indicators_of_numbers_and_of_nothing(transformer: Any, last: Any, tmp_path: Path) -> None:
    estimator = make_pipeline(transformer, last).fit(MARKED, LABELS)
    np.testing.assert_array_equal(served(estimator, tmp_path).score(MARKED).prediction, estimator.predict(MARKED))


@pytest.mark.parametrize("last", [SVR(), SVC()])
def test_support_vectors_of_sparse_columns(last: Any, tmp_path: Path) -> None:
    rows = GENERATOR.integers(0, 4, (N, 3)).astype(float)
    estimator = make_pipeline(OneHotEncoder(), last).fit(rows, LABELS)
    predicted = served(estimator, tmp_path).score(rows).prediction
    np.testing.assert_allclose(predicted, estimator.predict(rows), rtol=1e-9, atol=1e-12)


def test_a_blank_is_a_string_and_no_missing_one(tmp_path: Path) -> None:
    cities = np.where(GENERATOR.random(N) < 0.3, np.nan, TABLE["city"].to_numpy().astype(object))
    table = pandas.DataFrame({"city": cities, "f": TABLE["f"]})
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((encoder, ["city"]), remainder="passthrough")
    estimator = make_pipeline(columns, LogisticRegression()).fit(
        table, (table["city"] == "Oslo") | table["city"].isna()
    )
    model = served(estimator, tmp_path)
    odd = pandas.DataFrame({"city": [" ", "\t", None, "Oslo", " Oslo"], "f": [0.0] * 5})
    assert_served(estimator, odd, model, apart=1e-9)
