"""The ids of a trace that a call belongs to: those of W3C's ``traceparent``, and AWS X-Ray's."""

from __future__ import annotations

HEXADECIMAL = "0123456789abcdef"
DIGITS_AND_HYPHENS = f"{HEXADECIMAL}-"
LENGTH = 55
"""Of version 00, and the least of those to come, which may go on behind a hyphen."""


def w3c(header: str) -> tuple[str, str] | None:
    """Return trace id and parent id of a ``traceparent``; None of any other (https://www.w3.org/TR/trace-context/).

    >>> w3c("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    ('4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7')
    >>> w3c("00-00000000000000000000000000000000-00f067aa0ba902b7-01")
    """
    if len(header) != LENGTH and (header[:2] == "00" or header[LENGTH : LENGTH + 1] != "-"):
        return None
    if header[2:3] + header[35:36] + header[52:53] != "---":
        return None
    version, trace, parent = header[:2], header[3:35], header[36:52]
    if (version + trace + parent + header[53:55]).strip(HEXADECIMAL) or version == "ff":
        return None
    return (trace, parent) if trace.strip("0") and parent.strip("0") else None


def x_ray(text: str) -> str:
    """Return the root of ``_X_AMZN_TRACE_ID``, by which X-Ray finds a trace; nothing if there is none.

    >>> x_ray("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    '1-5759e988-bd862e3fe1be46a994272793'
    """
    root = text[5:40] if text[:7] == "Root=1-" else text.partition("Root=")[2][:35]
    return root if len(root) == 35 and root[:2] == "1-" and not root.strip(DIGITS_AND_HYPHENS) else ""


def ids(header: str, text: str) -> str:
    """Return the ids in a ``traceparent`` and in ``_X_AMZN_TRACE_ID`` as members of JSON with a comma behind."""
    root, found = x_ray(text) if "Sampled=1" in text else "", w3c(header.strip())
    traced = f'"xray_trace_id":"{root}",' if root else ""
    return traced + (f'"trace_id":"{found[0]}","parent_id":"{found[1]}",' if found else "")
