"""What CloudFormation gets, by default and with everything that parameters turn on: roles, the bucket, the doors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.deployment import Deployment
from scripts.emulator import Emulator
from scripts.template import EVERYTHING, compiled
from tests.e2e.policies import chosen, listed, place, rights, statements

pytestmark = pytest.mark.e2e

MODELS, UPLOADS, OBJECTS = (f"${{Bucket.Arn}}/{prefix}/*" for prefix in ("models", "bulk/uploads", "objects"))
BUCKET = "Bucket.Arn"
S3 = "arn:${AWS::Partition}:s3:::${Bucket}"
INPUT, OUTPUT = f"{S3}/bulk/in/*", f"{S3}/bulk/out/*"
MACHINE = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
CHILDREN = {f"{MACHINE}:execution:plume-dev-bulk:*", f"{MACHINE}:execution:plume-dev-bulk/*"}
LISTS = {"s3:ListBucket": {BUCKET, S3}}
RIGHTS: dict[str, dict[str, set[str]]] = {
    "PredictRole": {"s3:GetObject": {MODELS}, "s3:ListBucket": {BUCKET}},
    "ObjectsRole": {"s3:GetObject": {OBJECTS}, "s3:PutObject": {OBJECTS}, "s3:ListBucket": {BUCKET}},
    "AuthorizeRole": {
        "ssm:GetParameter": {"arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/plume/dev/keys"}
    },
    "PlanRole": {
        **LISTS,
        "s3:GetObject": {MODELS, INPUT, UPLOADS, OUTPUT},
        "s3:PutObject": {OUTPUT},
        "s3:DeleteObject": {f"{OUTPUT}_SUCCESS.json"},
    },
    "ScoreRole": {
        **LISTS,
        "s3:GetObject": {INPUT, UPLOADS, OUTPUT},
        "s3:PutObject": {OUTPUT},
        "s3:AbortMultipartUpload": {OUTPUT},
    },
    "SummaryRole": {
        "s3:ListBucket": {S3},
        "s3:GetObject": {OUTPUT},
        "s3:PutObject": {OUTPUT},
        "s3:AbortMultipartUpload": {OUTPUT},
        "s3:DeleteObject": {f"{OUTPUT}_SUCCESS.json"},
    },
    "ArriveRole": {"states:StartExecution": {"Bulk"}},
    "BulkRole": {
        "lambda:InvokeFunction": {"PlanLambdaFunction.Arn", "ScoreLambdaFunction.Arn", "SummaryLambdaFunction.Arn"},
        "s3:GetObject": {f"{S3}/bulk/out/*_plume/manifest-*.jsonl"},
        "states:StartExecution": {f"{MACHINE}:stateMachine:plume-dev-bulk"},
        "states:DescribeExecution": CHILDREN,
        "states:StopExecution": CHILDREN,
    },
}
"""What each role may do, and where: what its code calls, and ListBucket, which tells "not there" from "not allowed"."""
PREFIXES = {
    "PredictRole": [["models/*"]],
    "ObjectsRole": [["objects/*"]],
    "PlanRole": [["models/*"], ["bulk/in/*", "bulk/uploads/*"], ["bulk/out/*"]],
    "ScoreRole": [["bulk/in/*", "bulk/uploads/*"], ["bulk/out/*"]],
    "SummaryRole": [["bulk/out/*"]],
}
KEY = EVERYTHING["kmsKey"]
OUTSIDE = {"AuthorizeRole", "ArriveRole"}
"""Whose functions run in no VPC: they ask nothing that is in one."""
INTERFACES = {
    *("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces"),
    *("DescribeSubnets", "UnassignPrivateIpAddresses"),
}
"""What AWSLambdaVPCAccessExecutionRole allows beside logs."""
READERS = {"AuthorizeRole", "ArriveRole", "BulkRole"}
"""Who stores nothing, under a key or not."""
ANY_BUCKET = "arn:${AWS::Partition}:s3:::"


@pytest.fixture(scope="module")
def everything(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The template with everything that parameters turn on."""
    return compiled(Deployment(emulator), tmp_path_factory.mktemp("everything"), EVERYTHING)


def roles(template: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::IAM::Role"}


def test_a_role_may_do_what_its_code_calls_and_nothing_else(template: dict[str, Any]) -> None:
    assert {name: rights(role) for name, role in roles(template).items()} == RIGHTS
    for name, prefixes in PREFIXES.items():
        listing = [each for each in statements(roles(template)[name]) if each["Action"] == "s3:ListBucket"]
        assert [each["Condition"] for each in listing] == [
            {"StringLikeIfExists": {"s3:prefix": each}} for each in prefixes
        ]


def test_each_function_has_a_role_of_its_own_that_lambda_alone_takes(everything: dict[str, Any]) -> None:
    functions = {
        name.removesuffix("LambdaFunction"): each["Properties"]
        for name, each in everything["Resources"].items()
        if each["Type"] == "AWS::Lambda::Function"
    }
    assert functions.keys() == {name.removesuffix("Role") for name in RIGHTS.keys() - {"BulkRole"}}
    for name, properties in functions.items():
        assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    for name, role in roles(everything).items():
        service = "states" if name == "BulkRole" else "lambda"
        [trust] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert (trust["Principal"], trust["Action"]) == ({"Service": f"{service}.amazonaws.com"}, "sts:AssumeRole")


@pytest.mark.parametrize("met", [False, True])
def test_nothing_is_allowed_everywhere_nor_everything_anywhere(
    template: dict[str, Any], everything: dict[str, Any], met: bool
) -> None:
    for compiled_one in (template, everything):
        for resource in compiled_one["Resources"].values():
            for statement in statements(resource, met=met) if resource["Type"].startswith("AWS::IAM::") else ():
                if statement["Effect"] == "Deny":
                    continue
                assert statement["Effect"] == "Allow"
                assert not {"NotAction", "NotResource"} & statement.keys()
                assert not [action for action in listed(statement["Action"]) if "*" in action]
                for begin, star, _ in (place(each).partition("*") for each in listed(statement["Resource"])):
                    assert not star or (len(begin) > len("arn:aws:") and begin != ANY_BUCKET)
        permissions = [each for each in compiled_one["Resources"].values() if each["Type"] == "AWS::Lambda::Permission"]
        assert all("SourceArn" in each["Properties"] for each in permissions)


def test_functions_in_a_vpc_and_traced_get_awss_own_policies_for_that_and_a_key_what_it_takes(
    everything: dict[str, Any],
) -> None:
    traced, in_vpc = "AWSXRayDaemonWriteAccess", "service-role/AWSLambdaVPCAccessExecutionRole"
    for name, role in roles(everything).items():
        for met in (False, True):
            arns = chosen(role["Properties"].get("ManagedPolicyArns", []), met=met)
            expected = {traced} | ({in_vpc} if name not in OUTSIDE else set()) if met and name != "BulkRole" else set()
            assert {place(arn).partition("policy/")[2] for arn in arns} == expected
        with_key = rights(role, met=True)
        keys = {action: places for action, places in with_key.items() if action.startswith("kms:")}
        allowed = ["kms:Decrypt"] if name in READERS else ["kms:Decrypt", "kms:GenerateDataKey"]
        assert keys == {action: {KEY} for action in allowed}
    under_key = everything["Conditions"]["CapturesUnderKey"]
    assert under_key == {"Fn::And": [{"Condition": "Captures"}, {"Condition": "HasKey"}]}


def test_code_in_a_vpc_may_not_do_what_lambda_does_there_by_the_same_role(everything: dict[str, Any]) -> None:
    """Of AWS's policy, whose interfaces are any of the account's; calls of the function's code name its source."""
    for name, role in roles(everything).items():
        assert not [each for each in statements(role) if each["Effect"] == "Deny"]
        denied = [each for each in statements(role, met=True) if each["Effect"] == "Deny"]
        assert len(denied) == (name not in OUTSIDE | {"BulkRole"})
        for statement in denied:
            assert set(statement["Action"]) == {f"ec2:{action}" for action in INTERFACES}
            assert (statement["Resource"], statement["Condition"]) == (
                "*",
                {"Null": {"lambda:SourceFunctionArn": "false"}},
            )


def test_rows_are_kept_only_where_that_is_asked_for_and_for_so_long(
    template: dict[str, Any], everything: dict[str, Any]
) -> None:
    captured = {"s3:PutObject": {"${Bucket.Arn}/captured/*"}}
    found = rights(roles(everything)["PredictRole"], met=True)
    assert {name: found[name] for name in captured} == captured
    condition = everything["Conditions"]["Captures"]
    assert condition == {"Fn::Not": [{"Fn::Equals": ["0.1", "0"]}]}
    rules = template["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    [rule] = [each for each in rules if each.get("Prefix") == "captured/"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 30)
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_the_template_holds_no_secret(everything: dict[str, Any]) -> None:
    text = json.dumps(everything)
    assert not re.search(r"AKIA|ASIA|-----BEGIN|(?i:secret|password|token)[\"' ]*[:=]", text)


def test_the_bucket_is_versioned_encrypted_private_kept_and_open_to_tls_only(
    template: dict[str, Any], everything: dict[str, Any]
) -> None:
    bucket = template["Resources"]["Bucket"]
    properties = chosen(bucket["Properties"])
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
    encryption = chosen(everything["Resources"]["Bucket"]["Properties"]["BucketEncryption"], met=True)
    assert encryption["ServerSideEncryptionConfiguration"] == [
        {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
        }
    ]
    [statement] = statements(template["Resources"]["BucketPolicy"])
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {place(each) for each in statement["Resource"]} == {BUCKET, "${Bucket.Arn}/*"}


def test_replaced_versions_end_but_the_newest_and_what_was_not_finished_ends_too(template: dict[str, Any]) -> None:
    rules = {
        each["Id"]: each for each in template["Resources"]["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    }
    assert {each["Status"] for each in rules.values()} == {"Enabled"}
    replaced = rules["replaced-versions"]
    assert replaced["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90, "NewerNoncurrentVersions": 10}
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 2}
    assert "Prefix" not in replaced
    assert not [each for each in rules.values() if "ExpirationInDays" in each and "Prefix" not in each]


def test_parameters_reach_what_they_are_of(template: dict[str, Any], everything: dict[str, Any]) -> None:
    plain, full = template["Resources"], everything["Resources"]
    function = full["PredictLambdaFunction"]["Properties"]
    assert function["ReservedConcurrentExecutions"] == 20
    assert function["TracingConfig"] == {"Mode": "Active"}
    for name in (role.removesuffix("Role") for role in RIGHTS.keys() - {"BulkRole"}):
        config = full[f"{name}LambdaFunction"]["Properties"].get("VpcConfig", {"SubnetIds": []})
        assert config["SubnetIds"] == ([] if f"{name}Role" in OUTSIDE else EVERYTHING["vpcSubnets"].split(","))
    assert function["KmsKeyArn"] == KEY
    assert {"VpcConfig", "KmsKeyArn"}.isdisjoint(plain["PredictLambdaFunction"]["Properties"])
    assert plain["PredictLambdaFunction"]["Properties"]["LoggingConfig"]["LogFormat"] == "JSON"
    assert full["PredictLiveAlias"]["Properties"]["ProvisionedConcurrencyConfig"] == {
        "ProvisionedConcurrentExecutions": 2
    }
    assert full["HttpApi"]["Properties"]["DisableExecuteApiEndpoint"] is True
    stage = plain["HttpApiStage"]["Properties"]
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 500, "ThrottlingBurstLimit": 1000}
    assert {"status", "ip", "error", "key"} <= json.loads(stage["AccessLogSettings"]["Format"]).keys()
    other_stage = full["HttpApiStage"]["Properties"]
    assert "AccessLogSettings" not in other_stage
    assert other_stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": "50", "ThrottlingBurstLimit": "80"}
    assert function["LoggingConfig"]["ApplicationLogLevel"] == "WARN"
    assert full["PredictLogGroup"]["Properties"]["RetentionInDays"] == 30
    rules = {each["Id"]: each for each in full["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    assert rules["replaced-versions"]["NoncurrentVersionExpiration"] == {
        "NoncurrentDays": "30",
        "NewerNoncurrentVersions": "5",
    }
    assert rules["captured-rows"]["ExpirationInDays"] == "7"
    assert full["DomainMapping"]["Properties"]["ApiMappingKey"]["Fn::If"][1] == "churn"
    for name in ("Domain", "DomainMapping"):
        assert full[name]["Condition"] == "HasDomain"


def test_calls_go_to_the_alias_which_is_of_the_version_that_is_deployed(template: dict[str, Any]) -> None:
    resources = template["Resources"]
    for name in ("Predict", "Objects"):
        [version] = [each for each in resources if re.fullmatch(f"{name}LambdaVersion.+", each)]
        assert resources[f"{name}LiveAlias"]["Properties"] == {
            "FunctionName": {"Ref": f"{name}LambdaFunction"},
            "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
            "Name": "live",
        }
        alias = {"Fn::Join": [":", [{"Fn::GetAtt": [f"{name}LambdaFunction", "Arn"]}, "live"]]}
        assert resources[f"HttpApiIntegration{name}"]["Properties"]["IntegrationUri"] == alias
        assert resources[f"{name}LambdaPermissionHttpApi"]["Properties"]["FunctionName"] == alias


def test_every_route_has_its_door_but_for_what_a_browser_asks_before(everything: dict[str, Any]) -> None:
    routes = {
        each["Properties"]["RouteKey"]: each["Properties"].get("AuthorizationType")
        for each in everything["Resources"].values()
        if each["Type"] == "AWS::ApiGatewayV2::Route"
    }
    assert routes == {
        "$default": "JWT",
        "GET /docs": "CUSTOM",
        "GET /openapi.json": "CUSTOM",
        "GET /objects/{key}": "AWS_IAM",
        "PUT /objects/{key}": "AWS_IAM",
        "OPTIONS /": None,
        "OPTIONS /{proxy+}": None,
    }


def test_every_stage_but_dev_asks_for_a_signature(emulator: Emulator, tmp_path: Path) -> None:
    deployment = Deployment(emulator)
    deployment.serverless("package", "--package", str(tmp_path), stage="prod")
    resources = json.loads((tmp_path / "cloudformation-template-update-stack.json").read_text())["Resources"]
    for name in ("Default", "GetDocs", "GetOpenapijson"):
        assert resources[f"HttpApiRoute{name}"]["Properties"]["AuthorizationType"] == "AWS_IAM"
