"""Settings that change what is written: targets that are transformed, and support vectors that are far apart."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from scipy.special import exp10
from sklearn.compose import TransformedTargetRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge, TweedieRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR

from convert.errors import ConvertError
from convert.export import export
from convert.oracle.sample import Sample, write_sample
from tests.convert.strategies.test_registry import assert_certified

GENERATOR = np.random.default_rng(4)
ROWS = GENERATOR.normal(size=(200, 4))
SCORE = ROWS @ [1.0, 2.0, 0.5, -1.0] + GENERATOR.normal(size=200) / 10
FAR_APART = ROWS * [1.0, 1.0, 1.0, 1e6]
"""Rows whose squares of differences have more digits than float64."""


def fitted(estimator: Any, rows: Any, target: Any, folder: Path) -> Path:
    joblib.dump(estimator.fit(rows, target), folder / "model.joblib")
    write_sample(folder / "model.csv", Sample(("a", "b", "c", "d"), rows))
    return folder / "model.joblib"


@pytest.mark.parametrize(
    ("function", "inverse"),
    [
        *((np.log, np.exp), (np.log1p, np.expm1), (np.log2, np.exp2), (np.log10, exp10), (np.sqrt, np.square)),
        *((np.square, np.sqrt), (np.exp, np.log), (np.expm1, np.log1p), (np.exp2, np.log2), (exp10, np.log10)),
        *((np.negative, np.negative), (np.reciprocal, np.reciprocal), (np.abs, np.abs), (None, None)),
    ],
    ids=str,
)
def test_a_target_comes_back_by_its_function(function: Any, inverse: Any, tmp_path: Path) -> None:
    target = TransformedTargetRegressor(Ridge(), func=function, inverse_func=inverse, check_inverse=False)
    assert_certified(fitted(target, ROWS, np.exp(SCORE / 4), tmp_path), "float64 operators")


@pytest.mark.parametrize(
    "transformer",
    [
        *(StandardScaler(with_mean=False), MinMaxScaler((-1, 1)), RobustScaler(), RobustScaler(with_scaling=False)),
        *(MaxAbsScaler(), PowerTransformer(), PowerTransformer(standardize=False), PowerTransformer("box-cox")),
        make_pipeline(FunctionTransformer(np.log, np.exp), StandardScaler()),
    ],
    ids=repr,
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_target_comes_back_from_its_transformer(transformer: Any, sign: int, tmp_path: Path) -> None:
    target = np.exp(SCORE / 4) if sign == 1 or "box-cox" in repr(transformer) or "log" in repr(transformer) else -SCORE
    regressor = TransformedTargetRegressor(Ridge(), transformer=transformer)
    assert_certified(fitted(regressor, ROWS, target, tmp_path), "float64 operators")


@pytest.mark.parametrize(
    "transformer", [QuantileTransformer(n_quantiles=9), FunctionTransformer(np.log, np.sin, check_inverse=False)]
)
def test_an_inverse_that_is_not_written_is_refused_by_name(transformer: Any, tmp_path: Path) -> None:
    model = fitted(TransformedTargetRegressor(Ridge(), transformer=transformer), ROWS, np.exp(SCORE / 4), tmp_path)
    with pytest.raises(
        ConvertError, match=r"not written with QuantileTransformer: fit it with|runs sin, which is none"
    ):
        export(model, tmp_path / "model.onnx", name="model")


@pytest.mark.parametrize(
    "estimator",
    [SVR(), SVR(gamma=0.1), SVR(gamma=1e-6), SVC(gamma=1e-3), SVC(), KernelRidge(kernel="rbf", gamma=1e-8)],
    ids=repr,
)
def test_support_vectors_that_are_far_apart_are_certified(estimator: Any, tmp_path: Path) -> None:
    target = (SCORE > 0).astype(int) if isinstance(estimator, SVC) else SCORE
    assert_certified(fitted(estimator, FAR_APART, target, tmp_path), "float64 operators")


def test_distances_that_scikit_learn_itself_has_no_digits_of_are_refused(tmp_path: Path) -> None:
    model = fitted(KernelRidge(kernel="rbf", gamma=1e-3), FAR_APART, SCORE, tmp_path)
    with pytest.raises(ConvertError, match=r"KernelRidge adds up terms so large .*: fit it behind a StandardScaler"):
        export(model, tmp_path / "model.onnx", name="model")


@pytest.mark.parametrize(("power", "link"), [(0, "log"), (0, "identity"), (1.5, "identity"), (3, "auto"), (-1, "auto")])
def test_every_link_is_certified(power: float, link: str, tmp_path: Path) -> None:
    estimator = TweedieRegressor(power=power, link=link, max_iter=1000)
    assert_certified(fitted(estimator, ROWS, np.exp(SCORE / 4), tmp_path), "float64 operators")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_naive_bayes_with_a_column_of_a_small_share_of_the_others_is_certified(dtype: str, tmp_path: Path) -> None:
    rows = (ROWS * [1e-5, 1.0, 1e3, 1e7]).astype(dtype)
    labels = np.array(["low", "middle", "high"])[np.digitize(SCORE, [-1, 1])]
    model = tmp_path / "model.joblib"
    joblib.dump(GaussianNB().fit(rows, labels), model)
    write_sample(tmp_path / "model.csv", Sample(("a", "b", "c", "d"), rows.astype(np.float64)))
    assert_certified(model, "float64 operators")


@pytest.mark.parametrize("estimator", [Ridge(), KernelRidge(), TransformedTargetRegressor(Ridge())], ids=repr)
def test_a_target_of_one_column_is_a_target(estimator: Any, tmp_path: Path) -> None:
    assert_certified(fitted(estimator, ROWS, SCORE[:, np.newaxis], tmp_path), "float64 operators")
