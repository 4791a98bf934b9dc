"""Write the scoring suite: model files by every strategy, files that are refused, and the answers that are expected."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pandas
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from convert.export import export
from convert.model_file.disk import read_card
from convert.model_file.seal import seal
from convert.strategies.table import STRATEGIES

type Answer = tuple[Any, dict[str, Any]]
"""An event, and members that its answer has."""

N = 120
GENERATOR = np.random.default_rng(11)
ROWS = GENERATOR.normal(size=(N, 3)).round(2)
HOLES = np.where(GENERATOR.random(ROWS.shape) < 0.1, np.nan, ROWS)
TABLE = pandas.DataFrame(
    {"city": GENERATOR.choice(["Paris", "Oslo", "São Paulo"], N), "age": ROWS[:, 0], "level": np.arange(N) % 3}
)
LABELS = np.digitize(ROWS[:, 0] + ROWS[:, 1], [-0.5, 0.5])
WORDS = np.array(["low", "middle", "high"])[LABELS]
SMALL = GradientBoostingClassifier(n_estimators=5, max_depth=2, random_state=0)
ENCODED = make_column_transformer((OneHotEncoder(), ["city", "level"]), remainder="passthrough")
ESTIMATORS: tuple[tuple[str, str, Any, Any, Any], ...] = (
    ("tabulated", "tabulated", SMALL, ROWS[:, :2], LABELS),
    ("trees", "float64 trees", HistGradientBoostingRegressor(max_iter=5), HOLES, ROWS.sum(axis=1)),
    ("operators", "float64 operators", make_pipeline(StandardScaler(), LogisticRegression()), ROWS, WORDS),
    ("plain", "skl2onnx", LogisticRegression(), ROWS, LABELS > 0),
    ("many", "float64 trees", HistGradientBoostingRegressor(max_iter=60), HOLES, ROWS.sum(axis=1)),
    ("table", "float64 trees", make_pipeline(ENCODED, RandomForestClassifier(5, random_state=0)), TABLE, WORDS),
)
"""Name, strategy, estimator, what it is fitted on: rows and labels."""
MANY = 10
"""How many times the rows are sent at once to a model with a companion, which is asked for from 1,024 rows on."""
BAD: tuple[tuple[Any, str], ...] = (
    ({"data": [[1.0]]}, "wrong-width"),
    ({"data": [[1.0, None]]}, "not-a-number"),
    ({"data": [[1.0, "a"]]}, "not-a-number"),
    ({"data": [[1.0, float("nan")]]}, "nan"),
    ({"data": [[float("-inf"), 1.0]]}, "infinity"),
    ({"data": [[1.0, 1e300]]}, "beyond-float32"),
    ({"data": [[1.0, 10**400]]}, "beyond-float32"),
    ({"data": []}, "empty-data"),
    ({"data": 1}, "missing-data"),
)
"""What the tabulated model is asked, and the code of the error."""


def write_cases(folder: Path) -> None:
    """Write cases.json and the model files that it names into `folder`."""
    cases = [_estimator_case(folder, *each) for each in ESTIMATORS]
    cases[0]["answers"] += [(body, {"status": 400, "code": code}) for body, code in BAD]
    cases[0]["answers"] += _dialects(ROWS[:, :2], SMALL.predict(ROWS[:, :2]).tolist())
    for case in cases:
        if case["companion"]:
            [(event, answer), *_] = case["answers"]
            case["answers"].append(
                tuple({name: values * MANY for name, values in each.items()} for each in (event, answer))
            )
    unknown = json.loads(TABLE[:1].to_json(orient="records"))[0]
    for member, value in (("city", "Rome"), ("level", 7)):
        cases[-1]["answers"].append(({"data": [unknown | {member: value}]}, {"code": "unknown-category"}))
    broken = _broken_files((folder / cases[0]["model"]).read_bytes())
    (folder / "cases.json").write_text(json.dumps(cases + [_refused_case(folder, *each) for each in broken.items()]))


def _estimator_case(folder: Path, name: str, strategy: str, estimator: Any, rows: Any, labels: Any) -> dict[str, Any]:
    """Fit and export an estimator; return its case, with the estimator's own answers."""
    estimator.fit(rows, labels)
    joblib.dump(estimator, folder / f"{name}.joblib")
    pandas.DataFrame(rows).add_prefix("" if rows is TABLE else "x").to_csv(folder / f"{name}.csv", index=False)
    export(folder / f"{name}.joblib", folder / f"{name}.onnx", name=name, strategy=strategy)
    columns = [feature["name"] for feature in read_card((folder / f"{name}.onnx").read_bytes())["features"]]
    data = json.loads(pandas.DataFrame(rows).set_axis(columns, axis=1).to_json(orient="records", double_precision=15))
    event, answer = {"data": data}, {"prediction": estimator.predict(rows).tolist()}
    answers: list[Answer] = [(event, answer), (_http(json.dumps(event)), {"statusCode": 200})]
    if hasattr(estimator, "predict_proba"):
        probabilities = estimator.predict_proba(rows).tolist()
        answers.append((event | {"probabilities": True}, answer | {"probabilities": probabilities}))
    companion = "companions" in read_card((folder / f"{name}.onnx").read_bytes())
    return _case(f"{name}.onnx", answers, STRATEGIES[strategy].tolerance, companion)


def _refused_case(folder: Path, name: str, data: bytes) -> dict[str, Any]:
    (folder / f"{name}.onnx").write_bytes(data)
    answer = {"status": 503, "code": "model-invalid"}
    return _case(f"{name}.onnx", [({"data": [[1.0, 2.0]]}, answer), (_http("{}"), {"statusCode": 503})], 0.0)


def _case(model: str, answers: Sequence[Answer], tolerance: float, companion: bool = False) -> dict[str, Any]:
    return {"model": model, "answers": list(answers), "tolerance": tolerance, "companion": companion}


def _dialects(rows: NDArray[np.float64], prediction: list[int]) -> list[Answer]:
    """Return every dialect that goes in and comes out, and a body of JSON that is large enough to be sliced."""
    npy, many = io.BytesIO(), 200
    np.save(npy, rows)
    body = json.dumps({"data": rows.tolist()})
    written: list[Answer] = [(_http(body, accept), {"statusCode": 200}) for accept in ("text/csv", "application/x-npy")]
    return written + [
        (_http(sent, "application/json", content_type), {"statusCode": 200, "body": json.dumps({"prediction": labels})})
        for sent, content_type, labels in (
            (pandas.DataFrame(rows).to_csv(index=False, header=False), "text/csv", prediction),
            (npy.getvalue(), "application/x-npy", prediction),
            (json.dumps({"data": rows.tolist() * many}), "application/json", prediction * many),
        )
    ]


def _http(body: str | bytes, accept: str = "*/*", content_type: str = "application/json") -> dict[str, Any]:
    """Return an event of an HTTP API that posts `body`."""
    return {
        "version": "2.0",
        "rawPath": "/predict",
        "rawQueryString": "",
        "headers": {"content-type": content_type, "accept": accept},
        "requestContext": {"http": {"method": "POST", "path": "/predict"}, "stage": "$default"},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": isinstance(body, bytes),
    }


def _broken_files(whole: bytes) -> dict[str, bytes]:
    """Return files that the seal, the guard and, behind them, onnxruntime itself refuse."""
    model = onnx.load_from_string(whole)
    model.graph.node[0].op_type = "Loop"
    return {
        "empty": b"",
        "truncated": whole[:-1],
        "altered": whole.replace(b"\x0a\x06digest", b"\x0a\x06digesT"),
        "guarded": seal(model),
        "out of reach": seal(_choice(7)),
    }


def _choice(column: int) -> onnx.ModelProto:
    """Return a graph that chooses a `column` of two, which only shows when it runs."""
    graph = helper.make_graph(
        [helper.make_node("Gather", ["X", "column"], ["value"], axis=1)],
        "choice",
        [helper.make_tensor_value_info("X", TensorProto.DOUBLE, [None, 2])],
        [helper.make_tensor_value_info("value", TensorProto.DOUBLE, [None, 1])],
        [numpy_helper.from_array(np.array([column]), "column")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=10)
