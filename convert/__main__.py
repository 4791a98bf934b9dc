"""The command line.

Of files: train, export, estimators, verify, describe. On S3: publish, status, promote, withdraw, history, rollback,
drift. Of tables of many rows: score, status, cancel, resume, list. Of a deployment: logs.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from rich.console import Console

from convert.bulk import parser as bulk
from convert.drift import parser as drift
from convert.errors import ConvertError, ConvertWarning, one_line, reason_of
from convert.text import seconds_of

type Command = Callable[[argparse.Namespace], int]
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]

STRATEGY_NAMES = ("tabulated", "float64 trees", "float64 operators", "skl2onnx")
FATAL = 4
"""The severity that onnxruntime reaches only if it ends the process."""
PICKLE_WARNING = "Reading a joblib or pickle file runs whatever code it holds: read only files that you trust."


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return the exit status: 0 done, 1 verify found differences, 2 can't be done.

    Of a run of many rows: 1 it has ended and is not whole, 3 it runs. Of drift: 1 it is above --fail-above.
    Whatever is raised ends as one line on stderr, with --debug behind its trace.
    """
    _replace_what_a_terminal_lacks()
    options = make_parser().parse_args(arguments)
    with warnings.catch_warnings():
        _quieten(debug=options.debug)
        try:
            return options.command(options)  # type: ignore[no-any-return]
        except BaseException as error:  # estimators run code of their own: SystemExit and KeyboardInterrupt, too
            if options.debug:
                traceback.print_exc()
            print(f"error: {one_line(_said(error, options.name_of_command))}", file=sys.stderr)
            if isinstance(error, BrokenPipeError):  # or else Python tells of it once more when it ends
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 2


def _said(error: BaseException, command: str) -> str:
    """Return what the line says of an error: its own message, if it was written for the one who reads it."""
    if isinstance(error, ConvertError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return f"{command} was interrupted: nothing is half written"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or command}: {error.strerror}"
    return f"{command} failed: {reason_of(error)}: --debug shows where"


def _quieten(*, debug: bool) -> None:
    """Show our own warnings, as lines; those of libraries, and what they log, with --debug only."""
    if debug:
        return
    warnings.simplefilter("ignore")
    warnings.simplefilter("default", ConvertWarning)
    warnings.showwarning = _show_warning
    logging.getLogger().addHandler(logging.NullHandler())  # or else what nobody handles goes to stderr


def _quieten_engine(options: argparse.Namespace) -> None:
    """Let onnxruntime write nothing to stderr: what it raises says the same."""
    if not options.debug:
        import onnxruntime  # here: other commands do without

        onnxruntime.set_default_logger_severity(FATAL)


def _replace_what_a_terminal_lacks() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; each command is a function below."""
    parser = argparse.ArgumentParser(prog="python -m convert", description=__doc__)
    _add_debug(parser, default=False)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    train = _command(commands, "train", _train, "fit the demo classifier on iris; write it with its training rows")
    train.add_argument("--out", type=Path, default=Path("build/model.joblib"), help="default: %(default)s")

    export = _command(commands, "export", _export, "convert a fitted estimator into one self-describing .onnx file")
    _add_estimator(export)
    export.add_argument("--out", type=Path, default=Path("build/model.onnx"), help="default: %(default)s")
    export.add_argument("--name", help="the model's name in its card; default: the name of the estimator's file")

    export.add_argument(
        "--no-statistics",
        dest="tell",
        action="store_false",
        help="write nothing of the sample into the card: neither typical rows nor ranges",
    )
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

    describe = _command(commands, "describe", _describe, "show what a model file holds: card, certificate, graph")
    describe.add_argument("source", metavar="FILE", help="the model file, or s3://bucket/key")
    describe.add_argument("--version", metavar="VERSION", help="of s3://bucket/key; default: the current one")
    describe.add_argument("--all", action="store_true", help="list every step of a long graph")

    publish = _command(commands, "publish", _publish, "upload a model file to S3; print the id of its version")
    publish.add_argument("onnx", type=Path, help="the model file that `export` wrote")
    _add_uri(publish)
    publish.add_argument("--force", action="store_true", help="without a passing certificate, too; the card says so")

    publish.add_argument("--candidate", action="store_true", help="beside the current model, to be compared with it")

    status = _command(
        commands,
        "status",
        _status,
        "show the current model and the candidate, and how they differ; or a run",
    )
    status.add_argument(
        "uri",
        metavar="WHAT",
        help="a model's s3://bucket/key; a run's s3://bucket/prefix/, or an execution's ARN",
    )
    bulk.add_stack(status)
    status.add_argument(
        "--since",
        type=int,
        metavar="HOURS",
        help="how far back to look at what was counted; default: as long as both are there, of the service 24",
    )

    _add_uri(_command(commands, "promote", _promote, "make the candidate the current model, as a new version"))
    _add_uri(_command(commands, "withdraw", _withdraw, "delete the candidate; its versions stay in its history"))

    _add_uri(_command(commands, "history", _history, "list the versions of the published model"))

    rollback = _command(commands, "rollback", _rollback, "make an earlier version the current one, as a new version")
    _add_uri(rollback)
    rollback.add_argument("--to", metavar="VERSION", help="default: the newest that differs from the current one")
    logs = _command(commands, "logs", _logs, "count calls and errors, and how long they took, by the log")
    bulk.add_stack(logs)
    logs.add_argument("--since", default="1h", metavar="TIME", help="how far back, 30m, 2h or 7d; default: %(default)s")
    logs.add_argument("--function", default="predict", help="or objects, authorize; default: %(default)s")
    for add in (drift.add_command, bulk.add_commands):
        add(lambda name, function, text: _command(commands, name, function, text))
    return parser


def _command(commands: Commands, name: str, function: Command, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(command=function, name_of_command=name)
    _add_debug(parser, default=argparse.SUPPRESS)  # or else it would undo what stands before the command
    return parser


def _add_debug(parser: argparse.ArgumentParser, default: object) -> None:
    text = "show the trace of an error, and the warnings of libraries"
    parser.add_argument("--debug", action="store_true", default=default, help=text)


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
    from convert.model_file.companions import digest, place

    _quieten_engine(options)
    exported = export(
        options.model,
        options.out,
        name=options.name or options.model.stem,
        sample=options.sample,
        strategy=options.strategy,
        tell=options.tell,
    )
    print(f"wrote {options.out} ({len(exported.data):,} bytes), {exported.strategy}")
    for data in exported.companions.values():
        print(f"wrote {place(str(options.out), digest(data))} ({len(data):,} bytes), its companion for many rows")
    if exported.many_rows is not None:
        print(
            f"{exported.many_rows.strategy} score {exported.many_rows.from_rows} rows and more at once, the same bits"
        )
    if exported.reason:
        print(exported.reason)
    return 0


def _estimators(options: argparse.Namespace) -> int:
    from convert.strategies.registry import markdown

    print(markdown())
    return 0


def _verify(options: argparse.Namespace) -> int:
    from convert.proof.verify import verify

    _quieten_engine(options)
    features = None if options.features is None else tuple(options.features)
    same = verify(options.model, options.onnx, options.sample, Console(), report=options.report, features=features)
    return 0 if same else 1


def _describe(options: argparse.Namespace) -> int:
    from convert.describe import describe

    describe(options.source, Console(), version=options.version, every_step=options.all)
    return 0


def _publish(options: argparse.Namespace) -> int:
    from convert.model_file.publish import publish

    print(publish(options.onnx, options.uri, force=options.force, candidate=options.candidate))
    return 0


def _status(options: argparse.Namespace) -> int:
    if options.uri.startswith("arn:") or options.uri.endswith("/"):
        from convert.bulk.commands import status as status_of_run

        return status_of_run(options.service, options.stage, options.uri)
    from convert.status import status

    status(options.uri, Console(), hours=options.since)
    return 0


def _promote(options: argparse.Namespace) -> int:
    from convert.model_file.publish import promote
    from convert.text import moment

    candidate, version_id = promote(options.uri)
    print(f"{version_id}  (the bytes of the candidate {candidate.id}, published {moment(candidate.modified)})")
    return 0


def _withdraw(options: argparse.Namespace) -> int:
    from convert.model_file.publish import withdraw
    from convert.text import moment

    candidate = withdraw(options.uri)
    print(f"withdrew the candidate {candidate.id}, published {moment(candidate.modified)}")
    return 0


def _history(options: argparse.Namespace) -> int:
    from convert.model_file.versions import history
    from convert.proof.tables import history_lines

    print(*history_lines(history(options.uri)), sep="\n")
    return 0


def _rollback(options: argparse.Namespace) -> int:
    from convert.model_file.publish import rollback
    from convert.text import moment

    target, version_id = rollback(options.uri, options.to)
    print(f"{version_id}  (the bytes of {target.id}, published {moment(target.modified)})")
    return 0


def _logs(options: argparse.Namespace) -> int:
    from convert.logs import logs

    logs(options.service, options.stage, options.function, seconds_of(options.since, "--since"), Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
