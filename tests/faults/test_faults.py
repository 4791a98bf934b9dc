"""S3 fails in every way there is: what callers see, how long they wait at the most, and that it ends with the fault."""

from collections.abc import Iterator, Mapping

import pytest

from scripts.emulator import Emulator
from tests.faults.catalogue import FAULTS
from tests.faults.grounds import prepare
from tests.faults.proxy import Fault
from tests.faults.run import Trials, committed, table, trying
from tests.faults.trials import Grounds, storm, storm_of_objects

pytestmark = pytest.mark.e2e

ALL = [fault for kind in FAULTS.values() for fault in kind]
NAMES = [f"{kind}: {fault.name}" for kind, faults in FAULTS.items() for fault in faults]


@pytest.fixture(scope="module")
def grounds(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    return prepare(emulator, tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def trials(grounds: Grounds) -> Iterator[Mapping[Fault, Trials]]:
    """All trials, which go on while the first tests wait for theirs."""
    with trying(grounds, ALL) as begun:
        yield begun


@pytest.mark.usefixtures("trials")
def test_calls_in_a_storm_do_not_wait_for_each_of_them(grounds: Grounds) -> None:
    storm(grounds, named("connection", "silent"))


@pytest.mark.usefixtures("trials")
def test_calls_that_gave_up_waiting_keep_none_from_the_next(grounds: Grounds) -> None:
    storm_of_objects(grounds, named("pace", "a body at a byte a second"))


def named(kind: str, name: str) -> Fault:
    """Return a fault."""
    [fault] = (fault for fault in FAULTS[kind] if fault.name == name)
    return fault


@pytest.mark.parametrize("fault", ALL, ids=NAMES)
def test_at_start(fault: Fault, trials: Mapping[Fault, Trials]) -> None:
    assert trials[fault].start.result() == fault.seen.start


@pytest.mark.parametrize("fault", ALL, ids=NAMES)
def test_at_reload(fault: Fault, trials: Mapping[Fault, Trials]) -> None:
    assert trials[fault].reload.result() == fault.seen.reload


@pytest.mark.parametrize("fault", ALL, ids=NAMES)
def test_objects(fault: Fault, trials: Mapping[Fault, Trials]) -> None:
    assert trials[fault].objects.result() == (fault.seen.get, fault.seen.put)


def test_the_table_is_what_was_found(trials: Mapping[Fault, Trials]) -> None:
    assert committed() == table({fault: found.seen() for fault, found in trials.items()})
