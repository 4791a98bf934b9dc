"""Events that are no requests: whole events of queues, schedules, buckets and warmers, through the entry points."""

import copy
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from lambda_fn.unrequested import UnrequestedError
from tests.conftest import Event, LoadEvent
from tests.lambda_fn.conftest import Load
from tests.lambda_fn.http.test_malformed import VALUES, changed, places
from tests.lambda_fn.telemetry.lines import entries_of


def with_bodies(event: Event, *bodies: Any) -> Event:
    """Return a queue's event with a message for each of the bodies."""
    [first] = event["Records"]
    return {"Records": [copy.deepcopy(first) | {"messageId": str(n), "body": body} for n, body in enumerate(bodies)]}


def failures(answer: Any) -> list[str]:
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


DEAD = {"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": {"data": [[1, 2]]}}
"""What Lambda sends on of an event that failed."""
GOOD = '{"data": [[6.2, 3.4]]}'


def test_messages_are_scored_and_the_log_has_the_answers(
    handler: ModuleType, event: LoadEvent, capsys: pytest.CaptureFixture[str], whose: dict[str, str]
) -> None:
    sent = with_bodies(event("unrequested/queue-sqs"), GOOD, '{"data": [[1]]}', "{", 7, GOOD)
    assert failures(handler.predict(sent, None)) == ["1", "2", "3"]
    lines = entries_of(capsys)
    assert [line.pop("message_id") for line in lines] == ["0", "4"]
    for line in lines:
        assert (line.pop("level"), line.pop("message")) == ("INFO", "a message of a queue is answered")
        del line["timestamp"]
        assert line == {"content-type": "application/json", **whose, "answer": '{"prediction": [2]}'}


def test_the_log_tells_a_message_that_is_wrong_from_a_service_that_is(
    load: Load, event: LoadEvent, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handler = load(MODEL_URI=(tmp_path / "none.onnx").as_uri())
    caplog.clear()
    record = with_bodies(event("unrequested/queue-sqs"), GOOD, 7)
    assert failures(handler.predict(record, None)) == ["0", "1"]
    service, message = caplog.records
    assert (service.levelname, message.levelname) == ("ERROR", "WARNING")
    assert service.message.startswith("message '0': model-not-published: there is no model at ")
    assert message.message == "message '1': malformed-event"


def test_attributes_name_type_and_model(
    load: Load, event: LoadEvent, model_file: Path, model_files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), MODELS_URI=f"{model_files['slope'].parent.as_uri()}/")
    sent = with_bodies(event("unrequested/queue-sqs"), "6.2,3.4\n6.2,1\n", GOOD, GOOD, GOOD)
    texts = [{"content-type": "text/csv"}, {"Model": "slope"}, {"model": "nobody"}, {"model": ""}]
    for record, named in zip(sent["Records"], texts, strict=True):
        record["messageAttributes"] = {
            name: {"stringValue": text, "dataType": "String"} for name, text in named.items()
        }
    assert failures(handler.predict(sent, None)) == ["2", "3"]
    csv, slope = (json.loads(line)["answer"] for line in capsys.readouterr().out.splitlines())
    assert csv == "prediction\n2\n1\n"
    assert isinstance(json.loads(slope)["prediction"][0], float)


def test_behind_a_failure_a_fifo_queue_keeps_its_order(handler: ModuleType, event: LoadEvent) -> None:
    sent = with_bodies(event("unrequested/queue-sqs"), GOOD, "{", GOOD)
    for record in sent["Records"]:
        record["eventSourceARN"] += ".fifo"
    assert failures(handler.predict(sent, None)) == ["1", "2"]


def test_what_there_is_no_time_for_is_given_back(
    handler: ModuleType, event: LoadEvent, caplog: pytest.LogCaptureFixture
) -> None:
    class Context:
        times = iter([5000, 5000, 900])

        def get_remaining_time_in_millis(self) -> int:
            return next(self.times, 900)

    sent = with_bodies(event("unrequested/queue-sqs"), GOOD, GOOD, GOOD)
    assert failures(handler.predict(sent, Context())) == ["2"]
    assert [each.message.partition(":")[0] for each in caplog.records] == [
        "1 of 3 messages are given back without a look"
    ]


@pytest.mark.e2e
def test_answers_are_stored_where_they_are_to_be(
    load: Load, event: LoadEvent, model_file: Path, bucket: str, whose: dict[str, str]
) -> None:
    handler = load(MODEL_URI=model_file.as_uri(), RESULTS_URI=f"s3://{bucket}/results/")
    assert failures(handler.predict(with_bodies(event("unrequested/queue-sqs"), GOOD, "{"), None)) == ["1"]
    client = boto3.client("s3")
    stored = client.get_object(Bucket=bucket, Key="results/0")
    assert (stored["Body"].read(), stored["ContentType"]) == (b'{"prediction": [2]}', "application/json")
    away = load(MODEL_URI=model_file.as_uri(), RESULTS_URI="s3://nobody-has-this-bucket/results/")
    assert failures(away.predict(with_bodies(event("unrequested/queue-sqs"), GOOD), None)) == ["0"]


@pytest.mark.parametrize(
    "ping", [{"warmer": True, "concurrency": 3}, {"source": "serverless-plugin-warmup"}, {"ping": True}, {"warmup": 1}]
)
def test_a_ping_returns(handler: ModuleType, ping: Event) -> None:
    assert handler.predict(ping, None) is None
    assert handler.objects(ping, None) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unrequested/schedule-eventbridge", "EventBridge's, of aws.events"),
        ("unrequested/created-s3", "records of aws:s3"),
    ],
)
def test_what_has_no_rows_fails(handler: ModuleType, event: LoadEvent, name: str, text: str) -> None:
    with pytest.raises(UnrequestedError) as raised:
        handler.predict(event(name), None)
    assert str(raised.value).startswith(f"the event is {text}, expected a request of ")


@pytest.mark.parametrize(
    "odd", [{"Records": 7}, {"Records": [7]}, {"Records": []}, {"warmer": False}, {"a": {}}, {"\ud800": 1}, 7, DEAD]
)
def test_anything_else_fails(handler: ModuleType, odd: Any) -> None:
    with pytest.raises(UnrequestedError) as raised:
        handler.predict(odd, None)
    assert str(raised.value).encode()


def test_members_of_any_type_are_failures_of_messages_or_no_event(
    handler: ModuleType, event: LoadEvent, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = event("unrequested/queue-sqs")
    for place in places(queue):
        for value in VALUES:
            try:
                answer = handler.predict(changed(queue, place, value), None)
            except UnrequestedError:
                continue
            assert answer is None or answer.keys() == {"batchItemFailures"}
    capsys.readouterr()


@pytest.mark.parametrize("attributes", [[1], "model", {"model": "iris"}, {"model": [1]}])
def test_attributes_of_another_form_are_no_failure_of_the_service(
    handler: ModuleType, event: LoadEvent, attributes: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sent = with_bodies(event("unrequested/queue-sqs"), GOOD)
    sent["Records"][0]["messageAttributes"] = attributes
    assert failures(handler.predict(sent, None)) == ["0"]
    [record] = caplog.records
    assert "message '0': malformed-event" in record.message
    assert record.exc_info is None
