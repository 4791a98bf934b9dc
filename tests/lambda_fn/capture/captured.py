"""What was captured into a bucket: its objects, and their lines."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from lambda_fn import predicting
from scripts.deployment import Deployment
from scripts.emulator import Emulator

CONTEXT = SimpleNamespace(
    aws_request_id="8f5c9a9e-5a3c-4a0e-9d43-5f1b6c1d2e3f", get_remaining_time_in_millis=lambda: 29_000
)
SECONDS = 20.0


def uri_of(bucket: str) -> str:
    return f"s3://{bucket}/captured/"


def finish(bucket: str, share: float = 1.0) -> None:
    """Wait for what is being stored."""
    work = predicting._capture(uri_of(bucket), share)._work
    assert work is not None
    work.result(SECONDS)


def objects(emulator: Emulator, bucket: str) -> dict[str, list[dict[str, Any]]]:
    """Return the lines of each object, by its key."""
    client = Deployment(emulator).client("s3")
    found = client.list_objects_v2(Bucket=bucket, Prefix="captured/").get("Contents", [])
    bodies = {each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found}
    return {key: [json.loads(line) for line in body.decode("ascii").splitlines()] for key, body in bodies.items()}


def rows(emulator: Emulator, bucket: str) -> list[dict[str, Any]]:
    """Return all lines, in the order of their objects' names."""
    return [line for lines in objects(emulator, bucket).values() for line in lines]
