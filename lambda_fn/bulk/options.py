"""What a run is asked to do: the input of the state machine, checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from lambda_fn.bulk.failures import RefusedError
from lambda_fn.config import location
from lambda_fn.record import Record

FORMATS = ("csv", "jsonl", "npy")
MOST_CONCURRENT = 10_000
"""How many children of a Distributed Map run at once at the most."""
LEAST_CHUNK_MB, MOST_CHUNK_MB = 0.0001, 5_000_000


class Options(Record):
    """The options, each with its default.

    input: ``s3://bucket/key``, or ``s3://bucket/prefix/`` for all objects under it.
    output: ``s3://bucket/prefix/``.
    model: its name under MODELS_URI; empty for the one at MODEL_URI.
    format: of the input, empty for what the names of objects end with. output_format: empty for that of the input.
    header: whether a CSV has one (present, absent), empty for what its first line looks like.
    columns: what is written: names of columns of the input, ``prediction``, ``probabilities``, class labels.
    chunk_mb: about how large a chunk is, in 10^6 bytes; 0 for objects as a whole.
    concurrency: how many chunks are scored at once; half of what an account may run in all, unless that was raised, so
    that calls of `/predict` have the other half. deadline_seconds: after how long no chunk is begun any more.
    """

    input: str
    output: str
    model: str = ""
    format: str = ""
    output_format: str = ""
    header: str = ""
    columns: tuple[str, ...] = ()
    gzip: bool = False
    on_error: str = "fail"
    chunk_mb: float = 64.0
    concurrency: int = 500
    tolerated_failure_percentage: float = 0.0
    deadline_seconds: float = 12 * 3600.0

    @classmethod
    def parse(cls, document: Any) -> Options:
        """Read the options; raise RefusedError for one that is missing, wrong, or not known."""
        members = _object(document)
        unknown = sorted(members.keys() - TAKEN.keys())
        if unknown:
            raise RefusedError(f"the request has {', '.join(unknown)[:200]}, taken are {', '.join(sorted(TAKEN))}")
        for name in ("input", "output"):
            if name not in members:
                raise RefusedError(f"the request lacks {name!r}, expected s3://bucket/…")
        return cls(**{name: TAKEN[name](name, value) for name, value in members.items()})

    def document(self) -> dict[str, Any]:
        """Return all of them, with those that are defaults."""
        return {name: getattr(self, name) for name in TAKEN}

    def lasting(self) -> dict[str, Any]:
        """Return what decides over the bytes that are written: another run has others."""
        return {name: value for name, value in self.document().items() if name not in OF_AN_EXECUTION}

    def changed(self, document: Mapping[str, Any]) -> Options:
        """Return the options with those of `document` that may be others when a run is resumed."""
        unknown = sorted(document.keys() - OF_AN_EXECUTION)
        if unknown:
            raise RefusedError(
                f"a run is resumed as it was planned: {', '.join(unknown)[:200]} can't be changed, only"
                f" {', '.join(sorted(OF_AN_EXECUTION))}"
            )
        return Options(**{**self.document(), **{name: TAKEN[name](name, value) for name, value in document.items()}})


def _object(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise RefusedError(f"the request is {type(document).__name__}, expected an object with input and output")
    return {name: value for name, value in document.items() if value is not None}


def _uri(name: str, value: Any) -> str:
    if not (isinstance(value, str) and value.startswith("s3://") and all(location(value))):
        raise RefusedError(f"{name} is {value!r:.200}, expected s3://bucket/key")
    return value


def prefix(name: str, value: Any) -> str:
    """Return a URI that is a prefix; raise RefusedError for any other value."""
    if not (isinstance(value, str) and value.startswith("s3://") and all(location(value)) and value.endswith("/")):
        raise RefusedError(f"{name} is {value!r:.200}, expected s3://bucket/prefix/ with the slash at its end")
    return value


def moment(text: Any) -> datetime | None:
    """Return the time that the state machine tells, None for nothing; or raise RefusedError."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is None:
        raise RefusedError(f"a time is {text!r:.200}, expected one such as 2026-11-27T10:00:00Z")
    return found


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedError(f"{name} is {value!r:.200}, expected a string")
    return value


def _one_of(*values: str) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in values:
            raise RefusedError(
                f"{name} is {value!r:.200}, expected {' or '.join(each or 'nothing' for each in values)}"
            )
        return str(value)

    return read


def _names(name: str, value: Any) -> tuple[str, ...]:
    if not (isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value)):
        raise RefusedError(f"{name} is {value!r:.200}, expected a list of names")
    if len(set(value)) < len(value):
        raise RefusedError(f"{name} has a name twice: {', '.join(value)[:200]}")
    return tuple(value)


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RefusedError(f"{name} is {value!r:.200}, expected true or false")
    return value


def _number(low: float, high: float, *, or_zero: bool = False) -> Callable[[str, Any], float]:
    def read(name: str, value: Any) -> float:
        try:
            number = float(value) if type(value) in (int, float) else math.nan
        except OverflowError:
            number = math.inf
        if not (low <= number <= high or (or_zero and number == 0)):
            raise RefusedError(f"{name} is {value!r:.200}, expected a number from {low:g} to {high:g}")
        return number

    return read


def _count(name: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MOST_CONCURRENT:
        raise RefusedError(f"{name} is {value!r:.200}, expected a whole number from 1 to {MOST_CONCURRENT}")
    return value


TAKEN: Mapping[str, Callable[[str, Any], Any]] = {
    "input": _uri,
    "output": prefix,
    "model": _text,
    "format": _one_of("", *FORMATS),
    "output_format": _one_of("", *FORMATS),
    "header": _one_of("", "present", "absent"),
    "columns": _names,
    "gzip": _flag,
    "on_error": _one_of("fail", "skip", "quarantine"),
    "chunk_mb": _number(LEAST_CHUNK_MB, MOST_CHUNK_MB, or_zero=True),
    "concurrency": _count,
    "tolerated_failure_percentage": _number(0, 100),
    "deadline_seconds": _number(1, 365 * 86400),
}
OF_AN_EXECUTION = frozenset({"concurrency", "tolerated_failure_percentage", "deadline_seconds"})
"""The options that an execution may have of its own."""
