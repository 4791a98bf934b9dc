"""What S3's codes mean for a run: what stays is refused, and says what is to be done; what passes is tried again."""

import pytest
from botocore.exceptions import ClientError

from lambda_fn.bulk.failures import PassingError, RefusedError, asking

URI = "s3://bucket/in/a.csv"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("AccessDenied", "AccessDenied: the functions' roles do not reach it"),
        ("InvalidObjectState", "is archived: restore it first"),
        ("KMS.DisabledException", "the key that it is encrypted by is not to be used: KMS.DisabledException"),
        ("KMS.NotFoundException", "not to be used: KMS.NotFoundException"),
        ("KMS.KMSInvalidStateException", "not to be used: KMS.KMSInvalidStateException"),
        ("NoSuchBucket", "is not there"),
        ("InvalidBucketName", "InvalidBucketName"),
        ("PreconditionFailed", "was replaced after the run was planned"),
    ],
)
def test_what_stays_is_refused_and_says_why(code: str, told: str) -> None:
    with pytest.raises(RefusedError, match=told), asking(URI):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")


@pytest.mark.parametrize(
    "code", ["SlowDown", "InternalError", "503", "RequestTimeout", "ExpiredToken", "KMS.ThrottlingException"]
)
def test_what_passes_is_tried_again(code: str) -> None:
    with pytest.raises(PassingError, match=code), asking(URI):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")
