"""`make demo`, `make up` and `make down`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.emulator import ROOT
from scripts.gateway import Gateway

pytestmark = pytest.mark.e2e


def run(*arguments: str) -> str:
    command = [sys.executable, "-m", "scripts.demo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_demo_shows_every_route_scores_a_table_and_ends() -> None:
    shown = run()
    for expected in ('{"prediction": [2, 1]}', "model-not-published", "ragged-rows", '{"hello": "world"}', "done in"):
        assert expected in shown
    table = shown.partition("score a table")[2]
    assert "SUCCEEDED" in table.partition("convert list")[0]
    assert "20,000 in, 20,000 out, 0 refused" in table
    assert "20,000 rows" in table.partition("convert list")[2]


def test_up_stays_until_down(tmp_path: Path) -> None:
    state = str(tmp_path / "up.json")
    shown = run("--stay", "--state", state)
    try:
        running = json.loads(Path(state).read_text())
        assert f"{running['url']}/docs" in shown.partition("up: ")[2].splitlines()[0]
        host, _, port = running["url"].removeprefix("http://").partition(":")
        gateway = Gateway(host.partition(".")[0], int(port))
        assert gateway.call("POST", "/predict", '{"data": [[6.2, 3.4]]}').body == '{"prediction": [2]}'
        assert "already up" in run("--stay", "--state", state)
    finally:
        assert "down" in run("--down", "--state", state)
    assert "nothing is up" in run("--down", "--state", state)
    with pytest.raises(ConnectionRefusedError):
        gateway.call("GET", "/")
