"""A bucket with the demo model, and the functions' settings."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambda_fn.storage import large
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.lambda_fn.bulk.grounds import Bulk


@pytest.fixture
def bulk(bucket: str, aws: Emulator, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bulk]:
    made = Bulk(Deployment(aws), bucket)
    made.publish(model_file)
    monkeypatch.setenv("MODEL_URI", made.model_uri)
    monkeypatch.setenv("MODELS_URI", f"s3://{bucket}/models/")
    large.client.cache_clear()
    limit = csv.field_size_limit()
    yield made
    csv.field_size_limit(limit)  # which a worker raises for its process
