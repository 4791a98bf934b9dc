"""A fitted estimator becomes one self-describing model file."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from convert.errors import ConvertError, ConvertWarning, during
from convert.estimator.fitted import load_estimator, name_of
from convert.estimator.refused import OUTPUTS
from convert.model_file.card import creation_time, make_card
from convert.model_file.companions import MANY_ROWS, digest, write_with_companions
from convert.model_file.disk import sealed
from convert.model_file.service import check_served
from convert.oracle.accepts import Accepts
from convert.oracle.examples import examples
from convert.oracle.oracle import Oracle
from convert.oracle.reference import reference
from convert.oracle.sample import find_table
from convert.oracle.statistics import statistics
from convert.proof.parity import Candidate, check_answers
from convert.strategies.many_rows import ManyRows, write_many_rows
from convert.strategies.table import write_graph

TOLD: Mapping[str, Callable[[Oracle, Sequence[Accepts]], object]] = {
    "examples": examples,
    "statistics": statistics,
    "reference": reference,
}
"""The members of the card that tell of the sample, and what makes them."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A model file that was written.

    data, strategy: its bytes, and how its graph was written; reason: why not in a better way.
    companions: the bytes of each that was written beside it, by its role; many_rows: the graph of that.
    """

    data: bytes
    strategy: str
    reason: str
    companions: Mapping[str, bytes] = field(default_factory=dict)
    many_rows: ManyRows | None = None


def _check_one_output(oracle: Oracle) -> None:
    """Raise ConvertError for an estimator that answers with several values; what refuses the row is told of later."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            several = oracle.predict(oracle.row[np.newaxis]).ndim > 1
    except Exception:  # whatever the estimator raises
        return
    if several:
        raise ConvertError(f"{name_of(oracle.estimator)} is not converted: {': '.join(OUTPUTS)}")


def export(
    model: Path,
    out: Path,
    *,
    name: str,
    sample: Path | None = None,
    strategy: str | None = None,
    tell: bool = True,
) -> Exported:
    """Convert the estimator in the file `model`, and write the model file `out`, at once or not at all.

    tell: whether the card tells of the sample, in examples and statistics. The same estimator gives the same bytes.
    Raises ConvertError for what can't be converted, and for what the service would refuse.
    """
    if name != name.encode("utf-8", "replace").decode():
        raise ConvertError(f"the name {ascii(name)[:100]} is no UTF-8: give another --name")
    estimator, table = load_estimator(model), find_table(model, sample)
    with during("its features were read", estimator):
        oracle = Oracle(estimator, table)
    _check_one_output(oracle)
    graph, written_by, reason = write_graph(oracle, name, strategy)
    with during("it was asked what it takes", estimator):
        accepts = written_by.accepts(oracle)
        told = {member: of(oracle, accepts) for member, of in TOLD.items()} if tell else {}
    _check_graph(graph, written_by.name, oracle)
    created_at = creation_time(model)
    card = make_card(oracle, accepts, name=name, strategy=written_by.name, created_at=created_at, told=told)
    many_rows = write_many_rows(oracle, name) if written_by.walks_trees else None
    try:
        data, beside = _served(graph, card, many_rows, oracle)
    except ConvertError as error:
        if many_rows is None:
            raise
        data, beside = _served(graph, card, None, oracle)
        warnings.warn(f"it is written without a companion for many rows: {error}", ConvertWarning, stacklevel=2)
        many_rows = None
    write_with_companions(out, data, beside.values())
    return Exported(data, written_by.name, reason, beside, many_rows)


def _served(
    graph: onnx.ModelProto, card: Mapping[str, Any], many_rows: ManyRows | None, oracle: Oracle
) -> tuple[bytes, dict[str, bytes]]:
    """Return the model file's bytes, and those of its companions; raise ConvertError if the service refuses any."""
    if many_rows is not None:
        _check_graph(many_rows.graph, many_rows.strategy, oracle)
    beside, said = _companions(many_rows)
    data = sealed(graph, {**card, "companions": said} if said else card)
    check_served(data, beside.values(), name_of(oracle.estimator))
    return data, beside


def _companions(many_rows: ManyRows | None) -> tuple[dict[str, bytes], dict[str, dict[str, Any]]]:
    """Return the bytes of each companion, and what the card says of it, by its role."""
    if many_rows is None:
        return {}, {}
    data = many_rows.graph.SerializeToString(deterministic=True)
    said = {"strategy": many_rows.strategy, "from_rows": many_rows.from_rows, "batch_rows": many_rows.batch_rows}
    return {MANY_ROWS: data}, {MANY_ROWS: {**said, "size": len(data), "sha256": digest(data)}}


def _check_graph(graph: onnx.ModelProto, strategy: str, oracle: Oracle) -> None:
    """Raise ConvertError for a graph that does not run, or answers in other shapes than the service serves."""
    check_answers(Candidate(graph, oracle.rounded), oracle)
    try:
        onnx.checker.check_model(graph)
    except onnx.checker.ValidationError as error:
        raise ConvertError(f"{strategy} wrote a graph that is none: {str(error).splitlines()[0]}") from error
