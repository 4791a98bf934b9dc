"""Clients that others wrote call the service unchanged; what they make of its answers is what the estimator says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lambda_fn import VERSION
from tests.clients.case import Case
from tests.lambda_fn.conftest import anew
from tests.lambda_fn.mixed import mixed
from tests.served import served

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=["iris", "mixed"])
def case(
    request: pytest.FixtureRequest, model_file: Path, estimator: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    """The demo model under a stage, and one of strings and booleans."""
    path, table = model_file, pd.DataFrame({"sepal length (cm)": [6.2, 5.0, 6.2], "sepal width (cm)": [3.4, 2.0, 1.0]})
    if request.param == "mixed":
        path, table, estimator = mixed(tmp_path_factory.mktemp("mixed"))
        table = table.dropna().head(20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_URI", path.as_uri())
        handler = anew()
        with served(handler.predict, "dev" if request.param == "iris" else "") as url:
            yield Case(url, request.param, table, estimator)


def test_tritonclient(case: Case) -> None:
    found = case.says("triton", "clients", case.url.removeprefix("http://"), case.name)
    assert [found[name] for name in ("live", "ready", "model ready", "no model ready")] == [True, True, True, False]
    assert found["server"] == {"name": "plume", "version": VERSION, "extensions": ["binary_tensor_data"]}
    assert found["metadata"]["platform"] == "onnx_onnxv1"
    assert found["version"] == found["metadata"]["versions"]
    assert [each["name"] for each in found["metadata"]["inputs"]] == list(case.table)
    classes = case.probabilities.shape[1]
    assert [each["shape"] for each in found["metadata"]["outputs"]] == [[-1], [-1, classes]]
    for name in ("binary", "json"):
        assert found[name]["id"] == "a1"
        assert found[name]["shapes"] == {"prediction": [len(case.table)], "probabilities": [len(case.table), classes]}
        for answer in (found[name], *found[f"{name}, compressed"], found[f"{name}, by name"]):
            case.check(answer["outputs"])
        assert list(found[f"{name}, by name"]["outputs"]) == ["probabilities", "prediction"]
    lacking, output, nobody, version, ragged, metadata = found["errors"]
    first = next(iter(case.table))
    assert lacking[0] == "400"
    assert lacking[1].startswith(f"`inputs` lacks {first!r}, the model takes ")
    assert output == ["400", "`outputs` has 'nothing', the model has 'prediction', 'probabilities'"]
    assert nobody[0] == version[0] == metadata[0] == "404"
    assert nobody[1] == metadata[1]
    assert nobody[1].startswith(f"there is no model named 'nobody', only '{case.name}'")
    assert ragged[0] == "400"
    assert "expected [1] or [1, 1]" in ragged[1]


def test_mlflow(case: Case) -> None:
    if "/dev" in case.url:
        pytest.skip("MLflow's client has no base path")
    found = case.says("mlflow_client", "clients", case.url.rpartition(":")[2])
    assert found["version"] == VERSION
    for name in ("frame", "other order", "without names", "rows"):
        assert found[name] == case.labels
    assert np.abs(np.array(found["probabilities"]) - case.probabilities).max() <= 1e-15
    assert "error code 400" in found["error"]
    assert "`columns` lacks 'city'" in found["error"]


def test_mlserver(case: Case) -> None:
    found = case.says("mlserver_client", "clients", case.url, case.name)
    assert found["extensions"] == ["binary_tensor_data"]
    assert found["inputs"] == list(case.table)
    case.check(found["outputs"])


def test_kserve(case: Case) -> None:
    found = case.says("kserve_client", "kserve", case.url, case.name)
    names = ("live", "ready", "model ready", "model ready, v1", "no model ready")
    assert [found[name] for name in names] == [True, True, True, True, False]
    for name in ("binary", "json"):
        assert found[f"{name}, id"] == "7"
        case.check(found[name])
    assert found["v1"] == {"predictions": case.labels}
    assert found["error"].startswith(f"row 0 has {case.table.shape[1] - 1} value")
