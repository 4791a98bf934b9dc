"""JSON Schema of what a model takes and answers, made from its card: a body is taken if it validates, but for a few.

Those few a schema has no words for: `columns` that do not name the features, whole numbers that no float64 holds, rows
that the estimator overflows on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lambda_fn.errors import LISTED
from lambda_fn.model.card import UNKNOWN, Accepts, Card, Feature

type Schema = dict[str, Any]

ANY_VALUE: Schema = {"type": ["number", "boolean", "string", "null"]}
"""A value of a row, whatever model it is for."""
ANY_LABEL: Schema = {"type": ["number", "boolean", "string"]}
FLAG: Schema = {"type": "boolean", "description": "Whether the answer is to have the probabilities of the classes."}


def ref(name: str, kind: str = "schemas") -> Schema:
    """Return a reference to one of the document's components.

    >>> ref("Row")
    {'$ref': '#/components/schemas/Row'}
    """
    return {"$ref": f"#/components/{kind}/{name}"}


def value(feature: Feature) -> Schema:
    """Return the schema of a feature's value as JSON has it: its type, its range or its categories, null for NaN.

    >>> value(Feature("age", "float", Accepts(True, 0.0, math.inf), {}))
    {'type': ['number', 'null'], 'minimum': 0}
    """
    if feature.dropped:
        return {"description": "Not looked at; may be left out of an object."}
    schema = KINDS[feature.type](feature)
    return _or_null(schema) if feature.accepts.nan else schema


def label(card: Card) -> Schema:
    """Return the schema of what is answered for a row: one of the class labels, or a regression's value."""
    return _labels(card.classes) if card.classes else {"type": "number"}


def of_model(card: Card, *, probabilities: bool) -> dict[str, Schema]:
    """Return the components that tell of the model, by name: ``Row``, ``Rows``, ``Table``, ``Label``, ``Prediction``.

    probabilities: whether the model has them.
    """
    values = [value(feature) for feature in card.features]
    by_name: Schema = {
        "type": "object",
        "description": "A value for each feature, by its name.",
        "properties": dict(zip(card.names, values, strict=True)),
        "required": [feature.name for feature in card.features if not feature.dropped],
        "additionalProperties": False,
    }
    return _rows("", by_name, _in_order(values), probabilities=probabilities) | {
        "Label": {"description": _label_words(card), **label(card)},
        "Prediction": _prediction(ref("Label"), len(card.classes) if probabilities else None),
    }


def of_any_model() -> dict[str, Schema]:
    """Return the same components for a model that is not known here: ``AnyRow``, ``AnyRows`` and so on."""
    by_name = {
        "type": "object",
        "description": "A value for each feature, by its name.",
        "additionalProperties": ANY_VALUE,
    }
    in_order = {"type": "array", "description": "A value for each feature, in the model's order.", "items": ANY_VALUE}
    return _rows("Any", by_name, in_order, probabilities=True) | {
        "AnyLabel": {"description": "One of the model's class labels, or a regression's value.", **ANY_LABEL},
        "AnyPrediction": _prediction(ref("AnyLabel"), 0),
    }


def _rows(prefix: str, by_name: Schema, in_order: Schema, *, probabilities: bool) -> dict[str, Schema]:
    """Return a row, rows, and rows as pandas splits a table."""
    beside = {"index": {"description": "What pandas writes beside the rows; not looked at."}}
    flag = {"probabilities": FLAG} if probabilities else {}
    columns = {"type": "array", "description": "The names of the features, in the order of the rows' values."}
    table = {
        "columns": columns | {"items": {"type": ["string", "integer"]}},
        "data": {"type": "array", "minItems": 1, "items": {"type": "array", "items": ANY_VALUE}},
    }
    return {
        f"{prefix}RowObject": by_name,
        f"{prefix}RowList": in_order,
        f"{prefix}Row": {"anyOf": [ref(f"{prefix}RowObject"), ref(f"{prefix}RowList")]},
        f"{prefix}Rows": {
            "type": "object",
            "description": "Rows to score.",
            "properties": {
                "data": {"type": "array", "minItems": 1, "items": ref(f"{prefix}Row")},
                **beside,
                **flag,
            },
            "required": ["data"],
            "additionalProperties": False,
        },
        f"{prefix}Table": {
            "type": "object",
            "description": 'A table as pandas\' `to_json(orient="split")` writes it.',
            "properties": {**table, **beside, **flag},
            "required": ["columns", "data"],
            "additionalProperties": False,
        },
    }


def _prediction(label: Schema, classes: int | None) -> Schema:
    """Return what is answered; `classes` is how many there are, None without probabilities, 0 if nobody knows."""
    properties: Schema = {
        "prediction": {"type": "array", "description": "An answer for each row.", "minItems": 1, "items": label}
    }
    if classes is not None:
        width = {"minItems": classes, "maxItems": classes} if classes else {}
        properties["probabilities"] = {
            "type": "array",
            "description": "If they were asked for, for each row the probability of each class, from 0 to 1.",
            "items": {"type": "array", "items": {"type": "number"}, **width},
        }
        properties["classes"] = {
            "type": "array",
            "description": "With probabilities: the class labels, in the order of these.",
            "items": label,
            **width,
        }
    return {
        "type": "object",
        "properties": properties,
        "required": ["prediction"],
        "additionalProperties": False,
    }


def _in_order(values: Sequence[Schema]) -> Schema:
    """Return the schema of a list with a value for each feature."""
    schema: Schema = {
        "type": "array",
        "description": "A value for each feature, in the order of RowObject's properties.",
        "minItems": len(values),
        "maxItems": len(values),
    }
    if all(each == values[0] for each in values):
        return schema | {"items": values[0]}
    return schema | {"prefixItems": list(values)}


def _label_words(card: Card) -> str:
    return "One of the class labels." if card.classes else "The value that the model predicts."


def _number(feature: Feature) -> Schema:
    accepts = feature.accepts
    if accepts.values:
        return _numbers([number for number in accepts.values if accepts.low <= number <= accepts.high])
    limits = {"minimum": accepts.low, "maximum": accepts.high}
    return {"type": "number"} | {name: _plain(limit) for name, limit in limits.items() if math.isfinite(limit)}


def _boolean(feature: Feature) -> Schema:
    taken = [number for number in (0, 1) if takes(feature.accepts, number)]
    if len(taken) == 1:
        return {"anyOf": [{"const": bool(taken[0])}, {"const": taken[0]}]}
    return {"type": ["boolean", "integer"], "minimum": 0, "maximum": 1}


def _string(feature: Feature) -> Schema:
    known = [category for category, number in feature.categories.items() if takes(feature.accepts, number)]
    if not takes(feature.accepts, UNKNOWN):
        return _strings(known)
    listed = ", ".join(known[:LISTED]) + (", …" if len(known) > LISTED else "")
    return {"type": "string", "description": f"Any string; the model knows {listed}."}


KINDS: Mapping[str, Callable[[Feature], Schema]] = {"float": _number, "bool": _boolean, "str": _string}


def takes(accepts: Accepts, number: float) -> bool:
    """Whether a number, or the number of a category, is accepted."""
    return accepts.low <= number <= accepts.high and (not accepts.values or number in accepts.values)


def _labels(labels: Sequence[bool | float | str]) -> Schema:
    if isinstance(labels[0], bool):
        return {"type": "boolean"}
    if isinstance(labels[0], str):
        return _strings([str(each) for each in labels])
    return _numbers([each for each in labels if not isinstance(each, str)])


def _numbers(numbers: Sequence[float]) -> Schema:
    """Return the schema of one of these numbers. Generators have no enumerations of fractions."""
    values = [_plain(number) for number in numbers]
    if all(isinstance(number, int) for number in values):
        return {"type": "number" if any(isinstance(each, float) for each in numbers) else "integer", "enum": values}
    return {"anyOf": [{"const": number} for number in values]}


def _strings(texts: Sequence[str]) -> Schema:
    """Return the schema of one of these strings; with names for them where generators would make two the same."""
    schema: Schema = {"type": "string", "enum": list(texts)}
    words = {re.sub(r"[\W_]", "", text).lower() for text in texts}
    if len(words) < len(texts):
        schema["x-enum-varnames"] = [f"VALUE_{number}" for number in range(len(texts))]
    return schema


def _or_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    if "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return schema | {"type": [*kinds, "null"]}


def _plain(number: float) -> float | int:
    """Return a whole number as one, as long as JSON's readers keep each digit."""
    return int(number) if abs(number) < 2**53 and number == int(number) else number
