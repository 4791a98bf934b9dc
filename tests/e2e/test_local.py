"""`make local`: the same routes on this machine, reloaded on change."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from scripts.emulator import ROOT, free_port

pytestmark = pytest.mark.e2e

TIMEOUT_SECONDS = 60.0


def call(port: int, method: str, path: str, body: str | None = None) -> str:
    """Call the local API; wait until it listens."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            return connection.getresponse().read().decode()
        except (ConnectionError, http.client.RemoteDisconnected):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        finally:
            connection.close()


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Return what the process prints until a line holds `text`; fail when it takes too long."""
    assert process.stdout is not None
    timer = threading.Timer(TIMEOUT_SECONDS, process.terminate)
    timer.start()
    printed = ""
    try:
        for line in process.stdout:
            printed += line
            if text in line:
                return printed
    finally:
        timer.cancel()
    pytest.fail(f"{text!r} was not printed")


def test_the_same_routes_reloaded_on_change(model_file: Path, tmp_path: Path) -> None:
    port = free_port()
    served = tmp_path / "model.onnx"
    shutil.copy(model_file, served)
    command = [sys.executable, "-u", "-m", "scripts.local", "--port", str(port), "--model", str(served)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert call(port, "GET", "/") == '{"status": "up"}'
            assert call(port, "POST", "/predict", '{"data": [[6.2, 3.4], [6.2, 1]]}') == '{"prediction": [2, 1]}'
            assert json.loads(call(port, "PUT", "/objects/a", "[1]"))["key"] == "a"
            assert call(port, "GET", "/objects/a") == "[1]"
            assert json.loads(call(port, "GET", "/nowhere"))["code"] == "not-found"
            before = json.loads(call(port, "GET", "/model"))["version_id"]
            for _ in range(2):  # as `export` writes it: another file takes its place
                Path(shutil.copy(model_file, tmp_path / "new.onnx")).replace(served)
                assert '"total_ms"' not in wait_for(process, "changed: model.onnx; restarting")
                after = json.loads(call(port, "GET", "/model"))["version_id"]
                assert after != before
                before = after
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    assert process.returncode == 0
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port).request("GET", "/")
