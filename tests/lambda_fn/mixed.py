"""A pipeline over strings, booleans and numbers that may be missing: its file, its table, itself."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from convert.export import export

CITIES = ["Köln", "Zürich", 'a "b", c']


def mixed(folder: Path) -> tuple[Path, pd.DataFrame, Any]:
    """Return model file, training table and estimator: classes are strings, one feature takes NaN."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "city": generator.choice(CITIES, 300),
            "member": generator.random(300) < 0.5,
            "age, in years": generator.normal(40, 9, 300).round(1),
        }
    )
    table.loc[::7, "age, in years"] = np.nan
    labels = np.where((table["member"] & (table["city"] == "Köln")) | (table["age, in years"] > 50), "stays", "leaves")
    estimator = make_pipeline(
        make_column_transformer(
            (OneHotEncoder(), ["city"]), (SimpleImputer(), ["age, in years"]), ("passthrough", ["member"])
        ),
        GradientBoostingClassifier(n_estimators=10, random_state=0),
    ).fit(table, labels)
    joblib.dump(estimator, folder / "mixed.joblib")
    table.to_csv(folder / "mixed.csv", index=False)
    export(folder / "mixed.joblib", folder / "mixed.onnx", name="mixed")
    return folder / "mixed.onnx", table, estimator
