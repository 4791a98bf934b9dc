"""An object arrived: an execution is started that scores it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.formats import format_of, is_hidden
from lambda_fn.bulk.run import digest
from lambda_fn.storage.boto import boto3

log = logging.getLogger(__name__)


def start(event: Mapping[str, Any], environ: Mapping[str, str]) -> str | None:
    """Start an execution for the object that S3's event tells of; return its name, None for an object that is no input.

    The name is made of what tells one arrival from others: an event that comes twice starts one execution. The output
    prefix has a part of it: the same bytes that arrive again may meet another model.
    Raises RefusedError for options (``bulkArrivalOptions``) that are no JSON object, or tell of input or output.
    """
    found = event["detail"]["object"]
    bucket, etag = event["detail"]["bucket"]["name"], found["etag"].strip('"')
    uri = f"s3://{bucket}/{found['key']}"
    if why := _no_input(uri, environ):
        log.warning("%r is not scored: %s", uri, why)
        return None
    arrival = digest([uri, etag, found.get("sequencer")])[:32]
    output = f"{environ['BULK_OUTPUT']}{uri.removeprefix(environ['BULK_INPUT'])}/{etag}-{arrival[:8]}/"
    request = {**_options(environ.get("BULK_ARRIVAL_OPTIONS") or "{}"), "input": uri, "output": output}
    name = f"arrival-{arrival}"
    client = boto3.client("stepfunctions")
    try:
        client.start_execution(stateMachineArn=environ["BULK_MACHINE"], name=name, input=json.dumps(request))
    except client.exceptions.ExecutionAlreadyExists:
        log.info("the event of %r came twice", uri)
    return name


def _options(text: str) -> dict[str, Any]:
    """Return the options of every arrival; the execution itself refuses what is wrong in one, where it is seen."""
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict) or options.keys() & {"input", "output"}:
        raise RefusedError(f"bulkArrivalOptions is {text!r:.200}, expected a JSON object without input and output")
    return options


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
