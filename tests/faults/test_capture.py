"""S3 fails while rows are kept: no call is answered otherwise, and each row is stored once when S3 is back."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from lambda_fn.capture.capture import FLUSH_ROWS
from scripts.emulator import Emulator
from tests.faults.catalogue import FAULTS
from tests.faults.grounds import prepare
from tests.faults.proxy import Fault
from tests.faults.trials import BUCKET, CAPTURED, PREDICT, Grounds, Site, check_answered, site

pytestmark = pytest.mark.e2e

SECONDS = 30.0
ROWS = 2
"""In each call."""
TOLD = "capture: "
"""How the line of the log begins that tells of a failure."""
TRIED = (
    *("refused", "silent", "reset within the head", "reset after the body"),
    *("403 AccessDenied", "503 SlowDown", "a chunk without an end", "garbage"),
)


@pytest.fixture(scope="module")
def grounds(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    return prepare(emulator, tmp_path_factory.mktemp("faults"))


@pytest.fixture(scope="module")
def trials(grounds: Grounds) -> dict[str, Future[None]]:
    """All trials, a few at a time: most of what one takes is waiting."""
    faults = {fault.name: fault for kind in FAULTS.values() for fault in kind}
    with ThreadPoolExecutor(3) as pool:
        return {name: pool.submit(trial, grounds, faults[name]) for name in TRIED}


@pytest.mark.parametrize("name", TRIED)
def test_rows_are_stored_once_when_it_is_over(name: str, trials: dict[str, Future[None]]) -> None:
    trials[name].result()


def trial(grounds: Grounds, fault: Fault) -> None:
    """Try it, and again where nothing was stored: it has 1.5 s for what is kept, too short on a machine this busy."""
    found = rows_at_the_end(grounds, fault) or rows_at_the_end(grounds, fault) or rows_at_the_end(grounds, fault)
    assert len(found) == FLUSH_ROWS + ROWS
    assert {(line["features"]["sepal width (cm)"], line["prediction"]) for line in found} == {(3.4, 2), (1.0, 1)}


def rows_at_the_end(grounds: Grounds, fault: Fault) -> list[dict[str, Any]]:
    """Have rows kept while the fault lasts, and the function ended when it is over; return what is stored then."""
    with site(grounds, fault) as here, here.capture() as service:
        here.proxy.switch(fault)
        for _ in range(FLUSH_ROWS // ROWS):
            check_answered(service.ask(PREDICT), grounds.old)
        end = time.monotonic() + SECONDS
        while TOLD not in service.log and not stored(here):
            assert time.monotonic() < end, service.log
            time.sleep(0.05)
        check_answered(service.ask(PREDICT), grounds.old)
        here.proxy.switch(None)
        assert service.terminate() == -signal.SIGTERM
        assert service.log.count(TOLD) <= 1
        assert "hunter2" not in service.log
        return stored(here)


def stored(here: Site) -> list[dict[str, Any]]:
    """Return all rows that are on S3."""
    client, prefix = here.grounds.client, here.prefix + CAPTURED
    keys = [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]
    bodies = [client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]
    return [json.loads(line) for body in bodies for line in body.splitlines()]
