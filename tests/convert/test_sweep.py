"""Every estimator of scikit-learn: it converts, verifies and is served rightly, or is refused in one line."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.base import is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_selection import f_classif
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import LocalOutlierFactor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from convert.__main__ import main
from convert.errors import ConvertError
from convert.estimator import load_estimator
from convert.oracle import Oracle
from convert.refused import REFUSED
from convert.sample import find_table
from convert.strategies.composed import ESTIMATORS
from convert.strategies.plain import ALLOWED
from convert.transforms import WRITERS
from convert.trees import READERS
from convert.verify import verify
from lambda_fn.errors import ServiceError
from lambda_fn.model import Model

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATOR = np.random.default_rng(3)
COUNT = 60
NUMBERS = np.c_[GENERATOR.integers(0, 4, (COUNT, 3)), GENERATOR.random(COUNT).round(2)].astype(np.float64)
SCORE = NUMBERS @ [1.0, -1.0, 0.5, 2.0] + GENERATOR.normal(size=COUNT) / 4
LABELS = np.array(["no", "yes"])[(SCORE > np.median(SCORE)).astype(int)]
TABLE = pandas.DataFrame(
    {
        "city": np.array(["Oslo", "Bergen", "Bodø"])[NUMBERS[:, 0].astype(int) % 3],
        "age": np.where(GENERATOR.random(COUNT) < 0.1, np.nan, NUMBERS[:, 3] * 50),
        "active": NUMBERS[:, 1] > 1,
        "plan": np.array(["basic", "pro"])[NUMBERS[:, 2].astype(int) % 2],
    }
)
