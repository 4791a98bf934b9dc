"""What a line of the log, metrics, Server-Timing and capture cost a call, and a cold start: with them and without.

``python -m benchmarks.telling`` takes a minute and writes benchmarks/TELLING.md.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from lambda_fn.config import Settings
from scripts.emulator import ROOT

PAGE = ROOT / "benchmarks" / "TELLING.md"
EVENT = ROOT / "tests" / "events" / "predict-http-api.json"
ALL = {"LOG_CALLS": "all", "METRICS": "true", "SERVER_TIMING": "true"}
SIDES: Mapping[str, dict[str, str]] = {
    "off": {},
    "the line": {"LOG_CALLS": "all"},
    "the line and metrics": {"LOG_CALLS": "all", "METRICS": "true"},
    "all": ALL,
}
WRITE = "off, and a bare write"
LINE = b"x" * 999 + b"\n"
"""About as long as the line of a call with its metrics."""
PROCESSES, ROUNDS, CALLS, STARTS, CAPTURES = 8, 40, 200, 60, 3
MOST_MICROSECONDS, MOST_MILLISECONDS = 10.0, 1.0
"""The targets: what all of it costs a warm call, and a cold start."""


class Context:
    """What Lambda gives a call beside its event."""

    aws_request_id = "8f507cfc-1c2b-4697-b07a-ac58fc914c95"


def main() -> None:
    """Measure in processes of their own, and write the page."""
    from convert.export import export
    from convert.train import train

    with tempfile.TemporaryDirectory() as folder:
        estimator, _ = train(Path(folder) / "model.joblib")
        model = Path(folder) / "model.onnx"
        export(estimator, model, name="iris")
        environ = {
            **{name: value for name, value in os.environ.items() if name not in ALL},
            "MODEL_URI": model.as_uri(),
            "MODEL_TTL": "0",
            "AWS_LAMBDA_FUNCTION_NAME": "plume-prod-predict",
            "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0",
            "OMP_NUM_THREADS": "1",
        }
        told = _page(_warm(environ, piped=False), _warm(environ, piped=True), _cold(environ))
        page = "\n".join([*told, *_captured(_capture(environ))])
    PAGE.write_text(page)
    print(page)


def _run(mode: str, environ: Mapping[str, str], *, piped: bool = False) -> str:
    """Return what a process tells on stderr; its log goes nowhere, or through a pipe to another process."""
    command, reader = [sys.executable, "-m", "benchmarks.telling", mode], None
    if piped:
        reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    log = subprocess.DEVNULL if reader is None else reader.stdin
    done = subprocess.run(command, env=environ, stdout=log, stderr=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    if reader is not None:
        reader.communicate()
    return done.stderr.splitlines()[-1]


def _warm(environ: Mapping[str, str], *, piped: bool) -> dict[str, float]:
    """Return seconds a call by side: the median of the quickest samples of each process."""
    samples: dict[str, list[float]] = {side: [] for side in (*SIDES, WRITE)}
    for _ in range(PROCESSES):
        for side, values in json.loads(_run("warm", environ, piped=piped)).items():
            samples[side].append(min(values))
    return {side: statistics.median(values) for side, values in samples.items()}


def _cold(environ: Mapping[str, str]) -> float:
    """Return the seconds that all of it takes of a cold start: the median of processes."""
    return statistics.median(float(_run("cold", environ)) for _ in range(STARTS))


def _capture(environ: Mapping[str, str]) -> dict[str, float]:
    """Return microseconds a call, with and without capture: the medians of processes."""
    command = [sys.executable, "-m", "benchmarks.in_process.capture"]
    found = [
        json.loads(subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True, cwd=ROOT).stdout)
        for _ in range(CAPTURES)
    ]
    return {name: statistics.median(each[name] for each in found) for name in found[0]}


def _page(warm: Mapping[str, float], piped: Mapping[str, float], cold: float) -> Iterator[str]:
    yield f"""# What telling of a call costs

`python -m benchmarks.telling` wrote this page; it is part of `make bench`. The same handler with what
[observing](../docs/observing.md) tells of, and without, in turns in the same process: of each of {PROCESSES} processes
the quickest of {ROUNDS} samples, of these the median. Of a cold start it is what comes to it, for whole starts differ
more from one to the next: what is imported, where the handler does, and what is told of the first call; the median of
{STARTS} processes. All are seconds of the processor, which others on the machine change less than those of the clock.
Through a pipe, the kernel wakes who reads it, on the handler's time: a bare write of {len(LINE):,} bytes behind a call
shows what that takes alone.

| a warm call of 2 rows, µs | log to nowhere | more than off | log through a pipe | more than off |
|---|---|---|---|---|"""
    for side, seconds in warm.items():
        cells = (seconds, seconds - warm["off"], piped[side], piped[side] - piped["off"])
        yield f"| {side} | {' | '.join(f'{each * 1e6:.1f}' for each in cells)} |"
    yield "\n| target | limit | measured | |\n|---|---|---|---|"
    for what, limit, measured in (
        ("a warm call, all of it on, µs more", MOST_MICROSECONDS, (warm["all"] - warm["off"]) * 1e6),
        ("the same through a pipe", MOST_MICROSECONDS, (piped["all"] - piped["off"]) * 1e6),
        ("a cold start, all of it on, ms more", MOST_MILLISECONDS, cold * 1e3),
    ):
        yield f"| {what} | {limit:g} | {measured:.1f} | {'reached' if measured <= limit else '**not reached**'} |"
    yield ""


def _captured(told: Mapping[str, float]) -> Iterator[str]:
    yield f"""## Capture

`python -m benchmarks.in_process.capture`: the same call where a share of calls is kept ([drift](../docs/drift.md)), in
turns in the same process, by the clock; the median of {CAPTURES} processes' medians. What makes lines of the rows,
beside calls, is in it; what sends them is not.

| a warm call of 2 rows | µs | more than off |
|---|---|---|
| off | {told["off"]:.1f} | |"""
    for side in ("passed by", "kept"):
        yield f"| {side} | {told[side]:.1f} | {told[f'{side}, more than off']:.1f} |"
    yield ""


def _handler(settings: Mapping[str, str]) -> ModuleType:
    """Return the handler as a new execution environment with these settings has it."""
    for name in ALL:
        os.environ.pop(name, None)
    os.environ.update(settings)
    sys.modules.pop("lambda_fn.handler", None)
    return importlib.import_module("lambda_fn.handler")


def _time_calls() -> None:
    event, context = json.loads(EVENT.read_text()), Context()
    handlers = {side: _handler(settings).predict for side, settings in SIDES.items()}

    def predict_and_write(event: Any, context: Any) -> None:
        handlers["off"](event, context)
        os.write(sys.stdout.fileno(), LINE)

    handlers[WRITE] = predict_and_write
    samples: dict[str, list[float]] = {side: [] for side in handlers}
    for _ in range(ROUNDS):
        for side, predict in handlers.items():
            began = time.process_time()
            for _ in range(CALLS):
                predict(event, context)
            samples[side].append((time.process_time() - began) / CALLS)
    print(json.dumps(samples), file=sys.stderr)


def _time_start() -> None:
    """Time the import of it, where the handler has imported all that it needs anyway, and what it does of one call."""
    event, context = json.loads(EVENT.read_text()), Context()
    os.environ.update(ALL)
    for name in ("lambda_fn.http.events", "lambda_fn.http.routes"):
        importlib.import_module(name)
    settings = Settings.from_environ(os.environ)
    gc.disable()
    began = time.process_time()
    calls = importlib.import_module("lambda_fn.calls").Calls(settings, os.environ)
    spent = time.process_time() - began
    handler, tell = _handler(ALL), calls.tell

    def timed(*arguments: Any) -> None:
        nonlocal spent
        began = time.process_time()
        tell(*arguments)
        spent += time.process_time() - began

    calls.tell = timed
    handler.CALLS = calls  # type: ignore[attr-defined]
    if "server-timing" not in handler.predict(event, context)["headers"]:
        raise RuntimeError("the call was not told of")
    print(spent, file=sys.stderr)


if __name__ == "__main__":
    {"warm": _time_calls, "cold": _time_start, "": main}[sys.argv[1] if len(sys.argv) > 1 else ""]()
