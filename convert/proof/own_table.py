"""The sample as its file has it, types and all: what the estimator answers on that, and on the numbers made of it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.errors import ConvertError
from convert.estimator.features import Floats
from convert.estimator.fitted import own_names
from convert.oracle.accepts import Accepts
from convert.oracle.oracle import Oracle
from convert.proof.rows import accepted_rows

LAST_BITS = 1e-12
"""Up to here answers are the same, but for the order in which as many rows as come together are added up."""
FLOAT32_BITS = 1e-5
"""How far answers may be apart, the largest being 1, for being computed in float32 on one side and float64 on the
other."""
ROWS = 20_000


def check_own_table(oracle: Oracle, accepts: Sequence[Accepts]) -> str | None:
    """Compare what the estimator answers on the sample as a file with types has it, and on the numbers made of it.

    Returns a line for a person where they differ in float32's last bits, None where they do not, or the estimator does
    not take the file's types. Raises ConvertError where they differ in more.
    """
    if oracle.sample is None or oracle.typed is None:
        return None
    kept = np.flatnonzero(accepted_rows(oracle.sample.rows, accepts))[:ROWS]
    rows = _as_sent(oracle, oracle.typed, oracle.sample.rows[kept])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            own = _answers(oracle.estimator, _as_in_file(oracle, oracle.typed, rows, kept))
        except Exception:  # whatever it raises: no file has to have the types that the estimator was fitted on
            return None
        served = _answers(oracle.estimator, oracle.as_table(rows))
    apart = np.max([_apart(*pair) for pair in zip(own, served, strict=True)], axis=0, initial=0.0)
    if not len(apart) or apart.max() <= LAST_BITS:
        return None
    first = int(np.argmax(apart > min(FLOAT32_BITS, float(apart.max()) / 2)))
    if apart.max() <= FLOAT32_BITS:
        return (
            f"the sample's columns make the estimator compute in float32: it answers up to {apart.max():.1g} apart from"
            " what is served, which is computed in float64"
        )
    raise ConvertError(
        f"the estimator answers row {kept[first]} of the sample as its file has it, {_types(oracle, oracle.typed)},"
        " otherwise than the same numbers in JSON or CSV: make float64 or strings of the columns before you fit, or"
        " give the sample in the types of the training table"
    )


def _as_in_file(oracle: Oracle, table: Any, rows: Floats, kept: NDArray[np.int64]) -> Any:
    """Return `rows`, those numbered `kept`, in the types that the file's `table` has for numbers and booleans.

    No file tells None from NaN among objects: they are what the estimator knows.
    """
    names = [feature.name for feature in oracle.features]
    if own_names(oracle.estimator) is None:
        return np.asarray(table if isinstance(table, np.ndarray) else table[names])[kept]
    own = oracle.as_table(rows)
    for feature in oracle.features:
        if feature.name in own and not feature.none and table[feature.name].dtype.kind in "biufmM":
            own[feature.name] = table[feature.name].iloc[kept].array
    return own


def _as_sent(oracle: Oracle, table: Any, rows: Floats) -> Floats:
    """Return `rows` as their text in CSV and JSON has them: a float32 is written in as few digits as tell it."""
    sent = rows.copy()
    for column, feature in enumerate(oracle.features):
        if feature.type == "float" and not feature.dropped:
            dtype = str(table.dtype if isinstance(table, np.ndarray) else table[feature.name].dtype).lower()
            if dtype in {"float16", "float32"}:
                sent[:, column] = rows[:, column].astype(dtype).astype(str).astype(np.float64)
    return oracle.rounded(sent)


def _answers(estimator: Any, table: Any) -> list[NDArray[Any]]:
    """Return labels or values, and the probabilities, if there are any."""
    answers = [np.asarray(estimator.predict(table))]
    return [*answers, np.asarray(estimator.predict_proba(table))] if hasattr(estimator, "predict_proba") else answers


def _apart(own: NDArray[Any], served: NDArray[Any]) -> Floats:
    """Return (n,), how far apart the answers are: labels by 0 or infinity, numbers as part of the largest."""
    if own.dtype.kind != "f":
        return np.where(own == served, 0.0, np.inf)
    own, served = (each.astype(np.float64).reshape(len(each), -1) for each in (own, served))
    same = (own == served) | (np.isnan(own) & np.isnan(served))
    largest = np.abs(own[np.isfinite(own)]).max(initial=0.0) or 1.0
    difference: Floats = np.where(same, 0.0, np.abs(own - served) / largest).max(axis=1)
    return difference


def _types(oracle: Oracle, table: Any) -> str:
    names = [feature.name for feature in oracle.features if not feature.dropped]
    kinds = [table.dtype] if isinstance(table, np.ndarray) else [table[name].dtype for name in names]
    return ", ".join(sorted({str(kind) for kind in kinds}))
