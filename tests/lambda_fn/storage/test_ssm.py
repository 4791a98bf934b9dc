"""A parameter of SSM by sockets, as boto3 reads it, and by boto3 where sockets do not know the way."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest

from lambda_fn.storage import ssm
from scripts.deployment import Deployment
from scripts.emulator import Emulator, start

TEXT = "first\nsecond äöü \"'\\ \u2028 𝄞"


@pytest.fixture
def name(aws: Emulator) -> str:
    name = f"/plume/{uuid.uuid4().hex}"
    boto3.client("ssm").put_parameter(Name=name, Value=TEXT, Type="SecureString")
    return name


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which parameters boto3 was asked for."""
    found: list[str] = []
    by_boto3 = ssm._by_boto3

    def ask(name: str) -> str | None:
        found.append(name)
        return by_boto3(name)

    monkeypatch.setattr(ssm, "_by_boto3", ask)
    return found


def test_it_is_decrypted_and_whole(name: str, asked: list[str]) -> None:
    assert (
        ssm.read_parameter(name, os.environ)
        == boto3.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
    )
    assert ssm.read_parameter(name, os.environ) == TEXT
    assert ssm.read_parameter(f"{name}/none", os.environ) is None
    assert asked == []


def test_boto3_is_asked_where_the_environment_tells_of_another_way(
    name: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = os.environ["AWS_ENDPOINT_URL"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{url}/behind/a/path/../../..")
    assert ssm.read_parameter(name, os.environ) is not None
    assert asked == [name]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://127.0.0.1:9/path"])
def test_out_of_reach_it_is_told_in_words(aws: Emulator, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(OSError, match=r"refused|Could not connect"):
        ssm.read_parameter("/plume/keys", os.environ)


def test_a_credential_that_is_no_header_is_not_quoted(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "FwoGZX-a-token\nmore")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which keeps the credentials that it found before
    with pytest.raises(ssm.ParameterError, match="Invalid header value") as raised:
        ssm._by_boto3("/plume/keys")
    assert "FwoGZX" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_what_passes_is_asked_again_as_others_of_the_account_ask_too(
    failures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttled = (400, {"__type": "com.amazonaws.ssm#ThrottlingException"})
    answers = [*[(500, {}), throttled, throttled][-failures:], (200, {"Parameter": {"Value": TEXT}})]

    class Busy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, told = answers.pop(0)
            self.send_response(status)
            body = json.dumps(told).encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    monkeypatch.setattr(ssm, "PAUSE_SECONDS", 0.01)
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
        environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{server.server_port}"
        if failures == ssm.ATTEMPTS:
            with pytest.raises(ssm.ParameterError, match="SSM answered 400 ThrottlingException"):
                ssm.read_parameter("/plume/keys", environ)
        else:
            assert ssm.read_parameter("/plume/keys", environ) == TEXT
        server.shutdown()
    assert len(answers) == (1 if failures == ssm.ATTEMPTS else 0)


def test_an_answer_whose_length_nobody_tells_is_read_by_boto3(
    aws: Emulator, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = json.dumps({"Parameter": {"Value": TEXT}}).encode()

    class Chunked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(told), told))

        def log_message(self, *_: object) -> None:
            """Write nothing."""

    with HTTPServer(("127.0.0.1", 0), Chunked) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        assert ssm.read_parameter("/plume/keys", os.environ) == TEXT
        server.shutdown()
    assert asked == ["/plume/keys"]


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with start(tmp_path_factory.mktemp("enforcing"), enforced=True) as emulator:
        yield Deployment(emulator)


def test_the_signature_is_right_and_what_is_not_allowed_is_told(enforcing: Deployment, tmp_path: Path) -> None:
    iam = enforcing.client("iam")
    statement = {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": "arn:aws:ssm:us-east-1:*:parameter/ours"}
    iam.create_user(UserName="authorizer")
    policy = f'{{"Version": "2012-10-17", "Statement": {str(statement).replace(chr(39), chr(34))}}}'
    iam.put_user_policy(UserName="authorizer", PolicyName="read", PolicyDocument=policy)
    key = iam.create_access_key(UserName="authorizer")["AccessKey"]
    for name in ("/ours", "/others"):
        enforcing.client("ssm").put_parameter(Name=name, Value=TEXT, Type="String")
    environ: dict[str, Any] = {
        **enforcing.emulator.aws_environ(),
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    assert ssm.read_parameter("/ours", environ) == TEXT
    with pytest.raises(ssm.ParameterError, match="400 AccessDeniedException"):
        ssm.read_parameter("/others", environ)
    with pytest.raises(ssm.ParameterError, match="InvalidSignatureException"):
        ssm.read_parameter("/ours", environ | {"AWS_SECRET_ACCESS_KEY": "another"})
