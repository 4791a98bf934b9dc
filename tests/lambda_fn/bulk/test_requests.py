"""Requests and events that are wrong: what was expected and what came is told; and a dry run."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lambda_fn.bulk import handler
from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.inputs import _rows_about
from tests.lambda_fn.bulk.grounds import LATER, SMALL_MB, Bulk, Context
from tests.lambda_fn.bulk.test_runs import TEXT


@pytest.mark.parametrize(
    ("function", "event"),
    [
        ("plan", None),
        ("plan", {"request": {"input": "s3://b/k", "output": "s3://b/p/"}}),
        ("score", {}),
        ("score", {"output": "s3://b/p/", "run": "r", "chunk": {"name": "00000"}, "deadline": LATER}),
        ("score", {"output": "p", "run": "r", "chunk": {}, "deadline": LATER}),
        ("summary", None),
        ("summary", {"output": "s3://b/p/", "run": "r"}),
        ("summary", {"note": {}, "output": "s3://b/p/", "chunk": 7}),
    ],
)
def test_an_event_that_the_state_machine_does_not_send_is_refused(function: str, event: Any, bulk: Bulk) -> None:
    with pytest.raises(RefusedError):
        getattr(handler, function)(event, Context())


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"input": "s3://{}/none.csv"}, "there is no object at"),
        ({"input": "s3://{}/none/"}, "there is no object under"),
        ({"input": "file:///a.csv"}, "expected s3://bucket/key"),
        ({"output": "s3://{}/out"}, "with the slash at its end"),
        ({"output": None}, "lacks 'output'"),
        ({"model": "other"}, "there is no model"),
        ({"header": "maybe"}, "expected nothing or present or absent"),
        ({"on_error": "ignore"}, "expected fail or skip or quarantine"),
        ({"columns": "prediction"}, "expected a list of names"),
        ({"columns": ["sepal width (cm)", "prediction"], "output_format": "npy"}, "NPY holds scores alone"),
        ({"chunk_mb": 0.0001, "input": "s3://{}/in/large.csv"}, "chunks of 1 objects, at most 100,000 are"),
        ({"chunk_mb": "64"}, "expected a number from"),
        ({"deadline_seconds": 10**400}, "expected a number from"),
        ({"output": "s3://UP case/x/"}, "UP case"),
        ({"concurrency": 0}, "expected a whole number from 1 to 10000"),
        ({"tolerated_failure_percentage": 101}, "expected a number from 0 to 100"),
        ({"gzip": 1}, "expected true or false"),
        ({"retries": 3}, "the request has retries, taken are"),
    ],
)
def test_a_request_that_is_wrong_is_refused_with_what_was_expected(
    request_: dict[str, Any], said: str, bulk: Bulk
) -> None:
    bulk.put("in/a.csv", TEXT)
    bulk.put("in/large.csv", b"\n" * 10_100_000)
    given = {name: value.format(bulk.bucket) if isinstance(value, str) else value for name, value in request_.items()}
    with pytest.raises(RefusedError) as raised:
        bulk.plan({**bulk.request("in/a.csv"), **given})
    assert said in str(raised.value)


def test_names_that_end_with_no_format_are_refused_and_parquet_is_told_of(bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT)
    bulk.put("in/b.parquet", b"PAR1")
    with pytest.raises(RefusedError, match=r"1 of 2 objects .* 'in/b.parquet'.*Parquet is read by the command"):
        bulk.plan(bulk.request("in/"))


def test_nothing_is_resumed_where_no_run_is(bulk: Bulk) -> None:
    with pytest.raises(RefusedError, match="holds no run"):
        bulk.plan({"resume": f"s3://{bulk.bucket}/none/"})


def test_a_dry_run_tells_and_writes_nothing(bulk: Bulk) -> None:
    bulk.put("in/a.csv", TEXT)
    told = handler.plan({"request": bulk.request("in/", chunk_mb=SMALL_MB, dry_run=True)}, None)
    assert (told["objects"], told["bytes"], told["rows"]) == (1, len(TEXT), 300)
    assert told["chunks"] > 20
    assert told["cost_usd"] > 0
    assert bulk.keys("out/") == []


def test_rows_are_estimated_from_those_at_the_begin() -> None:
    assert _rows_about(b"1,2\n" * 10, False, 4000, False) == 1000
    assert _rows_about(b"1,2\n3,4", True, 7, False) == 2
    assert _rows_about(b"", True, 0, False) == 0


@pytest.mark.parametrize("name", [{}, {"model": "model"}])
def test_the_model_that_is_pinned_scores_tables_and_no_other(
    bulk: Bulk, model_file: Path, monkeypatch: pytest.MonkeyPatch, name: dict[str, str]
) -> None:
    bulk.put("in/a.csv", TEXT)
    monkeypatch.setenv("MODEL_SHA256", sha256(model_file.read_bytes()).hexdigest())
    assert bulk.plan(bulk.request("in/a.csv", "out/a/", **name))["chunks"]
    monkeypatch.setenv("MODEL_SHA256", "0" * 64)
    with pytest.raises(RefusedError, match="MODEL_SHA256 pins 0000"):
        bulk.plan(bulk.request("in/a.csv", "out/b/", **name))


def test_a_worker_needs_no_setting_of_models_which_its_role_does_not_reach(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk.put("in/a.csv", TEXT)
    planned = bulk.plan(bulk.request("in/a.csv"))
    monkeypatch.delenv("MODEL_URI")
    monkeypatch.delenv("MODELS_URI")
    bulk.score(planned)
    assert bulk.summarize(planned)["status"] == "SUCCEEDED"
