"""What is read of scikit-learn's insides, against the scikit-learn that is installed."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import BisectingKMeans
from sklearn.compose import make_column_transformer
from sklearn.cross_decomposition import PLSRegression
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    VotingClassifier,
)
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import GammaRegressor, LogisticRegression
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.model_selection import TunedThresholdClassifierCV
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from convert.estimator import histogram_insides, insides
from tests.conftest import TESTS

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
BINARY = (X[:, 0] > 0).astype(int)
VOTING = VotingClassifier(
    [("a", GaussianNB()), ("b", "drop"), ("c", DecisionTreeClassifier())], weights=[1.0, 2.0, 3.0]
)

CASES: dict[Callable[..., Any], tuple[tuple[Any, ...], Any]] = {
    insides.given_columns: (
        (make_column_transformer((StandardScaler(), [2, 0])).fit(X), "standardscaler"),
        [2, 0],
    ),
    insides.imputed_dtype: ((SimpleImputer().fit(X.astype(np.float32)),), np.dtype(np.float32)),
    insides.one_hot_widths: ((OneHotEncoder(drop="first").fit(np.array([[0, 1], [1, 2], [2, 1]])),), [2, 1]),
    insides.degrees: ((PolynomialFeatures((2, 3)).fit(X),), (2, 3)),
    insides.quantile_bound: ((), 1e-7),
    insides.discriminant_count: ((LinearDiscriminantAnalysis().fit(X, Y),), 2),
    insides.member_weights: ((VOTING.fit(X, Y),), [1.0, 3.0]),
    insides.has_log_link: ((GammaRegressor().fit(X, BINARY + 1.0),), True),
}
"""For each function, what it is called with, and what it returns."""


@pytest.mark.parametrize("read", CASES, ids=lambda read: read.__name__)
def test_what_is_private_is_where_it_was(read: Callable[..., Any]) -> None:
    arguments, expected = CASES[read]
    assert _read(read, *arguments) == expected


def test_a_missing_indicator_has_no_type() -> None:
    assert _read(insides.imputed_dtype, MissingIndicator().fit(X)) is None


@pytest.mark.parametrize(
    "transformer",
    [
        PowerTransformer(),
        PowerTransformer(standardize=False),
        QuantileTransformer(n_quantiles=3),
        StandardScaler(),
        MinMaxScaler(),
        MaxAbsScaler(),
        RobustScaler(),
    ],
    ids=lambda transformer: type(transformer).__name__,
)
def test_a_column_is_transformed_by_itself_as_among_others(transformer: Any) -> None:
    expected = transformer.set_output(transform="pandas").fit(X).transform(X).to_numpy()
    for place in range(3):
        one = _read(insides.one_column, transformer, place)
        np.testing.assert_array_equal(one.transform(X[:, [place]])[:, 0], expected[:, place])
    assert transformer.n_features_in_ == 3


def test_a_power_transformer_ends_with_a_scaler() -> None:
    power = PowerTransformer().fit(X)
    assert type(_read(insides.power_scaler, power)) is StandardScaler
    assert _read(insides.power_scaler, PowerTransformer(standardize=False).fit(X)) is None


def test_sums_of_gradient_boosting_start_where_scikit_learn_starts() -> None:
    boosting = GradientBoostingClassifier(n_estimators=1, learning_rate=1e-300).fit(X, BINARY)
    np.testing.assert_allclose(_read(insides.boosting_start, boosting), boosting.decision_function(X[:1]), rtol=1e-12)


def test_trees_of_histograms_have_nodes() -> None:
    boosting = HistGradientBoostingClassifier(max_iter=3, early_stopping=False).fit(X, Y)
    stages = _read(histogram_insides.histogram_stages, boosting)
    assert (len(stages), len(stages[0])) == (3, 3)
    fields = {"value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right", "is_leaf"}
    assert fields | {"is_categorical", "bitset_idx"} <= set(stages[0][0].nodes.dtype.names)
    assert stages[0][0].sets.shape == (0, 256)
    assert _read(histogram_insides.histogram_start, boosting).shape == (3,)


def test_histograms_of_categories_are_an_encoder_and_trees() -> None:
    rows = np.column_stack([X[:, 0], np.arange(60) % 3, X[:, 1]])
    boosting = HistGradientBoostingClassifier(max_iter=3, categorical_features=[1]).fit(rows, rows[:, 1] == 2)
    encoder, trees = (
        _read(histogram_insides.histogram_preprocessor, boosting),
        _read(histogram_insides.histogram_trees, boosting),
    )
    np.testing.assert_array_equal(encoder.transform(rows), rows[:, [1, 0, 2]])
    scores = trees.decision_function(encoder.transform(rows))
    np.testing.assert_array_equal(scores, boosting.decision_function(rows))
    assert _read(histogram_insides.histogram_preprocessor, trees) is None
    sets = _read(histogram_insides.histogram_stages, boosting)[0][0].sets
    assert [np.flatnonzero(each).tolist() for each in sets] == [[2]]


@pytest.mark.parametrize(
    ("read", "estimator"),
    [
        (insides.boosted_shares, GradientBoostingClassifier(n_estimators=3)),
        (insides.boosted_shares, HistGradientBoostingClassifier(max_iter=3)),
        (insides.voted_shares, AdaBoostClassifier(n_estimators=3)),
    ],
    ids=lambda each: getattr(each, "__name__", repr(each)),
)
def test_probabilities_are_made_of_raw_scores(read: Callable[..., Any], estimator: Any) -> None:
    scores = estimator.fit(X, BINARY).decision_function(X)
    assert _read(read, estimator, scores).tolist() == estimator.predict_proba(X).tolist()


def test_depths_of_an_isolation_forest_score_as_it_does() -> None:
    forest = IsolationForest(n_estimators=5, max_samples=20, random_state=0).fit(X)
    depths = sum(
        _read(insides.isolation_depths, forest, number)[tree.apply(X)] for number, tree in enumerate(forest.estimators_)
    )
    scores = -(2.0 ** (-depths / (5 * _read(insides.isolation_scale, forest))))
    np.testing.assert_allclose(scores, forest.score_samples(X), rtol=1e-12)


def test_libsvm_computes_with_its_own_numbers() -> None:
    machine = SVC(kernel="linear").fit(X, BINARY)
    read = _read(insides.support_vector_machine, machine)
    decision = machine.support_vectors_ @ X.T
    expected = -(read.dual @ decision)[0] - read.intercept[0]
    np.testing.assert_allclose(machine.decision_function(X), expected, rtol=1e-9, atol=1e-9)
    assert read.counts.sum() == len(machine.support_vectors_)
    assert read.gamma == pytest.approx(1 / (3 * X.var()))
    assert not read.probability


def test_pls_subtracts_the_means() -> None:
    np.testing.assert_allclose(_read(insides.subtracted_means, PLSRegression(1).fit(X, X[:, 0])), X.mean(axis=0))


def test_a_tuned_threshold_knows_its_positive_label() -> None:
    tuned = TunedThresholdClassifierCV(LogisticRegression()).fit(X, BINARY)
    assert _read(insides.positive_label, tuned) in (None, 1)


def test_a_calibrated_classifier_holds_its_calibrators() -> None:
    calibration = CalibratedClassifierCV(GaussianNB(), ensemble=False).fit(X, BINARY)
    [member] = [_read(insides.calibrated, each) for each in calibration.calibrated_classifiers_]
    assert (type(member.estimator), member.method, len(member.calibrators)) == (GaussianNB, "sigmoid", 1)
    slope, intercept = _read(insides.sigmoid_line, member.calibrators[0])
    score = member.estimator.predict_proba(X)[:, 1]
    np.testing.assert_allclose(calibration.predict_proba(X)[:, 1], 1 / (1 + np.exp(slope * score + intercept)))


def test_every_function_is_asked_here() -> None:
    asked = {node.attr for node in ast.walk(ast.parse(Path(__file__).read_text())) if isinstance(node, ast.Attribute)}
    here = {name for name, value in vars(insides).items() if inspect.isfunction(value) and _is_own(value)}
    assert here - asked == set()


def test_the_types_of_trees_in_skops_files_are_scikit_learns() -> None:
    for name in insides.SKOPS_TYPES:
        module, _, kind = name.rpartition(".")
        assert inspect.isclass(getattr(__import__(module, fromlist=[kind]), kind)), f"{name} is gone"


def test_no_other_module_reads_what_is_private() -> None:
    for path in (TESTS.parent / "convert").rglob("*.py"):
        if not path.name.endswith("insides.py"):
            assert list(_private(ast.parse(path.read_text()))) == [], path


def _read(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of `insides`; say by name what is gone."""
    try:
        return function(*arguments)
    except AttributeError as error:
        pytest.fail(f"insides.{function.__name__}: scikit-learn {sklearn.__version__} has no such thing: {error}")


def _is_own(function: Callable[..., Any]) -> bool:
    return function.__module__ == insides.__name__ and not function.__name__.startswith("_")


def _private(tree: ast.AST) -> list[str]:
    """Return what a module reads that begins with an underscore, of others than itself, or imports so of sklearn."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
            if not own and node.attr not in {"_replace", "_make", "_asdict", "_fields", "_SubParsersAction"}:
                found.append(ast.unparse(node))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn"):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found += [f"{node.module}: {name}" for name in names if name.startswith("_")]
    return found


def test_a_tree_of_bisections_has_the_centres_of_clusters_at_its_ends() -> None:
    k_means = BisectingKMeans(2, random_state=0).fit(X)
    split = _read(insides.bisections, k_means)
    assert sorted([split.left, split.right]) == [0, 1]
    np.testing.assert_allclose(split.centers[[split.left, split.right]], k_means.cluster_centers_, rtol=1e-12)
    assert _read(insides.bisections, BisectingKMeans(1).fit(X)) == 0


@pytest.mark.parametrize("mixture", [GaussianMixture(2), BayesianGaussianMixture(n_components=2)], ids=repr)
def test_the_constants_of_a_mixture_are_its_densities_at_its_means(mixture: Any) -> None:
    mixture.set_params(random_state=0).fit(X)
    at_means = np.diagonal(mixture._estimate_weighted_log_prob(mixture.means_))
    np.testing.assert_allclose(_read(insides.mixture_constants, mixture), at_means, rtol=1e-12)


def test_powers_are_standardized_by_a_scaler() -> None:
    assert isinstance(_read(insides.scaler_of_powers, PowerTransformer().fit(X)), StandardScaler)
