"""What a run came to, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from convert.bulk.progress import span
from convert.bulk.stack import Execution, message
from convert.text import moment, plain

FAILED_SHOWN = 20
"""How many failed chunks, or lost files, are listed; the summary on S3 has all."""


def summary_table(summary: Mapping[str, Any], planned: Mapping[str, Any]) -> Table:
    """Return a summary in rows of name and value; with a rate if the execution planned the run, and so did it all."""
    rows, chunks, model = summary["rows"], summary["chunks"], summary["model"]
    seconds = float(summary["seconds"])
    did_all = (summary["started"] or "9").partition(".")[0] <= planned["created"]  # which has whole seconds
    rate = f", {rows['in'] / seconds:,.0f} rows/s" if did_all and seconds > 0 else ""
    status = summary["status"]
    colour = "green" if status == "SUCCEEDED" else "red"
    table = Table(show_header=False, title=f"[{colour}]{plain(status)}[/]", title_justify="left")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("rows", f"{rows['in']:,} in, {rows['out']:,} out, {rows['refused']:,} refused")
    table.add_row("chunks", f"{chunks['done']:,} of {chunks['planned']:,} done, {chunks['failed']:,} failed")
    table.add_row("time", f"{span(seconds)}{rate}; workers {span(summary['worker_seconds'])}")
    table.add_row("cost", f"about ${summary['cost_usd']['total']:.4f}")
    table.add_row("model", _model(model))
    table.add_row("outputs", f"{plain(summary['output'])} ({len(summary['outputs']):,} files)")
    if summary["quarantine"]:
        table.add_row("quarantine", f"{plain(summary['output'])}_quarantine/ ({len(summary['quarantine']):,} files)")
    return table


def failed_lines(failed: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield each failed chunk by name, with its object and its reason; of many the first."""
    for each in failed[:FAILED_SHOWN]:
        where = f" ({each['object']}, bytes {each['bytes'][0]:,} to {each['bytes'][1]:,})" if "object" in each else ""
        reason = f"{each.get('error', each.get('Error'))}: {message(str(each.get('cause', each.get('Cause'))))}"
        yield f"[red]failed[/] {plain(each['chunk'])}{plain(where)}: {plain(reason)}"
    if len(failed) > FAILED_SHOWN:
        yield f"… {len(failed):,} chunks failed in all"


def lost_lines(lost: Sequence[str]) -> Iterator[str]:
    """Yield each file that is not there as the summary tells; of many the first."""
    for each in lost[:FAILED_SHOWN]:
        yield f"[red]lost[/] {plain(each)}"
    if len(lost) > FAILED_SHOWN:
        yield f"… {len(lost):,} files are lost in all"


def execution_lines(executions: Sequence[tuple[Execution, Mapping[str, Any] | None]]) -> Iterator[str]:
    """Yield one line for each execution: started, status, input → output, rows, seconds, name."""
    for execution, summary in executions:
        asked = execution.request.get("input", "resumed")
        rows = "" if summary is None else f"  {summary['rows']['in']:,} rows"
        took = ""
        if execution.stopped is not None:
            took = f"  {(execution.stopped - execution.started).total_seconds():,.0f} s"
        told = f"{moment(execution.started)}  {execution.status}  {asked} → {execution.output}{rows}{took}"
        yield plain(f"{told}  {execution.name}")


def estimate_lines(estimate: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a request would come to."""
    yield (
        f"{estimate['objects']:,} objects, {estimate['bytes']:,} bytes, about {estimate['rows']:,} rows, in"
        f" {estimate['chunks']:,} chunks"
    )
    yield f"about {span(estimate['seconds'])}, about {100 * estimate['cost_usd']:.2f} cents"
    yield f"model {_model(estimate['model'])}"
    yield from (plain(note) for note in estimate["notes"])


def _model(model: Mapping[str, Any]) -> str:
    return f"{plain(model['name'])}, version {plain(model['version'])}, SHA-256 {plain(model['sha256'])}"
