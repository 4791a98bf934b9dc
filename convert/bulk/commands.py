"""The commands: score, dry run, resume, status, cancel, list. Each returns the exit status."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from convert.bulk.progress import Bar, Pace
from convert.bulk.run import RunFolder, split
from convert.bulk.stack import Execution, Stack, describe, flags, stop
from convert.bulk.tables import estimate_lines, execution_lines, failed_lines, lost_lines, summary_table
from convert.bulk.uploads import uploaded
from convert.errors import ConvertError
from convert.text import plain

LOOK_SECONDS = 1.0, 10.0
"""How long it is between two looks: at first, and at the most, unless a look takes long."""
LOOK_SHARE = 5
"""How many looks long a pause is at the least: one look of 100,000 chunks lists hundreds of pages."""
RUNNING = 3
"""What `status` exits with while a run runs; 2 is for what is asked wrongly."""
LOOKS_FAILED = 5
"""After how many looks in a row that failed, each tried again by boto3, nobody looks any more."""


def score(service: str, stage: str, source: str, output: str, request: Mapping[str, Any], *, wait: bool = True) -> int:
    """Score a table, and show how far it is; return 0 if all is there, 1 if not."""
    console = Console(highlight=False)
    stack, where = _uploaded(service, stage, source, output, console)
    return _start(stack, {**where, **request}, console, wait=wait)


def dry_run(service: str, stage: str, source: str, output: str, request: Mapping[str, Any]) -> int:
    """Say what `score` would come to. A local file is uploaded for it: the service looks at it."""
    console = Console(highlight=False)
    stack, where = _uploaded(service, stage, source, output, console)
    for line in estimate_lines(stack.estimate({**where, **request})):
        console.print(line, soft_wrap=True)
    return 0


def resume(service: str, stage: str, output: str, request: Mapping[str, Any], *, wait: bool = True) -> int:
    """Score what a run lacks."""
    if RunFolder(output).run() is None:
        raise ConvertError(f"there is no run at {output}")
    stack = Stack(service, stage)
    return _start(stack, {"resume": output, **request}, Console(highlight=False), wait=wait)


def status(service: str, stage: str, run: str) -> int:
    """Show a run: of an output prefix, or of the ARN of an execution.

    Return 0 if all is there, 1 if it has ended and is not whole or files are lost, RUNNING while it runs.
    """
    console, execution = Console(highlight=False), describe(run) if run.startswith("arn:") else None
    if execution is not None:
        console.print(f"{plain(execution.arn)}: {_outcome(execution)}", soft_wrap=True)
    folder = RunFolder(execution.output if execution else run)
    planned = folder.run_of(execution) if execution else folder.run()
    if planned is None:
        if execution is None:
            raise ConvertError(f"there is no run at {folder.uri}")
        return RUNNING if execution.is_running else 1
    summary = folder.summary() or (folder.summary(execution.name) if execution else None)
    lost = list(folder.lacking(summary)) if summary else []
    if summary is not None:
        _print_summary(summary, planned, console)
        for line in lost_lines(lost):
            console.print(line, soft_wrap=True)
        if summary["status"] == "SUCCEEDED" and not lost:
            return 0
    running = [execution] if execution and execution.is_running else Stack(service, stage).of_run(folder.uri)
    if summary is None:
        if not running and folder.summary():  # it ended since that was looked for
            return status(service, stage, run)
        _print_progress(planned, folder, running, console)
    for each in running:
        console.print(f"running: {plain(each.arn)}", soft_wrap=True)
    if not running:
        _offer("to go on", "resume", folder.uri, flags(service, stage), console)
    return RUNNING if running else 1


def cancel(service: str, stage: str, run: str) -> int:
    """Stop what runs of a run, and say what there is."""
    console, execution = Console(highlight=False), describe(run) if run.startswith("arn:") else None
    found = [execution] if execution else Stack(service, stage).of_run(RunFolder(run).uri)
    running = [each for each in found if each.is_running]
    for each in running:
        stop(each.arn)
        console.print(f"stopped {plain(each.arn)}", soft_wrap=True)
    if not running:
        console.print(f"nothing of {plain(run)} runs", soft_wrap=True)
    folder = RunFolder(execution.output if execution else run)
    planned = folder.run_of(execution) if execution else folder.run()
    if planned is not None:
        pace = Pace.of(planned, folder.records())
        console.print(f"done: {pace.line()}; a worker may still end the chunk that it is at", soft_wrap=True)
        if pace.chunks < pace.chunks_planned:
            _offer("to go on", "resume", folder.uri, flags(service, stage), console)
    return 0


def show_list(service: str, stage: str, most: int) -> int:
    """List executions, newest first."""
    if most < 1:
        raise ConvertError(f"--most is a number from 1, not {most}")
    console, found = Console(highlight=False), list(Stack(service, stage).executions(most=most))
    for line in execution_lines([(each, _summary_of(each)) for each in found]):
        console.print(line, soft_wrap=True)
    if not found:
        console.print("no execution yet")
    return 0


def _uploaded(service: str, stage: str, source: str, output: str, console: Console) -> tuple[Stack, dict[str, str]]:
    """Return the stack, and input and output of a request for it, a local input uploaded if the output may be one."""
    split(output)
    stack = Stack(service, stage)
    stack.check(source, output)
    return stack, {"input": uploaded(source, stack.uploads, console), "output": output}


def _summary_of(execution: Execution) -> dict[str, Any] | None:
    """Return the summary of an execution; None if there is none, or its output is nothing that can be read."""
    if execution.is_running:
        return None
    try:
        return RunFolder(execution.output).summary(execution.name)
    except ConvertError:
        return None


def _start(stack: Stack, request: Mapping[str, Any], console: Console, *, wait: bool) -> int:
    execution = stack.start(request)
    folder, where = RunFolder(execution.output), flags(stack.service, stack.stage)
    try:
        console.print(plain(execution.arn), soft_wrap=True)
        if not wait:
            return 0
        ended, planned = _watch(execution, folder, console)
    except (KeyboardInterrupt, ConvertError) as error:
        if isinstance(error, ConvertError):
            console.print(f"[red]{plain(str(error))}[/]", soft_wrap=True)
        console.print("it goes on without this command")
        _offer("to see it", "status", execution.output, where, console)
        _offer("to stop it", "cancel", execution.output, where, console)
        return 1
    summary = folder.summary(ended.name)
    planned = planned or (folder.run() if summary else None)  # of one that ended before it was seen to have planned
    if planned is not None and summary is not None:
        _print_summary(summary, planned, console)
    else:
        console.print(_outcome(ended), soft_wrap=True)
    if ended.status == "SUCCEEDED":
        return 0
    if planned is not None:
        _offer("to go on", "resume", execution.output, where, console)
    return 1


def _watch(execution: Execution, folder: RunFolder, console: Console) -> tuple[Execution, dict[str, Any] | None]:
    """Show how far an execution is until it has ended; return it then, and what it planned.

    Raises ConvertError if it can't be looked at several times in a row.
    """
    begun, failed, planned = time.monotonic(), 0, None
    pause, most = LOOK_SECONDS
    with Bar(console) as bar:
        while True:
            looked, took = time.monotonic(), 0.0
            try:
                now = describe(execution.arn)
                planned = planned or folder.run_of(execution)
                if planned is not None:
                    bar.show(Pace.of(planned, folder.records(), now.started, time.monotonic() - begun))
                if not now.is_running:
                    return now, planned
                failed, took = 0, time.monotonic() - looked
            except ConvertError:
                failed += 1
                if failed == LOOKS_FAILED:
                    raise
            time.sleep(max(pause, LOOK_SHARE * took))
            pause = min(most, pause * 1.2)


def _outcome(execution: Execution) -> str:
    """Return how an execution ended, or that it runs, with rich's markup."""
    colour = "green" if execution.status == "SUCCEEDED" or execution.is_running else "red"
    why = f": {execution.error}: {execution.cause}" if execution.error else ""
    return f"[{colour}]{plain(execution.status)}[/]{plain(why)}"


def _print_summary(summary: Mapping[str, Any], planned: Mapping[str, Any], console: Console) -> None:
    console.print(summary_table(summary, planned))
    for line in failed_lines(summary["failed"]):
        console.print(line, soft_wrap=True)


def _print_progress(
    planned: Mapping[str, Any], folder: RunFolder, running: Sequence[Execution], console: Console
) -> None:
    """Print how far a run without a summary is."""
    console.print(
        f"{'running' if running else '[red]not running, not whole[/]'}: {plain(planned['input'])}", soft_wrap=True
    )
    since = min((each.started for each in running), default=None)
    seconds = (datetime.now(UTC) - since).total_seconds() if since else 0.0
    console.print(Pace.of(planned, folder.records(), since, seconds).line(), soft_wrap=True)
    for line in failed_lines(folder.failures()):
        console.print(line, soft_wrap=True)


def _offer(what: str, command: str, uri: str, where: str, console: Console) -> None:
    """Print the command for what a person may want next."""
    console.print(f"{what}: python -m convert {command} {plain(uri)} {plain(where)}", soft_wrap=True)
