"""Media types: what a Content-Type says, and which of several types an Accept asks for (RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

UTF_8 = frozenset({"", "utf-8", "utf8", "us-ascii"})
"""The values of charset that mean UTF-8 here, none at all among them."""
ANYTHING = frozenset({"", "*/*"})
"""The values of Accept that leave the choice to the service."""


def parse(value: str) -> tuple[str, Mapping[str, str]]:
    """Return the media type in lower case, and its parameters, names and values in lower case.

    >>> parse('Text/CSV; Charset="UTF-8"; header=present')
    ('text/csv', {'charset': 'utf-8', 'header': 'present'})
    """
    media_type, *rest = value.lower().split(";")
    pairs = (parameter.partition("=") for parameter in rest)
    return media_type.strip(), {name.strip(): text.strip(' \t"') for name, _, text in pairs}


def choose_token(accept: str, offers: Sequence[str]) -> str | None:
    """Return the one of `offers` that an Accept-Encoding likes best, of equals the first; None if it takes none.

    >>> choose_token("deflate, gzip;q=0.5", ["gzip", "deflate"]), choose_token("br, *;q=0", ["gzip"])
    ('deflate', None)
    """
    weights = {name: _q(parameters) for name, parameters in map(parse, accept.split(","))}
    qualities = [weights.get(offer, weights.get("*", 0.0)) for offer in offers]
    best = max(qualities)
    return offers[qualities.index(best)] if best > 0 else None


def choose(accept: str, offers: Sequence[str]) -> str | None:
    """Return the one of `offers` that `accept` likes best, of equals the first; None if it takes none of them.

    >>> choose("text/*;q=0.5, application/json", ["text/csv", "application/json"])
    'application/json'
    >>> choose("*/*, text/csv;q=0", ["text/csv", "application/json"])
    'application/json'
    >>> choose("image/png", ["text/csv", "application/json"])
    """
    if accept in ANYTHING:
        return offers[0]
    ranges = [parse(each) for each in accept.split(",")]
    qualities = [_quality(offer, ranges) for offer in offers]
    best = max(qualities)
    return offers[qualities.index(best)] if best > 0 else None


def _quality(offer: str, ranges: Sequence[tuple[str, Mapping[str, str]]]) -> float:
    """Return the q of the most specific range that `offer` is in, from 0 to 1; 0 if it is in none."""
    wider = ("*/*", f"{offer.partition('/')[0]}/*", offer)
    found = [(wider.index(name), _q(parameters)) for name, parameters in ranges if name in wider]
    return max(found, default=(0, 0.0))[1]


def _q(parameters: Mapping[str, str]) -> float:
    """Return the weight among the parameters; what is no number from 0 to 1 weighs nothing."""
    try:
        weight = float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
