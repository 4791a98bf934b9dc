"""Every estimator of scikit-learn, fitted: its settings, its places in a pipeline, and the rows that it is given."""

from __future__ import annotations

import os
import zlib
from typing import Any

import numpy as np
import pandas
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401  # see KINDS
from sklearn.feature_selection import f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from convert.estimator.refused import REFUSED

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
    **each("GridSearchCV HalvingGridSearchCV", {"estimator": TREE, "param_grid": {"max_depth": [2, 3]}, "cv": 2}),
    **each("GaussianRandomProjection SparseRandomProjection", {"n_components": 3}),
    "MissingIndicator": {"features": "all"},
    "LocallyLinearEmbedding": {"n_neighbors": 10},
    "OrthogonalMatchingPursuitCV": {"max_iter": 3},
    "Pipeline": {"steps": [("scaled", StandardScaler())]},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "QuantileTransformer": {"n_quantiles": 20},
    "HalvingRandomSearchCV": {"estimator": TREE, "param_distributions": {"max_depth": [2, 3]}, "cv": 2},
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
    **each("BayesianGaussianMixture GaussianMixture", {"n_components": 3, "covariance_type": "diag"}),
    **each("KMeans MiniBatchKMeans", {"n_clusters": 3, "init": "random"}),
    "AdaBoostClassifier": {"estimator": TREE, "n_estimators": 5},
    "AdaBoostRegressor": {"loss": "square", "n_estimators": 5},
    "AffinityPropagation": {"damping": 0.8},
    "BaggingClassifier": {"estimator": make_pipeline(StandardScaler(), LINEAR), "max_features": 0.5},
    "BaggingRegressor": {"estimator": make_pipeline(StandardScaler(), Ridge())},
    "BernoulliNB": {"binarize": None},
    "Binarizer": {"threshold": 2.0},
    "Birch": {"n_clusters": None, "threshold": 1.0},
    "BisectingKMeans": {"n_clusters": 5, "bisecting_strategy": "largest_cluster"},
    "CCA": {"scale": False},
    "CalibratedClassifierCV": {"estimator": make_pipeline(StandardScaler(), LINEAR), "method": "isotonic", "cv": 2},
    "CategoricalNB": {"min_categories": 60},
    "ColumnTransformer": {"transformers": [("bins", MinMaxScaler(), [0, 1])], "remainder": "passthrough"},
    "DummyClassifier": {"strategy": "most_frequent"},
    "DummyRegressor": {"strategy": "quantile", "quantile": 0.9},
    "EllipticEnvelope": {"contamination": 0.2, "assume_centered": True},
    "FeatureUnion": {"transformer_list": [("scaled", StandardScaler()), ("same", "passthrough")]},
    "FixedThresholdClassifier": {"threshold": 0.3, "pos_label": "no"},
    "FrozenEstimator": {"estimator": make_pipeline(StandardScaler(), TREE)},
    "FunctionTransformer": {"func": np.abs},
    "GaussianNB": {"var_smoothing": 1e-3},
    "GenericUnivariateSelect": {"mode": "k_best", "param": 2, "score_func": f_classif},
    "GradientBoostingClassifier": {"n_estimators": 5, "loss": "exponential"},
    "GradientBoostingRegressor": {"n_estimators": 5, "loss": "quantile"},
    **each(
        "GridSearchCV HalvingGridSearchCV", {"estimator": make_pipeline(StandardScaler(), LINEAR), "param_grid": {}}
    ),
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
    "MeanShift": {"bandwidth": 2.0},
    "MinMaxScaler": {"clip": True},
    "MissingIndicator": {"features": "missing-only", "missing_values": 0.0},
    "NearestCentroid": {"shrink_threshold": 0.1, "priors": "empirical"},
    "NeighborhoodComponentsAnalysis": {"n_components": 2, "init": "identity"},
    "Normalizer": {"norm": "max"},
    "OneHotEncoder": {"handle_unknown": "ignore", "drop": "first"},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "PCA": {"n_components": 2, "whiten": True},
    "PLSCanonical": {"scale": False},
    "PLSRegression": {"scale": False},
    "Pipeline": {"steps": [("one", StandardScaler()), ("other", "passthrough")]},
    "PolynomialFeatures": {"degree": 3, "interaction_only": True, "include_bias": False},
    "PowerTransformer": {"standardize": False},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.3},
    "QuantileTransformer": {"output_distribution": "normal"},
    "RANSACRegressor": {"estimator": make_pipeline(StandardScaler(), Ridge()), "min_samples": 10},
    "HalvingRandomSearchCV": {"estimator": make_pipeline(MinMaxScaler(), LINEAR), "param_distributions": {}},
    "RandomizedSearchCV": {"estimator": make_pipeline(MinMaxScaler(), LINEAR), "param_distributions": {}, "n_iter": 1},
    "RobustScaler": {"with_centering": False},
    "SGDClassifier": {"loss": "modified_huber"},
    "SGDRegressor": {"loss": "huber"},
    "SelectKBest": {"k": 2},
    "SelectPercentile": {"percentile": 50},
    "SelfTrainingClassifier": {"estimator": make_pipeline(StandardScaler(), TREE)},
    "SequentialFeatureSelector": {"direction": "backward"},
    "SimpleImputer": {"strategy": "median", "add_indicator": True},
    "SplineTransformer": {"degree": 2, "extrapolation": "linear", "include_bias": False},
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
WRAPPING = {"FrozenEstimator", "GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"}
"""What is converted as the estimator in it."""
NO_STEP = WRAPPING | {"CCA", "IsotonicRegression", "PLSCanonical", "PLSRegression", "PLSSVD"}
"""What transforms, but in no pipeline: PLS gives a pair of matrices when it is fitted, isotonic regression a vector."""
SMALL = {"n_estimators": 5, "max_iter": 50, "cv": 2, "n_init": 1, "random_state": 0}
"""What makes a default quicker, and the same every time."""

KINDS: dict[str, type] = dict(all_estimators())
"""Those that scikit-learn calls experimental are listed from the moment on that somebody asks for them, as above."""


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
