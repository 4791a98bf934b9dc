"""A process that reads an object from S3 and writes as many bytes as it is told, and nothing else."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import boto3


def main(bucket: str, key: str, out: str, size: int, runs: int) -> dict[str, Any]:
    """Read and write `runs` times over; return the seconds of the best run."""
    client, body, taken = boto3.client("s3"), bytes(size), []
    for _ in range(runs):
        start = time.perf_counter()
        client.get_object(Bucket=bucket, Key=key)["Body"].read()
        client.put_object(Bucket=bucket, Key=out, Body=body)
        taken.append(time.perf_counter() - start)
    return {"seconds": min(taken)}


if __name__ == "__main__":
    print(json.dumps(main(*map(json.loads, sys.argv[1:]))))
