"""A fitted estimator becomes one self-describing model file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from convert.errors import ConvertError, during
from convert.estimator.fitted import load_estimator, name_of
from convert.estimator.refused import OUTPUTS
from convert.model_file.card import creation_time, make_card
from convert.model_file.disk import sealed, write_sealed
from convert.model_file.service import check_served
from convert.oracle.oracle import Oracle
from convert.oracle.sample import find_table
from convert.proof.parity import Candidate, check_answers
from convert.strategies.table import write_graph


@dataclass(frozen=True, slots=True)
class Exported:
    """A model file that was written: its bytes, the strategy that wrote its graph, and why no better one did."""

    data: bytes
    strategy: str
    reason: str


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


def export(model: Path, out: Path, *, name: str, sample: Path | None = None, strategy: str | None = None) -> Exported:
    """Convert the estimator in the file `model`, and write the model file `out`, at once or not at all.

    The same estimator gives the same bytes. Raises ConvertError for what can't be converted, and for what the service
    would refuse.
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
    card = make_card(oracle, accepts, name=name, strategy=written_by.name, created_at=creation_time(model))
    check_answers(Candidate(graph, oracle.rounded), oracle)
    try:
        onnx.checker.check_model(graph)
    except onnx.checker.ValidationError as error:
        raise ConvertError(f"{written_by.name} wrote a graph that is none: {str(error).splitlines()[0]}") from error
    data = sealed(graph, card)
    check_served(data, name_of(oracle.estimator))
    write_sealed(out, data)
    return Exported(data, written_by.name, reason)
