"""The schemas of what is answered of the service and of its models, whichever they are."""

from __future__ import annotations

from lambda_fn.page.schemas import Schema, ref

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
            "features": {"type": "array", "items": {"type": "object"}},
            "version_id": {"type": ["string", "null"]},
            "sha256": {"type": "string"},
            "serving": ref("Serving"),
            "rejected": {"type": ["object", "null"], "description": "Why what is published is not served."},
        },
        "required": ["task", "features", "version_id", "sha256", "serving", "rejected"],
    },
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
