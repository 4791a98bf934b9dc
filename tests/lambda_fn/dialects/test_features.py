"""Models of one feature, and of features that are dropped, in every dialect and form, against the estimator."""

from __future__ import annotations

import json
import struct
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from convert.export import export
from tests.conftest import LoadEvent
from tests.lambda_fn.conftest import anew
from tests.lambda_fn.dialects.conftest import tensor
from tests.lambda_fn.posts import request

VALUES: dict[str, list[Any]] = {"number": [0.5, 1.5, 2.5], "flag": [True, False, True], "text": ["a", "b", "c"]}
DATATYPES = {"number": "FP64", "flag": "BOOL", "text": "BYTES"}


class Served:
    """A model of one feature, or two of which one is dropped; `labels` are what it says of `VALUES`."""

    def __init__(self, handler: ModuleType, event: LoadEvent, kind: str, labels: list[int]) -> None:
        self.handler, self.event, self.kind, self.labels = handler, event, kind, labels

    def ask(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        sent = body if isinstance(body, bytes) else json.dumps(body)
        answer = self.handler.predict(request(self.event, "POST", path, sent, headers), None)
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])

    def infer(self, *inputs: Any) -> Any:
        return self.ask("/v2/models/one/infer", {"inputs": inputs})["outputs"][0]["data"]


@cache
def exported(kind: str, dropped: bool, folder: Path) -> tuple[Path, list[int]]:
    values = VALUES[kind]
    table = pd.DataFrame({kind: values} | ({"more": [7.0, 8.0, 9.0]} if dropped else {}))
    encoder = OneHotEncoder() if kind == "text" else "passthrough"
    steps = make_column_transformer((encoder, [kind]))
    fitted = make_pipeline(steps, DecisionTreeClassifier(random_state=0)).fit(
        table, [0, 1, 0] if kind == "flag" else [0, 1, 2]
    )
    path = folder / f"{kind}-{dropped}.joblib"
    joblib.dump(fitted, path)
    table.to_csv(path.with_suffix(".csv"), index=False)
    export(path, path.with_suffix(".onnx"), name="one")
    return path.with_suffix(".onnx"), fitted.predict(table).tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


def served(kind: str, dropped: bool, event: LoadEvent, folder: Path, patch: pytest.MonkeyPatch) -> Served:
    path, labels = exported(kind, dropped, folder)
    patch.setenv("MODEL_URI", path.as_uri())
    return Served(anew(), event, kind, labels)


@pytest.fixture(params=VALUES)
def one(request: pytest.FixtureRequest, event: LoadEvent, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    return served(request.param, False, event, folder, monkeypatch)


@pytest.fixture(params=VALUES)
def two(request: pytest.FixtureRequest, event: LoadEvent, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    return served(request.param, True, event, folder, monkeypatch)


def test_one_feature_is_a_column_or_a_matrix(one: Served) -> None:
    values, datatype = VALUES[one.kind], DATATYPES[one.kind]
    for name, shape in ((one.kind, [3]), (one.kind, [3, 1]), ("x", [3, 1]), ("x", [3])):
        assert one.infer(tensor(name, shape, datatype, values)) == one.labels


def test_one_feature_needs_no_lists(one: Served) -> None:
    values = VALUES[one.kind]
    for rows in (
        values,
        [[value] for value in values],
        [{one.kind: value} for value in values],
        [values[0], *[[v] for v in values[1:]]],
    ):
        assert one.ask("/v1/models/one:predict", {"instances": rows}) == {"predictions": one.labels}
        assert one.ask("/invocations", {"inputs": rows}) == {"predictions": one.labels}
    assert one.ask("/invocations", {"inputs": {one.kind: values}}) == {"predictions": one.labels}


def test_one_feature_may_be_all_of_a_body(one: Served) -> None:
    values = VALUES[one.kind]
    body = {
        "number": np.array(values, np.float64 if one.kind == "number" else object).tobytes(),
        "flag": bytes(values) if one.kind == "flag" else b"",
        "text": b"".join(struct.pack("<I", 1) + str(value).encode() for value in values),
    }[one.kind]
    answer = one.ask("/v2/models/one/infer", body, {"inference-header-content-length": "0"})
    assert answer["outputs"][0]["data"] == one.labels


def test_what_is_dropped_need_not_be_sent_and_may_be_anything(two: Served) -> None:
    values, datatype = VALUES[two.kind], DATATYPES[two.kind]
    column = tensor(two.kind, [3], datatype, values)
    assert two.infer(column) == two.labels
    for other in (tensor("more", [3], "FP64", [1e300, -1, 0]), tensor("more", [3], "BYTES", ["a", "b", None])):
        assert two.infer(other, column) == two.labels
    assert two.ask("/invocations", {"inputs": {two.kind: values}}) == {"predictions": two.labels}
    assert two.ask("/invocations", {"inputs": {two.kind: values, "more": [1, "a", None]}}) == {
        "predictions": two.labels
    }
    if two.kind == "number":
        matrix = [number for value in values for number in (value, float("nan"))]
        assert two.infer(tensor("x", [3, 2], "FP32", matrix)) == two.labels
