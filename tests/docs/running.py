"""How an example is run, by its language, in a folder that has what the pages talk of."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from convert.__main__ import main
from tests.docs.examples import ROOT, Example

CLIENTS = ROOT / ".tools" / "clients" / "bin" / "python"
"""The Python that has the clients which others wrote."""
ENGINES = ROOT / ".tools" / "engines" / "bin" / "python"
"""The one that has Spark and Ray."""
OF_ENGINES = re.compile(r"^(?:import ray|from pyspark)", re.MULTILINE)
OF_CLIENTS = re.compile(r"^(?:import|from) (?:mlflow|tritonclient)", re.MULTILINE)
ROWS = ((6.2, 3.4), (6.2, 1.0))
"""What `rows` and `table` hold, rows.csv and rows.npy."""
IN_PYTHON = f"""import numpy as np, pandas as pd
rows = np.array({ROWS})
table = pd.DataFrame(rows, columns=["sepal length (cm)", "sepal width (cm)"])
url = {{url!r}}
"""
IN_JAVASCRIPT = "const url = process.env.URL;\n"
PLACE = "https://….execute-api.eu-north-1.amazonaws.com"
"""What stands for the URL where a program can't be given it."""
SECONDS = 120


class NotDoneError(AssertionError):
    """Raised when an example fails; carries what it printed."""


def run(example: Example, folder: Path, url: str) -> str:
    """Run an example in `folder`, with the service at `url`, and return what it printed.

    Raises NotDoneError if it fails: a call does that is answered by an error which the page does not show.
    """
    return RUNNERS[example.language](example, folder, url)


def _shell(example: Example, folder: Path, url: str) -> str:
    words = shlex.split(example.text, comments=True)
    if words[:3] == ["python", "-m", "convert"]:  # in this process, which has imported what takes 2 s each time
        return _convert(words[3:], folder)
    return _process(["bash", "-euc", example.text], folder, url, fails="" if example.shown else "fail-with-body")


def _convert(arguments: list[str], folder: Path) -> str:
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = main(arguments)
    if status != 0:
        raise NotDoneError(printed.getvalue())
    return printed.getvalue()


def _python(example: Example, folder: Path, url: str) -> str:
    source = IN_PYTHON.format(url=url) + example.text
    if OF_CLIENTS.search(example.text):
        return _process([str(CLIENTS), "-c", source], folder, url)
    if OF_ENGINES.search(example.text):
        return _process([str(ENGINES), "-c", source], folder, url)
    printed = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        exec(compile(source, str(example), "exec"), {})  # noqa: S102 - this is what the page says
    return printed.getvalue()


def _javascript(example: Example, folder: Path, url: str) -> str:
    return _process(
        ["node", "--input-type=module", "-e", IN_JAVASCRIPT + example.text.replace(PLACE, url)], folder, url
    )


def _java(example: Example, folder: Path, url: str) -> str:
    (folder / "Score.java").write_text(example.text)
    return _process(["java", "Score.java"], folder, url)


def _r(example: Example, folder: Path, url: str) -> str:
    return _process(["Rscript", "-e", 'url <- Sys.getenv("URL")\n' + example.text], folder, url)


def _json(example: Example, folder: Path, url: str) -> str:
    return json.dumps(json.loads(example.text))


def _long_form(loader: Any, name: str, node: Any) -> dict[str, Any]:
    """Return CloudFormation's long form of a short one: ``!Ref Bucket`` is {"Ref": "Bucket"}."""
    value = loader.construct_sequence(node, deep=True) if node.id == "sequence" else node.value
    return {"Ref" if name == "Ref" else f"Fn::{name}": value}


TAGGED: Any = type("Tagged", (yaml.SafeLoader,), {})
"""Reads YAML with CloudFormation's short forms."""
TAGGED.add_multi_constructor("!", _long_form)


def _yaml(example: Example, folder: Path, url: str) -> str:
    """Put the block into serverless.yml, whose every property is then known to the framework, or it fails."""
    settings = yaml.load((ROOT / "serverless.yml").read_text(), TAGGED)  # noqa: S506 - it is a safe one
    for name in ("node_modules", "scripts", "lambda_fn", "resources", "package.json"):
        (folder / name).symlink_to(ROOT / name)
    merged = _merged(settings, yaml.safe_load(example.text)) | {"configValidationMode": "error"}
    (folder / "serverless.yml").write_text(yaml.safe_dump(merged))
    return _process([str(folder / "node_modules" / ".bin" / "serverless"), "print"], folder, url)


def _merged(settings: Any, block: Any) -> Any:
    """Return the settings with those of the block in their places."""
    if not isinstance(settings, dict) or not isinstance(block, dict):
        return block
    return settings | {name: _merged(settings.get(name), value) for name, value in block.items()}


RUNNERS: dict[str, Callable[[Example, Path, str], str]] = {
    "": _shell,
    "java": _java,
    "js": _javascript,
    "json": _json,
    "python": _python,
    "r": _r,
    "yaml": _yaml,
}
"""What runs the examples of a language."""


def _process(command: list[str], folder: Path, url: str, *, fails: str = "") -> str:
    """Run a command and return what it printed; raise NotDoneError if it ends with another status than 0.

    fails: an option of curl's, by which it fails where the service refuses.
    """
    (folder / ".curlrc").write_text(f"silent\n{fails}\n")
    environ = os.environ | {
        "URL": url,
        "CURL_HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": str(ENGINES),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS
    )
    if done.returncode != 0:
        raise NotDoneError(f"exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def furnish(folder: Path) -> None:
    """Write rows.csv and rows.npy."""
    rows = np.array(ROWS)
    np.save(folder / "rows.npy", rows)
    pd.DataFrame(rows, columns=["sepal length (cm)", "sepal width (cm)"]).to_csv(folder / "rows.csv", index=False)


VARIES = re.compile(r"[\d,]+ bytes|(?<=\.onnx\.)[0-9a-f]{16}")
"""What need not be the same on every machine: sizes of files, digests of companions."""


def missing(shown: tuple[str, ...], printed: str) -> list[str]:
    """Return the lines shown that were not printed, in that order; … stands for anything."""
    lines, place = _alike(printed), 0
    for line in shown:
        pattern = re.escape(_alike(line)).replace("…", ".*?")
        found = re.compile(pattern, re.DOTALL).search(lines, place)
        if found is None:
            return [line]
        place = found.end()
    return []


def _alike(text: str) -> str:
    """Return the text without what varies, and with one space where there are several."""
    return " ".join(VARIES.sub("#", text).split())
