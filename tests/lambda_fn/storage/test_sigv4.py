import random
from collections.abc import Mapping

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials

from lambda_fn.storage.aws_http import encoded
from lambda_fn.storage.sigv4 import EMPTY, Credentials, signed_headers

EXAMPLE = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
FRIDAY = 1369353600.0
"""20130524T000000Z"""


def test_the_example_in_the_documentation_of_s3() -> None:
    headers = signed_headers(
        "examplebucket.s3.amazonaws.com", "/test.txt", {"range": "bytes=0-9"}, "us-east-1", EXAMPLE, FRIDAY
    )
    assert headers["x-amz-date"] == "20130524T000000Z"
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def by_botocore(
    method: str, url: str, headers: Mapping[str, str], region: str, credentials: Credentials, moment: str, payload: str
) -> str:
    """Return the signature of botocore's own signer at the same moment."""
    request = AWSRequest(method, url, headers=dict(headers))
    request.context["timestamp"] = moment
    request.headers["X-Amz-Content-SHA256"] = payload
    request.headers["X-Amz-Date"] = moment
    if credentials.token:
        request.headers["X-Amz-Security-Token"] = credentials.token
    signer = S3SigV4Auth(BotocoreCredentials(credentials.key_id, credentials.secret, credentials.token), "s3", region)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


def test_signatures_are_those_of_botocore() -> None:
    generator = random.Random(0)
    characters = "abcXYZ019/-_.~ +%&=?#:,;@!$'()*[]äß漢\U0001f600"
    for _ in range(300):
        key = "".join(generator.choices(characters, k=generator.randint(1, 40))).strip("/") or "k"
        region = generator.choice(["us-east-1", "eu-central-1", "cn-north-1"])
        secret, token = (
            "".join(generator.choices("abc/+XYZ=09", k=length)) for length in (40, generator.choice([0, 600]))
        )
        credentials = Credentials("AKID", secret, token or None)
        host, path = f"bucket.s3.{region}.amazonaws.com", f"/{encoded(key)}"
        extra = {"x-amz-checksum-mode": "ENABLED", "if-none-match": "*"}
        method, payload = generator.choice([("GET", EMPTY), ("PUT", generator.randbytes(32).hex())])
        signed = (host, path, extra, region, credentials, generator.randint(10**9, 2 * 10**9))
        headers = signed_headers(*signed, method=method, payload=payload)
        asked = (method, f"https://{host}{path}", extra, region, credentials)
        expected = by_botocore(*asked, headers["x-amz-date"], payload)
        assert headers["authorization"].endswith(f"Signature={expected}")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"AWS_ACCESS_KEY_ID": "a"}, None),
        ({"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}, Credentials("a", "b")),
        (
            {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"},
            Credentials("a", "b", "c"),
        ),
    ],
)
def test_credentials_are_those_of_the_environment(environ: dict[str, str], expected: Credentials | None) -> None:
    assert Credentials.from_environ(environ) == expected
