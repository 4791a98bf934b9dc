"""What else may be in front of a deployed function: a REST API, and a queue."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any

from scripts.deployment import Deployment
from scripts.gateway import Gateway
from tests.served import Function

OF_CONNECTIONS = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive"})
FUNCTION = "plume-dev-predict"


def rest_api(deployment: Deployment) -> Gateway:
    """Return a REST API that passes everything, bytes as well, to the function; its stage is ``prod``."""
    api, arn = deployment.client("apigateway"), arn_of(deployment)
    made = api.create_rest_api(name="plume", binaryMediaTypes=["*/*"])
    root = api.get_resources(restApiId=made["id"])["items"][0]["id"]
    proxy = api.create_resource(restApiId=made["id"], parentId=root, pathPart="{proxy+}")["id"]
    for resource in (root, proxy):
        place = {"restApiId": made["id"], "resourceId": resource, "httpMethod": "ANY"}
        api.put_method(**place, authorizationType="NONE")
        uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        api.put_integration(**place, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    api.create_deployment(restApiId=made["id"], stageName="prod")
    return Gateway(made["id"], deployment.emulator.port)


def queue(deployment: Deployment, **settings: str) -> str:
    """Return the URL of a queue whose messages the function gets, with the settings and the rights for it."""
    queues, functions = deployment.client("sqs"), deployment.client("lambda")
    url = str(queues.create_queue(QueueName="rows", Attributes={"VisibilityTimeout": "30"})["QueueUrl"])
    source = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    configuration = functions.get_function_configuration(FunctionName=FUNCTION)
    environ = configuration["Environment"]["Variables"]
    results = settings["RESULTS_URI"].removeprefix("s3://")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{results}*"},
            {
                "Effect": "Allow",
                "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                "Resource": source,
            },
        ],
    }
    role = configuration["Role"].rpartition("/")[2]
    deployment.client("iam").put_role_policy(RoleName=role, PolicyName="queue", PolicyDocument=json.dumps(policy))
    functions.update_function_configuration(FunctionName=FUNCTION, Environment={"Variables": environ | settings})
    functions.create_event_source_mapping(
        EventSourceArn=source, FunctionName=FUNCTION, FunctionResponseTypes=["ReportBatchItemFailures"], BatchSize=10
    )
    return url


def arn_of(deployment: Deployment) -> str:
    """Return the name of the function that scores, in full."""
    functions = deployment.client("lambda")
    return str(functions.get_function_configuration(FunctionName=FUNCTION)["FunctionArn"])


def forwarding(gateway: Gateway) -> Function:
    """Return what sends requests on to a gateway, whose name not every client finds the address of."""

    def forward(event: Any, _: object) -> Any:
        body = base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()
        method = event["requestContext"]["http"]["method"]
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        try:
            connection.request(method, event["rawPath"], body, {**event["headers"], "host": gateway.host})
            response = connection.getresponse()
            content = base64.b64encode(response.read()).decode()
        finally:
            connection.close()
        headers = {name: value for name, value in response.getheaders() if name.lower() not in OF_CONNECTIONS}
        return {"statusCode": response.status, "headers": headers, "body": content, "isBase64Encoded": True}

    return forward
