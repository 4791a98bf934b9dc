from __future__ import annotations

import datetime
import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from scripts.audit import audit, exceptions, pins
from scripts.lock import LOCKS
from tests.conftest import TESTS

TODAY = datetime.date(2026, 11, 27)
NUMPY_HOLE = {
    "id": "GHSA-numpy-hole",
    "aliases": ["CVE-2026-1"],
    "summary": "reads beyond",
    "affected": [
        {
            "package": {"name": "numpy", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.99"}]}],
        }
    ],
}
AXE_HOLE = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-axe-hole",
    "title": "runs what it reads",
    "severity": "high",
    "vulnerable_versions": "<99.0.0",
}


class Services(ThreadingHTTPServer):
    """Answers as OSV and npm's registry do."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.holes: dict[str, list[dict[str, Any]]] = {}
        self.packages: list[tuple[str, str]] = []


class Asked(BaseHTTPRequestHandler):
    server: Services

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        asked = json.loads(body)
        if self.path == "/osv":
            name = asked["package"]["name"]
            self.server.packages.append((name, asked["version"]))
            found = self.server.holes.get(name)
            self._answer({"vulns": found} if found else {})
        else:
            self._answer({name: holes for name, holes in self.server.holes.items() if name in asked})

    def do_GET(self) -> None:
        self._answer({"name": "axe-core", "versions": {"4.14.1": {"name": "axe-core", "version": "4.14.1"}}})

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Services]:
    with Services() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"{address}/osv")
        monkeypatch.setenv("npm_config_registry", address)
        monkeypatch.setenv("npm_config_cache", str(tmp_path))
        yield server
        server.shutdown()


def test_what_is_known_fails_with_what_to_do_unless_it_is_excepted(
    services: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    services.holes = {"numpy": [NUMPY_HOLE], "axe-core": [AXE_HOLE]}
    assert not audit({"GHSA-axe-hole"}, offline=True)
    python, hole, node, *rest = capsys.readouterr().out.splitlines()
    assert python.endswith("lock files of Python: 1 known, 0 let pass by audit.toml")
    assert hole.startswith("  numpy 2.5.5 (requirements-runtime.txt, requirements-train.txt, ")
    assert hole.endswith(
        ") has CVE-2026-1, GHSA-numpy-hole: it is fixed in 2.99: have pyproject.toml ask for a version"
        " without it, then `make lock`"
    )
    assert node == "asked: npm's registry, of package-lock.json: 0 known, 1 let pass by audit.toml"
    assert rest == []
    assert sorted(services.packages) == sorted(pins(TESTS.parent / lock for lock in LOCKS)), "each version, once"


def test_a_service_that_is_not_asked_passes_only_offline(
    services: Services, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", "http://127.0.0.1:9/osv")  # the port of discard: nobody listens
    assert not audit(set(), offline=False)
    osv, npm = capsys.readouterr().out.splitlines()
    assert osv.startswith("not asked: OSV, of ")
    assert osv.endswith("; --offline lets that pass")
    assert npm == "asked: npm's registry, of package-lock.json: 0 known, 0 let pass by audit.toml"
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    assert audit(set(), offline=True)
    assert capsys.readouterr().out.count("not asked: ") == 2


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        ('id = "GHSA-1"\nreason = "only here"\nuntil = 2026-11-27', None),
        ('id = "GHSA-1"\nreason = "only here"\nuntil = 2026-11-26', "was until 2026-11-26: look again"),
        ('id = "GHSA-1"\nreason = ""\nuntil = 2026-12-01', "has an id, a reason, and until"),
        ('id = "GHSA-1"\nreason = "only here"', "has an id, a reason, and until"),
        ('id = "GHSA-1"\nreason = "only here"\nuntil = "never"', "has an id, a reason, and until"),
    ],
)
def test_exceptions_have_a_reason_and_a_day(tmp_path: Path, entry: str, error: str | None) -> None:
    file = tmp_path / "audit.toml"
    file.write_text(f"[[exception]]\n{entry}\n")
    if error is None:
        assert exceptions(file, TODAY) == {"GHSA-1"}
    else:
        with pytest.raises(ValueError, match=error):
            exceptions(file, TODAY)
