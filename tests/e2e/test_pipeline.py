"""docs/github/: the role that deploys from GitHub Actions, as it is made, and the workflow that takes it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.deployment import Deployment
from scripts.emulator import ROOT, Emulator
from tests.e2e.conftest import BOUNDARY
from tests.e2e.policies import listed
from tests.e2e.policies import statements as rights_of

pytestmark = pytest.mark.e2e

GITHUB = ROOT / "docs" / "github"
PROVIDER = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"
MADE_BY = {
    "AWS::ApiGatewayV2::Api": "apigateway:POST",
    "AWS::ApiGatewayV2::ApiMapping": "apigateway:POST",
    "AWS::ApiGatewayV2::Authorizer": "apigateway:POST",
    "AWS::ApiGatewayV2::Integration": "apigateway:POST",
    "AWS::ApiGatewayV2::Route": "apigateway:POST",
    "AWS::ApiGatewayV2::Stage": "apigateway:POST",
    "AWS::SNS::Topic": "sns:CreateTopic",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
    "AWS::Events::Rule": "events:PutRule",
    "AWS::IAM::Role": "iam:CreateRole",
    "AWS::Lambda::Alias": "lambda:CreateAlias",
    "AWS::Lambda::EventInvokeConfig": "lambda:PutFunctionEventInvokeConfig",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Lambda::LayerVersion": "lambda:PublishLayerVersion",
    "AWS::Lambda::Permission": "lambda:AddPermission",
    "AWS::Lambda::Version": "lambda:PublishVersion",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::StepFunctions::StateMachine": "states:CreateStateMachine",
}
"""Types of resources, and the action that makes one; docs/github/role.yml allows all that a deployment needs."""
UNNAMED = {"Template", "LogLists", "AccessLogs", "Traces", "SecureStrings", "Apis", "ApiTags", "Call"}
"""Statements about what AWS gives no name that tells the stage: beside each it says why."""


def make_role(emulator: Emulator, **parameters: str) -> Any:
    """Deploy role.yml for acme/models as a person does; return a client of IAM."""
    deployed, name = Deployment(emulator), f"deploy-plume-{parameters['Stage']}"
    cloudformation = deployed.client("cloudformation")
    given = {"Repository": "acme/models", "ProviderArn": PROVIDER, **parameters}
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(GITHUB / "role.yml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    return deployed.client("iam")


@pytest.fixture(scope="module")
def iam(emulator: Emulator) -> Any:
    """IAM, where the role of `prod` was made."""
    return make_role(emulator, Stage="prod")


@pytest.fixture(scope="module")
def statements(iam: Any) -> dict[str, list[dict[str, Any]]]:
    """What its policies say, by their names, lists where IAM takes one or several."""
    return {name: said for name, said in policies(iam).items() if name.startswith("deploy-plume-prod-")}


def policies(iam: Any) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
        found[policy["PolicyName"]] = said = version["PolicyVersion"]["Document"]["Statement"]
        for statement in said:
            alone = {key: statement[key] for key in ("Action", "Resource") if isinstance(statement[key], str)}
            statement.update({key: [value] for key, value in alone.items()})
    return found


def deployer(statements: dict[str, list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for name, policy in statements.items():
        if not name.endswith("-boundary"):
            yield from policy


def test_only_a_job_of_the_repository_s_environment_takes_the_role(iam: Any) -> None:
    [statement] = iam.get_role(RoleName="deploy-plume-prod")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow",
        "Principal": {"Federated": PROVIDER},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:acme/models:environment:prod",
            }
        },
    }


def test_a_branch_instead_of_an_environment_and_buckets_of_others(emulator: Emulator) -> None:
    rows = "arn:aws:s3:::rows,arn:aws:s3:::rows/*"
    iam = make_role(emulator, Stage="branch", Branch="main", Buckets=rows)
    [statement] = iam.get_role(RoleName="deploy-plume-branch")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    equals = statement["Condition"]["StringEquals"]
    assert equals["token.actions.githubusercontent.com:sub"] == "repo:acme/models:ref:refs/heads/main"
    [others] = [each for each in policies(iam)["deploy-plume-branch-boundary"] if each["Sid"] == "ObjectsOfOthers"]
    assert others["Resource"] == rows.split(",")


def test_a_repository_is_named_as_its_tokens_name_it_and_by_no_pattern(emulator: Emulator) -> None:
    """Those that were made since July 15, 2026 have ids in their `sub`."""
    pattern = re.search(r'Repository:.*?AllowedPattern: "(.+?)"', (GITHUB / "role.yml").read_text(), re.DOTALL)
    assert pattern
    right = ["acme/models", "acme@123456/models@456789", "a_corp/my.models"]
    wrong = ["acme/*", "*/models", "acme@*/models@*", "acme@1/models", "acme/models@1", "acme", "acme/models:x"]
    assert [bool(re.fullmatch(pattern[1], each)) for each in right + wrong] == [True] * 3 + [False] * len(wrong)
    iam = make_role(emulator, Stage="ids", Repository=right[1])
    [statement] = iam.get_role(RoleName="deploy-plume-ids")["Role"]["AssumeRolePolicyDocument"]["Statement"]
    named = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert named == "repo:acme@123456/models@456789:environment:ids"


def test_the_role_has_its_policies_and_they_fit_into_iam(iam: Any, statements: dict[str, Any]) -> None:
    attached = iam.list_attached_role_policies(RoleName="deploy-plume-prod")["AttachedPolicies"]
    assert {policy["PolicyName"] for policy in attached} == set(statements) - {"deploy-plume-prod-boundary"}
    assert len(statements) == 4
    for name, policy in statements.items():
        assert len(json.dumps(policy, separators=(",", ":"))) < 6144 - 50, name


def test_every_right_is_by_name_and_about_this_stage(statements: dict[str, list[dict[str, Any]]]) -> None:
    for policy in statements.values():
        for statement in policy:
            assert not {"NotAction", "NotResource"} & set(statement)
            assert not [action for action in statement["Action"] if "*" in action]
            if statement["Sid"] not in UNNAMED:
                for resource in statement["Resource"]:
                    assert re.search(r"[:/]plume[-/]prod([-/:]|$)", resource), resource


def test_who_deploys_can_t_get_further_by_the_roles_that_it_makes(statements: dict[str, list[dict[str, Any]]]) -> None:
    unbound = set()
    for statement in deployer(statements):
        condition = statement.get("Condition", {}).get("StringEquals", {})
        for action in statement["Action"]:
            if action == "iam:PassRole":
                assert set(condition["iam:PassedToService"]) == {"lambda.amazonaws.com", "states.amazonaws.com"}
            elif action.startswith("iam:") and condition.get("iam:PermissionsBoundary") is None:
                unbound.add(action)
    # Of a role that is there: to let another take it, or to delete it. What gives rights is within the boundary.
    changing = {action for action in unbound if not action.startswith(("iam:Get", "iam:List"))}
    assert changing == {
        f"iam:{name}" for name in ("DeleteRole", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole")
    }


def test_an_alarm_that_it_makes_tells_a_topic_and_does_nothing_else(
    statements: dict[str, list[dict[str, Any]]],
) -> None:
    making = [each for each in deployer(statements) if "cloudwatch:PutMetricAlarm" in each["Action"]]
    assert [each["Condition"] for each in making] == [
        {"ForAllValues:StringLike": {"cloudwatch:AlarmActions": "arn:aws:sns:*"}}
    ]


def test_what_the_service_is_made_of_may_be_made(
    statements: dict[str, list[dict[str, Any]]], template: dict[str, Any]
) -> None:
    allowed = {action for statement in deployer(statements) for action in statement["Action"]}
    parts = template["Resources"].values()
    types = {each["Type"] for each in parts if each.get("Condition") != "HasDomain"}  # which docs leave to who has one
    assert types <= set(MADE_BY), "give docs/github/role.yml what makes one, and name that here"
    assert {MADE_BY[each] for each in types} <= allowed


def test_what_cloudformation_makes_it_tags_as_the_stack_is(statements: dict[str, list[dict[str, Any]]]) -> None:
    """The framework tags each stack with its stage."""
    allowed = {action for statement in deployer(statements) for action in statement["Action"]}
    services = ("cloudwatch", "events", "lambda", "logs", "sns", "states")
    tagging = {f"{service}:{change}Resource" for service in services for change in ("Tag", "Untag")}
    assert tagging | {"iam:TagRole", "iam:UntagRole", "s3:PutBucketTagging"} <= allowed


def test_every_role_is_within_the_boundary_and_needs_nothing_beyond(
    statements: dict[str, list[dict[str, Any]]], template: dict[str, Any]
) -> None:
    boundary = statements["deploy-plume-prod-boundary"]
    bounds = {action for statement in boundary for action in statement["Action"]}
    roles = {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::IAM::Role"}
    assert len(roles) > 5
    for name, role in roles.items():
        assert role["Properties"]["PermissionsBoundary"] == BOUNDARY
        for statement in rights_of(role):
            assert set(listed(statement["Action"])) <= bounds, name
    [decrypt] = [each for each in boundary if "kms:Decrypt" in each["Action"]]
    assert decrypt["Condition"] == {"StringEquals": {"kms:ViaService": "ssm.us-east-1.amazonaws.com"}}


def test_the_workflow_holds_no_secret_and_takes_actions_by_digest() -> None:
    text = (GITHUB / "deploy.yml").read_text()
    build, job = yaml.safe_load(text)["jobs"].values()
    assert "secrets." not in text
    assert "aws-access-key-id" not in text
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    assert job["environment"] == job["env"]["STAGE"]
    assert build["permissions"] == {"contents": "read"}, "its steps run what others wrote, and could ask for a token"
    assert "make" not in " ".join(step.get("run", "") for step in job["steps"])
    steps = [*build["steps"], *job["steps"]]
    uses = [step["uses"] for step in steps if "uses" in step]
    assert uses
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", each) for each in uses)
    for step in steps:
        assert "${{" not in step.get("run", ""), "an expression in a script is how others' text gets in"


def test_what_the_build_hands_over_replaces_nothing_that_the_deploying_job_runs(tmp_path: Path) -> None:
    [_, job] = yaml.safe_load((GITHUB / "deploy.yml").read_text())["jobs"].values()
    names = [step.get("name") or step["uses"].partition("@")[0] for step in job["steps"]]
    download = job["steps"][names.index("actions/download-artifact")]
    assert download["with"]["path"] == "${{ runner.temp }}/built"
    built, checkout = tmp_path / "built", tmp_path / "checkout"
    layer, caches = "build/layer-arm64.zip", ["lambda_fn/__pycache__/a.cpython-313.pyc"]
    caches.append("lambda_fn/http/__pycache__/b.cpython-313.pyc")
    others = ["serverless.yml", "package.json", "scripts/serverless-doors.cjs", "lambda_fn/a.py", "node_modules/x.js"]
    for name in [layer, *caches, *others]:
        (built / name).parent.mkdir(parents=True, exist_ok=True)
        (built / name).write_text("another")
    (built / f"{layer}.sha256").write_text(f"{hashlib.sha256(b'another').hexdigest()}  layer-arm64.zip\n")
    (checkout / "lambda_fn").mkdir(parents=True)
    (checkout / "lambda_fn" / "a.py").write_text("ours")
    script = job["steps"][names.index("Take what is built and nothing else")]["run"]
    environ = {"PATH": os.environ["PATH"], "RUNNER_TEMP": str(tmp_path), "GITHUB_WORKSPACE": str(checkout)}
    subprocess.run(["bash", "-e", "-c", script], env=environ, cwd=checkout, check=True)
    found = {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}
    assert found == {layer, f"{layer}.sha256", *caches, "lambda_fn/a.py"}
    assert (checkout / "lambda_fn" / "a.py").read_text() == "ours"
