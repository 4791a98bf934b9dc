"""What awslambdaric and the emulator take by themselves."""

from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Answer a constant."""
    return {"statusCode": 200, "body": "{}"}
