"""The schemas of what is answered of the service and of its models, whichever they are."""

from __future__ import annotations

from lambda_fn.page.schemas import ANY_LABEL, Schema, ref

SERVING: Schema = {
    "type": "object",
    "description": "Which version of the model is loaded, and since when.",
    "properties": {
        "version_id": {"type": ["string", "null"]},
        "sha256": {"type": "string"},
        "since": {"type": "string", "format": "date-time"},
    },
    "required": ["version_id", "sha256", "since"],
    "additionalProperties": False,
}
LIMIT: Schema = {"type": ["number", "null"]}
FEATURE: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "type": {"type": "string", "enum": ["float", "bool", "str"]},
        "accepts": {
            "type": "object",
            "description": "Numbers from `low` to `high`, null for infinity; a string is the number of its category.",
            "properties": {
                "nan": {"type": "boolean"},
                "low": LIMIT,
                "high": LIMIT,
                "values": {"type": "array", "items": {"type": "number"}},
            },
            "required": ["nan", "low", "high"],
        },
        "categories": {"type": "array", "items": {"type": "string"}},
        "dtype": {"type": "string", "description": "What its numbers are rounded to."},
        "dropped": {"type": "boolean", "description": "Whether the model does not look at it."},
    },
    "required": ["name", "type", "accepts"],
}
SERVICE: dict[str, Schema] = {
    "Status": {
        "type": "object",
        "properties": {"status": {"type": "string", "const": "up"}},
        "required": ["status"],
        "additionalProperties": False,
    },
    "Serving": SERVING,
    "Model": {
        "type": "object",
        "description": "The model's card (docs/card.schema.json), and beside it what is served.",
        "properties": {
            "name": {"type": "string"},
            "task": {"type": "string", "enum": ["classification", "regression"]},
            "estimator": {"type": "string", "description": "The class of the estimator."},
            "features": {"type": "array", "items": ref("Feature")},
            "classes": {
                "type": "object",
                "description": "Of a classification: the class labels, in the order of the probabilities.",
                "properties": {"type": {"type": "string"}, "labels": {"type": "array", "items": ANY_LABEL}},
                "required": ["type", "labels"],
            },
            "has_probabilities": {"type": "boolean", "description": "Whether it has those."},
            "created_at": {"type": "string", "format": "date-time"},
            "certificate": {"type": "object", "description": "How it was proved to be its estimator."},
            "version_id": {"type": ["string", "null"]},
            "sha256": {"type": "string"},
            "serving": ref("Serving"),
            "rejected": {"type": ["object", "null"], "description": "Why what is published is not served."},
        },
        "required": ["task", "features", "has_probabilities", "version_id", "sha256", "serving", "rejected"],
    },
    "Feature": FEATURE,
    "Models": {
        "type": "object",
        "properties": {
            "models": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "serving": {"anyOf": [ref("Serving"), {"type": "null"}]},
                    },
                    "required": ["name", "serving"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["models"],
        "additionalProperties": False,
    },
}
"""The components that are the same whatever model is served."""
