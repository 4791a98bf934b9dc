"""The card: what a model file says of itself. docs/card.schema.json is its schema, convert/ writes it.

A card is input as the graph is: of what scoring needs, every member is checked; what it does not know, it leaves alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.record import Record

FORMAT_VERSION = 1
"""The version of the format of model files that this service reads; convert/model_file/card.py has what is written.

It is raised by one when a service of today's version would misread a file of tomorrow's: answer wrongly, or not at all
and not say why. So for a member of the card that goes, is renamed or means something else, for a new one without which
rows are scored otherwise, for other inputs or outputs of the graph, for another seal. It stays for a member that may be
left alone (a certificate), and for operators, attributes and types that a graph did not have before: a guard that does
not know them says so.

- A newer file is refused, with both versions in the message: the service is deployed before the model is published.
- An older file is read, of every version that was ever released: `Card.parse` makes today's members of its card, by a
  function for each step from one version to the next, and whatever it scored, it scores, to the bit. Version 1 is the
  first; what has none, or another that never was, is refused.
- `python -m convert` verifies and publishes files of its own version and refuses others: the estimator is exported
  again. `rollback` reads none.

Who raises it changes in one commit: this constant, that of convert/model_file/card.py, the step from the last version,
docs/card.schema.json, tests/card.json, docs/model-file.md, CHANGELOG; and keeps a file of each kind of the new version
(`python -m tests.keep`). Those of the versions before stay as they are: tests/test_kept_files.py scores them all.
"""
UNKNOWN = -1.0
"""The number of a string that is none of a feature's categories."""
TASKS = ("classification", "regression")
LABELS: Mapping[str, type] = {"bool": bool, "int": int, "float": float, "str": str}
"""The types of class labels."""
DTYPES = ("float64", "float32", "float16")
"""What the numbers of a feature may be rounded to."""
MAX_EXAMPLES = 100
HEADROOM = 16
"""How much less deep a card may be nested than Python reads JSON, as it writes what is that deep no more."""


class Accepts(Record):
    """What a feature may be: NaN or not, and numbers from low to high, infinities where they are accepted.

    values: if there are any, only these numbers.
    """

    nan: bool
    low: float
    high: float
    values: tuple[float, ...] = ()


class Feature(Record):
    """A column of the model's input, which is numbers.

    type: ``float``; ``bool``, which is 0 or 1 there; or ``str``, which is the number of its category.
    categories: of a string feature, the number of each; -1 is that of any other string.
    dtype: what its numbers are rounded to before anything looks at them; float64 as they come.
    dropped: whether the pipeline never looks at it; it need not be sent, and whatever is sent is 0.
    """

    name: str
    type: str
    accepts: Accepts
    categories: Mapping[str, float]
    dtype: str = "float64"
    dropped: bool = False

    @property
    def takes_unknown(self) -> bool:
        """Whether a string may be none of the categories."""
        return self.accepts.low <= UNKNOWN


class ManyRows(Record):
    """The companion that scores many rows faster: its digest, from how many rows on, and how many it is given at once.

    Both are 2 or more: it may add up a single row in another order.
    """

    sha256: str
    from_rows: int
    batch_rows: int


class Card(Record):
    """The members of the card that scoring needs; `document` is the whole of it, which JSON can say again.

    task: ``classification`` or ``regression``.
    features: what the model takes, in the order of its columns; `names` are theirs.
    numeric: whether all of them are floats, but for those that are dropped.
    classes: the class labels in the order of the probabilities' columns; empty for a regression.
    many_rows: the companion for many rows; None where there is none.
    examples: rows that the model answers with finite numbers, as it takes them: two or more, or none.
    """

    task: str
    features: tuple[Feature, ...]
    names: tuple[str, ...]
    numeric: bool
    classes: tuple[bool | int | float | str, ...]
    document: Mapping[str, Any]
    many_rows: ManyRows | None = None
    examples: tuple[tuple[float, ...], ...] = ()

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """The column of each feature, by its name."""
        return {name: column for column, name in enumerate(self.names)}

    @cached_property
    def dropped(self) -> tuple[int, ...]:
        """The columns of the features that are dropped."""
        return tuple(column for column, feature in enumerate(self.features) if feature.dropped)

    @classmethod
    def parse(cls, text: str | None) -> Card:
        """Read the card from its JSON `text`; raise ServiceError for one this service does not read."""
        if text is None:
            raise ServiceError(
                Problem.MODEL_INVALID, "the model file carries no card: export it with `python -m convert export`"
            )
        document = _document(text)
        version, task, members = (document.get(name) for name in ("format_version", "task", "features"))
        if type(version) is not int or version != FORMAT_VERSION:
            raise _of_another_version(version)
        if task not in TASKS:
            raise _expected("task", " or ".join(TASKS), task)
        if type(members) is not list or not members:
            raise _expected("features", "a list of one or more", members)
        features = tuple([_feature(member, f"feature {column}") for column, member in enumerate(members)])
        names = tuple([feature.name for feature in features])
        if len(set(names)) < len(names):
            raise _expected("features", "names that differ", _twice(names))
        return cls(
            task=task,
            features=features,
            names=names,
            numeric=all(feature.type == "float" or feature.dropped for feature in features),
            classes=_labels(document.get("classes")) if task == "classification" else (),
            document=document,
            many_rows=_many_rows(document["companions"]) if "companions" in document else None,
            examples=_examples(document["examples"], features) if "examples" in document else (),
        )


def _of_another_version(version: Any) -> ServiceError:
    newer = type(version) is int and version > FORMAT_VERSION
    advice = "deploy the service that came with it" if newer else "export it again"
    return ServiceError(
        Problem.MODEL_INVALID,
        f"the model's card has format version {_short(version)}, this service reads {FORMAT_VERSION}: {advice}",
    )


def _document(text: str) -> dict[str, Any]:
    """Return the JSON object in `text`, of numbers that JSON has, so that it can be said again."""
    try:
        document = json.loads("[" * HEADROOM + text + "]" * HEADROOM, parse_float=_finite, parse_constant=_finite)
        for _ in range(HEADROOM):
            [document] = document
    except (ValueError, RecursionError) as error:
        raise ServiceError(Problem.MODEL_INVALID, f"the model's card is no JSON: {error}") from error
    if type(document) is not dict:
        raise _expected("card", "an object", document)
    return document


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:50]} is no finite number")
    return number


def _feature(member: Any, where: str) -> Feature:
    """Read a feature's member."""
    if type(member) is not dict:
        raise _expected(where, "an object", member)
    name, kind = member.get("name"), member.get("type")
    if type(name) is not str:
        raise _expected(f"{where}'s name", "a string", name)
    if kind == "str":
        categories = _categories(member.get("categories"), where)
    elif kind in ("float", "bool"):
        categories = {}
    else:
        raise _expected(f"{where}'s type", "float, bool or str", kind)
    dtype, dropped = member.get("dtype", "float64"), member.get("dropped", False)
    if dtype not in DTYPES:
        raise _expected(f"{where}'s dtype", " or ".join(DTYPES), dtype)
    if type(dropped) is not bool:
        raise _expected(f"{where}'s dropped", "true or false", dropped)
    return Feature(name, kind, _accepts(member.get("accepts"), where), categories, dtype, dropped)


def _twice(texts: Sequence[str]) -> str:
    """Return the first text that has come before."""
    known: set[str] = set()
    return next(text for text in texts if text in known or known.add(text))  # type: ignore[func-returns-value]


def _categories(texts: Any, where: str) -> Mapping[str, float]:
    """Return the number of each category."""
    if type(texts) is not list or not set(map(type, texts)) <= {str}:
        raise _expected(f"{where}'s categories", "a list of strings", texts)
    categories = {category: float(number) for number, category in enumerate(texts)}
    if len(categories) < len(texts):
        raise _expected(f"{where}'s categories", "strings that differ", _twice(texts))
    return categories


def _many_rows(companions: Any) -> ManyRows | None:
    """Read the member ``companions``, of which others than that for many rows are left alone."""
    if type(companions) is not dict:
        raise _expected("companions", "an object", companions)
    member = companions.get("many_rows")
    if member is None:
        return None
    if type(member) is not dict:
        raise _expected("the companion for many rows", "an object", member)
    digest = member.get("sha256")
    if type(digest) is not str or len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise _expected("the companion's sha256", "64 hexadecimal digits", digest)
    return ManyRows(digest, _rows(member, "from_rows"), _rows(member, "batch_rows"))


def _rows(member: Mapping[str, Any], name: str) -> int:
    count = member.get(name)
    if type(count) is int and 2 <= count < 2**31:
        return count
    raise _expected(f"the companion's {name}", "a whole number from 2 on", count)


def _examples(rows: Any, features: Sequence[Feature]) -> tuple[tuple[float, ...], ...]:
    """Read the member ``examples``: rows as JSON spells them. One alone comes twice."""
    if type(rows) is not list or not 0 < len(rows) <= MAX_EXAMPLES:
        raise _expected("examples", f"a list of 1 to {MAX_EXAMPLES} rows", rows)
    if not all(type(row) is list and len(row) == len(features) for row in rows):
        raise _expected("an example", f"a list of {len(features)} values", rows)
    numbers = tuple([tuple(map(_example, row, features)) for row in rows])
    return numbers * 2 if len(numbers) == 1 else numbers


def _example(value: Any, feature: Feature) -> float:
    """Return the number that a value is to the model."""
    if feature.dropped:
        return 0.0
    if value is None:
        return math.nan
    if feature.type == "str" and type(value) is str:
        return feature.categories.get(value, UNKNOWN)
    if feature.type == "bool" and type(value) is bool:
        return float(value)
    return _number(value, f"an example's {feature.name!r}")


def _accepts(accepts: Any, where: str) -> Accepts:
    """Read what a feature accepts; JSON has no infinities, the card has null for them."""
    if type(accepts) is not dict:
        raise _expected(f"what {where} accepts", "an object", accepts)
    nan, values = accepts.get("nan"), accepts.get("values")
    if type(nan) is not bool:
        raise _expected(f"nan of {where}", "true or false", nan)
    low, high = (_limit(accepts, name, where, end) for name, end in (("low", -math.inf), ("high", math.inf)))
    if low > high:
        raise _expected(f"low of {where}", f"at most its high, {high}", low)
    if values is None:
        return Accepts(nan, low, high)
    if type(values) is not list or not values:
        raise _expected(f"values of {where}", "a list of one number or more", values)
    return Accepts(nan, low, high, tuple([_number(value, f"a value of {where}") for value in values]))


def _limit(accepts: Mapping[str, Any], name: str, where: str, infinity: float) -> float:
    limit = accepts.get(name, ())
    return infinity if limit is None else _number(limit, f"{name} of {where}")


def _number(value: Any, where: str) -> float:
    """Return the number as it is; raise ServiceError for anything else, and for one that no float holds."""
    if type(value) is float or (type(value) is int and -(2**1023) < value < 2**1023):
        return value
    raise _expected(where, "a number", value)


def _labels(classes: Any) -> tuple[bool | int | float | str, ...]:
    """Read the member ``classes``."""
    if type(classes) is not dict:
        raise _expected("classes", "an object", classes)
    kind, labels = classes.get("type"), classes.get("labels")
    if type(kind) is not str or kind not in LABELS:
        raise _expected("the classes' type", ", ".join(LABELS), kind)
    if type(labels) is not list or not labels or not all(_is_label(label, LABELS[kind]) for label in labels):
        raise _expected("the classes' labels", f"a list of {kind}", labels)
    if len(set(labels)) < len(labels):
        raise _expected("the classes' labels", "labels that differ", labels)
    return tuple(labels)


def _is_label(label: Any, kind: type) -> bool:
    """Whether the label is of the kind; text that UTF-8 has no bytes for can't be answered."""
    return type(label) is kind and (not isinstance(label, str) or label.encode("utf-8", "replace").decode() == label)


def _expected(what: str, expected: str, came: Any) -> ServiceError:
    return ServiceError(
        Problem.MODEL_INVALID, f"the model's card is refused: {what}: expected {expected}, got {_short(came)}"
    )


def _short(value: Any) -> str:
    """Return the value as JSON spells it, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return f"{text[:80]}…" if len(text) > 80 else text
