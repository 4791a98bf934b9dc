"""A parameter of SSM: one signed request with sockets alone, or by boto3, which takes 0.2 s longer at a cold start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping

from lambda_fn.storage import aws_http
from lambda_fn.storage.aws_http import Answer, Endpoint

MAX_BYTES = 2**16
"""A parameter has 8 KB at the most."""
SECONDS = 4.0
NOT_THERE = "ParameterNotFound"
ATTEMPTS = 3
PAUSE_SECONDS = 0.2
"""Before the second attempt, about; before the third it is four times as long. All of an account that read parameters
share 40 requests a second: who shows many keys at once starts as many instances that ask."""
THROTTLED = "ThrottlingException"


class ParameterError(OSError):
    """Raised where SSM does not answer as it should."""


def read_parameter(name: str, environ: Mapping[str, str]) -> str | None:
    """Return the value of a parameter, decrypted; None if there is none. Raises OSError if that can't be told."""
    region = aws_http.region_of(environ)
    endpoint = aws_http.service_endpoint("ssm", region, environ) if region else None
    answer = None if endpoint is None else _ask(endpoint, name, environ)
    if answer is None:
        return _by_boto3(name)
    if answer.status == 200:
        return str(json.loads(answer.body)["Parameter"]["Value"])
    if code_of(answer.body) == NOT_THERE:
        return None
    raise ParameterError(f"SSM answered {answer.status} {code_of(answer.body)}".rstrip())


def _ask(endpoint: Endpoint, name: str, environ: Mapping[str, str]) -> Answer | None:
    """Return what SSM answers, asked again where that passes; None if boto3 has to be asked."""
    body, until, answer = json.dumps({"Name": name, "WithDecryption": True}).encode(), time.monotonic() + SECONDS, None
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "content-length": str(len(body)),
        "x-amz-target": "AmazonSSM.GetParameter",
    }
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS * 4 ** (attempt - 1) * (0.5 + os.urandom(1)[0] / 255))
        answer = aws_http.send(endpoint, "POST", "/", headers, environ, MAX_BYTES, until, body, "ssm")
        if answer is None or not answer.headers["content-length"]:
            return None
        if not _passes(answer):
            break
    return answer


def _passes(answer: Answer) -> bool:
    """Whether SSM may answer otherwise in a moment."""
    return answer.status >= 500 or (answer.status == 400 and code_of(answer.body) == THROTTLED)


def code_of(body: bytes) -> str:
    """Return the code in SSM's answer; its words may be the request, with all that was signed."""
    try:
        kind = str(json.loads(body)["__type"])
    except (ValueError, LookupError, TypeError):
        return ""
    return aws_http.short(kind.rpartition("#")[2], "")


def _by_boto3(name: str) -> str | None:
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    from lambda_fn.storage.boto import boto3

    try:
        client = boto3.client(
            "ssm", config=Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 2})
        )
        return str(client.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] == NOT_THERE:
            return None
        raise ParameterError(f"SSM answered {error.response['Error']['Code']}") from None
    except (BotoCoreError, ValueError) as error:
        from lambda_fn.storage.words import words  # here: it is seldom so

        raise ParameterError(f"SSM can't be asked: {words(error)}") from None  # its own words may quote a credential
