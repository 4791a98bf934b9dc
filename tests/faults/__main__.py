"""Try every fault, and write what callers see of it into docs/reliability.md: ``python -m tests.faults``.

With names of faults, try those alone, and write nothing.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from scripts.emulator import start
from tests.faults.catalogue import FAULTS
from tests.faults.grounds import prepare
from tests.faults.proxy import Fault, Seen
from tests.faults.run import table, trying, write


def main(names: Sequence[str]) -> None:
    """Try them; print what is not as expected, and exit with 1 for it."""
    faults = [fault for kind in FAULTS.values() for fault in kind if not names or fault.name in names]
    found: dict[Fault, Seen] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        start(Path(folder)) as emulator,
        trying(prepare(emulator, Path(folder)), faults) as trials,
    ):
        for fault in faults:
            try:
                found[fault] = trials[fault].seen()
            except AssertionError as error:
                print(f"{fault.name}:", *traceback.format_exception(error, limit=-2))
    others = {fault: seen for fault, seen in found.items() if seen != fault.seen}
    for fault, seen in others.items():
        print(f"{fault.name}: {seen}, expected was {fault.seen}")
    if not names and len(found) == len(faults):
        write(table(found))
    sys.exit(bool(others) or len(found) < len(faults))


if __name__ == "__main__":
    main(sys.argv[1:])
