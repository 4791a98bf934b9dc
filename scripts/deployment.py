"""The real `serverless` and `python -m convert`, run against an emulator."""

from __future__ import annotations

import fcntl
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import boto3

from layers.architecture import host_architecture
from scripts.emulator import ROOT, Emulator
from scripts.gateway import Gateway

SERVICE = "plume"
STAGE = "dev"
SERVERLESS = (str(ROOT / "node_modules" / ".bin" / "serverless"),)


LOCK = ROOT / "build" / "serverless.lock"


class CommandError(RuntimeError):
    """Raised when a command fails; carries what it printed."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The service on an emulator."""

    emulator: Emulator

    def serverless(self, *arguments: str, stage: str = STAGE) -> str:
        """Run `npx serverless`, with this machine's architecture, and return what it printed.

        One at a time, whoever runs it: it packages in a folder of the checkout, wherever it leaves what came of it.
        """
        architecture = f"--param=architecture={host_architecture().name}"
        LOCK.parent.mkdir(exist_ok=True)
        with LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self.run([*SERVERLESS, *arguments, "--stage", stage, architecture])

    def convert(self, *arguments: str) -> str:
        """Run `python -m convert` and return what it printed."""
        return self.run([sys.executable, "-m", "convert", *arguments])

    def run(self, command: Sequence[str]) -> str:
        """Run a command from the checkout; raise CommandError with its output if it fails."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.emulator.environ(), capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0:
            raise CommandError(f"$ {shlex.join(command)}\nexit status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulator."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.emulator.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
        )

    def make_bucket(self, name: str) -> None:
        """Make a versioned bucket."""
        client = self.client("s3")
        client.create_bucket(Bucket=name)
        client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack."""
        [stack] = self.client("cloudformation").describe_stacks(StackName=f"{SERVICE}-{STAGE}")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def gateway(self) -> Gateway:
        """Return a client of the deployed HTTP API."""
        return Gateway(self.outputs()["HttpApiId"], self.emulator.port)
