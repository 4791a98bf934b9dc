"""What the service counts of a model, and of the candidate beside it: metrics in CloudWatch, read.

The service writes them into its log, in the embedded metric format (`lambda_fn/`); CloudWatch makes metrics of that.
"""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from convert.errors import ConvertError
from convert.model_file.versions import parse_uri

NAMESPACE = "Plume"
DIMENSION = "ModelUri"
"""Its value is where the current model is: two deployments have buckets of their own."""
PERIOD_SECONDS = 3600
"""How long the spans are that CloudWatch adds up: at most 1,440 of them come in an answer, 360 are asked for."""
MOST_HOURS = 15 * 24
"""How far back CloudWatch is asked: up to here it starts at any minute."""
PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})
"""There may be no way to CloudWatch from here: nobody waits minutes to be told so."""


class Metrics:
    """The metrics of the model at ``s3://bucket/key``, in the `region` of the AWS client."""

    def __init__(self, uri: str) -> None:
        """Ask for those of that model; raise ConvertError where there is no client to ask with."""
        parse_uri(uri)
        self._uri = uri
        try:
            self._client = boto3.client("cloudwatch", config=PATIENCE)
        except (BotoCoreError, ValueError) as error:
            raise ConvertError(str(error)) from error
        self.region: str = self._client.meta.region_name

    def total(self, name: str, since: datetime) -> int | None:
        """Return how many were counted since then; None if nothing was written. Raises ConvertError as `largest`."""
        found = self._points(name, since, "Sum")
        return round(sum(found)) if found else None

    def largest(self, name: str, since: datetime) -> float | None:
        """Return the largest number since then; None if none was written.

        Raises ConvertError if CloudWatch can't be read.
        """
        return max(self._points(name, since, "Maximum"), default=None)

    def _points(self, name: str, since: datetime, statistic: str) -> list[float]:
        try:
            answer = self._client.get_metric_statistics(
                Namespace=NAMESPACE,
                MetricName=name,
                Dimensions=[{"Name": DIMENSION, "Value": self._uri}],
                StartTime=since,
                EndTime=datetime.now(UTC),
                Period=PERIOD_SECONDS,
                Statistics=[statistic],
            )
        except (BotoCoreError, ClientError) as error:
            raise ConvertError(str(error)) from error
        return [float(point[statistic]) for point in answer["Datapoints"]]
