"""What README and docs/ show that `make test` does not run, and why."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from typing import NamedTuple

from tests.docs.examples import Example
from tests.docs.running import ENGINES


class NotRun(NamedTuple):
    """Examples that begin with `start`, and why they are not run.

    unless: a command; where it works, they are run.
    """

    start: str
    why: str
    unless: str | None = None


WITH_SPARK = "java" if ENGINES.exists() else str(ENGINES)
DEPLOYED = "needs an AWS account; tests/e2e/test_deploy.py deploys, invokes and removes on an emulator"
DOORS = "needs an AWS account; tests/e2e/test_doors.py has each door on an emulator"
BULK = "needs an AWS account; tests/e2e/test_bulk.py runs it on an emulator"
NOT_RUN = (
    NotRun("make demo", "tests/e2e/test_demo.py runs it"),
    NotRun("make local", "tests/e2e/test_local.py runs it"),
    NotRun("make test", "it is what runs this"),
    NotRun("make layer", "make test builds the layers before it runs this"),
    NotRun(". .venv/bin/activate", "the tests run in that environment"),
    NotRun("npx serverless", DEPLOYED),
    NotRun("python -m convert score", BULK),
    NotRun("python -m convert status s3://BUCKET/bulk/", BULK),
    NotRun("python -m convert list", BULK),
    NotRun(
        "python -m convert drift s3://", "needs captured rows on S3; tests/e2e/test_deploy.py runs it on an emulator"
    ),
    NotRun("python -m convert logs", "needs an AWS account; tests/convert/test_logs.py runs it on an emulator"),
    NotRun("MODEL_URI=file://$PWD/build/churn.onnx npx serverless", "test_deploy.py invokes locally, another model"),
    NotRun("aws cloudformation", "needs an AWS account; tests/e2e/test_pipeline.py makes the role on an emulator"),
    NotRun("mkdir -p .github", "what it copies is not there where examples run"),
    NotRun(
        "sha256sum build", "the layers are not there where examples run; tests/layers/test_sbom.py compares the sums"
    ),
    NotRun("git clone", "needs a repository; tests/layers/test_build.py builds a layer again, in another folder"),
    NotRun("export AWS_PROFILE", "needs an AWS account"),
    NotRun("let\n    Service", "needs Excel"),
    NotRun("openapi-python-client generate", "tests/lambda_fn/page/test_clients.py generates it, and calls by it"),
    NotRun("npx openapi-typescript", "the same test generates it"),
    NotRun("import createClient", "the same test compiles one like it, and calls by it"),
    NotRun("library(httr2)", "needs R with httr2", unless="Rscript -e library(httr2)"),
    NotRun("import java", "needs Java", unless="java -version"),
    NotRun(
        "from pathlib import Path\n\nfrom pyspark", "needs `make engines` and Java", unless=f"{WITH_SPARK} -version"
    ),
    NotRun(
        "from pathlib import Path\n\nimport numpy as np\nimport ray", "needs `make engines`", unless=f"{ENGINES} -V"
    ),
    NotRun("aws ssm", DOORS),
    NotRun("curl $URL/predict --json '{\"data\": [[6.2, 3.4]]}' -", DOORS),
    NotRun("make audit", "tests/scripts/test_audit.py runs it, with services of its own to ask"),
    NotRun("curl ", "needs curl", unless="curl --version"),
)
"""Of several that fit, the first counts."""


def line_of(example: Example) -> NotRun | None:
    """Return the line of the list that an example begins like; None if there is none."""
    return next((each for each in NOT_RUN if example.text.startswith(each.start)), None)


def is_run(example: Example) -> bool:
    """Whether an example is run on this machine."""
    line = line_of(example)
    return line is None or (line.unless is not None and _works(line.unless))


@cache
def _works(command: str) -> bool:
    words = command.split()
    return shutil.which(words[0]) is not None and subprocess.run(words, capture_output=True).returncode == 0
