"""The main job, end to end: train, convert, verify, deploy to an emulator, publish, score over REST, and a table."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.text import Text

from scripts.deployment import CommandError, Deployment
from scripts.emulator import ROOT, Emulator, EmulatorError, start
from scripts.gateway import Gateway

UP = ROOT / "build" / "up.json"
"""What `make up` left running, for `make down`."""

ROWS = '{"data": [[6.2, 3.4], [6.2, 1]]}'
NAMED = '{"data": [{"sepal width (cm)": 3.4, "sepal length (cm)": 6.2}]}'
TABLE_ROWS = 20_000
BAD = '{"data": [[6.2, 3.4], [6.2]]}'

AWS_SHOWN = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")

console = Console(highlight=False)


def main() -> int:
    """Run the demo; leave it running with --stay, end that with --down."""
    parser = argparse.ArgumentParser(prog="scripts.demo", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="leave it running and print the URL")
    parser.add_argument("--down", action="store_true", help="end what --stay left running")
    parser.add_argument("--state", type=Path, default=UP, help="where --stay leaves its notes for --down")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if options.down:
            down(options.state)
        elif options.stay:
            up(options.state)
        else:
            with tempfile.TemporaryDirectory(prefix="plume-") as folder, start(Path(folder)) as emulator:
                demo(Deployment(emulator))
    except (CommandError, EmulatorError) as error:
        console.print(f"[red]failed[/] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    return 0


def demo(deployment: Deployment) -> None:
    """Deploy and call every route."""
    began = time.perf_counter()
    deploy(deployment)
    call_routes(deployment.gateway())
    with tempfile.TemporaryDirectory(prefix="plume-") as folder:
        score_table(deployment, Path(folder) / "rows.csv")
    console.print(Rule())
    console.print(f"done in {time.perf_counter() - began:.0f} s; the emulator is stopped and nothing is left running")


def up(notes: Path) -> None:
    """Deploy and leave it running; say where."""
    running = left_running(notes)
    if running:
        console.print(f"already up: {running['url']}/docs  (`make down` ends it)")
        return
    emulator = start(notes.parent / "emulator")
    try:
        deployment = Deployment(emulator)
        deploy(deployment)
        url, uri = deployment.gateway().url, deployment.outputs()["ModelUri"]
    except BaseException:
        emulator.stop()
        raise
    notes.write_text(json.dumps({"pid": emulator.pid, "port": emulator.port, "log": str(emulator.log), "url": url}))
    aws = [f"{name}={value}" for name, value in emulator.aws_environ().items() if name in AWS_SHOWN]
    console.print(Rule(f"[bold]up: {url}/docs[/]", align="left", style="dim"))
    console.print(f"  the page, to try the model in a browser; the API is at {url}")
    command(f"curl {url}/predict --json '{ROWS}'")
    command(f"export {' '.join(aws)}")
    command(f"python -m convert history {uri}")
    command("make down")


def down(notes: Path) -> None:
    """End the emulator that `up` left running."""
    running = left_running(notes)
    notes.unlink(missing_ok=True)
    if running is None:
        console.print("nothing is up")
        return
    Emulator(running["pid"], running["port"], Path(running["log"])).stop()
    shutil.rmtree(Path(running["log"]).parent, ignore_errors=True)
    console.print("down")


def left_running(notes: Path) -> dict[str, Any] | None:
    """Return what `up` wrote of an emulator that still runs, else None."""
    if not notes.exists():
        return None
    state: dict[str, Any] = json.loads(notes.read_text())
    return state if Emulator(state["pid"], state["port"], Path(state["log"])).is_running() else None


def deploy(deployment: Deployment) -> None:
    """Train, convert, verify, deploy, publish; show each command and what it printed."""
    step("a scikit-learn model becomes one ONNX file")
    convert(deployment, "train", "--out", "build/model.joblib")
    convert(deployment, "export", "build/model.joblib", "--out", "build/model.onnx", "--name", "iris")
    convert(deployment, "verify", "build/model.joblib", "build/model.onnx")
    step("serverless deploy, to an AWS emulator on loopback")
    command("npx serverless deploy")
    deployment.serverless("deploy")
    outputs = deployment.outputs()
    gateway, uri = deployment.gateway(), outputs["ModelUri"]
    console.print(f"  API    {gateway.url}\n  model  {uri}")
    step("before a model is published, the service says so")
    call(gateway, "GET", "/")
    call(gateway, "POST", "/predict", ROWS)
    step("publish: no new deployment, a function that has no model yet takes it at its next call")
    convert(deployment, "publish", "build/model.onnx", uri)
    convert(deployment, "history", uri)


def call_routes(gateway: Gateway) -> None:
    """Call every route, and some of what goes wrong."""
    step("score over REST")
    call(gateway, "POST", "/predict", ROWS)
    call(gateway, "POST", "/predict?probabilities=true", ROWS)
    call(gateway, "POST", "/predict", NAMED)
    call(gateway, "GET", "/model")
    step("what is wrong is named")
    call(gateway, "POST", "/predict", BAD)
    call(gateway, "GET", "/predict")
    step("JSON objects on S3, for signed callers only")
    call(gateway, "PUT", "/objects/note", '{"hello": "world"}')
    call(gateway, "PUT", "/objects/note", '{"hello": "world"}', signed=True)
    call(gateway, "GET", "/objects/note", signed=True)
    call(gateway, "GET", "/objects/none", signed=True)


def score_table(deployment: Deployment, table: Path) -> None:
    """Score a table of many rows with the state machine."""
    step(f"score a table: {TABLE_ROWS:,} rows in chunks, by workers on Step Functions' Distributed Map")
    table.write_text("sepal length (cm),sepal width (cm)\n" + "6.2,3.4\n6.2,1.0\n" * (TABLE_ROWS // 2))
    output = f"{deployment.outputs()['BulkOutput']}demo/"
    convert(deployment, "score", str(table), output, "--chunk-mb", "0.05")
    convert(deployment, "list")


def convert(deployment: Deployment, *arguments: str) -> None:
    """Run a `python -m convert` command and show it."""
    command(f"python -m convert {' '.join(arguments)}")
    for line in deployment.convert(*arguments).splitlines():
        console.print(Text(f"  {line}"), soft_wrap=True)


def call(gateway: Gateway, method: str, path: str, body: str | None = None, *, signed: bool = False) -> None:
    """Call a route; show the request as curl would be told it, the answer, and the time."""
    options = f"-X {method} " if method == "PUT" else ""
    options += "--aws-sigv4 aws:amz:us-east-1:execute-api -u test:test " if signed else ""
    command(f'curl {options}"$URL{path}"' + (f" --json '{body}'" if body else ""))
    answer = gateway.call(method, path, body, signed=signed)
    colour = "green" if answer.status < 400 else "yellow"
    console.print(f"  [{colour}]{answer.status}[/]  [dim]{answer.seconds * 1000:.0f} ms[/]")
    console.print(Text(f"  {answer.body}"), soft_wrap=True)


def command(text: str) -> None:
    """Show a command."""
    console.print(f"[bold cyan]$[/] [bold]{escape(text)}[/]", soft_wrap=True)


def step(title: str) -> None:
    """Show a heading."""
    console.print(Rule(f"[bold]{title}[/]", align="left", style="dim"))


if __name__ == "__main__":
    sys.exit(main())
