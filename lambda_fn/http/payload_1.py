"""Events in payload 1.0, and a load balancer's, which are like them: REST APIs, HTTP APIs that ask for it, and ALBs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lambda_fn.http.request import Headers, Request
from lambda_fn.http.routes import DIALECTS, PATHS
from lambda_fn.http.senders import DEFAULT_STAGE, Sender, behind, body_of, decoded, named_strings


def parse(event: Mapping[str, Any], sender: Sender, base_path: str) -> Request:
    """Return the request of an event.

    Its path has the base path of a custom domain in front; from an HTTP API it comes decoded, as all queries do but a
    load balancer's. Raises TypeError, KeyError or AttributeError where the event is none that AWS sends.
    """
    method, path, context = event["httpMethod"].upper(), event["path"], event.get("requestContext")
    if not isinstance(path, str) or not (isinstance(context, dict) or context is None):
        raise TypeError("path or requestContext")
    if (version := event.get("version")) is None:  # a REST API's, or a load balancer's
        path = decoded(path)
        if base_path:
            path = behind(base_path, "", path)
    else:
        path = behind(base_path, _stage_in_front(path, version, context or {}), path)
    headers = _joined(named_strings(event, "headers"), event.get("multiValueHeaders"))
    query = _joined(named_strings(event, "queryStringParameters"), event.get("multiValueQueryStringParameters"))
    if sender is not Sender.PAYLOAD_1:
        query = _decoded_query(query)
    return Request(method, path, query, Headers(headers), body_of(event), event.get("isBase64Encoded") is True)


def balanced_result(result: dict[str, Any], sender: Sender) -> dict[str, Any]:
    """Return a proxy result as a load balancer takes it: with the status in words, its headers in lists if it has so.

    See https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html.
    """
    from http import HTTPStatus

    status = result["statusCode"]
    described = {**result, "statusDescription": f"{status} {HTTPStatus(status).phrase}"}
    if sender is Sender.BALANCER_MULTI:
        described["multiValueHeaders"] = {name: [value] for name, value in described.pop("headers").items()}
    return described


def _stage_in_front(path: str, version: Any, context: Mapping[str, Any]) -> str:
    """Return the stage that an HTTP API puts in front of the path, with a slash; empty if it has none.

    It puts none there on a custom domain, which counts where the stage is named like a route. Nor does a REST API,
    whose context has it in front of the path instead; that its events have a version is seen of emulators only.
    """
    stage, domain = context.get("stage"), context.get("domainName")
    if version != "1.0" or not isinstance(stage, str | None) or not isinstance(domain, str | None):
        raise TypeError("version, stage or domainName")
    if stage is None or stage == DEFAULT_STAGE or context.get("path") == f"/{stage}{path}":
        return ""
    if (
        domain is not None
        and ".execute-api." not in domain
        and stage in {*DIALECTS, *(each.split("/")[1] for each in PATHS)}
    ):
        return ""
    return f"/{stage}"


def _joined(strings: Mapping[str, str], lists: Mapping[str, list[str]] | None) -> Mapping[str, str]:
    """Return `strings`, which have the last of several values, with all of them, joined as payload 2.0 has them.

    lists: every value by name; None where the event has no such member.
    """
    if lists is None or len(strings) == len(lists) == sum(map(len, lists.values())):
        return strings  # nearly always: no name came twice
    others: dict[str, str] = {}
    for name, values in lists.items():
        if not isinstance(values, list):
            raise TypeError(name)
        if len(values) != 1 or name not in strings:
            others[name] = ",".join(values)
    return {**strings, **others}


def _decoded_query(query: Mapping[str, str]) -> Mapping[str, str]:
    """Return a load balancer's query, whose names and values are percent-encoded."""
    from urllib.parse import unquote_plus

    result: dict[str, str] = {}
    for encoded, value in query.items():
        name, text = unquote_plus(encoded), unquote_plus(value)
        result[name] = f"{result[name]},{text}" if name in result else text
    return result
