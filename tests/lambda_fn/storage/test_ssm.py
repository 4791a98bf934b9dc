"""A parameter of SSM by sockets, as boto3 reads it, and by boto3 where sockets do not know the way."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
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
