"""What a compiled template says that somebody may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NOTHING = {"Ref": "AWS::NoValue"}


def listed(one_or_more: Any) -> list[Any]:
    """Return what is one or a list as a list."""
    return one_or_more if isinstance(one_or_more, list) else [one_or_more]


def chosen(value: Any, *, met: bool = False) -> Any:
    """Return a value of a template with what every ``Fn::If`` in it comes to, whose conditions are `met` or not."""
    if isinstance(value, list):
        return [each for each in (chosen(each, met=met) for each in value) if each != NOTHING]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::If"}:
        return chosen(value["Fn::If"][1 if met else 2], met=met)
    return {name: made for name, each in value.items() if (made := chosen(each, met=met)) != NOTHING}


def statements(resource: Mapping[str, Any], *, met: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the statements of a role's or a bucket's policies."""
    properties = chosen(resource["Properties"], met=met)
    for policy in [*properties.get("Policies", []), properties]:
        if "PolicyDocument" in policy:
            yield from listed(policy["PolicyDocument"]["Statement"])


def rights(role: Mapping[str, Any], *, met: bool = False) -> dict[str, set[str]]:
    """Return where each action is allowed, beside those on the role's own log."""
    found: dict[str, set[str]] = {}
    for statement in statements(role, met=met):
        if statement["Effect"] == "Deny":
            continue
        places = {place(each) for each in listed(statement["Resource"])}
        for action in listed(statement["Action"]):
            if action.startswith("logs:"):
                assert all(text.endswith(("LogGroup.Arn}:*", "-authorize:*")) for text in places)
            else:
                found[action] = found.get(action, set()) | places
    return found


def place(resource: str | Mapping[str, Any]) -> str:
    """Return a resource as text: of Ref, Fn::Sub and Fn::GetAtt what they name."""
    if isinstance(resource, str):
        return resource
    [(_, value)] = resource.items()
    return value if isinstance(value, str) else ".".join(value)
