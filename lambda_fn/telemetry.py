"""What is told outside: metrics, as lines of the log that CloudWatch makes metrics of.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping

NAMESPACE = "Plume"
DIMENSION = "ModelUri"


def put(model_uri: str, values: Mapping[str, float], more: Mapping[str, object]) -> None:
    """Write one line with metrics by name, of the model at a URI, and what `more` is to be read there."""
    metrics = [{"Name": name, "Unit": "None"} for name in values]
    told = {
        "Timestamp": int(time.time() * 1000),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}],
    }
    line = json.dumps({"_aws": told, DIMENSION: model_uri, **values, **more})
    sys.stdout.write(f"{line}\n")  # at once: other threads write, too
    sys.stdout.flush()
