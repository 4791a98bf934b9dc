"""The commands: score, dry run, resume, status, cancel, list. Each returns the exit status."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from convert.bulk.progress import Bar, Pace
from convert.bulk.run import RunFolder, split
from convert.bulk.stack import Execution, Stack, describe, stop
from convert.bulk.tables import estimate_lines, execution_lines, failed_lines, summary_table
from convert.bulk.uploads import uploaded
from convert.errors import ConvertError
from convert.text import plain

LOOK_SECONDS = 1.0, 10.0
"""How long it is between two looks: at first, and at the most."""


def score(service: str, stage: str, source: str, output: str, request: Mapping[str, Any], *, wait: bool = True) -> int:
    """Score a table, and show how far it is; return 0 if all is there, 1 if not."""
    split(output)
    console, stack = Console(highlight=False), Stack(service, stage)
    source = uploaded(source, stack.uploads, console)
    return _start(stack, {"input": source, "output": output, **request}, console, wait=wait)


def dry_run(service: str, stage: str, source: str, output: str, request: Mapping[str, Any]) -> int:
    """Say what `score` would come to. A local file is uploaded for it: the service looks at it."""
    split(output)
    console, stack = Console(highlight=False), Stack(service, stage)
    source = uploaded(source, stack.uploads, console)
    for line in estimate_lines(stack.estimate({"input": source, "output": output, **request})):
        console.print(line, soft_wrap=True)
    return 0


def resume(service: str, stage: str, output: str, request: Mapping[str, Any], *, wait: bool = True) -> int:
    """Score what a run lacks."""
    if RunFolder(output).run() is None:
        raise ConvertError(f"there is no run at {output}")
    stack = Stack(service, stage)
    return _start(stack, {"resume": output, **request}, Console(highlight=False), wait=wait)


def status(service: str, stage: str, run: str) -> int:
    """Show a run: of an output prefix, or of the ARN of an execution."""
    console = Console(highlight=False)
    execution = describe(run) if run.startswith("arn:") else None
    folder = RunFolder(execution.output if execution else run)
    planned = folder.run()
    if planned is None:
        if execution is None:
            raise ConvertError(f"there is no run at {folder.uri}")
        _tell(execution, None, console)
        return 0
    summary = folder.summary(execution.name) if execution else folder.summary()
    if execution:
        console.print(f"{plain(execution.arn)}: {execution.status}", soft_wrap=True)
    if summary is not None:
        _tell(execution, summary, console)
        return 0
    running = [execution] if execution and execution.is_running else Stack(service, stage).of_run(folder.uri)
    console.print(
        f"{'running' if running else '[red]not running, not whole[/]'}: {plain(planned['input'])}", soft_wrap=True
    )
    console.print(Pace.of(planned, folder.records(), 0.0).line(), soft_wrap=True)
    for line in failed_lines(folder.failures()):
        console.print(line, soft_wrap=True)
    for each in running:
        console.print(f"  {plain(each.arn)}", soft_wrap=True)
    if not running:
        console.print(f"to go on: python -m convert resume {plain(folder.uri)} --stage {plain(stage)}", soft_wrap=True)
    return 0


def cancel(service: str, stage: str, run: str) -> int:
    """Stop what runs of a run, and say what there is."""
    console = Console(highlight=False)
    if run.startswith("arn:"):
        execution = describe(run)
        output, running = execution.output, [execution] if execution.is_running else []
    else:
        output, running = run, Stack(service, stage).of_run(RunFolder(run).uri)
    for each in running:
        stop(each.arn)
        console.print(f"stopped {plain(each.arn)}", soft_wrap=True)
    if not running:
        console.print(f"nothing of {plain(output)} runs", soft_wrap=True)
    folder = RunFolder(output)
    planned = folder.run()
    if planned is not None:
        pace = Pace.of(planned, folder.records(), 0.0)
        console.print(f"done: {pace.line()}; a worker may still end the chunk that it is at", soft_wrap=True)
        if pace.chunks < pace.chunks_planned:
            console.print(f"to go on: python -m convert resume {plain(output)} --stage {plain(stage)}", soft_wrap=True)
    return 0


def show_list(service: str, stage: str, most: int) -> int:
    """List executions, newest first."""
    if most < 1:
        raise ConvertError(f"--most is a number from 1, not {most}")
    console, found = Console(highlight=False), list(Stack(service, stage).executions(most=most))
    told = [(each, RunFolder(each.output).summary(each.name) if _has_summary(each) else None) for each in found]
    for line in execution_lines(told):
        console.print(line, soft_wrap=True)
    if not found:
        console.print("no execution yet")
    return 0


def _has_summary(execution: Execution) -> bool:
    return not execution.is_running and execution.output.startswith("s3://") and execution.output.endswith("/")


def _start(stack: Stack, request: Mapping[str, Any], console: Console, *, wait: bool) -> int:
    execution = stack.start(request)
    console.print(plain(execution.arn), soft_wrap=True)
    if not wait:
        return 0
    try:
        ended = _watch(execution, console)
    except KeyboardInterrupt:
        console.print("it goes on without this command; to see it, and to stop it:")
        for command in ("status", "cancel"):
            console.print(
                f"  python -m convert {command} {plain(execution.output)} {plain(stack.flags)}", soft_wrap=True
            )
        return 1
    folder = RunFolder(ended.output)
    _tell(ended, folder.summary(ended.name), console)
    if ended.status != "SUCCEEDED" and folder.run() is not None:
        console.print(f"to go on: python -m convert resume {plain(ended.output)} {plain(stack.flags)}", soft_wrap=True)
    return 0 if ended.status == "SUCCEEDED" else 1


def _watch(execution: Execution, console: Console) -> Execution:
    """Show how far an execution is until it has ended; return it then."""
    folder, begun, before, planned = RunFolder(execution.output), time.monotonic(), None, None
    pause, most = LOOK_SECONDS
    with Bar(console) as bar:
        while True:
            now = describe(execution.arn)
            planned = planned or folder.run()
            if planned is not None:
                records = folder.records()
                if before is None:  # of a run that is resumed: what others scored
                    before = sum(each["rows"] for each in records) if "resume" in execution.request else 0
                bar.show(Pace.of(planned, records, time.monotonic() - begun), before)
            if not now.is_running:
                return now
            time.sleep(pause)
            pause = min(most, pause * 1.2)


def _tell(execution: Execution | None, summary: Mapping[str, Any] | None, console: Console) -> None:
    """Print the summary of what has ended; or else why there is none."""
    if summary is not None:
        console.print(summary_table(summary))
        for line in failed_lines(summary["failed"]):
            console.print(line, soft_wrap=True)
    elif execution is not None:
        why = f": {execution.error}: {execution.cause}" if execution.error else ""
        console.print(f"[red]{plain(execution.status)}[/]{plain(why)}", soft_wrap=True)
