"""What `make load` calls through: environments that are frozen between calls, and a network that fails."""

import http.client
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.load.front import front
from benchmarks.load.network import Fault, Network, network
from scripts.runtime import Tree
from tests.benchmarks.test_proxy import BODY, Echo

HANDLER = """
import os, threading, time
ticks = []
def tick():
    while True:
        ticks.append(1)
        time.sleep(0.01)
threading.Thread(target=tick, daemon=True).start()
def predict(event, context):
    if event == "end":
        os._exit(1)
    before = len(ticks)
    time.sleep(event)
    return {"pid": os.getpid(), "before": before, "ticks": len(ticks)}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path / "opt", tmp_path / "task")
    made.opt.mkdir()
    (made.task / "lambda_fn").mkdir(parents=True)
    (made.task / "lambda_fn" / "__init__.py").touch()
    (made.task / "lambda_fn" / "handler.py").write_text(HANDLER)
    return made


@pytest.mark.e2e
def test_an_environment_is_frozen_between_calls(tree: Tree) -> None:
    with front(tree, {}, 1) as served:
        first = served.call(0.1)
        time.sleep(1)
        then = served.call(0.1)
        assert [(each.environment, each.turn) for each in (first, then)] == [(0, 0), (0, 1)]
        assert first.answer["pid"] == then.answer["pid"]
        assert then.answer["before"] - first.answer["ticks"] < 50  # of the 100 of a second
        assert served.memory()[0] > 5_000_000


@pytest.mark.e2e
def test_calls_at_once_have_environments_of_their_own_up_to_the_most(tree: Tree) -> None:
    with front(tree, {}, 3) as served, ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(served.call, [0.5] * 6))
        assert {each.environment for each in replies} == {0, 1, 2}
        served.retire()
        served.retire()  # there is none but those that are kept
        assert sorted(served.memory()) == [0, 1]
        assert 3 in {each.environment for each in pool.map(served.call, [0.5] * 3)}


@pytest.mark.e2e
def test_a_process_that_ends_is_told(tree: Tree) -> None:
    with front(tree, {}, 1) as served:
        served.call(0)
        assert "errorMessage" in served.call("end").answer
        assert served.memory() == {0: 0}


class Quiet(ThreadingHTTPServer):
    """Says nothing of connections that the network ends."""

    def handle_error(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def way() -> Iterator[Network]:
    with Quiet(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with network(server.server_port) as made:
            yield made
        server.shutdown()
        thread.join()


def asked(way: Network) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=1)
    connection.request("POST", "/", BODY, {"x-signature": "abc"})
    return connection.getresponse()


def test_the_network_passes_bytes_on(way: Network) -> None:
    assert asked(way).read() == BODY


def test_the_network_fails_and_recovers(way: Network) -> None:
    way.fail(Fault.REFUSED)
    with pytest.raises(ConnectionRefusedError):
        asked(way)
    way.fail(Fault.HANGING)
    with pytest.raises(TimeoutError):
        asked(way)
    way.fail(Fault.NONE)
    assert asked(way).read() == BODY


def test_a_reset_comes_amid_an_answer(way: Network) -> None:
    way.fail(Fault.RESET)
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        asked(way).read()
