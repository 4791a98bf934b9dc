"""The command that compares captured rows: what it takes."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

type AddCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_command(add: AddCommand) -> None:
    """Add `drift`; `add` makes its parser."""
    drift = add("drift", _drift, "compare captured rows with the sample of the model: what shifted, and how far")
    drift.add_argument(
        "source",
        nargs="+",
        metavar="SOURCE",
        help="where rows were captured, s3://bucket/captured/; a folder, or files",
    )
    drift.add_argument("--since", default="7d", metavar="AGO", help="such as 12h, 7d, 4w; default: %(default)s")
    drift.add_argument(
        "--model", metavar="FILE", help="or s3://bucket/key; default: s3://bucket/models/NAME.onnx beside the rows"
    )
    drift.add_argument("--report", type=Path, metavar="FILE", help="write what was found as a page, such as drift.html")
    drift.add_argument("--json", action="store_true", help="print it as JSON instead of as tables")
    drift.add_argument(
        "--fail-above",
        type=limit_of,
        metavar="PSI",
        help="exit 1 if an index is above it, and above chance, or more is missing, unknown or outside: 0.25, say",
    )


def limit_of(text: str) -> float:
    """Return a limit, which is a number from 0 on; raise ArgumentTypeError for anything else."""
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 <= limit < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, got {text}")
    return limit


def _drift(options: argparse.Namespace) -> int:
    from rich.console import Console

    from convert.drift.drift import drift  # here: other commands do without

    return drift(
        options.source,
        Console(),
        since=options.since,
        model=options.model,
        report=options.report,
        as_json=options.json,
        fail_above=options.fail_above,
    )
