"""Runs on the emulator's S3, their functions in this process: what the state machine does, without it."""

import gzip
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lambda_fn.bulk import handler
from lambda_fn.bulk.failures import DeadlineError, IncompleteError, RefusedError
from scripts.deployment import Deployment

STARTED = "2026-11-27T10:00:00.000Z"
LATER = "2100-01-01T00:00:00+00:00"
SMALL_MB = 0.0001
"""Of chunks of a hundred bytes."""


class Context:
    """Of a function whose timeout has so many milliseconds left, less with each look."""

    def __init__(self, left_ms: int = 900_000, step_ms: int = 0) -> None:
        self._left, self._step = left_ms, step_ms

    def get_remaining_time_in_millis(self) -> int:
        self._left -= self._step
        return self._left


@dataclass
class Bulk:
    """A bucket with a model, and what is done there."""

    deployment: Deployment
    bucket: str
    failures: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.s3 = self.deployment.client("s3")

    @property
    def model_uri(self) -> str:
        return f"s3://{self.bucket}/models/model.onnx"

    def publish(self, model: Path, name: str = "model") -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"models/{name}.onnx", Body=model.read_bytes())
        for companion in model.parent.glob(f"{model.name}.*"):
            key = f"models/{name}.onnx{companion.name.removeprefix(model.name)}"
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=companion.read_bytes())

    def put(self, key: str, body: bytes) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def request(self, source: str, out: str = "out/", **options: Any) -> dict[str, Any]:
        return {"input": f"s3://{self.bucket}/{source}", "output": f"s3://{self.bucket}/{out}", **options}

    def plan(self, request: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        event = {"request": request, "execution": execution, "started": STARTED}
        planned: dict[str, Any] = handler.plan(event, None)
        return planned | {"deadline": LATER}

    def items(self, plan: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what each child gets."""
        manifest = self.get(plan["manifest"]["key"]) if plan["chunks"] else b""
        beside = {name: plan[name] for name in ("output", "run", "execution", "deadline")}
        return [{**beside, "chunk": json.loads(line)} for line in manifest.splitlines()]

    def score(self, plan: dict[str, Any]) -> None:
        """Score the chunks; note those that fail, as the state machine does."""
        for item in self.items(plan):
            self.score_one(item)

    def score_one(self, item: dict[str, Any]) -> None:
        try:
            handler.score(item, Context())
        except (RefusedError, DeadlineError) as error:
            self.failures[item["chunk"]["name"]] = str(error)
            note = {"Error": type(error).__name__, "Cause": json.dumps({"errorMessage": str(error)})}
            handler.summary({**item, "note": note}, None)

    def summarize(self, plan: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        """Return the whole summary of an execution, complete or not."""
        event = {"output": plan["output"], "run": plan["run"], "execution": execution, "started": STARTED}
        try:
            handler.summary(event, None)
        except IncompleteError as error:
            self.failures["summary"] = str(error)
        summary: dict[str, Any] = json.loads(self.get(f"{state_of(plan)}executions/{execution}.json"))
        return summary

    def run(self, request: dict[str, Any], execution: str = "one") -> dict[str, Any]:
        plan = self.plan(request, execution)
        self.score(plan)
        return self.summarize(plan, execution)

    def parts(self, out: str = "out/") -> list[bytes]:
        """Return the outputs in their order, unpacked."""
        bodies = [self.get(key) for key in self.keys(f"{out}part-")]
        return [gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body for body in bodies]

    def table(self, out: str = "out/") -> pd.DataFrame:
        """Return what the CSV outputs hold, as pandas reads them to the last bit."""
        tables = [pd.read_csv(io.BytesIO(part)) for part in self.parts(out)]
        return pd.concat(tables, ignore_index=True)

    def quarantined(self, summary: dict[str, Any]) -> list[dict[str, Any]]:
        return [json.loads(line) for each in summary["quarantine"] for line in self.get(each["key"]).splitlines()]


def state_of(plan: dict[str, Any]) -> str:
    """Return the prefix of what a run holds that is no output."""
    state: str = plan["manifest"]["key"].rpartition("/")[0]
    return f"{state}/"


def iris_rows(count: int, seed: int = 0) -> NDArray[np.float64]:
    """Return rows for the demo model, of few digits."""
    generator = np.random.default_rng(seed)
    return np.round(generator.uniform([4.0, 2.0], [8.0, 4.5], (count, 2)), 1)
