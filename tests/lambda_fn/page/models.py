"""Model files that have all that a document may have to tell of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.export import export

ROWS = 120
CITY, AGE, MEMBER, PLAN, NOTE = 'the "city"', "âge, in years", "member?", "plan/tier", "note"


def people() -> pandas.DataFrame:
    """Return a table of strings, booleans, missing values and a column to drop, under names that are no words."""
    draw = np.random.default_rng(5)
    age = draw.uniform(18, 90, ROWS).round(1)
    return pandas.DataFrame(
        {
            CITY: draw.choice(["Oslo", "Bodø", "São Paulo", "san-paulo", "san paulo"], ROWS),
            AGE: np.where(draw.random(ROWS) < 0.2, np.nan, age),
            MEMBER: draw.random(ROWS) < 0.5,
            PLAN: draw.choice(["basic", "pro's", ">50K", "<=50K"], ROWS),
            NOTE: "dropped",
        }
    )


def mixed() -> tuple[Any, pandas.DataFrame, Any]:
    """Return a classifier of such people with strings for labels: one column takes any string, one its categories."""
    table = people()
    known = OrdinalEncoder(handle_unknown="error")
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), [CITY]), (known, [PLAN]), ("passthrough", [AGE, MEMBER])
    )
    labels = np.where(table[MEMBER] & (table[PLAN] == "basic"), "Yes, surely", np.where(table[AGE] > 50, "yes", "no"))
    return make_pipeline(columns, DecisionTreeClassifier(max_depth=4, random_state=0)), table, labels


def wide() -> tuple[Any, pandas.DataFrame, Any]:
    """Return a regression over 300 features."""
    draw = np.random.default_rng(6)
    table = pandas.DataFrame(draw.normal(size=(ROWS, 300)), columns=[f"x{number}" for number in range(300)])
    return Ridge(), table, table.sum(axis=1) + draw.normal(size=ROWS)


MADE = {"mixed": mixed, "wide": wide}


def exported(name: str, folder: Path) -> Path:
    """Return the model file of one of those that are `MADE`."""
    estimator, table, target = MADE[name]()
    joblib.dump(estimator.fit(table, target), folder / f"{name}.joblib")
    table.to_parquet(folder / f"{name}.parquet")
    out = folder / f"{name}.onnx"
    export(folder / f"{name}.joblib", out, sample=folder / f"{name}.parquet", name=name)
    return out
