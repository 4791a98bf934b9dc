"""Every estimator of scikit-learn: it converts, verifies and is served rightly, or is refused in one line."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from convert.__main__ import main
from convert.estimator.fitted import load_estimator
from convert.estimator.refused import REFUSED
from convert.graph.ensembles.table import READERS
from convert.graph.transformers.table import LAYOUTS, TRANSFORMERS
from convert.model_file.disk import read_card
from convert.oracle.oracle import Oracle
from convert.oracle.sample import find_table
from convert.proof.verify import verify
from convert.strategies.composed.strategy import ESTIMATORS
from convert.strategies.plain import ALLOWED
from lambda_fn.errors import ServiceError
from lambda_fn.model.model import Model

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(3)
COUNT = 60
NUMBERS = np.c_[GENERATOR.integers(0, 4, (COUNT, 3)), GENERATOR.random(COUNT).round(2)].astype(np.float64)
SCORE = NUMBERS @ [1.0, -1.0, 0.5, 2.0] + GENERATOR.normal(size=COUNT) / 4
LABELS = np.array(["no", "yes"])[(np.median(SCORE) < SCORE).astype(int)]
TABLE = pandas.DataFrame(
    {
        "city": np.array(["Oslo", "Bergen", "Bodø"])[NUMBERS[:, 0].astype(int) % 3],
        "age": np.where(GENERATOR.random(COUNT) < 0.1, np.nan, NUMBERS[:, 3] * 50),
        "active": NUMBERS[:, 1] > 1,
        "plan": np.array(["basic", "pro"])[NUMBERS[:, 2].astype(int) % 2],
    }
)
TREE, LINEAR = DecisionTreeClassifier(max_depth=3), LogisticRegression()
MEMBERS = [("scaled", make_pipeline(StandardScaler(), LINEAR)), ("tree", make_pipeline(MinMaxScaler(), TREE))]
REGRESSORS = [
    ("scaled", make_pipeline(StandardScaler(), Ridge())),
    ("tree", make_pipeline(MinMaxScaler(), DecisionTreeRegressor(max_depth=3))),
]


def each(names: str, setting: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the same setting for each of several classes."""
    return {name: dict(setting) for name in names.split()}


FIRST: dict[str, dict[str, Any]] = {
    **each("CCA PLSCanonical PLSRegression PLSSVD", {"n_components": 1}),
    **each("ClassifierChain MultiOutputClassifier OneVsOneClassifier", {"estimator": LINEAR}),
    **each("OneVsRestClassifier OutputCodeClassifier SelfTrainingClassifier", {"estimator": LINEAR}),
    **each("FixedThresholdClassifier RFE RFECV SelectFromModel", {"estimator": LINEAR}),
    **each("MultiOutputRegressor RegressorChain", {"estimator": Ridge()}),
    **each("StackingClassifier VotingClassifier", {"estimators": MEMBERS}),
    **each("StackingRegressor VotingRegressor", {"estimators": REGRESSORS}),
    "ColumnTransformer": {"transformers": [("scaled", StandardScaler(), [0, 1])]},
    "FeatureUnion": {"transformer_list": [("scaled", StandardScaler()), ("small", MinMaxScaler())]},
    "GridSearchCV": {"estimator": TREE, "param_grid": {"max_depth": [2, 3]}, "cv": 2},
    **each("GaussianRandomProjection SparseRandomProjection", {"n_components": 3}),
    "MissingIndicator": {"features": "all"},
    "LocallyLinearEmbedding": {"n_neighbors": 10},
    "OrthogonalMatchingPursuitCV": {"max_iter": 3},
    "Pipeline": {"steps": [("scaled", StandardScaler())]},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "RandomizedSearchCV": {"estimator": TREE, "param_distributions": {"max_depth": [2, 3]}, "cv": 2, "n_iter": 2},
    "SequentialFeatureSelector": {"estimator": TREE, "cv": 2},
    "SparseCoder": {"dictionary": np.eye(4)},
    "TSNE": {"max_iter": 250},
    "TunedThresholdClassifierCV": {"estimator": LINEAR},
}
"""What a constructor asks for, or what it takes to be fitted on few rows."""

SECOND: dict[str, dict[str, Any]] = {
    **each("ARDRegression BayesianRidge ElasticNet ElasticNetCV", {"fit_intercept": False}),
    **each("GammaRegressor HuberRegressor Lars LarsCV Lasso", {"fit_intercept": False}),
    **each("LassoCV LassoLars LassoLarsCV LassoLarsIC", {"fit_intercept": False}),
    **each("LinearRegression LogisticRegressionCV OrthogonalMatchingPursuit", {"fit_intercept": False}),
    **each("OrthogonalMatchingPursuitCV PassiveAggressiveClassifier", {"fit_intercept": False}),
    **each("PassiveAggressiveRegressor Perceptron PoissonRegressor", {"fit_intercept": False}),
    **each("QuantileRegressor Ridge RidgeCV RidgeClassifier", {"fit_intercept": False}),
    **each("RidgeClassifierCV SGDOneClassSVM TheilSenRegressor", {"fit_intercept": False}),
    **each("ComplementNB MultinomialNB", {"alpha": 0.1, "fit_prior": False}),
    **each("ExtraTreeClassifier DecisionTreeClassifier", {"max_depth": 2, "class_weight": "balanced"}),
    **each("ExtraTreeRegressor DecisionTreeRegressor", {"max_leaf_nodes": 4}),
    **each("ExtraTreesClassifier RandomForestClassifier", {"n_estimators": 5, "max_features": None}),
    **each("ExtraTreesRegressor RandomForestRegressor", {"n_estimators": 5, "min_samples_leaf": 3}),
    **each("FactorAnalysis FastICA IncrementalPCA KernelPCA TruncatedSVD", {"n_components": 2}),
    **each("GaussianRandomProjection SparseRandomProjection", {"n_components": 2}),
    **each("KNeighborsClassifier KNeighborsRegressor", {"weights": "distance"}),
    **each("LinearSVC LinearSVR", {"C": 0.1}),
    **each("MLPClassifier MLPRegressor", {"hidden_layer_sizes": (4,), "activation": "tanh"}),
    **each("MultiOutputRegressor RegressorChain", {"estimator": TREE}),
    **each("NuSVC SVC NuSVR SVR OneClassSVM", {"kernel": "linear"}),
    **each("OneVsOneClassifier OneVsRestClassifier", {"estimator": make_pipeline(StandardScaler(), TREE)}),
    **each("OutputCodeClassifier MultiOutputClassifier ClassifierChain", {"estimator": GaussianNB()}),
    **each("RFE RFECV SelectFromModel", {"estimator": RandomForestClassifier(5, random_state=0)}),
    **each("SelectFdr SelectFpr SelectFwe", {"alpha": 0.5}),
    "AdaBoostClassifier": {"estimator": TREE, "n_estimators": 5},
    "AdaBoostRegressor": {"loss": "square", "n_estimators": 5},
    "BaggingClassifier": {"estimator": make_pipeline(StandardScaler(), LINEAR), "max_features": 0.5},
    "BaggingRegressor": {"estimator": make_pipeline(StandardScaler(), Ridge())},
    "BernoulliNB": {"binarize": None},
    "Binarizer": {"threshold": 2.0},
    "CCA": {"scale": False},
    "CalibratedClassifierCV": {"estimator": make_pipeline(StandardScaler(), LINEAR), "method": "isotonic", "cv": 2},
    "CategoricalNB": {"min_categories": 60},
    "ColumnTransformer": {"transformers": [("bins", MinMaxScaler(), [0, 1])], "remainder": "passthrough"},
    "FeatureUnion": {"transformer_list": [("scaled", StandardScaler()), ("same", "passthrough")]},
    "FixedThresholdClassifier": {"threshold": 0.3, "pos_label": "no"},
    "FrozenEstimator": {"estimator": make_pipeline(StandardScaler(), TREE)},
    "FunctionTransformer": {"func": np.abs},
    "GaussianNB": {"var_smoothing": 1e-3},
    "GenericUnivariateSelect": {"mode": "k_best", "param": 2, "score_func": f_classif},
    "GradientBoostingClassifier": {"n_estimators": 5, "loss": "exponential"},
    "GradientBoostingRegressor": {"n_estimators": 5, "loss": "quantile"},
    "GridSearchCV": {"estimator": make_pipeline(StandardScaler(), LINEAR), "param_grid": {}},
    "HistGradientBoostingClassifier": {"max_iter": 5, "max_leaf_nodes": 4},
    "HistGradientBoostingRegressor": {"max_iter": 5, "loss": "poisson"},
    "IsolationForest": {"n_estimators": 5, "contamination": 0.1},
    "IsotonicRegression": {"out_of_bounds": "clip", "increasing": False},
    "KBinsDiscretizer": {"encode": "ordinal", "n_bins": 3},
    "KernelRidge": {"kernel": "rbf", "gamma": 0.5},
    "LinearDiscriminantAnalysis": {"solver": "eigen", "shrinkage": "auto"},
    "LocalOutlierFactor": {"novelty": True},
    "LogisticRegression": {"C": 100.0, "class_weight": "balanced"},
    "MaxAbsScaler": {"copy": False},
    "MinMaxScaler": {"clip": True},
    "MissingIndicator": {"features": "missing-only", "missing_values": 0.0},
    "NeighborhoodComponentsAnalysis": {"n_components": 2, "init": "identity"},
    "Normalizer": {"norm": "max"},
    "OneHotEncoder": {"handle_unknown": "ignore", "drop": "first"},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "PCA": {"n_components": 2, "whiten": True},
    "PLSCanonical": {"scale": False},
    "PLSRegression": {"scale": False},
    "Pipeline": {"steps": [("one", StandardScaler()), ("other", "passthrough")]},
    "PolynomialFeatures": {"degree": 3, "interaction_only": True, "include_bias": False},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.3},
    "RANSACRegressor": {"estimator": make_pipeline(StandardScaler(), Ridge()), "min_samples": 10},
    "RandomizedSearchCV": {"estimator": make_pipeline(MinMaxScaler(), LINEAR), "param_distributions": {}, "n_iter": 1},
    "RobustScaler": {"with_centering": False},
    "SGDClassifier": {"loss": "modified_huber"},
    "SGDRegressor": {"loss": "huber"},
    "SelectKBest": {"k": 2},
    "SelectPercentile": {"percentile": 50},
    "SelfTrainingClassifier": {"estimator": make_pipeline(StandardScaler(), TREE)},
    "SequentialFeatureSelector": {"direction": "backward"},
    "SimpleImputer": {"strategy": "median", "add_indicator": True},
    "StackingClassifier": {"passthrough": True, "final_estimator": TREE, "cv": 2},
    "StackingRegressor": {"estimators": [*REGRESSORS, ("dropped", "drop")], "cv": 2},
    "StandardScaler": {"with_mean": False},
    "TargetEncoder": {"cv": 3, "smooth": 1.0},
    "TransformedTargetRegressor": {"regressor": Ridge(), "func": np.log, "inverse_func": np.exp},
    "TunedThresholdClassifierCV": {"estimator": make_pipeline(StandardScaler(), TREE), "cv": 2},
    "TweedieRegressor": {"power": 1.5, "link": "log"},
    "VarianceThreshold": {"threshold": 0.1},
    "VotingClassifier": {"voting": "soft", "weights": [1, 2]},
    "VotingRegressor": {"estimators": [*REGRESSORS, ("dropped", "drop")]},
}
"""Another setting than the default, on top of FIRST, of each estimator that is not refused for what it is."""

NO_FIT = {
    **dict.fromkeys(["CountVectorizer", "DictVectorizer", "FeatureHasher", "HashingVectorizer"], "texts or mappings"),
    **dict.fromkeys(["TfidfVectorizer"], "texts"),
    **dict.fromkeys(["LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"], "targets"),
    "PatchExtractor": "images",
    "KernelCenterer": "kernels",
}
"""What can't be fitted on rows of numbers, and what it takes."""
NO_MIX = {"GraphicalLassoCV": "columns that are not collinear", "SparseCoder": "as many columns as its dictionary"}
"""What can't be fitted on those that ColumnTransformer makes here, and what it takes."""
PAIRS = {"ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain"}
PAIRS |= {"MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV"}
WRAPPING = {"FrozenEstimator", "GridSearchCV", "RandomizedSearchCV"}
"""What is converted as the estimator in it."""
NO_STEP = WRAPPING | {"CCA", "IsotonicRegression", "PLSCanonical", "PLSRegression", "PLSSVD"}
"""What transforms, but in no pipeline: PLS gives a pair of matrices when it is fitted, isotonic regression a vector."""
SMALL = {"n_estimators": 5, "max_iter": 50, "cv": 2, "n_init": 1, "random_state": 0}
"""What makes a default quicker, and the same every time."""

KINDS: dict[str, type] = dict(all_estimators())


class Case(NamedTuple):
    """A fitted estimator, the place of the class in it, and the rows of its sample."""

    name: str
    role: str
    estimator: Any


def places(name: str, data: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the roles and settings of the class: the last step, in front of a linear model, in front of trees.

    What converts takes half a second each time, as every file is tried on the service itself: of those one is chosen,
    and of a quarter over the mixed table, too. All are tried where the environment says SWEEP=all, in some minutes.
    """
    steps = ["linear", "trees"] if hasattr(KINDS[name], "transform") and name not in NO_STEP else []
    last = ["last"] if (hasattr(KINDS[name], "predict") and name != "Pipeline") or not steps else []
    settings = [FIRST.get(name, {})] + ([{**FIRST.get(name, {}), **SECOND[name]}] if name in SECOND else [])
    every = [(role, setting) for setting in settings for role in [*last, *steps]]
    if name in REFUSED or os.environ.get("SWEEP") == "all":
        return every
    drawn = zlib.crc32(name.encode())  # of any two runs the same
    if data == "mixed" and drawn % 4:
        return []
    return [every[(drawn // 4 + (data == "mixed")) % len(every)]]


def fitted(name: str, role: str, setting: dict[str, Any], data: str) -> Any:
    """Return the class with its `setting`, fitted in its `role`."""
    if name == "FrozenEstimator":
        rows = NUMBERS if data == "numbers" else mixed(name).fit_transform(TABLE)
        setting = {"estimator": setting.get("estimator", LINEAR).fit(rows, LABELS)}
    estimator = KINDS[name](**setting)
    known = estimator.get_params()
    estimator.set_params(**{key: value for key, value in SMALL.items() if key in known and key not in setting})
    target: Any = LABELS if is_classifier(estimator) else np.exp(SCORE / 2)
    if role != "last" or name == "SelfTrainingClassifier":
        target = (LABELS == "yes").astype(int)
    elif name in PAIRS:
        target = np.c_[NUMBERS[:, 0] > 1, NUMBERS[:, 1] > 1].astype(int)
    behind = {"last": [], "linear": [LINEAR], "trees": [TREE]}[role]
    if data == "numbers":
        rows = (NUMBERS[:, :1] if name == "IsotonicRegression" else NUMBERS).copy()  # some write into it
        whole = make_pipeline(estimator, *behind) if behind else estimator
        return whole.fit(rows, target)
    return make_pipeline(mixed(name), estimator, *behind).fit(TABLE, target)


def mixed(name: str) -> ColumnTransformer:
    """Return what makes numbers of the table."""
    number = ("age", SimpleImputer(), ["age"])
    if name == "IsotonicRegression":
        return ColumnTransformer([number])
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("city", one_hot, ["city", "plan"]), number, ("active", "passthrough", ["active"])])


def edges(oracle: Oracle) -> NDArray[np.float64]:
    """Return rows at what is compared: training rows, each number of theirs one step to either side, and odd rows."""
    assert oracle.sample is not None
    rows = oracle.sample.rows[:8]
    numbers = np.array([feature.type == "float" for feature in oracle.features])
    made = [rows, *(np.where(numbers, value, rows[:1]) for value in (0.0, -0.0, 1.0, 2.0, 1e-16, 5e-324))]
    for column, feature in enumerate(oracle.features):
        odd = [np.nan, -1.0] if feature.type == "str" else [np.nan] if feature.type == "bool" else []
        if feature.type == "float":
            known = np.unique(oracle.sample.rows[:, column][~np.isnan(oracle.sample.rows[:, column])])[:4]
            single = known.astype(np.float32)
            steps = [known, np.nextafter(known, -np.inf), np.nextafter(known, np.inf)]
            steps += [np.nextafter(single, np.float32(side)).astype(np.float64) for side in (-np.inf, np.inf)]
            odd = [*np.concatenate(steps), np.nan, np.inf, -1.0, -0.0, 5e-324, 1e-18, 1e6, 0.5, 1.5]
        block = np.repeat(rows[:1], len(odd), axis=0)
        block[:, column] = odd
        made.append(block)
    return np.concatenate(made)


def assert_served(model_file: Path, oracle: Oracle) -> None:
    """Compare what the service answers, row by row, with what the estimator does; both refuse, or neither."""
    model, answers, taken = Model(model_file.read_bytes()), [], []
    for row in edges(oracle):
        try:
            answers.append(model.score(row[np.newaxis]))
            taken.append(row)
        except ServiceError:
            with pytest.raises((ValueError, TypeError, IndexError)):
                oracle.predict(row[np.newaxis])
    rows = np.array(taken)
    served, expected = np.concatenate([each.prediction for each in answers]), oracle.predict(rows)
    if oracle.task == "regression":
        np.testing.assert_allclose(served, expected, rtol=1e-9, atol=1e-9)
        return
    assert served.tolist() == expected.tolist()
    probabilities = oracle.predict_proba(rows)
    if probabilities is not None:
        shares = np.concatenate([np.asarray(each.probabilities) for each in answers])
        np.testing.assert_allclose(shares, probabilities, rtol=1e-9, atol=1e-9)


def assert_refused(case: Case, line: str) -> None:
    """Check that the line says which class is not converted, why, and what to do."""
    named = {case.name, type(getattr(case.estimator, "estimator", None)).__name__, "DecisionTreeClassifier"}
    assert line.startswith("error: "), line
    assert line.count("\n") == 1, line
    assert len(line) < 300, line
    assert any(name in line for name in named), line
    assert ": " in line.removeprefix("error: ") or "; " in line, line
    assert "failed" not in line, line


EVERY = [(name, data) for name in sorted(set(KINDS) - set(NO_FIT)) for data in ("numbers", "mixed")]
TRIED = [(name, data) for name, data in EVERY if places(name, data) and (data == "numbers" or name not in NO_MIX)]


@pytest.mark.parametrize(("name", "data"), TRIED)
def test_it_converts_and_is_served_or_is_refused_in_a_line(
    name: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for role, setting in places(name, data):
        case = Case(name, role, fitted(name, role, setting, data))
        model, onnx_file = tmp_path / "model.joblib", tmp_path / "model.onnx"
        joblib.dump(case.estimator, model)
        if data == "mixed":
            TABLE.to_csv(tmp_path / "model.csv", index=False)
        else:
            rows = NUMBERS[:, : 1 if name == "IsotonicRegression" else 4]
            pandas.DataFrame(rows, columns=list("abcd")[: rows.shape[1]]).to_csv(tmp_path / "model.csv", index=False)
        status = main(["export", str(model), "--out", str(onnx_file)])
        captured = capsys.readouterr()
        if status == 2:
            assert_refused(case, captured.err)
            continue
        assert captured.err == "", captured.err
        with (tmp_path / "output.txt").open("w") as file:
            agree = verify(model, onnx_file, None, Console(file=file, width=150), random_rows=500)
        assert agree, (case, (tmp_path / "output.txt").read_text())
        card = read_card(onnx_file.read_bytes())
        names = tuple(feature["name"] for feature in card["features"])
        assert_served(onnx_file, Oracle(load_estimator(model), find_table(model, None), names))


def test_every_estimator_is_done_or_refused_on_purpose() -> None:
    done = {kind.__name__ for kind in (*READERS, *ESTIMATORS, *TRANSFORMERS, *LAYOUTS, *ALLOWED)}
    assert set(KINDS) - done - WRAPPING - set(REFUSED) == set()
    assert set(REFUSED) - set(KINDS) == set()
    assert done & set(REFUSED) == set()


def test_every_estimator_that_is_done_has_a_second_setting() -> None:
    assert set(KINDS) - set(REFUSED) - set(SECOND) == set()
