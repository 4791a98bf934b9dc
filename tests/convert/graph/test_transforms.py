"""Pipelines of transformers and trees against their model files, and the thresholds that are tried on them."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.feature_selection import (
    RFE,
    RFECV,
    GenericUnivariateSelect,
    SelectFdr,
    SelectFpr,
    SelectFromModel,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeClassifier

from convert.errors import ConvertError
from convert.estimator.encoded import PandasCategories
from convert.export import export
from convert.graph.transformers.table import TRANSFORMERS
from convert.model_file.disk import read_card
from convert.oracle.sample import Sample, write_sample
from convert.oracle.thresholds import tree_thresholds
from convert.proof.verify import verify
from tests.conftest import oracle_of

pytestmark = pytest.mark.filterwarnings("ignore:Found unknown categories")

GENERATOR = np.random.default_rng(5)
SCALES = GENERATOR.normal(size=(300, 4)) * [1, 100, 1e-3, 1e5] + [0, 5, 1, 1.6e9]
"""Columns of very different sizes, the last as epoch seconds."""
CODES = np.c_[SCALES[:, :2], GENERATOR.integers(0, 4, 300), GENERATOR.integers(10, 13, 300)]
CODE_HOLES = np.where(GENERATOR.random(CODES.shape) < 0.1, np.nan, CODES)
HOLES = np.where(GENERATOR.random(SCALES.shape) < 0.1, np.nan, SCALES)
CONSTANT = np.c_[np.ones(300), SCALES[:, 1:]]
EMPTY = np.c_[HOLES[:, :3], np.full(300, np.nan)]
LABELS = np.digitize(SCALES[:, 0] + SCALES[:, 1] / 100, [-0.5, 0.8])
NAMES = ("a", "b", "c", "d")

ONE_HOT = OneHotEncoder(handle_unknown="ignore")
DROPPED = OneHotEncoder(handle_unknown="ignore", drop="first")
ORDINAL = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
WITH_MISSING = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
DROP_ALL = OneHotEncoder(drop="first")
FREQUENT = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=100)
TARGET = TargetEncoder(cv=3, random_state=0)
FOREST = RandomForestClassifier(5, max_depth=4, random_state=0)
BOOSTING = GradientBoostingClassifier(n_estimators=20, random_state=0)

PIPELINES = [
    (make_pipeline(StandardScaler(), BOOSTING), SCALES),
    (make_pipeline(StandardScaler(with_mean=False), StandardScaler(with_std=False), BOOSTING), SCALES),
    (make_pipeline(MinMaxScaler(), RandomForestClassifier(20, random_state=0)), SCALES),
    (make_pipeline(MinMaxScaler((-1, 1), clip=True), RandomForestRegressor(20, random_state=0)), SCALES),
    (make_pipeline(RobustScaler(), MaxAbsScaler(), HistGradientBoostingClassifier(max_iter=10)), SCALES),
    (make_pipeline(RobustScaler(with_centering=False), GradientBoostingRegressor(n_estimators=20)), SCALES),
    (make_pipeline(SimpleImputer(), StandardScaler(), BOOSTING), HOLES),
    (make_pipeline(SimpleImputer(missing_values=1.0, strategy="most_frequent"), BOOSTING), CODES),
    (make_pipeline(SelectKBest(k=2), FunctionTransformer(), DecisionTreeClassifier(random_state=0)), SCALES),
    (make_pipeline(VarianceThreshold(), "passthrough", BOOSTING), SCALES),
    (
        make_pipeline(
            ColumnTransformer(
                [("scaled", StandardScaler(), [0, 1]), ("one hot", ONE_HOT, [2]), ("ordinal", ORDINAL, slice(3, 4))]
            ),
            BOOSTING,
        ),
        CODES,
    ),
    (
        make_pipeline(
            ColumnTransformer([("one hot", DROPPED, [2, 3]), ("gone", "drop", [0])], remainder="passthrough"),
            AdaBoostClassifier(n_estimators=10, random_state=0),
        ),
        CODES,
    ),
    (make_pipeline(ColumnTransformer([("a", OneHotEncoder(), [2, 3])], remainder="passthrough"), BOOSTING), CODES),
    (make_pipeline(ColumnTransformer([("a", OrdinalEncoder(), [3, 2])], remainder="passthrough"), BOOSTING), CODES),
    (make_pipeline(ColumnTransformer([("a", FREQUENT, [2, 3])], remainder="passthrough"), BOOSTING), CODES),
    (make_pipeline(ColumnTransformer([("a", TARGET, [2, 3])], remainder="passthrough"), BOOSTING), CODES),
    (make_pipeline(ColumnTransformer([("a", ONE_HOT, [2, 3]), ("b", WITH_MISSING, [2])]), BOOSTING), CODE_HOLES),
    (make_pipeline(ColumnTransformer([("a", ONE_HOT, [2, 3])]), MaxAbsScaler(), BOOSTING), CODES),
    (make_pipeline(ONE_HOT, StandardScaler(with_mean=False), RandomForestClassifier(9, random_state=0)), CODES.round()),
    (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler(), BOOSTING), HOLES),
    (
        make_pipeline(SimpleImputer(missing_values=10, strategy="most_frequent"), OneHotEncoder(), BOOSTING),
        CODES.round(),
    ),
    (make_pipeline(ColumnTransformer([("a", DROP_ALL, [0])], remainder="passthrough"), BOOSTING), CONSTANT),
    (make_pipeline(SimpleImputer(strategy="constant", fill_value=-1.0, add_indicator=True), BOOSTING), EMPTY),
    (make_pipeline(Binarizer(threshold=0.5), BOOSTING), SCALES.round(1)),
    (make_pipeline(KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf"), FOREST), SCALES.round(1)),
    (make_pipeline(KBinsDiscretizer(3, encode="ordinal", strategy="uniform"), BOOSTING), SCALES.round(1)),
    (make_pipeline(KBinsDiscretizer(3, encode="onehot-dense", strategy="uniform"), FOREST), SCALES.round(1)),
    (make_pipeline(Normalizer("max"), BOOSTING), SCALES.round(1)),
    (make_pipeline(PolynomialFeatures(3, interaction_only=True), FOREST), SCALES[:, [0, 1, 2, 1]]),
    (make_pipeline(PolynomialFeatures((2, 3), include_bias=False), FOREST), SCALES),
    (make_pipeline(FeatureUnion([("bins", Binarizer()), ("scaled", StandardScaler())]), FOREST), SCALES),
    (make_pipeline(FeatureUnion([("holes", MissingIndicator()), ("filled", SimpleImputer())]), FOREST), HOLES),
    (make_pipeline(SelectFromModel(FOREST), BOOSTING), SCALES),
    (make_pipeline(GenericUnivariateSelect(mode="k_best", param=2), FOREST), SCALES),
    (make_pipeline(RFE(FOREST, n_features_to_select=2), BOOSTING), SCALES),
    (make_pipeline(FrozenEstimator(StandardScaler().fit(SCALES)), FOREST), SCALES),
]


def save(estimator: Any, rows: NDArray[np.float64], folder: Path) -> Path:
    joblib.dump(estimator, folder / "model.joblib")
    write_sample(folder / "model.csv", Sample(NAMES, rows))
    return folder / "model.joblib"


def certified(model: Path, strategy: str | None = None) -> str:
    """Export, verify and look at the certificate; return the strategy."""
    folder = model.parent
    written_by = export(model, folder / "model.onnx", name="model", strategy=strategy).strategy
    with (folder / "output.txt").open("w") as file:
        agree = verify(model, folder / "model.onnx", None, Console(file=file, width=120))
    assert agree, (folder / "output.txt").read_text()
    certificate = read_card((folder / "model.onnx").read_bytes())["certificate"]
    assert certificate["label_differences"] == 0
    assert certificate["largest_difference"] <= 1e-15
    assert certificate["refusals"]["differences"] == 0
    assert certificate["refusals"]["tried"] >= 10
    return written_by


@pytest.mark.parametrize(("pipeline", "rows"), PIPELINES)
def test_trees_behind_transformers_are_exact(pipeline: Any, rows: NDArray[np.float64], tmp_path: Path) -> None:
    model = save(pipeline.fit(rows, LABELS), rows, tmp_path)
    by_default = certified(model)
    assert by_default in {"tabulated", "float64 trees"}
    if by_default == "tabulated":  # or else it is the same file
        assert certified(model, "float64 trees") == "float64 trees"


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), RobustScaler(), MaxAbsScaler()], ids=repr)
def test_a_scaler_fitted_on_float32_is_written_in_float64(scaler: Any, tmp_path: Path) -> None:
    model = save(make_pipeline(scaler, BOOSTING).fit(SCALES.astype(np.float32), LABELS), SCALES, tmp_path)
    export(model, tmp_path / "model.onnx", name="model")
    assert verify(model, tmp_path / "model.onnx", None, Console(quiet=True))


def test_a_pipeline_at_the_end_of_a_pipeline_is_one(tmp_path: Path) -> None:
    nested = make_pipeline(StandardScaler(), make_pipeline("passthrough", MinMaxScaler(), BOOSTING)).fit(SCALES, LABELS)
    model = save(nested, SCALES, tmp_path)
    assert export(model, tmp_path / "model.onnx", name="model").strategy == "float64 trees"
    assert sum(map(len, tree_thresholds(oracle_of(nested)))) > 20
    assert verify(model, tmp_path / "model.onnx", None, Console(quiet=True))


def test_a_pipeline_that_begins_with_nothing_knows_its_width(tmp_path: Path) -> None:
    model = save(make_pipeline("passthrough", BOOSTING).fit(SCALES, LABELS), SCALES, tmp_path)
    export(model, tmp_path / "model.onnx", name="model")
    assert verify(model, tmp_path / "model.onnx", None, Console(quiet=True))


def test_categories_beyond_float64_are_refused(tmp_path: Path) -> None:
    rows = np.c_[SCALES[:, :3], GENERATOR.integers(0, 4, 300)].astype(np.int64) + np.array([0, 0, 0, 2**53])
    pipeline = make_pipeline(ColumnTransformer([("one hot", ONE_HOT, [3])]), DecisionTreeClassifier())
    model = save(pipeline.fit(rows, LABELS), rows.astype(np.float64), tmp_path)
    with pytest.raises(ConvertError, match="served as float64, which these are not"):
        export(model, tmp_path / "model.onnx", name="model")


def test_every_writer_is_tried() -> None:
    steps = [step for pipeline, _ in PIPELINES for _, step in pipeline.steps]
    parts = [part for step in steps if isinstance(step, ColumnTransformer) for _, part, _ in step.transformers]
    parts += [part for step in steps if isinstance(step, FeatureUnion) for _, part in step.transformer_list]
    choosing = {RFECV, SelectFdr, SelectFpr, SelectFwe, SelectPercentile, SequentialFeatureSelector}  # as the others do
    curves = {PowerTransformer, QuantileTransformer, PandasCategories}  # test_curves.py and test_lightgbm.py have those
    exact = {kind for kind, transformer in TRANSFORMERS.items() if transformer.exact}
    assert exact - curves - {type(step) for step in steps + parts} == choosing


def test_a_pipeline_fitted_on_a_table_with_names(tmp_path: Path) -> None:
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["b", "a"]),
        (ONE_HOT, ["c"]),
        remainder="passthrough",
    )
    pipeline = make_pipeline(columns, BOOSTING).fit(pandas.DataFrame(CODES, columns=list(NAMES)), LABELS)
    model = save(pipeline, CODES, tmp_path)
    export(model, tmp_path / "model.onnx", name="model")
    assert verify(model, tmp_path / "model.onnx", None, Console(quiet=True))
    features = read_card((tmp_path / "model.onnx").read_bytes())["features"]
    assert [(feature["name"], feature["accepts"]["nan"]) for feature in features] == [
        ("a", True),
        ("b", True),
        ("c", True),
        ("d", False),
    ]


def test_thresholds_are_pulled_back_to_the_last_number_on_their_left() -> None:
    pipeline = make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=0)).fit(SCALES, LABELS)
    tree = pipeline[-1].tree_
    for feature, found in enumerate(tree_thresholds(oracle_of(pipeline))):
        limits = np.sort(tree.threshold[(tree.feature == feature) & (tree.children_left != -1)])
        for cut in found:
            rows = np.zeros((2, 4))
            rows[:, feature] = cut, np.nextafter(cut, np.inf)
            below, above = pipeline[:-1].transform(rows)[:, feature].astype(np.float32).astype(np.float64)
            assert ((below <= limits) & (limits < above)).any()


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        (make_pipeline(FunctionTransformer(np.sin), BOOSTING), "FunctionTransformer runs sin"),
        (make_pipeline(PCA(2), BOOSTING), "GradientBoostingClassifier compares what PCA sums up"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_transformer_that_is_not_exact_is_refused(pipeline: Any, message: str, tmp_path: Path) -> None:
    model = save(pipeline.fit(CODES, LABELS), CODES, tmp_path)
    with pytest.raises(ConvertError, match=message):
        export(model, tmp_path / "model.onnx", name="model")


@pytest.mark.parametrize(
    "estimator",
    [
        VotingClassifier([("tree", DecisionTreeClassifier(max_depth=3)), ("boosting", BOOSTING)]),
        CalibratedClassifierCV(RandomForestClassifier(3, max_depth=3), cv=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_thresholds_within_other_estimators_are_found(estimator: Any) -> None:
    found = tree_thresholds(oracle_of(estimator.fit(SCALES, LABELS)))
    assert sum(map(len, found)) > 5
