"""One package of the service, deployed for each module of tests that a process runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.deployment import Deployment
from scripts.emulator import Emulator, start
from scripts.gateway import Gateway
from tests.e2e.tokens import Issuer, issuing

BOUNDARY = "arn:aws:iam::000000000000:policy/deploy-plume-dev-boundary"
ARRIVAL_OPTIONS = '{"columns": ["prediction"], "on_error": "skip"}'


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that checks signatures and policies: the functions' roles are tested by whatever calls them."""
    with start(tmp_path_factory.mktemp("enforcing"), enforced=True) as running:
        yield running


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture(scope="session")
def package(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `serverless package` leaves; not in .serverless, where another run may be writing."""
    folder = tmp_path_factory.mktemp("package")
    arrivals = ("--param=bulkOnArrival=true", f"--param=bulkArrivalOptions={ARRIVAL_OPTIONS}")
    others = (f"--param=permissionsBoundary={BOUNDARY}", "--param=captureShare=1")
    Deployment(emulator).serverless("package", "--package", str(folder), *arrivals, *others)
    return folder


@pytest.fixture(scope="session")
def template(package: Path) -> dict[str, Any]:
    """The CloudFormation template that is deployed."""
    compiled: dict[str, Any] = json.loads((package / "cloudformation-template-update-stack.json").read_text())
    return compiled


@pytest.fixture(scope="module")
def deployment(emulator: Emulator, package: Path) -> Deployment:
    """The service, deployed, with no model at MODEL_URI; again for each module, as one removes it."""
    deployed = Deployment(emulator)
    deployed.serverless("deploy", "--package", str(package))
    let_in_without_tls(deployed)
    return deployed


def let_in_without_tls(deployment: Deployment) -> None:
    """Take the policy from the bucket that refuses who comes without TLS, which the emulator has none of."""
    bucket = deployment.outputs()["ModelUri"].removeprefix("s3://").partition("/")[0]
    deployment.client("s3").delete_bucket_policy(Bucket=bucket)


@pytest.fixture(scope="module")
def gateway(deployment: Deployment) -> Gateway:
    return deployment.gateway()
