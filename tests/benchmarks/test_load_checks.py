"""What `make load` compares can fail: wrong answers, lost calls, models that come back, users that are moved."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.bulk.calls import NPY, body_of
from benchmarks.load.changes import Change, State
from benchmarks.load.events import DIRECT, EVENTS, Sent, answered, event_of
from benchmarks.load.findings import GROWTH, findings
from benchmarks.load.history import COLD, RELOAD, REMEMBERED, WARM, Life, Record, fickle
from benchmarks.load.models import Trained
from benchmarks.load.run import Outcome, Plan
from benchmarks.load.traffic import BAD, MODEL, STATUS, Call, Traffic
from benchmarks.load.verdict import Verdict, judge
from lambda_fn.http.events import parse_event
from lambda_fn.http.senders import sender_of

ONE = Trained("one", Path(), "1" * 64, np.array([0, 1]), np.array([[0.75, 0.25], [0.25, 0.75]]))
OTHER = Trained("other", Path(), "2" * 64, np.array([0, 0]), np.array([[0.75, 0.25], [0.5, 0.5]]))
MODELS = {each.sha256: each for each in (ONE, OTHER)}
SCORED = Call(0, "JSON lists", "http-api", None, slice(0, 2))
LIKELY = replace(SCORED, probabilities=True)
DIRECTLY = replace(SCORED, kind=DIRECT, sender=DIRECT)
REFUSED = replace(SCORED, kind=BAD, code="wrong-width")


def answer(body: Any, status: int = 200, **headers: str) -> Any:
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return {"statusCode": status, "headers": named, "body": json.dumps(body), "isBase64Encoded": False}


def by_one(**body: Any) -> Any:
    return answer(body, x_model_sha256=ONE.sha256, x_model_version="v1")


def test_right_answers_are_right() -> None:
    assert judge(SCORED, by_one(prediction=[0, 1]), MODELS) == Verdict(200, "", ("one",), "v1")
    assert judge(DIRECTLY, {"prediction": [0, 0]}, MODELS).models == ("other",)
    likely = by_one(prediction=[0, 1], probabilities=[[0.75, 0.25], [0.25, 0.75]])
    assert judge(LIKELY, likely, MODELS).wrong == ""
    assert judge(REFUSED, answer({"code": "wrong-width"}, 400), MODELS) == Verdict(400)
    missing = answer({"code": "model-not-published"}, 503, retry_after="1")
    assert judge(SCORED, missing, MODELS) == Verdict(503)
    described = answer({"serving": {"sha256": "1"}, "rejected": {"code": "model-invalid"}})
    assert judge(replace(SCORED, kind=MODEL), described, MODELS).refused


@pytest.mark.parametrize(
    ("call", "found", "said"),
    [
        (SCORED, None, "no answer"),
        (SCORED, {"errorMessage": "exit"}, "the function failed"),
        (SCORED, "text", "not to be read"),
        (SCORED, by_one(prediction=[0, 0]), "not the scores of one"),
        (SCORED, by_one(prediction=[0]), "not the scores of one"),
        (SCORED, answer({"prediction": [0, 1]}), "no model that was published has the SHA-256 None"),
        (SCORED, answer({"prediction": [0, 1]}, x_model_sha256="3"), "no model that was published has the SHA-256 3"),
        (SCORED, by_one(prediction=[0, 1], probabilities=[[0.75, 0.25], [0.25, 0.75]]), "not the scores of one"),
        (LIKELY, by_one(prediction=[0, 1]), "not the scores of one"),
        (LIKELY, by_one(prediction=[0, 1], probabilities=[[0.75, 0.25], [0.5, 0.5]]), "not the scores of one"),
        (DIRECTLY, {"prediction": [1, 1]}, "not the scores of one or other"),
        (SCORED, answer({"code": "internal-error"}, 500), "(500, 'internal-error') instead of (200, '')"),
        (SCORED, answer({"code": "not-configured"}, 503, retry_after="1"), "503 is not-configured"),
        (SCORED, answer({"code": "model-not-published"}, 503), "503 without retry-after"),
        (replace(SCORED, kind=STATUS), answer({"code": "model-invalid"}, 503), "for what takes no model"),
        (REFUSED, by_one(prediction=[0, 1]), "(200, '') instead of (400, 'wrong-width')"),
        (REFUSED, answer({"code": "nan"}, 400), "(400, 'nan') instead of (400, 'wrong-width')"),
        (replace(SCORED, kind=MODEL), answer({"serving": None, "rejected": None}), "nothing is served"),
    ],
)
def test_wrong_answers_are_wrong(call: Call, found: Any, said: str) -> None:
    assert said in judge(call, found, MODELS).wrong


@pytest.mark.parametrize("kind", [NPY, "text/csv"])
def test_other_dialects_are_compared(kind: str) -> None:
    for labels, expected in (([0, 1], ("one",)), ([1, 1], ())):
        found = by_one() | {"body": "prediction\n" + "".join(f"{label}\n" for label in labels)}
        if kind == NPY:
            encoded = base64.b64encode(body_of(np.array(labels), NPY)).decode()
            found |= {"body": encoded, "isBase64Encoded": True}
        found["headers"]["content-type"] = kind
        assert judge(SCORED, found, MODELS).models == expected


@pytest.mark.parametrize("sender", EVENTS)
@pytest.mark.parametrize("body", [b"1,2\n", b"\x93NUMPY"])
def test_every_sender_sends_the_same_request(sender: str, body: bytes) -> None:
    sent = Sent("DELETE", "/model", body, {"content-type": "text/csv", "x-user": "ann"}, {"probabilities": "true"})
    event = event_of(sent, sender)
    request = parse_event(event, sender_of(event))
    assert (request.method, request.path, request.body, dict(request.query)) == ("DELETE", "/model", body, sent.query)
    assert [request.headers.get(name) for name in sent.headers] == ["text/csv", "ann"]


def test_answers_of_balancers_have_lists_of_headers() -> None:
    found = {"statusCode": 200, "multiValueHeaders": {"a": ["b"]}, "body": "eA==", "isBase64Encoded": True}
    assert answered(found, "load-balancer-multi") == (200, {"a": "b"}, b"x")


def test_calls_are_the_same_for_the_same_seed() -> None:
    calls = [Traffic(1).call(number) for number in range(50)]
    assert calls == [Traffic(1).call(number) for number in range(50)]
    assert calls != [Traffic(2).call(number) for number in range(50)]


CHANGES = [
    Change(f"{current} {candidate}", lambda: None, current, candidate, state)
    for current, candidate, state in [
        ("one", "", State.SOUND),
        ("other", "", State.SOUND),
        ("one", "", State.SOUND),
        ("one", "other", State.SOUND),
        *[("one", "", State.SOUND)] * REMEMBERED,
        ("one", "", State.AWAY),
    ]
]
AWAY = len(CHANGES) - 1


def records(*told: tuple[int, str], environment: int = 0, user: str = "") -> list[Record]:
    """Return the records of one environment: of each the stage, and the model or the status of the answer."""
    return [
        Record(number, "CSV", user, environment, number, stage, stage, False, 0.001, verdict_of(said))
        for number, (stage, said) in enumerate(told)
    ]


def verdict_of(said: str) -> Verdict:
    return Verdict(int(said)) if said.isdecimal() else Verdict(200, models=(said,))


def test_phases_are_told_apart() -> None:
    life = Life(
        records((0, "one"), (0, "one"), (1, "400"), (1, "one"), (1, "other"), (2, "other"), (2, "one")), CHANGES
    )
    assert life.wrong == []
    assert life.phases() == [COLD, WARM, WARM, RELOAD, RELOAD, RELOAD, RELOAD]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([(0, "other")], "by ('other',), although 'one ' was known"),
        ([(1, "other"), (1, "one")], "by ('one',), although 'other ' was known"),
        ([(0, "one"), (AWAY, "503")], "503, after scores"),
        ([(0, "503")], "503, although one is published"),
    ],
)
def test_models_that_come_back_and_refusals_are_wrong(told: Sequence[tuple[int, str]], said: str) -> None:
    [wrong] = Life(records(*told), CHANGES).wrong
    assert said in wrong


def test_an_environment_that_starts_while_nothing_is_there_may_say_so() -> None:
    assert Life(records((AWAY, "503"), (AWAY, "one")), CHANGES).wrong == []


def test_a_model_that_was_replaced_may_answer_until_its_environment_had_to_look() -> None:
    late = records((0, "one"), (1, "one"), (1, "other"))
    assert Life(late, CHANGES).wrong == []
    [wrong] = Life([replace(each, settled=True) for each in late], CHANGES).wrong
    assert "call 1 (CSV, environment 0, stage 1): by ('one',)" in wrong


def test_current_model_and_candidate_are_looked_at_apart() -> None:
    life = Life(records((1, "other"), (3, "other"), (3, "one"), (3, "other"), (3, "one")), CHANGES)
    assert life.wrong == []
    assert life.phases() == [COLD, RELOAD, RELOAD, RELOAD, WARM]


def test_users_that_are_moved_are_found() -> None:
    steady = records((3, "one"), (3, "other"), (3, "other"), user="ann")  # the first did not know the candidate yet
    assert list(fickle(steady, CHANGES)) == []
    moved = records((3, "one"), (3, "other"), (3, "one"), user="ann")
    assert len(list(fickle(moved, CHANGES))) == 1
    elsewhere = [replace(each, environment=1) for each in moved[:2]]
    elsewhere = [replace(each, user="") for each in elsewhere] + [replace(moved[2], environment=1)]
    assert len(list(fickle(steady + elsewhere, CHANGES))) == 1


def outcome_of(found: Sequence[Record], end: int = 10**8) -> Outcome:
    """Return the outcome of a run of two calls, at whose end the environment takes so many bytes."""
    plan = Plan(calls=2, seconds=1, environments=1, rounds=1, seed=0)
    memory = [{0: 10**8}] * AWAY + [{0: end}]
    return Outcome(plan, CHANGES, found, [0] * len(CHANGES), {"v1": "one"}, memory, 1.0)


def test_lost_calls_and_memory_that_grows_are_wrong() -> None:
    both = records((0, "one"), (0, "one"))
    assert findings(outcome_of(both)).wrong == []
    assert "1 of 2 calls were not made" in findings(outcome_of(both[:1])).wrong[0]
    assert "bytes at the end, took" in findings(outcome_of(both, 10**8 + int(GROWTH) + 1)).wrong[0]
    assert findings(outcome_of(both, 0)).wrong == ["the interpreter of environment 0 ended"]


def test_a_version_that_is_another_model_is_wrong() -> None:
    found = [
        replace(each, verdict=Verdict(200, models=("one",), version="v1")) for each in records((0, "one"), (0, "one"))
    ]
    assert findings(outcome_of(found)).wrong == []
    found[1] = replace(found[1], verdict=Verdict(200, models=("one",), version="v2"))
    assert "version v2 is None, not ('one',)" in findings(outcome_of(found)).wrong[0]
