"""The command line, as a process of its own or within this one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from convert.__main__ import main
from tests.conftest import TESTS


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "convert", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent)


def said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that a command ends with which can't be done."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1, captured.err
    assert len(captured.err) < 300, captured.err
    return captured.err
