"""What a process has of memory, and gives back."""

import subprocess
import sys
from pathlib import Path

import pytest

from lambda_fn.serving import memory

LOADS = """
import sys, threading
from pathlib import Path
from lambda_fn.model.model import Model
from lambda_fn.serving.memory import give_back, resident_bytes
data = Path(sys.argv[1]).read_bytes()
Model(data)
give_back()
before = resident_bytes()
for _ in range(5):
    thread = threading.Thread(target=lambda: Model(data))
    thread.start()
    thread.join()
    give_back()
print(resident_bytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems say it in other ways")
def test_what_was_freed_is_given_back(model_file: Path) -> None:
    command = [sys.executable, "-c", LOADS, str(model_file)]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert grown < 2**20
    assert memory.resident_bytes() > 2**20


def test_there_is_room_for_what_leaves_calls_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "resident_bytes", lambda: 100 * 2**20)
    assert memory.free_bytes(300 * 2**20) == 100 * 2**20  # a third is left to calls
    assert memory.free_bytes(2**30) == 2**30 - 350 * 2**20  # or what the worst takes
    assert memory.readable_bytes(300 * 2**20) == 100 * 2**20 // memory.READ_BYTES
    assert memory.readable_bytes(128 * 2**20) == 0
    assert memory.readable_bytes(None) > 10**12
