"""The command run, and captured lines written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from convert.__main__ import main
from tests.convert.drift.rows import Run, Write


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; return its status, and what it found."""

    def run_drift(*arguments: object) -> tuple[int, Any]:
        status = main(["drift", *map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else err

    return run_drift


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write captured lines into a folder of their day; return the folder of all."""

    def write_lines(lines: list[Any], model: str = "mixed") -> Path:
        by_day: dict[str, list[str]] = {}
        for each in lines:
            day = each["time"][:10] if isinstance(each, dict) and "time" in each else "2999-01-01"
            by_day.setdefault(day, []).append(each if isinstance(each, str) else json.dumps(each))
        for day, texts in by_day.items():
            folder = tmp_path / "captured" / f"model={model}" / f"date={day}"
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{len(list(folder.iterdir()))}.jsonl").write_text("\n".join(texts) + "\n")
        return tmp_path / "captured"

    return write_lines
