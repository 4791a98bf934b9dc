"""An object arrived: an execution is started that scores it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

import boto3

from lambda_fn.bulk.formats import format_of, is_hidden

log = logging.getLogger(__name__)


def start(event: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """Start an execution for the object that S3's event tells of; return its name, None for an object that is no input.

    The name is made of what tells one arrival from others: an event that comes twice starts one execution.
    """
    found = event["detail"]["object"]
    bucket, etag = event["detail"]["bucket"]["name"], found["etag"].strip('"')
    uri = f"s3://{bucket}/{found['key']}"
    if why := _no_input(uri, environ):
        log.warning("%r is not scored: %s", uri, why)
        return None
    output = f"{environ['BULK_OUTPUT']}{uri.removeprefix(environ['BULK_INPUT'])}/{etag}/"
    told = json.dumps([uri, etag, found.get("sequencer")])
    name = f"arrival-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
    client = boto3.client("stepfunctions")
    try:
        client.start_execution(
            stateMachineArn=environ["BULK_MACHINE"], name=name, input=json.dumps({"input": uri, "output": output})
        )
    except client.exceptions.ExecutionAlreadyExists:
        log.info("the event of %r came twice", uri)
    return name


def _no_input(uri: str, environ: Mapping[str, str]) -> str:
    """Return why an object is none that is scored when it arrives; nothing if it is one."""
    for name in ("BULK_OUTPUT", "BULK_UPLOADS"):
        if uri.startswith(environ[name]):  # or what is written would be scored, again and again
            return f"it lies under {environ[name]}"
    if not uri.startswith(environ["BULK_INPUT"]):
        return f"it does not lie under {environ['BULK_INPUT']}"
    if is_hidden(uri.removeprefix(environ["BULK_INPUT"])):
        return "a part of its name begins with _ or a dot"
    return "" if format_of(uri, "")[0] else "its name ends with no format that is read"
