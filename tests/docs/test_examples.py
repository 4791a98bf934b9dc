"""What README and docs/ show is run, and prints what they show; what is not run is on a list, with the reason."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.console import Console

from convert.export import export
from convert.model_file.disk import read_card
from convert.proof.verify import verify
from tests.docs.captured import write_captured
from tests.docs.examples import PAGES, Example, examples
from tests.docs.gateway import serve
from tests.docs.not_run import NOT_RUN, NotRun, is_run, line_of
from tests.docs.running import RUNNERS, NotDoneError, furnish, missing, run

EXAMPLES = [example for example in examples() if example.language != "text"]
RUN = [example for example in EXAMPLES if is_run(example)]
OWN = "bring-your-own.md"
"""The page whose model is not the demo's: its first program fits it."""
BUCKET = re.compile(r"s3://(?:BUCKET|plume-dev-bucket-…)/")
CANDIDATE = ("status", "promote", "withdraw")
"""What is asked of a candidate."""


@pytest.fixture(scope="module")
def furnished(
    tmp_path_factory: pytest.TempPathFactory, model_file: Path, estimator: Any, training_rows: NDArray[np.float64]
) -> Path:
    """Return a folder that has the files which the pages talk of."""
    folder = tmp_path_factory.mktemp("docs")
    build = folder / "build"
    build.mkdir()
    for path in model_file.parent.glob(f"{model_file.stem}*"):
        shutil.copy(path, build / path.name.replace(model_file.stem, "model"))
    furnish(folder)
    write_captured(folder / "captured", build / "model.onnx", estimator, training_rows)
    fit = next(example for example in EXAMPLES if example.page == OWN)
    run(fit, folder, "")
    estimator, sample = folder / "churn.joblib", folder / "training.csv"
    for name in ("churn", "churn2"):
        export(estimator, build / f"{name}.onnx", name=name, sample=sample)
        assert verify(estimator, build / f"{name}.onnx", sample, Console(quiet=True), random_rows=100)
    return folder


@pytest.fixture
def folder(furnished: Path, tmp_path: Path) -> Path:
    """Return a copy of it, which an example may change."""
    return shutil.copytree(furnished, tmp_path / "docs")


@pytest.fixture(scope="module")
def urls(furnished: Path) -> Iterator[dict[str, str]]:
    """Return the URL of the model that a page calls, by the page's name; the demo's under an empty one."""
    with contextlib.ExitStack() as stack:
        yield {
            page: stack.enter_context(serve(furnished / "build" / name))
            for page, name in (("", "model.onnx"), (OWN, "churn.onnx"))
        }


def published(example: Example, folder: Path, bucket: str) -> Example:
    """Return the example with a bucket of its own, in which there are two versions of a model and a candidate."""
    command = f"python -m convert publish build/{{}}.onnx s3://{bucket}/models/model.onnx"
    words = example.text.split()
    if words[3] != "publish":
        for name in ("model", "churn"):
            run(Example("", 0, "", command.format(name)), folder, "")
    if words[3] in CANDIDATE:
        run(Example("", 0, "", command.format("churn2") + " --candidate"), folder, "")
    return replace(example, text=BUCKET.sub(f"s3://{bucket}/", example.text))


@pytest.mark.parametrize("example", RUN, ids=str)
def test_examples_run_and_print_what_is_shown(
    example: Example, folder: Path, urls: dict[str, str], request: pytest.FixtureRequest
) -> None:
    if BUCKET.search(example.text):
        example = published(example, folder, request.getfixturevalue("bucket"))
    printed = run(example, folder, urls.get(example.page, urls[""]))
    assert missing(example.shown, printed) == [], printed


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("", "exit 3"),
        ("", "python -m convert describe none.onnx"),
        ("", "curl $URL/predict -d '{}'"),
        ("js", "throw new Error()"),
        ("yaml", "functions: {predict: {memori: 512}}"),
    ],
)
def test_what_fails_is_told(language: str, text: str, folder: Path, urls: dict[str, str]) -> None:
    with pytest.raises(NotDoneError):
        run(Example("page.md", 1, language, text), folder, urls[""])


def test_the_spreadsheets_function_returns_a_column(folder: Path, urls: dict[str, str]) -> None:
    [script] = [example for example in RUN if "UrlFetchApp" in example.text]
    google = """import { execFileSync } from 'node:child_process';
        const UrlFetchApp = { fetch(to, { method, contentType, payload }) {
          const sent = ['-X', method.toUpperCase(), to, '-H', `content-type: ${contentType}`, '-d', payload];
          return { getContentText: () => execFileSync('curl', sent, { encoding: 'utf8' }) };
        } };"""
    called = "console.log(JSON.stringify(PREDICT([[6.2, 3.4], [6.2, 1]])));"
    assert run(replace(script, text=f"{google}\n{script.text}\n{called}"), folder, urls[""]) == "[[2],[1]]\n"


@pytest.mark.parametrize("name", ["model", "churn"])
def test_every_set_of_rows_that_is_tried_is_told(name: str, furnished: Path) -> None:
    [page] = [page for page in PAGES if page.name == "exactness.md"]
    tried = read_card((furnished / "build" / f"{name}.onnx").read_bytes())["certificate"]["rows"]
    assert [each for each in tried if f"| {each}" not in page.read_text()] == []


@pytest.mark.parametrize("each", NOT_RUN, ids=lambda each: each.start)
def test_what_is_not_run_is_there(each: NotRun) -> None:
    assert each in [line_of(example) for example in EXAMPLES]


def test_every_language_is_known() -> None:
    assert {example.language for example in RUN} <= set(RUNNERS)


def test_every_fence_is_found() -> None:
    for page in PAGES:
        text = page.read_text()
        assert len(re.findall(r"^\s*```", text, re.MULTILINE)) == 2 * len(
            re.findall(r"^```\w*\n.*?^```$", text, re.MULTILINE | re.DOTALL)
        ), page.name
