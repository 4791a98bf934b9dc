"""LightGBM's and XGBoost's own files, and what is read of their insides, against the versions that are installed."""

import sys
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pytest
import xgboost

from convert.errors import ConvertError
from convert.estimator import booster_insides
from convert.estimator.encoded import encoder_and_trees
from convert.estimator.fitted import load_estimator
from tests.convert.strategies.boosted import BINARY, NUMBERS, TABLE, TABLE_LABELS, THREE, VALUES

LIGHT: dict[str, Any] = {"n_estimators": 3, "verbose": -1, "n_jobs": 1}
EXTREME: dict[str, Any] = {"n_estimators": 3, "n_jobs": 1}
LIGHTGBM = [
    (lightgbm.LGBMClassifier(**LIGHT), BINARY, "LGBMClassifier", [0, 1]),
    (lightgbm.LGBMClassifier(**LIGHT), THREE, "LGBMClassifier", [0, 1, 2]),
    (lightgbm.LGBMRegressor(objective="poisson", **LIGHT), VALUES, "LGBMRegressor", None),
]
XGBOOST = [
    (xgboost.XGBClassifier(**EXTREME), BINARY, "XGBClassifier", [0, 1]),
    (xgboost.XGBClassifier(**EXTREME), THREE, "XGBClassifier", [0, 1, 2]),
    (xgboost.XGBRegressor(objective="reg:gamma", **EXTREME), VALUES, "XGBRegressor", None),
]


def assert_same(path: Path, fitted: Any, name: str, classes: list[int] | None) -> None:
    loaded = load_estimator(path)
    assert type(loaded).__name__ == name
    assert getattr(loaded, "classes_", np.array([])).tolist() == (classes or [])
    np.testing.assert_array_equal(loaded.predict(NUMBERS), fitted.predict(NUMBERS))
    if classes:
        np.testing.assert_array_equal(loaded.predict_proba(NUMBERS), fitted.predict_proba(NUMBERS))


@pytest.mark.parametrize("ending", ["txt", "joblib"])
@pytest.mark.parametrize(("fitted", "targets", "name", "classes"), LIGHTGBM, ids=["two", "three", "values"])
def test_lightgbms_own_files(
    fitted: Any, targets: Any, name: str, classes: list[int] | None, ending: str, tmp_path: Path
) -> None:
    booster, path = fitted.fit(NUMBERS, targets).booster_, tmp_path / f"model.{ending}"
    booster.save_model(path) if ending == "txt" else joblib.dump(booster, path)
    assert_same(path, fitted, name, classes)


@pytest.mark.parametrize("ending", ["json", "ubj", "joblib"])
@pytest.mark.parametrize(("fitted", "targets", "name", "classes"), XGBOOST, ids=["two", "three", "values"])
def test_xgboosts_own_files(
    fitted: Any, targets: Any, name: str, classes: list[int] | None, ending: str, tmp_path: Path
) -> None:
    booster, path = fitted.fit(NUMBERS, targets).get_booster(), tmp_path / f"model.{ending}"
    booster.save_model(path) if ending != "joblib" else joblib.dump(booster, path)
    assert_same(path, fitted, name, classes)


def test_own_files_of_categories_know_them(tmp_path: Path) -> None:
    lightgbm.LGBMClassifier(**LIGHT).fit(TABLE, TABLE_LABELS).booster_.save_model(tmp_path / "model.txt")
    xgboost.XGBClassifier(enable_categorical=True, **EXTREME).fit(TABLE, TABLE_LABELS).save_model(
        tmp_path / "model.json"
    )
    for path in (tmp_path / "model.txt", tmp_path / "model.json"):
        encoded = encoder_and_trees(load_estimator(path))
        assert encoded is not None
        encoder, trees = encoded
        assert [
            kept.tolist() for name, part, _ in encoder.transformers_ for kept in getattr(part, "categories_", [])
        ] == [
            ["Bergen", "Bodø", "Oslo", "Ålesund"],
            [1, 2, 3, 4, 5, 6],
        ]
        codes = encoder.transform(
            TABLE.astype({"city of birth": object, "level": object}).set_axis(encoder.feature_names_in_, axis=1)
        )
        np.testing.assert_array_equal(np.nan_to_num(codes[:, 0], nan=-1), TABLE["city of birth"].cat.codes)
        assert encoder_and_trees(trees) is None


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("model.txt", b"hello", "begins with 'hello'"),
        ("model.txt", b"tree\nversion=v4\n", "no model of LightGBM: .* write it with save_model"),
        ("model.json", b'{"a": 1}', "no model of XGBoost: write it with save_model"),
        ("model.json", b"garbage", "no model of XGBoost"),
        ("model.ubj", b"\0\1", "no model of XGBoost"),
        ("model.txt", b"\xff\xfe", "that loads here: UnicodeDecodeError"),
    ],
)
def test_other_files_are_told_of_in_a_line(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConvertError, match=reason) as raised:
        load_estimator(tmp_path / name)
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(("package", "installed_as"), [("lightgbm", "lightgbm"), ("imblearn", "imbalanced-learn")])
def test_a_package_that_is_lacking_is_asked_for(
    package: str, installed_as: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model.joblib").write_bytes(f"c{package}.sklearn\nLGBMClassifier\n.".encode())
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(
        ConvertError, match=f"the package {package}, which is not installed: pip install {installed_as}"
    ):
        load_estimator(tmp_path / "model.joblib")


def test_xgboost_starts_where_it_says() -> None:
    fitted = xgboost.XGBClassifier(n_estimators=1, learning_rate=1e-30, base_score=0.2, n_jobs=1).fit(NUMBERS, BINARY)
    start = booster_insides.xgboost_start(booster_insides.xgboost_booster(fitted))
    np.testing.assert_array_equal(start, fitted.predict(NUMBERS[:1], output_margin=True))


def test_the_trees_that_xgboost_predicts_with_end_at_the_best() -> None:
    fitted = xgboost.XGBClassifier(n_estimators=200, learning_rate=1.0, early_stopping_rounds=2, n_jobs=1)
    fitted.fit(NUMBERS[:200], BINARY[:200], eval_set=[(NUMBERS[200:], BINARY[200:])], verbose=False)
    assert booster_insides.xgboost_booster(fitted).num_boosted_rounds() == fitted.best_iteration + 1
