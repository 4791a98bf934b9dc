"""Keys in a parameter of SSM, on the emulator: which open, when a change is noticed, what if SSM fails."""

from __future__ import annotations

import hmac
import logging
import subprocess
import sys
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from lambda_fn import authorize
from lambda_fn.config import ConfigError
from lambda_fn.storage import ssm
from scripts.emulator import Emulator
from tests.conftest import TESTS

FIRST, SECOND = "first-" + "a" * 20, "second-" + "b" * 20
type Put = Callable[[str], None]


@pytest.fixture
def parameter() -> str:
    return f"/plume/{uuid.uuid4().hex}/keys"


@pytest.fixture
def put(aws: Emulator, parameter: str) -> Put:
    client = boto3.client("ssm")
    return lambda text: client.put_parameter(Name=parameter, Value=text, Type="SecureString", Overwrite=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time on the wall, which a test moves."""
    now = [1e9]
    monkeypatch.setattr("lambda_fn.authorize.time.time", lambda: now[0])
    return now


@pytest.mark.parametrize(
    "text",
    [
        f"{FIRST}\n{SECOND}",
        f"\ufeff{FIRST}\n{SECOND}",
        f"# whose\r\n{FIRST}\r\n\r\n  {SECOND}  \r\n",
        f"{SECOND}\n{FIRST}\n# {'c' * 30}",
    ],
)
def test_each_line_is_a_key_and_nothing_else_is(put: Put, parameter: str, text: str) -> None:
    put(text)
    keys = authorize.Keys(parameter, 60)
    assert keys.fingerprint(FIRST) not in (None, keys.fingerprint(SECOND))
    for other in (
        "",
        " ",
        FIRST[:-1],
        FIRST + "a",
        FIRST.upper(),
        f"{FIRST},{SECOND}",
        text,
        "# whose",
        "c" * 30,
        f"# {'c' * 30}",
        "\ud800",
    ):
        assert keys.fingerprint(other) is None


def test_a_key_is_compared_with_each_of_the_keys_in_constant_time(
    put: Put, parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(f"{FIRST}\n{SECOND}")
    keys, compare = authorize.Keys(parameter, 60), hmac.compare_digest
    lengths: list[tuple[int, int]] = []

    def seen(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", seen)
    for key, opens in ((FIRST, True), (SECOND, True), ("x" * 1000, False)):
        lengths.clear()
        assert (bool(keys.fingerprint(key)), lengths) == (opens, [(32, 32)] * 2)


def test_a_key_that_could_be_tried_out_opens_nothing_and_is_told_of(
    put: Put, parameter: str, caplog: pytest.LogCaptureFixture
) -> None:
    put(f"short-key\n{FIRST}")
    keys = authorize.Keys(parameter, 60)
    assert keys.fingerprint("short-key") is None
    assert keys.fingerprint(FIRST)
    assert "1 keys have less than 20 characters" in caplog.text
    assert "short-key" not in caplog.text


def test_a_change_is_noticed_after_the_time_to_live_and_not_before(
    put: Put, parameter: str, clock: list[float]
) -> None:
    put(FIRST)
    keys = authorize.Keys(parameter, 60)
    assert keys.fingerprint(FIRST)
    put(SECOND)
    clock[0] += 59
    assert (bool(keys.fingerprint(FIRST)), bool(keys.fingerprint(SECOND))) == (True, False)
    clock[0] += 1
    assert (bool(keys.fingerprint(FIRST)), bool(keys.fingerprint(SECOND))) == (False, True)
    clock[0] -= 3600  # the clock was set back: nobody knows how long ago it was
    put(FIRST)
    assert keys.fingerprint(FIRST)


def test_while_ssm_fails_the_keys_from_before_open_for_a_while_and_then_nothing_does(
    put: Put,
    parameter: str,
    clock: list[float],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    put(FIRST)
    keys, strict = authorize.Keys(parameter, 60), authorize.Keys(parameter, 0)
    assert keys.fingerprint(FIRST)
    assert strict.fingerprint(FIRST)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    clock[0] += 890
    for later, asked in ((0, 1), (4, 1), (1, 2), (4, 2)):  # SSM is left alone for five seconds
        clock[0] += later
        assert keys.fingerprint(FIRST)
        assert keys.fingerprint(SECOND) is None
        assert caplog.text.count("the keys from before are believed") == asked
    with pytest.raises(ConnectionRefusedError):
        strict.fingerprint(FIRST)
    clock[0] += 1
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            keys.fingerprint(FIRST)
        with pytest.raises(OSError, match="SSM was asked a moment ago, in vain"):
            keys.fingerprint(SECOND)
        clock[0] += 1
    with pytest.raises(ConnectionRefusedError):
        authorize.Keys(parameter, 60).fingerprint(FIRST)


@pytest.mark.parametrize("text", [None, "\n", "# none"])
def test_without_a_key_nothing_opens(put: Put, parameter: str, text: str | None) -> None:
    if text is not None:
        put(text)
    keys = authorize.Keys(parameter, 60)
    assert [keys.fingerprint(each) for each in ("", FIRST, "\n", "# none")] == [None] * 4


def test_the_gateway_is_answered_in_its_simple_form(put: Put, parameter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(FIRST)
    monkeypatch.setenv("KEYS_PARAMETER", parameter)
    authorize.keys.cache_clear()
    event: dict[str, Any] = {"version": "2.0", "type": "REQUEST", "headers": {"x-api-key": FIRST}}
    answer = authorize.handler(event, None)
    assert answer == {"isAuthorized": True, "context": {"key": authorize.keys().fingerprint(FIRST)}}
    assert FIRST not in str(answer)
    for headers in ({"x-api-key": SECOND}, {"authorization": FIRST}, {}, None):
        assert authorize.handler({"headers": headers}, None) == {"isAuthorized": False}


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, "KEYS_PARAMETER, the name of a parameter of SSM, is not set"),
        ({"KEYS_PARAMETER": "/k", "KEY_TTL": "-1"}, "KEY_TTL is a whole number of seconds, not '-1'"),
        ({"KEYS_PARAMETER": "/k", "KEY_TTL": "soon"}, "KEY_TTL is a whole number of seconds, not 'soon'"),
    ],
)
def test_settings_that_are_wrong_are_refused(environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        authorize.keys_of(environ)


def test_importing_it_imports_no_model_and_no_boto3() -> None:
    code = "import sys, lambda_fn.authorize; print([n for n in ('numpy', 'onnxruntime', 'boto3') if n in sys.modules])"
    environ = {"PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=TESTS.parent, env=environ)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


@pytest.mark.parametrize("by", ["sockets", "boto3"])
def test_no_key_is_logged_at_any_level(
    put: Put, parameter: str, by: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    put(f"{FIRST}\n{SECOND}")
    caplog.clear()
    if by == "boto3":
        monkeypatch.setattr(authorize, "read_parameter", lambda name, _: ssm._by_boto3(name))
    keys = authorize.Keys(parameter, 60)
    assert keys.fingerprint(FIRST)
    assert not keys.fingerprint("third-" + "c" * 20)
    for secret in (FIRST, SECOND, "third-", "test"):
        assert secret not in caplog.text
