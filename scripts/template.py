"""What CloudFormation gets, by default and with everything that parameters turn on, shown to cfn-lint."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scripts.deployment import Deployment
from scripts.emulator import ROOT, start

CFN_LINT = ROOT / ".tools" / "checks" / "bin" / "cfn-lint"
TEMPLATE = "cloudformation-template-update-stack.json"
ACCOUNT = "123456789012"
EVERYTHING = {
    "auth": "jwt",
    "docsAuth": "key",
    "jwtIssuer": "https://issuer.example.org/",
    "jwtAudience": "plume,others",
    "jwtScopes": "score",
    "throttleRate": "50",
    "throttleBurst": "80",
    "reservedConcurrency": "20",
    "provisionedConcurrency": "2",
    "vpcSubnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "vpcSecurityGroups": "sg-0123456789abcdef0",
    "kmsKey": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef",
    "stackTags": "team=risk,cost-center=42",
    "domain": "scores.example.org",
    "certificate": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/01234567-89ab-cdef-0123-456789abcdef",
    "disableDefaultEndpoint": "true",
    "basePath": "churn",
    "accessLogs": "false",
    "tracing": "true",
    "logLevel": "WARN",
    "logRetention": "30",
    "versionDays": "30",
    "versionsKept": "5",
    "captureShare": "0.1",
    "captureDays": "7",
    "alarms": "true",
    "alarmEmail": "on-call@example.org",
    "dashboard": "true",
    "permissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    "bulkConcurrency": "10",
    "bulkOnArrival": "true",
}
"""All that parameters turn on together, other values than the defaults; SnapStart excludes provisioned concurrency."""
VARIANTS = {"by default": {}, "with everything": EVERYTHING, "with SnapStart": {"snapStart": "true", "auth": "iam"}}
IGNORED = (
    "W3005",  # what depends on what is written twice: by the framework
    "W8003",  # a condition that is always true, or never: parameters are values by then
)


def compiled(deployment: Deployment, folder: Path, parameters: dict[str, str]) -> dict[str, Any]:
    """Return the template that a deployment with `parameters` would send; the package is left in `folder`."""
    told = [f"--param={name}={value}" for name, value in parameters.items()]
    deployment.serverless("package", "--package", str(folder), *told)
    template: dict[str, Any] = json.loads((folder / TEMPLATE).read_text())
    return template


def main() -> int:
    """Check each variant; the layers' versions are asked of an emulator."""
    with tempfile.TemporaryDirectory() as name, start(Path(name, "emulator")) as emulator:
        folders = []
        for variant, parameters in VARIANTS.items():
            folders.append(Path(name, variant.replace(" ", "-")))
            compiled(Deployment(emulator), folders[-1], parameters)
        templates = [str(folder / TEMPLATE) for folder in folders]
        command = [str(CFN_LINT), "--regions", "us-east-1", "--ignore-checks", *IGNORED, "--", *templates]
        return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
