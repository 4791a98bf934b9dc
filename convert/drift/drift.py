"""The command `drift`: captured rows are read, counted, compared with the model's card, and shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convert.drift.columns import answer_of, columns_of
from convert.drift.findings import Findings, findings
from convert.drift.source import find, open_store
from convert.drift.tally import Tally
from convert.errors import ConvertError, listed
from convert.model_file.disk import read_card, read_model
from convert.model_file.versions import asking_s3, get
from convert.text import encodable, seconds_of

if TYPE_CHECKING:
    from rich.console import Console

MODELS, SUFFIX = "models/", ".onnx"
"""Where models are in the bucket of the stack, and how their keys end."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The model that rows are compared with: where it is, its digest, its card."""

    source: str
    sha256: str
    card: dict[str, Any]


def drift(
    sources: Sequence[str],
    console: Console,
    *,
    since: str = "7d",
    model: str | None = None,
    report: Path | None = None,
    as_json: bool = False,
    fail_above: float | None = None,
) -> int:
    """Compare, and print it as a table or as JSON; return 1 if an index is above `fail_above`, or else 0.

    sources: S3 prefixes or keys, files or folders. since: how far back, ``7d`` or ``12h``.
    model: a file or ``s3://bucket/key``; by default the one of that name in the bucket of the first source.
    Raises ConvertError where there is nothing to compare, or nothing to compare with.
    """
    now = datetime.now(UTC)
    found = _compared(sources, _moment(now - timedelta(seconds=seconds_of(since, "--since"))), _moment(now), model)
    if report is not None:
        from convert.drift.report import write_report  # here: matplotlib takes longer than the rest to import

        write_report(report, found)
    if as_json:
        print(encodable(json.dumps(found.document(), ensure_ascii=False)))
    else:
        from convert.drift.tables import show

        show(found, console)
        if report is not None:
            console.print(f"wrote {report}", soft_wrap=True)
    return 1 if fail_above is not None and found.above(fail_above) else 0


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _compared(sources: Sequence[str], since: str, until: str, model: str | None) -> Findings:
    with ExitStack() as stack:
        wanted = _stem(model or "")
        places = []
        for source in sources:
            client = stack.enter_context(asking_s3(source)) if source.startswith("s3://") else None
            store, place = open_store(client, source)
            places.append((store, find(store, place, since[:10], wanted)))
        names = dict.fromkeys(each.model for _, found in places for each in found)
        if not names:
            raise ConvertError(f"no rows were captured since {since[:10]} at {listed(sources)}: is CAPTURE_SHARE set?")
        if len(names) > 1:
            raise ConvertError(f"these are rows of several models, {listed([*names])}: name one at a time")
        reference = _reference(model or _published(sources[0], *names))
        card = reference.card
        tally = Tally(columns_of(card, reference.source), answer_of(card), since)
        for store, found in places:
            for block in store.blocks([each.file for each in found]):
                tally.add(block)
    if not tally.days:
        raise ConvertError(
            f"of {tally.bad + tally.older:,} lines at {listed(sources)}, {tally.bad:,} are no captured rows, and the"
            f" others are from before {since}"
        )
    return findings(
        tally,
        model=card["name"],
        sha256=reference.sha256,
        until=until,
        sample_rows=card["statistics"]["rows"],
        objects=sum(len(found) for _, found in places),
    )


def _published(source: str, name: str) -> str:
    """Return where the model is that rows are of, in the bucket where they are; raise ConvertError if none can be."""
    if not source.startswith("s3://") or not name:
        raise ConvertError("which model are these rows of? Say --model FILE, or s3://bucket/key")
    return f"s3://{source.removeprefix('s3://').partition('/')[0]}/{MODELS}{name}{SUFFIX}"


def _reference(source: str) -> Reference:
    data = get(source) if source.startswith("s3://") else read_model(Path(source))
    return Reference(source, hashlib.sha256(data).hexdigest(), read_card(data))


def _stem(model: str) -> str:
    return model.rpartition("/")[2].removesuffix(SUFFIX)
