"""Clients that generators make of the document call the service, and are answered what the estimator says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import requests

from scripts.emulator import ROOT
from tests.conftest import FEATURES
from tests.lambda_fn.page.conftest import Serve
from tests.lambda_fn.page.models import AGE, CITY, MEMBER, NOTE, PLAN, people
from tests.served import serving

CLIENTS = ROOT / ".tools" / "clients" / "bin"
MODULES = ROOT / "node_modules"
OURS = Path(__file__).parent / "clients"
COMPILER = ("--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom,dom.iterable")


def run(command: Sequence[Path | str], folder: Path, text: str = "") -> str:
    """Run a command in a folder and return what it prints."""
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def save(url: str, file: Path) -> None:
    """Save the document that is at a URL."""
    file.write_bytes(requests.get(f"{url}/openapi.json", timeout=10).content)


def agrees(answer: dict[str, Any], estimator: Any, rows: pandas.DataFrame) -> None:
    """Check an answer with the probabilities of the classes against the estimator's."""
    known = rows if hasattr(estimator, "feature_names_in_") else rows.to_numpy()
    assert answer["prediction"] == estimator.predict(known).tolist()
    np.testing.assert_allclose(answer["probabilities"], estimator.predict_proba(known), rtol=0, atol=1e-9)


def flowers() -> pandas.DataFrame:
    """Return rows of the demo model."""
    return pandas.DataFrame([[6.2, 3.4], [6.2, 1.0], [5.0, 3.5]], columns=list(FEATURES))


@pytest.mark.parametrize(("name", "rows"), [("iris", flowers), ("mixed", people)])
def test_a_python_client_is_answered(
    name: str, rows: Callable[[], pandas.DataFrame], serve: Serve, estimators: Callable[[str], Any], tmp_path: Path
) -> None:
    table = rows()
    with serving(serve(name)) as url:
        save(url, tmp_path / "openapi.json")
        options = ["--path", "openapi.json", "--meta", "none", "--output-path", "generated"]
        run([CLIENTS / "openapi-python-client", "generate", *options], tmp_path)
        text = table.to_json(orient="records", double_precision=15)
        answer = json.loads(run([CLIENTS / "python", OURS / "call.py", tmp_path, url], tmp_path, text))
    assert (answer["code"], answer["name"]) == ("wrong-width", name)
    agrees(answer, estimators(name), table)


def test_typescript_clients_compile_and_are_answered(
    serve: Serve, estimators: Callable[[str], Any], tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(MODULES)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    answers = {}
    with serving(serve("iris")) as iris, serving(serve("mixed")) as mixed:
        for name, url in (("iris", iris), ("mixed", mixed)):
            save(url, tmp_path / f"{name}.json")
            (tmp_path / f"{name}.ts").write_text((OURS / f"{name}.ts").read_text())
            run(["node", MODULES / ".bin" / "openapi-typescript", f"{name}.json", "-o", f"{name}-api.d.ts"], tmp_path)
        run(["node", MODULES / ".bin" / "tsc", *COMPILER, "iris.ts", "mixed.ts"], tmp_path)
        for name, url in (("iris", iris), ("mixed", mixed)):
            answers[name] = json.loads(run(["node", f"{name}.js", url], tmp_path))
    flowers, sent = answers["iris"], answers["mixed"]
    agrees(flowers, estimators("iris"), pandas.DataFrame(flowers["rows"], columns=list(FEATURES)))
    assert (flowers["code"], flowers["names"]) == ("missing-feature", ["iris", "iris"])
    table = pandas.DataFrame(sent["rows"], columns=[CITY, AGE, MEMBER, PLAN, NOTE])
    agrees(sent, estimators("mixed"), table.astype({MEMBER: float}))
    assert sent["code"] == "unknown-category"
