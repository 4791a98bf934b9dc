"""A part of `make load`: every call is answered, and rightly, whatever is published and however S3 fails."""

from pathlib import Path

import pytest

from benchmarks.load.changes import State
from benchmarks.load.chart import draw
from benchmarks.load.findings import findings, memory
from benchmarks.load.history import COLD, RELOAD, WARM
from benchmarks.load.models import ESTIMATORS
from benchmarks.load.page import page
from benchmarks.load.run import Outcome, Plan, run
from benchmarks.load.traffic import DIALECTS
from layers.architecture import host_architecture
from scripts.emulator import Emulator
from scripts.runtime import unpack
from tests.conftest import point_boto3_at

pytestmark = pytest.mark.e2e

PLAN = Plan(calls=2_000, seconds=300, environments=4, rounds=1, seed=0)


@pytest.fixture(scope="module")
def outcome(built_layers: dict[str, Path], emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("load")
    with pytest.MonkeyPatch.context() as patch:
        point_boto3_at(emulator, patch)
        return run(folder, unpack(built_layers[host_architecture().name], folder), emulator, PLAN)


def test_every_answer_is_there_and_right(outcome: Outcome) -> None:
    assert findings(outcome).wrong == []


def test_everything_was_called(outcome: Outcome) -> None:
    assert len(outcome.records) == PLAN.calls
    assert {*DIALECTS, "GET /", "GET /model", "bad"} == {record.kind for record in outcome.records}
    assert {200, 400, 404, 405, 415} <= {record.verdict.status for record in outcome.records}


def test_every_model_answered_after_each_change(outcome: Outcome) -> None:
    seen: dict[int, set[str]] = {}
    for record in outcome.records:
        if len(record.verdict.models) == 1 and record.began == record.ended:
            seen.setdefault(record.began, set()).update(record.verdict.models)
    for stage, change in enumerate(outcome.changes):
        assert set(change.models) <= seen[stage], change.name
    assert any(record.settled for record in outcome.records)
    assert set().union(*seen.values()) == set(ESTIMATORS)


def test_what_was_refused_is_told_while_it_is_there(outcome: Outcome) -> None:
    told = {(outcome.changes[record.began].name, record.verdict.refused) for record in outcome.records}
    broken = [change.name for change in outcome.changes if change.state is State.BROKEN]
    assert {(name, "model-invalid") for name in broken} | {("delete", "model-not-published")} <= told


def test_every_phase_was_met(outcome: Outcome) -> None:
    phases = list(findings(outcome).phases.values())
    assert min(phases.count(phase) for phase in (COLD, RELOAD, WARM)) > 10


def test_page_and_chart(outcome: Outcome, tmp_path: Path) -> None:
    found = findings(outcome)
    written = page(outcome, found)
    for name in (*DIALECTS, COLD, RELOAD, WARM, "503"):
        assert f"| {name} |" in written
    assert len(memory(outcome)) == 2
    draw(outcome, found, tmp_path / "load.png")
    assert (tmp_path / "load.png").read_bytes().startswith(b"\x89PNG")
