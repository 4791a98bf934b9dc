"""Who may call: each door deployed, on an emulator that checks signatures and policies, and tried from outside.

One stack goes through all of them, so that a deployment moves the alias that calls go to, and `rollback` moves it back.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import botocore.auth
import pytest
from botocore.credentials import Credentials

from convert.model_file.publish import publish
from scripts.deployment import STAGE, CommandError, Deployment
from scripts.emulator import start
from scripts.gateway import Gateway
from tests.conftest import point_boto3_at
from tests.e2e.conftest import let_in_without_tls
from tests.e2e.stateful import Door, document_of, through
from tests.e2e.stateful import check_closed as check_document
from tests.e2e.tokens import AUDIENCE, SCOPE, Issuer, unsound, without_scope

pytestmark = pytest.mark.e2e

ROWS = '{"data": [[6.2, 3.4], [6.2, 1]]}'
SCORED = '{"prediction": [2, 1]}'
PARAMETER = f"/plume/{STAGE}/keys"
OLD, NEW, SHORT = "old-" + "k" * 28, "new-" + "n" * 28, "k" * 19
OUTSIDE = (
    ("POST", "/predict", ROWS),
    ("POST", "/predict/", ROWS),
    ("POST", "//predict", ROWS),
    ("POST", "/docs/../predict", ROWS),
    ("POST", "/docs/%2e%2e/predict", ROWS),
    ("POST", "/models/model/predict", ROWS),
    ("POST", "/v2/models/iris/infer", "{}"),
    ("POST", "/v1/models/iris:predict", '{"instances": [[6.2, 3.4]]}'),
    ("POST", "/invocations", '{"inputs": [[6.2, 3.4]]}'),
    ("GET", "/", None),
    ("GET", "/ping", None),
    ("GET", "/model", None),
    ("GET", "/models", None),
    ("GET", "/nowhere", None),
    ("POST", "/docs", ROWS),
)
"""What no door lets in without a key to it: every path and dialect, and other spellings of those."""
PAGES = ("/docs", "/openapi.json")


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The service, as no deployment yet, on an emulator that checks who calls."""
    with start(tmp_path_factory.mktemp("enforcing"), enforced=True) as emulator:
        yield Deployment(emulator)


def user(deployment: Deployment, name: str, *statements: Mapping[str, Any]) -> Credentials:
    """Return the credentials of a new user who may do what the statements say."""
    iam = deployment.client("iam")
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    if statements:
        iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def deployed(deployment: Deployment, **parameters: str) -> Gateway:
    """Deploy with `parameters`, one of which the function is to notice; return a client of the HTTP API."""
    deployment.serverless("deploy", *(f"--param={name}={value}" for name, value in parameters.items()))
    return deployment.gateway()


def live(deployment: Deployment, function: str = "predict") -> str:
    """Return the version that calls go to."""
    alias = deployment.client("lambda").get_alias(FunctionName=f"plume-{STAGE}-{function}", Name="live")
    return str(alias["FunctionVersion"])


def check_closed(gateway: Gateway, status: int) -> None:
    """Check that whoever has nothing to show gets nowhere, and learns nothing."""
    for method, path, body in OUTSIDE:
        answer = gateway.call(method, path, body)
        assert (answer.status, path) == (status, path)
        assert answer.json().keys() == {"message"}
    assert gateway.call("GET", "/objects/note").status == gateway.call("PUT", "/objects/note", "{}").status == 403


def check_through(gateway: Gateway, door: Door, pages: Door) -> None:
    """Check that schemathesis finds nothing wrong with calls through an open door, nor gets in through a closed one."""
    document = document_of(gateway, pages)
    check_document(gateway, door, document)
    calls, found = through(gateway, door, document, examples=4)
    assert found == []
    assert 200 in {status for _, status in calls}


def statuses(gateway: Gateway, header: str, values: Mapping[str, str]) -> dict[str, int]:
    """Return what a call is answered with each of the values in a header, by their names."""
    return {
        name: gateway.call("POST", "/predict", ROWS, headers={header: value}).status for name, value in values.items()
    }


def test_iam_lets_in_who_signs_and_may(enforcing: Deployment, model_file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = deployed(enforcing, auth="iam", docsAuth="open", modelTtl="61")
    point_boto3_at(enforcing.emulator, monkeypatch)
    publish(model_file, enforcing.outputs()["ModelUri"])
    assert (
        gateway.call("GET", "/openapi.json").json()["code"] == "storage-unavailable"
    )  # the bucket is open to TLS only
    let_in_without_tls(enforcing)
    check_closed(gateway, 403)
    assert [gateway.call("GET", path).status for path in PAGES] == [200, 200]

    arn = f"arn:aws:execute-api:us-east-1:*:{gateway.api_id}/*"
    allowed = user(enforcing, "allowed", {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn})
    other = user(enforcing, "other", {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    wrong = Credentials(allowed.access_key, "not the secret")
    unknown = Credentials("AKIAUNKNOWN", "nor is this")
    for credentials, status in ((allowed, 200), (other, 403), (wrong, 403), (unknown, 403)):
        answer = gateway.call("POST", "/predict", ROWS, signed=True, credentials=credentials)
        assert answer.status == status
    assert gateway.call("POST", "/predict", ROWS, signed=True, credentials=allowed).body == SCORED
    denied = {"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": f"{arn}/*/objects/*"}
    scorer = user(enforcing, "scorer", {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": arn}, denied)
    assert gateway.call("POST", "/predict", ROWS, signed=True, credentials=scorer).status == 200
    for credentials, status in ((allowed, 404), (scorer, 403)):
        assert gateway.call("GET", "/objects/note", signed=True, credentials=credentials).status == status
    check_through(gateway, Door(signed=True, refused=403), Door())

    now: Any = vars(botocore.auth)["get_current_datetime"]
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now() - timedelta(minutes=20))
    assert gateway.call("POST", "/predict", ROWS, signed=True, credentials=allowed).status == 403


def test_tokens_let_in_whom_they_are_for(enforcing: Deployment, issuer: Issuer) -> None:
    before = live(enforcing)
    told = {"jwtIssuer": issuer.url, "jwtAudience": f"other,{AUDIENCE}", "jwtScopes": SCOPE}
    gateway = deployed(enforcing, auth="jwt", docsAuth="iam", modelTtl="62", **told)
    assert live(enforcing) != before
    check_closed(gateway, 401)
    assert [gateway.call("GET", path).status for path in PAGES] == [403, 403]
    assert [gateway.call("GET", path, signed=True).status for path in PAGES] == [200, 200]

    refused = unsound(issuer)
    assert statuses(gateway, "Authorization", refused) == dict.fromkeys(refused, 401)
    scopes = without_scope(issuer)
    assert statuses(gateway, "Authorization", scopes) == dict.fromkeys(scopes, 403)
    token = {"Authorization": f"Bearer {issuer.token()}"}
    answer = gateway.call("POST", "/predict", ROWS, headers=token)
    assert (answer.status, answer.body) == (200, SCORED)
    # The emulator takes these for /docs, and where IAM is asked for any Authorization that is none (security.md).
    assert [gateway.call("GET", path).status for path in ("/docs/", "/openapi.json/", "/%64ocs")] == [403] * 3
    assert [gateway.call("HEAD", path, headers=token).status for path in PAGES] == [404, 404]
    check_through(gateway, Door(token, refused=401), Door(signed=True))


def put_keys(deployment: Deployment, text: str) -> None:
    deployment.client("ssm").put_parameter(Name=PARAMETER, Value=text, Type="SecureString", Overwrite=True)


def test_keys_let_in_and_change_without_a_deployment(enforcing: Deployment, issuer: Issuer) -> None:
    gateway = deployed(enforcing, auth="key", docsAuth="key", keyTtl="1", modelTtl="63")
    check_closed(gateway, 401)
    assert [gateway.call("GET", path).status for path in PAGES] == [401, 401]
    assert statuses(gateway, "x-api-key", {"any": OLD}) == {"any": 403}  # there is no parameter yet

    def opens(**keys: str) -> dict[str, bool]:
        time.sleep(2.2)  # twice keyTtl: of the gateway and of the function
        return {name: status == 200 for name, status in statuses(gateway, "X-API-Key", keys).items()}

    put_keys(enforcing, f"# of the tests\n{OLD}\n\n  {SHORT}\n")
    listed = {"old": OLD, "new": NEW, "short": SHORT, "comment": "# of the tests", "both": f"{OLD},{OLD}", "none": " "}
    assert opens(**listed) == {name: name == "old" for name in listed}
    assert gateway.call("GET", "/docs", headers={"x-api-key": OLD}).status == 200
    key = {"x-api-key": OLD}
    check_through(gateway, Door(key, refused=401), Door(key))
    put_keys(enforcing, f"{OLD}\n{NEW}")
    assert opens(old=OLD, new=NEW, cut=NEW[:-1], longer=f"{NEW}n") == {
        "old": True,
        "new": True,
        "cut": False,
        "longer": False,
    }
    put_keys(enforcing, NEW)
    assert opens(old=OLD, new=NEW) == {"old": False, "new": True}


def test_rollback_moves_the_alias_back(enforcing: Deployment, issuer: Issuer) -> None:
    version = live(enforcing)
    listing = enforcing.serverless("deploy", "list")
    stamps = sorted(set(re.findall(r"Timestamp: (\d+)", listing)))
    assert len(stamps) == 3, listing
    enforcing.serverless("rollback", "--timestamp", stamps[1])
    assert live(enforcing) != version
    gateway = enforcing.gateway()
    assert gateway.call("POST", "/predict", ROWS, headers={"x-api-key": NEW}).status == 401
    answer = gateway.call("POST", "/predict", ROWS, headers={"Authorization": f"Bearer {issuer.token()}"})
    assert (answer.status, answer.body) == (200, SCORED)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"auth": "anyone"}, "auth, or docsAuth, is 'anyone': it is one of open, iam, jwt, key"),
        ({"Auth": "iam"}, "there is no parameter 'Auth'; there are accessLogs"),
        ({"tracing": "True"}, "tracing is true or false, not 'True'"),
    ],
)
def test_parameters_that_leave_a_door_open_or_unclear_are_refused(
    enforcing: Deployment, tmp_path: Any, parameters: dict[str, str], words: str
) -> None:
    told = [f"--param={name}={value}" for name, value in parameters.items()]
    with pytest.raises(CommandError, match=re.escape(words)):
        enforcing.serverless("package", "--package", str(tmp_path), *told)
