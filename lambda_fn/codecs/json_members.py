"""The members of a JSON document beside its ``data``: each counts, or is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lambda_fn.codecs.json_values import kind_of
from lambda_fn.codecs.names import check_widths, columns
from lambda_fn.errors import Problem, ServiceError, listed

if TYPE_CHECKING:
    from lambda_fn.model.card import Card

TAKEN = ("data", "columns", "index", "probabilities")
"""The first three are a table as pandas splits it, ``to_json(orient="split")``, of which the index is ignored."""


def wants_probabilities(document: Mapping[str, Any]) -> bool | None:
    """Return what the document says of probabilities, None if nothing; raise ServiceError for a member not taken."""
    for name in document:
        if name not in TAKEN:
            raise ServiceError(Problem.UNKNOWN_MEMBER, f"the body has {name[:200]!r}, taken are {listed(TAKEN)}")
    wanted = document.get("probabilities")
    if "probabilities" in document and not isinstance(wanted, bool):
        raise ServiceError(Problem.INVALID_MEMBER, f"`probabilities` is {kind_of(wanted)}, expected true or false")
    return wanted


def put_in_order(rows: list[Any], names: Any, card: Card) -> None:
    """Put in the place of each row, a list below the column `names`, one in the order of the card's features.

    What is dropped is 0. Raises ServiceError: invalid-member, unknown-feature, missing-feature, and for a row that is
    no list or of another width.
    """
    texts = _texts(names)
    order = columns(texts, card, "`columns`")
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            detail = f"row {number} is {kind_of(row)}, expected a list of {len(texts)} values, which `columns` names"
            raise ServiceError(Problem.INVALID_ROW, detail, row=number)
    check_widths(rows, texts)
    for number, row in enumerate(rows):
        rows[number] = [0.0 if place is None else row[place] for place in order]


def _texts(names: Any) -> list[str]:
    """Return the names of the columns as strings: of a table without names, pandas writes whole numbers."""
    if not isinstance(names, list):
        raise ServiceError(Problem.INVALID_MEMBER, f"`columns` is {kind_of(names)}, expected a list of names")
    for place, name in enumerate(names):
        if type(name) not in (str, int):
            detail = f"`columns` has {kind_of(name)} at place {place}, expected the name of a feature"
            raise ServiceError(Problem.INVALID_MEMBER, detail)
    return [str(name) for name in names]
