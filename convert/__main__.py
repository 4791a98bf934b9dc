"""The command line: train, export, estimators, verify, publish, history, rollback."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from rich.console import Console

from convert.errors import ConvertError

type Command = Callable[[argparse.Namespace], int]
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]

STRATEGY_NAMES = ("tabulated", "float64 trees", "float64 operators", "skl2onnx")
PICKLE_WARNING = "Reading a joblib or pickle file runs whatever code it holds: read only files that you trust."


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 1 verify found differences, 2 can't be done."""
    options = make_parser().parse_args(arguments)
    warnings.filterwarnings("ignore", module="sklearn")
    warnings.showwarning = _show_warning
    try:
        status: int = options.command(options)
    except ConvertError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each command is a function below."""
    parser = argparse.ArgumentParser(prog="python -m convert", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    train = _command(commands, "train", _train, "fit the demo classifier on iris; write it with its training rows")
    train.add_argument("--out", type=Path, default=Path("build/model.joblib"), help="default: %(default)s")

    export = _command(commands, "export", _export, "convert a fitted estimator into one self-describing .onnx file")
    _add_estimator(export)
    export.add_argument("--out", type=Path, default=Path("build/model.onnx"), help="default: %(default)s")
    export.add_argument("--name", help="the model's name in its card; default: the name of the estimator's file")

    export.add_argument("--strategy", choices=STRATEGY_NAMES, help="how to write the graph; default: the best that can")

    _command(commands, "estimators", _estimators, "list what converts exactly, what is certified, what is refused")

    verify = _command(
        commands, "verify", _verify, "compare a model file with its estimator and certify it; exit 1 if they differ"
    )
    _add_estimator(verify)
    verify.add_argument("onnx", type=Path, help="the model file that `export` wrote")
    verify.add_argument("--report", type=Path, metavar="DIR", help="write what was found as a page, DIR/index.html")
    verify.add_argument(
        "--features", nargs=2, metavar="NAME", help="which two the page plots; default: those that matter most"
    )

    publish = _command(commands, "publish", _publish, "upload a model file to S3; print the id of its version")
    publish.add_argument("onnx", type=Path, help="the model file that `export` wrote")
    _add_uri(publish)
    publish.add_argument("--force", action="store_true", help="without a passing certificate, too; the card says so")

    _add_uri(_command(commands, "history", _history, "list the versions of the published model"))

    rollback = _command(commands, "rollback", _rollback, "make an earlier version the current one, as a new version")
    _add_uri(rollback)
    rollback.add_argument("--to", metavar="VERSION", help="default: the newest that differs from the current one")
    return parser


def _command(commands: Commands, name: str, function: Command, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(command=function)
    return parser


def _add_estimator(parser: argparse.ArgumentParser) -> None:
    parser.epilog = PICKLE_WARNING
    parser.add_argument("model", type=Path, help="the fitted estimator, in a joblib, pickle or skops file")
    parser.add_argument(
        "--sample",
        type=Path,
        metavar="FILE",
        help="training rows: CSV under a header, Parquet, or NPY; default: MODEL.csv",
    )


def _add_uri(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("uri", metavar="s3://bucket/key", help="where the current model is")


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning as a line for a person, not as a place in the code."""
    print(f"warning: {message}", file=sys.stderr)


def _train(options: argparse.Namespace) -> int:
    from convert.train import train

    for path in train(options.out):
        print(f"wrote {path} ({path.stat().st_size:,} bytes)")
    return 0


def _export(options: argparse.Namespace) -> int:
    from convert.export import export

    exported = export(
        options.model,
        options.out,
        name=options.name or options.model.stem,
        sample=options.sample,
        strategy=options.strategy,
    )
    print(f"wrote {options.out} ({len(exported.data):,} bytes), {exported.strategy}")
    if exported.reason:
        print(exported.reason)
    return 0


def _estimators(options: argparse.Namespace) -> int:
    from convert.registry import markdown

    print(markdown())
    return 0


def _verify(options: argparse.Namespace) -> int:
    from convert.verify import verify

    features = None if options.features is None else tuple(options.features)
    same = verify(options.model, options.onnx, options.sample, Console(), report=options.report, features=features)
    return 0 if same else 1


def _publish(options: argparse.Namespace) -> int:
    from convert.publish import publish

    print(publish(options.onnx, options.uri, force=options.force))
    return 0


def _history(options: argparse.Namespace) -> int:
    from convert.publish import history
    from convert.tables import history_lines

    print(*history_lines(history(options.uri)), sep="\n")
    return 0


def _rollback(options: argparse.Namespace) -> int:
    from convert.publish import rollback

    target, version_id = rollback(options.uri, options.to)
    print(f"{version_id}  (the bytes of {target.id}, published {target.modified:%Y-%m-%d %H:%M:%S} UTC)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
