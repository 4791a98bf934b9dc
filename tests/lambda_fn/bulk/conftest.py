"""A bucket with the demo model, and the functions' settings."""

from pathlib import Path

import pytest

from lambda_fn.storage import large
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from tests.lambda_fn.bulk.grounds import Bulk


@pytest.fixture
def bulk(bucket: str, aws: Emulator, model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Bulk:
    made = Bulk(Deployment(aws), bucket)
    made.publish(model_file)
    monkeypatch.setenv("MODEL_URI", made.model_uri)
    monkeypatch.setenv("MODELS_URI", f"s3://{bucket}/models/")
    large.client.cache_clear()
    return made
