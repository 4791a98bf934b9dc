"""What the command line sends is what the functions take, and what it reads of a run is what they write."""

from __future__ import annotations

import argparse
import os
import re

import pytest

from convert.__main__ import make_parser
from convert.bulk import parser
from convert.bulk.progress import Pace
from convert.bulk.run import RunFolder
from convert.bulk.tables import estimate_lines, failed_lines, summary_table
from convert.text import seconds_of
from lambda_fn.bulk import options
from lambda_fn.bulk.failures import RefusedError
from lambda_fn.bulk.options import Options
from lambda_fn.bulk.plan import estimate
from lambda_fn.config import Settings
from tests.lambda_fn.bulk.grounds import SMALL_MB, Bulk, iris_rows

WHERE = {"input": "s3://b/in/", "output": "s3://b/out/"}
LIMITS = ("--concurrency", "7", "--tolerated-failures", "5", "--deadline", "2h")
ALL = (
    *("--model", "m", "--format", "csv", "--header", "absent", "--columns", "id,prediction", "--output-format", "npy"),
    *("--gzip", "--on-error", "skip", "--chunk-mb", "5", *LIMITS),
)
SAID = {"tolerated_failures": "tolerated_failure_percentage", "deadline": "deadline_seconds"}
"""The options that the command calls otherwise."""


def actions(command: str) -> dict[str, argparse.Action]:
    """Return the options of a command by the names that the functions have for them."""
    subparsers = make_parser()._subparsers
    assert subparsers is not None
    [commands] = subparsers._group_actions
    assert isinstance(commands.choices, dict)
    return {SAID.get(each.dest, each.dest): each for each in commands.choices[command]._actions}


def test_all_that_is_sent_is_taken_and_all_that_is_taken_can_be_sent() -> None:
    request = WHERE | parser.request_of(make_parser().parse_args(["score", *WHERE.values(), *ALL]))
    assert request.keys() == options.TAKEN.keys()
    taken = Options.parse(request).document()
    assert taken == {**request, "columns": ("id", "prediction")}
    assert [name for name, value in Options.parse(WHERE).document().items() if value == taken[name]] == [*WHERE]


def test_a_run_is_resumed_with_what_an_execution_may_change() -> None:
    request = parser.request_of(make_parser().parse_args(["resume", WHERE["output"], *LIMITS]))
    assert request.keys() == options.OF_AN_EXECUTION
    changed = Options.parse(WHERE).changed(request).document()
    assert {name: changed[name] for name in request} == request


def test_choices_are_those_of_the_functions() -> None:
    found = {name: action.choices for name, action in actions("score").items() if action.choices}
    assert found.keys() == {"format", "output_format", "header", "on_error"}
    for name, choices in found.items():
        with pytest.raises(RefusedError, match=f"expected (nothing or )?{' or '.join(choices or ())}$"):
            Options.parse({**WHERE, name: "other"})


@pytest.mark.parametrize("command", ["score", "resume"])
def test_defaults_that_help_tells_are_those_of_the_functions(command: str) -> None:
    told = {name: re.search(r"default: (\d\w*|fail)", action.help or "") for name, action in actions(command).items()}
    defaults = {name: found[1] for name, found in told.items() if found and name in options.TAKEN}
    assert defaults.keys() == options.OF_AN_EXECUTION | ({"chunk_mb", "on_error"} if command == "score" else set())
    for name, default in defaults.items():
        expected = getattr(Options.parse(WHERE), name)
        value = seconds_of(default, "--deadline") if name == "deadline_seconds" else type(expected)(default)
        assert value == expected


def test_what_a_run_leaves_is_read(bulk: Bulk) -> None:
    rows = "".join(f"{a},{b}\n" for a, b in iris_rows(60).tolist()).encode()
    bulk.put("in/t.csv", rows + b"x,1\n")
    request = bulk.request("in/t.csv", chunk_mb=SMALL_MB)
    estimated = list(estimate_lines(estimate(request, Settings.from_environ(os.environ))))
    plan = bulk.plan(request, "failed")
    bulk.score(plan)
    summary, folder = bulk.summarize(plan, "failed"), RunFolder(request["output"])
    run = folder.run()
    assert run is not None
    assert run["id"] == plan["run"]
    assert f"in {run['chunks']} chunks" in estimated[0]
    assert (folder.summary(), folder.summary("failed")) == (None, summary)
    [failure] = folder.failures()
    assert failure["chunk"] == summary["failed"][0]["chunk"]
    assert "line " in next(failed_lines([failure]))
    assert list(folder.lacking(summary)) == []
    pace = Pace.of(run, folder.records())
    assert (pace.rows, pace.chunks, pace.chunks_planned) == (
        summary["rows"]["in"],
        summary["chunks"]["done"],
        run["chunks"],
    )
    assert summary_table(summary, run).row_count

    bulk.put("in/u.csv", rows)
    whole = bulk.run(bulk.request("in/u.csv", "whole/"))
    assert RunFolder(f"s3://{bulk.bucket}/whole/").summary() == whole
