"""What is at a model's key and what is its candidate, for a person, and what the service counted of the two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import onnx
from rich.console import Console

from convert.errors import ConvertError
from convert.model_file.companions import digest
from convert.model_file.disk import check_certificate, read_card
from convert.model_file.metrics import MOST_HOURS, Metrics
from convert.model_file.publish import candidate_of, fetch
from convert.model_file.versions import Version, current_version
from convert.proof.tables import verdict
from convert.text import moment, plain

SERVICE = {"ModelReloads": "models loaded anew", "ModelRejected": "looks that found a model to reject"}
"""What is counted of the service, and what it is called."""
HOURS = 24
"""How far back the service's own metrics are looked at, unless it is said."""


def status(uri: str, console: Console, *, hours: int | None = None) -> None:
    """Print what is current at ``s3://bucket/key`` and what is its candidate, and the metrics of the last `hours`.

    By default those of the candidate are from when both were there, and those of the service of the last day.
    Raises ConvertError if S3 can't be read, for a file there that is none of ours, and for `hours` out of range.
    """
    if hours is not None and not 1 <= hours <= MOST_HOURS:
        raise ConvertError(f"--since is a number of hours, from 1 to {MOST_HOURS}, not {hours}")
    beside = candidate_of(uri)
    current, candidate = current_version(uri), current_version(beside)
    for line in (*_current_lines(uri, current), *_candidate_lines(beside, candidate, current)):
        console.print(line, soft_wrap=True)
    compared = candidate is not None and current is not None and not candidate.has_bytes_of(current)
    both_since = max(each.modified for each in (current, candidate) if each) if compared else None
    try:
        for line in _metrics_lines(Metrics(uri), both_since, hours):
            console.print(line, soft_wrap=True)
    except ConvertError as error:
        console.print(f"the service's metrics could not be read: {plain(str(error))}", soft_wrap=True)


def _current_lines(uri: str, current: Version | None) -> Iterator[str]:
    if current is None:
        yield f"[red]no current model[/] at {plain(uri)}"
    else:
        yield f"[bold]current[/] {_version(current)}"
        yield from _model_lines(uri, current)


def _candidate_lines(uri: str, candidate: Version | None, current: Version | None) -> Iterator[str]:
    if candidate is None:
        yield "no candidate"
        return
    yield f"[bold]candidate[/] {_version(candidate)}"
    if current is not None and candidate.has_bytes_of(current):
        yield "  has the bytes of the current model"
    else:
        yield from _model_lines(uri, candidate)


def _version(version: Version) -> str:
    return f"{plain(version.id)}, since {moment(version.modified)}"


def _model_lines(uri: str, version: Version) -> Iterator[str]:
    """Yield what the card of the model file says, and its certificate."""
    data = fetch(uri, version.id)
    card, model = read_card(data), onnx.load_from_string(data)
    name = plain(card["name"])
    yield f"  {len(data):,} bytes, SHA-256 {digest(data)}"
    yield f"  {name}: {card['task']} by {plain(card['estimator'])}, written as {plain(card['strategy'])}"
    if card.get("forced"):
        yield "  [red]published by force[/], without a passing certificate"
    try:
        check_certificate(card, model, card["name"])
    except ConvertError as error:
        yield f"  [red]{plain(str(error))}[/]"
    else:
        yield f"  {verdict(card['certificate'])}; tried on {sum(card['certificate']['rows'].values()):,} rows"


def _metrics_lines(metrics: Metrics, both_since: datetime | None, hours: int | None) -> Iterator[str]:
    """Yield what the service counted of the two models, if there are two, and of itself; raises as `Metrics` does."""
    now = datetime.now(UTC)
    recently = now - timedelta(hours=hours or HOURS)
    if both_since is not None:
        since = recently if hours else max(both_since, now - timedelta(hours=MOST_HOURS))
        yield f"candidate and current model since {moment(since)}: {_difference(metrics, since)}"
    counted = (_counted(metrics, name, said, recently) for name, said in SERVICE.items())
    said = ", ".join(line for line in counted if line) or f"no metrics in {metrics.region}"
    yield f"the service since {moment(recently)}: {said}"


def _counted(metrics: Metrics, name: str, said: str, since: datetime) -> str | None:
    count = metrics.total(name, since)
    return None if count is None else f"{said} {count:,}"


def _difference(metrics: Metrics, since: datetime) -> str:
    """Return how far the candidate's answers differ from the current model's."""
    rows, failures = metrics.total("CandidateRows", since), metrics.total("CandidateFailures", since)
    if rows is None and failures is None:
        return f"no metrics in {metrics.region}"
    failed = f"{failures or 0:,} calls failed"
    if not rows:
        return f"no rows compared, {failed}"
    differing = metrics.total("CandidateRowsDiffering", since) or 0
    largest = metrics.largest("CandidateLargestDifference", since)
    apart = "" if largest is None else f", largest difference {largest:.3g}"
    return f"{differing:,} of {rows:,} rows differ ({100 * differing / rows:.1f} %){apart}, {failed}"
