"""The commands that score tables: what they take."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable

from convert.text import seconds_of

type AddCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]

FORMATS = ("csv", "jsonl", "npy")
REQUEST = ("model", "format", "header", "columns", "output_format", "on_error", "chunk_mb", "concurrency")
"""The options that are asked of the service as they are; those that nobody gave are the service's to choose."""


def add_commands(add: AddCommand) -> None:
    """Add `score`, `resume`, `cancel` and `list`; `add` makes the parser of one."""
    score = add("score", _score, "score a table of any length with the service's workers, chunk by chunk")
    score.add_argument("input", metavar="INPUT", help="s3://bucket/key, s3://bucket/prefix/, or a local file or folder")
    score.add_argument("output", metavar="OUTPUT", help="s3://bucket/prefix/, which holds this run and nothing else")
    score.add_argument("--model", metavar="NAME", help="one of several models; default: that of /predict")
    score.add_argument("--format", choices=FORMATS, help="of the input; default: what its name ends with")
    score.add_argument("--header", choices=("present", "absent"), help="of a CSV; default: it is looked at")
    score.add_argument(
        "--columns",
        type=names_of,
        metavar="NAME,…",
        help="columns of the input, then prediction, and probabilities or single labels; a line of CSV",
    )
    score.add_argument("--output-format", choices=FORMATS, help="default: the input's")
    score.add_argument("--gzip", action="store_true", help="pack the output")
    score.add_argument("--on-error", choices=("fail", "skip", "quarantine"), help="of bad rows; default: fail")
    score.add_argument("--chunk-mb", type=float, metavar="MB", help="default: 64; 0: each object as a whole")
    score.add_argument("--dry-run", action="store_true", help="say how many chunks, how long, how much; score nothing")
    _add_limits(score)
    add_stack(score)
    _add_wait(score)

    resume = add("resume", _resume, "score what a run lacks, and nothing else")
    resume.add_argument("output", metavar="s3://bucket/prefix/", help="the run's output prefix")
    _add_limits(resume)
    add_stack(resume)
    _add_wait(resume)

    cancel = add("cancel", _cancel, "stop the executions of a run; what is scored stays")
    cancel.add_argument("run", metavar="RUN", help="its output prefix, s3://bucket/prefix/, or the ARN of an execution")
    add_stack(cancel)

    listing = add("list", _list, "list the executions of a stage, newest first")
    listing.add_argument("--most", type=int, default=20, metavar="N", help="how many; default: %(default)s")
    add_stack(listing)


def add_stack(parser: argparse.ArgumentParser) -> None:
    """Add which deployment is meant."""
    parser.add_argument("--stage", default="dev", help="of the deployment; default: %(default)s")
    parser.add_argument("--service", default="plume", help="its name; default: %(default)s")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--concurrency", type=int, metavar="N", help="how many chunks at once; default: 500")
    parser.add_argument(
        "--tolerated-failures",
        type=float,
        metavar="PERCENT",
        help="how many chunks may fail before the rest is not begun; default: 0",
    )
    parser.add_argument("--deadline", metavar="TIME", help="2h, 30m, or hours, after which none begins; default: 12h")


def _add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action=argparse.BooleanOptionalAction, default=True, help="until it has ended")


def names_of(text: str) -> list[str]:
    """Return the names in a line of CSV; raise ArgumentTypeError if one is empty, or for what is no such line.

    >>> names_of('"a,b",prediction')
    ['a,b', 'prediction']
    """
    try:
        [names] = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        names = []
    if not names or not all(names):
        raise argparse.ArgumentTypeError(f"expected names, with commas between them, got {text}")
    return names


def request_of(options: argparse.Namespace) -> dict[str, object]:
    """Return what was given of the options, as the state machine takes them."""
    given = {name: getattr(options, name, None) for name in REQUEST}
    given["gzip"] = getattr(options, "gzip", False) or None
    given["tolerated_failure_percentage"] = options.tolerated_failures
    given["deadline_seconds"] = None if options.deadline is None else seconds_of(options.deadline, "--deadline")
    return {name: value for name, value in given.items() if value is not None}


def _score(options: argparse.Namespace) -> int:
    from convert.bulk.commands import dry_run, score

    request = request_of(options)
    if options.dry_run:
        return dry_run(options.service, options.stage, options.input, options.output, request)
    return score(options.service, options.stage, options.input, options.output, request, wait=options.wait)


def _resume(options: argparse.Namespace) -> int:
    from convert.bulk.commands import resume

    return resume(options.service, options.stage, options.output, request_of(options), wait=options.wait)


def _cancel(options: argparse.Namespace) -> int:
    from convert.bulk.commands import cancel

    return cancel(options.service, options.stage, options.run)


def _list(options: argparse.Namespace) -> int:
    from convert.bulk.commands import show_list

    return show_list(options.service, options.stage, options.most)
