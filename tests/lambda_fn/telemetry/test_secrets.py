"""Credentials, and what callers send, planted wherever they may be: neither the log nor an answer has them."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambda_fn.http.routes import PATHS
from lambda_fn.storage.words import words
from lambda_fn.unrequested import UnrequestedError
from tests.conftest import Event, LoadEvent
from tests.faults.certificates import issue
from tests.faults.proxy import Fault, Proxy
from tests.faults.treatments import saying
from tests.lambda_fn.conftest import Load, model_of
from tests.lambda_fn.posts import request
from tests.lambda_fn.telemetry.lines import ALL, Context
from tests.lambda_fn.test_unrequested import with_bodies

KEY, TOKEN, SENT = (
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "FwoGZXIvYXdzEJr//////////wEaDPLANTEDTOKEN==",
    "sk_live_4eC39HqLyjWD",
)
"""The function's own credentials, and what a caller sends in whatever place."""
NUMBER = 41737.25
"""A feature's value."""
PLANTED = (KEY, TOKEN, SENT, "41737", "4173725")
HEADERS = ("authorization", "x-api-key", "cookie", "x-amz-security-token", "content-type", "accept", "traceparent")
BODIES: tuple[str | bytes, ...] = (
    "",
    SENT,
    f'{{"data": [[{NUMBER}, "{SENT}"]]}}',
    f'{{"data": [[{NUMBER}, 1], [1]]}}',
    f'{{"data": [{{"{SENT}": {NUMBER}}}]}}',
    f'{{"data": [[{NUMBER}, 1]], "{SENT}": 1}}',
    f'{{"data": [[{NUMBER}, NaN]]}}',
    f'{{"data": [[{NUMBER}, 1e400]]}}',
    f'{{"instances": [[{NUMBER}, "{SENT}"]]}}',
    f'{{"inputs": [{{"name": "{SENT}", "shape": [1, 2], "datatype": "FP64", "data": [{NUMBER}, "{SENT}"]}}]}}',
    f"{NUMBER},{SENT}\n",
    SENT.encode() + b"\xff",
)
PATHS_TRIED = (
    *(path.format(name=SENT, key=SENT) for path in PATHS),
    *(f"/{SENT}", f"/v2/models/{SENT}/infer", "/v2/models/iris/infer", f"/v1/models/{SENT}:predict"),
    *("/v1/models/iris:predict", "/invocations", f"/v2/{SENT}", f"/models/{SENT}/{SENT}"),
)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


def check(told: str) -> None:
    assert [each for each in PLANTED if each in told] == []


def calls(event: LoadEvent) -> Iterator[Event]:
    """Yield events that ask for every path, with what is planted in each place."""
    headers = dict.fromkeys(HEADERS, SENT)
    for path in PATHS_TRIED:
        for method in ("GET", "POST", "PUT", f"X{SENT}"):
            bodies = BODIES if method in {"POST", "PUT"} else ("",)
            for body in bodies:
                yield request(event, method, path, body) | {"queryStringParameters": {"note": SENT}}
        yield request(event, "POST", path, BODIES[2], headers) | {"queryStringParameters": {"probabilities": SENT}}
    for broken in ({"body": {SENT: NUMBER}}, {"rawPath": [SENT]}, {"headers": {SENT: NUMBER}}, {"version": SENT}):
        yield request(event, "POST", "/predict") | broken
    for body in BODIES:
        yield with_bodies(event("unrequested/queue-sqs"), body if isinstance(body, str) else None, NUMBER)


def answered(function: Any, sent: Event, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> str:
    """Return all that the log has of a call, as Lambda's runtime shows it."""
    try:
        function(sent, Context())
    except UnrequestedError as error:  # whose words the runtime logs
        logging.getLogger().error(str(error))
    found = capfd.readouterr()
    text = caplog.text + found.out + found.err
    caplog.clear()
    return text


def test_nothing_that_is_sent_is_logged(
    load: Load,
    model_files: dict[str, Path],
    event: LoadEvent,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    file = model_files["tree"]
    told = load(MODEL_URI=file.as_uri(), MODELS_URI=f"{file.parent.as_uri()}/", **ALL)
    for number, sent in enumerate(calls(event)):
        text = answered(told.predict, sent, caplog, capfd)
        assert text, number
        check(text)
    records: list[Event] = [
        {"Records": [{name: value}]} for name in ("eventSource", "EventSource") for value in (SENT, [NUMBER])
    ]
    bridged: Event = {"detail-type": SENT, "source": {SENT: NUMBER}}
    others: list[Event] = [{SENT: NUMBER}, {"data": [[NUMBER, SENT]]}, bridged, *records]
    for odd in others:
        check(answered(told.predict, odd, caplog, capfd))


def test_what_the_service_fails_with_is_not_quoted(
    load: Load,
    model_file: Path,
    event: LoadEvent,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        try:
            raise KeyError(SENT)
        except KeyError as error:
            raise RuntimeError(f"{NUMBER} {KEY}") from error

    told = load(MODEL_URI=model_file.as_uri(), **ALL)
    monkeypatch.setattr(model_of(told), "score", fail)
    text = answered(told.predict, event("predict-http-api"), caplog, capfd)
    assert "RuntimeError" in text
    assert "from KeyError" in text
    check(text)


QUOTING = f"""<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>It does not match {TOKEN}</Message>
<AWSAccessKeyId>test</AWSAccessKeyId><StringToSign>{KEY}</StringToSign><SignatureProvided>{SENT}</SignatureProvided>
<CanonicalRequest>GET x-amz-security-token:{TOKEN} Signature={SENT}</CanonicalRequest></Error>"""


def saying_so(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/xml\r\ncontent-length: {len(body.encode())}\r\n"
    return f"{head}connection: close\r\n\r\n{body}".encode()


@pytest.mark.parametrize(
    "said",
    [
        saying_so("403 Forbidden", QUOTING),
        saying_so("418 Teapot", f"x-amz-security-token: {TOKEN} authorization: {KEY}"),
        f"HTTP/1.1 200 {TOKEN}\r\n{KEY}\r\n\r\n{KEY}".encode(),
    ],
)
def test_what_s3_quotes_of_a_request_is_not_logged(
    load: Load,
    event: LoadEvent,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    said: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)  # as where somebody looks for the cause
    with Proxy(0, issue(tmp_path), tmp_path / "names") as proxy:
        proxy.switch(Fault("quoting", saying(said)))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
        told = load(MODEL_URI="s3://bucket/m.onnx", MODELS_URI="s3://bucket/models/", OBJECTS_URI="s3://b/o/", **ALL)
        for path in ("/predict", f"/models/{SENT}/predict", "/models", "/invocations"):
            method = "GET" if path == "/models" else "POST"
            text = answered(told.predict, request(event, method, path, BODIES[2]), caplog, capfd)
            assert "storage-unavailable" in text
            check(text)
        for method in ("GET", "PUT"):
            sent = request(event, method, f"/objects/{SENT}", f'{{"{SENT}": {NUMBER}}}')
            check(answered(told.objects, sent, caplog, capfd))


def test_a_credential_that_is_no_header_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", f"{TOKEN}\nmore")
    assert TOKEN not in words(ValueError(f"Invalid header value {f'{TOKEN}\nmore'.encode()!r}"))
    check(
        words(
            f"https://b.s3.amazonaws.com/k?X-Amz-Security-Token={SENT}&X-Amz-Signature={SENT}&X-Amz-Credential={SENT}"
        )
    )
    assert "\n" not in words("a\nb")


def test_no_part_of_a_credential_is_left_where_a_long_text_is_cut() -> None:
    for length in range(2000 - len(TOKEN), 2000):
        assert TOKEN[:4] not in words("x" * length + TOKEN)
    assert len(words("x" * 5000)) == 2000


def test_answers_have_no_credentials(load: Load, model_file: Path, event: LoadEvent) -> None:
    told = load(MODEL_URI=model_file.as_uri(), **ALL)
    for sent in calls(event):
        answer = json.dumps(told.predict(sent, Context()))
        assert KEY not in answer
        assert TOKEN not in answer
