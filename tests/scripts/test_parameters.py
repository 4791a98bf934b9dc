"""What a function would not start with, or would let too many in by, no deployment takes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from lambda_fn.config import ConfigError, Settings
from scripts.emulator import ROOT
from scripts.template import EVERYTHING

SCRIPT = """
const Plugin = require('./scripts/serverless-doors.cjs');
const asked = JSON.parse(require('node:fs').readFileSync(0));
console.log(JSON.stringify(asked.map((told) => {
  const { doors, predict, arrive, authorizer, params, param, provider, url, limits, fronts = [] } = told;
  const events = [{ httpApi: { method: '*', path: '*', authorizer } }, ...fronts];
  const functions = { predict: { environment: predict, events, url, ...limits }, arrive: { environment: arrive } };
  const service = { functions, provider: { httpApi: {}, ...provider }, custom: { doors } };
  const input = { configurationInput: { params }, processedInput: { options: { param } } };
  const serverless = { classes: { Error }, service, ...input };
  try { new Plugin(serverless).hooks.initialize(); return ''; } catch (error) { return error.message; }
})));
"""
DOORS: dict[str, Any] = {
    "keysParameter": "/plume/dev/keys",
    "ownKeys": "/plume/dev/keys",
    "domain": "",
    "certificate": "",
    "basePath": "/",
    "stackTags": "",
    "versionDays": 90,
    "versionsKept": 10,
    "throttleRate": 500,
    "throttleBurst": 1000,
    "vpcSubnets": "",
    "vpcSecurityGroups": "",
    "alarmEmail": "",
    "alarmTopic": "none",
    "noTopic": "none",
    "alarmLatency": 1000,
    "captureDays": 30,
    "bulkUploadsDays": "30",
    "flags": {},
}
DOMAIN = {"domain": "scores.example.org", "certificate": EVERYTHING["certificate"]}
SHARES = ("0", "1", "0.5", ".5", "1e-3", "1e-7", "1e3", "..", "1.0", "2", "1.1", "-1", "half", "nan", "1 %", "0,5")
SETTINGS: dict[str, tuple[str, ...]] = {
    "CAPTURE_SHARE": SHARES,
    "CANDIDATE_SHARE": SHARES,
    "CANDIDATE_MODE": ("answer", "shadow", "Shadow"),
    "CANDIDATE_KEY": ("", "header:X-User", "feature:A b", "user", "header:", "cookie:a"),
    "LOG_CALLS": ("all", "errors", "none", "verbose", "true"),
    "MODEL_TTL": ("0", "60", "2.5", "-1", "inf", "a minute"),
    "MODEL_SHA256": ("", "0123456789abcdef" * 4, "0123456789ABCDEF" * 4, "0123", "g" * 64),
    "BASE_PATH": ("", "/", "v1", "/v1/", "a/b-c/d.e", "$a", "a//b", "a b", "a%20b", "a?b", "ä"),
}


def refusals(
    *asked: dict[str, Any], door: Any = "open", doors: Mapping[str, Any] | None = None, **names: Any
) -> list[str]:
    """Return what the plugin says of each: settings of the function, or where tables come from and go to."""
    told = [
        {
            "authorizer": door,
            **names,
            "doors": {**DOORS, "basePath": each.get("BASE_PATH", "/"), **(doors or {})},
            "predict": {name: value for name, value in each.items() if not name.startswith("BULK_")},
            "arrive": {name: placed(name, value) for name, value in each.items() if name.startswith("BULK_")},
        }
        for each in ({"BULK_INPUT": "s3://in/", "BULK_OUTPUT": "s3://out/"} | each for each in asked)
    ]
    done = subprocess.run(["node", "-e", SCRIPT], input=json.dumps(told), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def placed(name: str, value: str) -> Any:
    return value if name == "BULK_ARRIVAL_OPTIONS" else {"Fn::Sub": value}


def starts(environ: dict[str, str]) -> bool:
    try:
        Settings.from_environ({"MODEL_URI": "s3://b/k", "CAPTURE_URI": "s3://b/captured/"} | environ)
    except ConfigError:
        return False
    return True


def test_what_is_deployed_is_what_a_function_starts_with() -> None:
    environs = [{name: value} for name, values in SETTINGS.items() for value in values]
    environs += [{"MODEL_SHA256": "0" * 64, "CANDIDATE_SHARE": share} for share in ("0", "0.5")]
    refused = refusals(*environs)
    assert [(each, not words) for each, words in zip(environs, refused, strict=True)] == [
        (each, starts(each)) for each in environs
    ]
    assert "captureShare is a number from 0 to 1" in refused


@pytest.mark.parametrize("name", ["BULK_INPUT", "BULK_OUTPUT"])
def test_a_place_of_tables_is_whole_segments_and_no_pattern(name: str) -> None:
    right = ["s3://rows/", "s3://rows/a/", "s3://${Bucket}/bulk/2026/", "s3://rows/date=2026 b/"]
    wrong = ["s3://rows/a", "s3://rows//", "s3://rows//a/", "s3://rows/a//", "s3://rows/*/", "s3://rows/a?/"]
    wrong += ["s3://rows/${aws:username}/", "s3://*/a/", "s3://plume-*/models/", "s3://row?/", "s3://${Bucket}*/a/"]
    found = refusals(*[{name: each} for each in right + wrong])
    assert found[: len(right)] == [""] * len(right)
    assert all("whole segments" in each for each in found[len(right) :]), found


def test_tables_are_written_apart_from_models_objects_and_what_is_captured() -> None:
    own = ["s3://${Bucket}/", *(f"s3://${{Bucket}}/{name}" for name in ("models/", "objects/a/", "captured/"))]
    assert all("apart from models/" in each for each in refusals(*[{"BULK_OUTPUT": each} for each in own]))
    others = ["s3://rows/", "s3://rows/models/", "s3://${Bucket}/models2/"]
    deleted, kept = refusals(*[{"BULK_OUTPUT": f"s3://{each}/bulk/uploads/out/"} for each in ("${Bucket}", "rows")])
    assert ("what is there is deleted after bulkUploadsDays" in deleted, kept) == (True, "")
    assert refusals(*[{"BULK_OUTPUT": each} for each in others]) == [""] * len(others)
    assert refusals(*[{"BULK_INPUT": each} for each in own]) == [""] * len(own)
    arriving = refusals(*[{"BULK_INPUT": each} for each in own + others], doors={"flags": {"bulkOnArrival": "true"}})
    assert ["each file there would start a run" in each for each in arriving] == [True] * len(own) + [False] * 3
    within = refusals({"BULK_INPUT": "s3://out/a/"}, doors={"flags": {"bulkOnArrival": True}})
    assert "bulkInputPrefix is not within bulkOutputPrefix" in within[0]


def test_options_of_what_arrives_are_an_object() -> None:
    texts = ["{}", '{"model": "churn"}', "{model: churn}", "[]", "null", "model=churn", '{"input": 1}', '{"output": 1}']
    refused = refusals(*[{"BULK_ARRIVAL_OPTIONS": each} for each in texts])
    assert ["bulkArrivalOptions is a JSON object" in each for each in refused] == [False] * 2 + [True] * 6


@pytest.mark.parametrize("door", [False, None, "", 0, True, "toString"])
def test_what_is_no_door_is_not_taken_for_an_open_one(door: Any) -> None:
    [refused] = refusals({}, door=door)
    assert "it is one of open, iam, jwt, key" in refused


@pytest.mark.parametrize(
    ("door", "doors", "words"),
    [
        ("open", {"keysParameter": "/plume/*"}, "keysParameter is the whole name of a parameter of SSM"),
        ("open", {"keysParameter": "/plume/dev/others"}, "keysParameter asks for auth=key, or docsAuth=key"),
        ("open", {"flags": {"disableDefaultEndpoint": True}}, "disableDefaultEndpoint asks for a domain"),
        ("open", {"domain": "scores.example.org", "certificate": "arn:aws:acm:::certificate/none"}, "its certificate"),
        ("open", {**DOMAIN, "basePath": "/churn"}, "basePath has no slash at its ends where there is a domain"),
        ("open", {"jwtScopes": " , "}, "jwtScopes is names with commas, and lists none"),
        *[("open", {"versionDays": days}, "versionDays is a number of days from 1 on") for days in (0, "ten", "")],
        *[("open", {"versionsKept": kept}, "versionsKept is a number from 1 to 100") for kept in (0, 101, "all")],
        *[("open", {name: 0}, "numbers from 1 on") for name in ("throttleRate", "throttleBurst")],
        ("open", {"vpcSubnets": "subnet-1"}, "given together, or neither"),
        ("open", {"vpcSubnets": ["subnet-1"], "vpcSecurityGroups": ["sg-1"]}, "ids with commas between them"),
        ("open", {"flags": {"tracing": "yes"}}, "tracing is true or false, not 'yes'"),
        ("open", {"alarmEmail": "on-call@example.org"}, "alarmEmail and alarmTopic ask for alarms=true"),
        ("open", {"alarmTopic": "arn:aws:sns:eu-west-1:123456789012:on-call"}, "ask for alarms=true"),
        ("open", {"vpcSubnets": "subnet-1", "vpcSecurityGroups": ","}, "are given together, or neither"),
        ("open", {"vpcSubnets": "sg-1", "vpcSecurityGroups": "subnet-1"}, "vpcSubnets are ids such as subnet-"),
        ("open", {"alarmEmail": "on-call", "flags": {"alarms": True}}, "alarmEmail is an address"),
        ("open", {**DOMAIN, "certificate": "scores.example.org"}, "domain asks for its certificate, by its ARN"),
        ("open", {"alarmTopic": "on-call", "flags": {"alarms": True}}, "alarmTopic is the ARN of an SNS topic"),
        ("open", {"alarmLatency": "fast"}, "alarmLatency is a number of milliseconds"),
        ("open", {"captureDays": "0"}, "captureDays and bulkUploadsDays are numbers of days"),
        ("open", {"bulkUploadsDays": 1.5}, "captureDays and bulkUploadsDays are numbers of days"),
        ("open", {"stackTags": "team"}, "stackTags is name=value,name=value, not 'team'"),
        ("jwt", {"jwtAudience": "a"}, "it asks for jwtIssuer, a URL of https, and jwtAudience"),
        ("jwt", {"jwtIssuer": "https://a.b", "jwtAudience": " , "}, "it asks for jwtIssuer"),
        ("jwt", {"jwtIssuer": "http://a.b", "jwtAudience": "a"}, "it asks for jwtIssuer"),
        ("open", {"jwtIssuer": "https://a.b", "jwtAudience": "a"}, "ask for auth=jwt, or docsAuth=jwt"),
        ("iam", {"jwtScopes": "score"}, "ask for auth=jwt, or docsAuth=jwt"),
        ("key", {"keyTtl": "soon"}, "it asks for a keyTtl from 0 to 3600"),
        ("key", {"keyTtl": "3601"}, "it asks for a keyTtl from 0 to 3600"),
    ],
)
def test_a_door_that_lacks_something_or_is_unclear_is_refused(door: str, doors: dict[str, Any], words: str) -> None:
    [refused] = refusals({}, door=door, doors=doors)
    assert words in refused


@pytest.mark.parametrize(
    ("front", "asks"),
    [
        ({"url": True}, False),
        ({"url": {"cors": True}}, False),
        ({"url": {"authorizer": "aws_iam"}}, True),
        ({"fronts": [{"http": "ANY /"}, {"http": "ANY /{proxy+}"}]}, False),
        ({"fronts": [{"http": {"method": "post", "path": "/predict"}}]}, False),
        ({"fronts": [{"http": {"method": "ANY", "path": "/", "authorizer": "aws_iam"}}]}, True),
        ({"fronts": [{"http": {"method": "ANY", "path": "/", "private": True}}, {"http": "OPTIONS /"}]}, True),
        ({"fronts": [{"httpApi": "POST /predict"}]}, False),
        ({"fronts": [{"httpApi": {"method": "*", "path": "*"}}]}, False),
        ({"fronts": [{"httpApi": {"method": "GET", "path": "/ping", "authorizer": "open"}}]}, True),
        ({"fronts": [{"httpApi": "OPTIONS /{proxy+}"}, {"sqs": "arn"}]}, True),
    ],
)
def test_every_front_says_what_it_asks_for_unless_the_door_is_open(front: dict[str, Any], asks: bool) -> None:
    [refused] = refusals({"DOOR": "iam"}, door="iam", **front)
    assert ("whatever auth and docsAuth say" in refused) != asks
    doors = ({"DOOR": "open"}, {"DOOR": "open", "DOCS_DOOR": "open"}, {"DOOR": "open", "DOCS_DOOR": "iam"})
    assert refusals(*doors, **front) == ["", "", refused]


def test_no_more_is_provisioned_than_is_reserved() -> None:
    for limits, refused in (
        ({"provisionedConcurrency": "3", "reservedConcurrency": "20"}, False),
        ({"provisionedConcurrency": 3, "reservedConcurrency": None}, False),
        ({"provisionedConcurrency": "30", "reservedConcurrency": "4"}, True),
        ({"provisionedConcurrency": 1, "reservedConcurrency": 0}, True),
    ):
        assert [("provisionedConcurrency is at most" in words) for words in refusals({}, limits=limits)] == [refused]


def test_a_name_that_nobody_reads_is_refused_wherever_it_is_told() -> None:
    default = {"auth": "iam", "docsAuth": "iam"}
    right = {"default": default, "dev": {"auth": "open"}, "prod": {"kmsKey": "arn"}, "test": None}
    assert refusals({}, params=right, param=["docsAuth=iam", "bulkConcurrency=2"]) == [""]
    for wrong in ({"params": right | {"prod": {"docAuth": "iam"}}}, {"params": right, "param": ["docAuth=iam"]}):
        assert "there is no parameter 'docAuth'; there are auth, bulkConcurrency" in refusals({}, **wrong)[0]


def test_each_parameter_has_its_line_in_the_docs() -> None:
    text = (ROOT / "serverless.yml").read_text()
    params = yaml.safe_load(text[text.index("params:") : text.index("plugins:")])["params"]
    [refused] = refusals({}, params=params, param=["nothing=1"])
    known = set(refused.partition("there are ")[2].split(", "))
    table = (ROOT / "docs" / "deploying.md").read_text().partition("| parameter |")[2].partition("\n\n")[0]
    assert {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", f"{row}||".split("|")[1])} == known


def test_a_key_is_named_by_its_own_arn_as_roles_have_no_use_for_another_name() -> None:
    key = EVERYTHING["kmsKey"]
    wrong = ["alias/plume", key.replace("key/", "alias/"), key.partition("key/")[2], f"{key}*", "arn:aws:kms:*:*:key/*"]
    assert [refusals({}, provider={"kmsKeyArn": each}) for each in (None, key)] == [[""]] * 2
    assert all("kmsKey is the ARN of a key" in refusals({}, provider={"kmsKeyArn": each})[0] for each in wrong)


@pytest.mark.parametrize("origin", ["*", "http://[::1]:80"])
def test_an_origin_is_taken(origin: str) -> None:
    assert refusals({}, provider={"httpApi": {"cors": {"allowedOrigins": [origin]}}}) == [""]


@pytest.mark.parametrize("origin", ["a.org", "https://a.org/", "https://a.org,https://b.org"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    [refused] = refusals({}, provider={"httpApi": {"cors": {"allowedOrigins": [origin]}}})
    assert "corsOrigin is * or an origin" in refused
