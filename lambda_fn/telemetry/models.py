"""The metrics of models: what happened to them, and how a candidate's answers differ.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from lambda_fn.config import NAMESPACE
from lambda_fn.telemetry.entries import tell

DIMENSION = "ModelUri"


def put(level: str, message: str, model_uri: str, values: Mapping[str, float], more: Mapping[str, object]) -> None:
    """Write an entry with metrics by name, of the model at a URI, and what `more` is to be read there.

    Models that are rejected are counted by function, too: one alarm is for all of them.
    """
    more = {**more, DIMENSION: model_uri, "Function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")}
    dimensions = [[DIMENSION], ["Function"]] if "ModelRejected" in values else [[DIMENSION]]
    metrics = [{"Name": name, "Unit": "None"} for name in values]
    told = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics}],
    }
    tell(level, f"{model_uri}: {message}", {**more, "_aws": told, **values})
