"""The header of an NPY file: a dictionary as Python writes it, read by a small grammar of its own.

Python's parser would keep every name in it for good, and takes long for brackets within brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from lambda_fn.errors import Problem, ServiceError
from lambda_fn.record import Record

MAGIC = b"\x93NUMPY"
HEADER_BYTES = 65_536
"""The longest header that is read: it names some 4,000 fields."""
DEEPEST = 8
"""How many brackets may be open: a dictionary, its list of fields, a field, its shape or title."""
WORD = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|-?[0-9]+(?![0-9A-Za-z_.])|(?:True|False)\b|[][{}(),:]""")
SPACE = re.compile(r"[ \t\r\n]*")
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
ESCAPED = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}


class Header(Record):
    """What a file says of its array: its type as `np.dtype` takes it, its shape, its order, where its bytes begin."""

    descr: Any
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    offset: int


def read_header(body: bytes) -> Header:
    """Return the checked header of `body`; raise ServiceError (malformed-npy) where it is none."""
    if not body.startswith(MAGIC):
        raise malformed(f"it begins with {body[:6]!r}, not with {MAGIC!r}")
    version = tuple(body[6:8])
    if version not in {(1, 0), (2, 0), (3, 0)}:
        raise malformed(f"it is of version {'.'.join(map(str, version))}, expected 1.0, 2.0 or 3.0")
    start = 10 if version == (1, 0) else 12
    end = start + int.from_bytes(body[8:start], "little")
    if end > len(body):
        raise malformed(f"its header ends at byte {end}, the body has {len(body)}")
    if end > HEADER_BYTES:
        raise malformed(f"its header ends at byte {end}, at most {HEADER_BYTES} are read")
    try:
        header = read_literal(body[start:end].decode("utf-8" if version == (3, 0) else "latin-1"))
    except ValueError as error:
        raise malformed("its header is no dictionary") from error
    match header:
        case {"descr": str() | list() as descr, "fortran_order": bool(fortran), "shape": tuple(shape), **others} if (
            not others and all(type(length) is int and 0 <= length < 2**63 for length in shape)
        ):
            return Header(descr, shape, "F" if fortran else "C", end)
        case _:
            expected = "descr (a type), fortran_order (True or False) and shape (whole numbers)"
            raise malformed(f"its header was expected to have {expected}, it is {str(header)[:200]}")


def malformed(detail: str) -> ServiceError:
    """Return the error for a body that is no NPY file of rows."""
    return ServiceError(Problem.MALFORMED_NPY, f"the body is not an NPY file of rows: {detail[:400]}")


def read_literal(text: str) -> Any:
    """Return what `text` is in Python: strings, whole numbers, True and False in brackets; raise ValueError if none.

    >>> read_literal("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)}")
    {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)}
    >>> read_literal("[(1), (1,), ()]")
    [1, (1,), ()]
    """
    words = _words(text)
    value = _value(next(words, ""), words, 0)
    for more in words:
        raise ValueError(f"{more} behind its end")
    return value


def _words(text: str) -> Iterator[str]:
    at = SPACE.match(text).end()  # type: ignore[union-attr] # which matches anywhere
    while at < len(text):
        word = WORD.match(text, at)
        if word is None:
            raise ValueError(f"nothing known at {at}")
        yield word[0]
        at = SPACE.match(text, word.end()).end()  # type: ignore[union-attr]


def _value(word: str, words: Iterator[str], depth: int) -> Any:
    """Return the value that begins with `word`."""
    if depth > DEEPEST:
        raise ValueError("too many brackets")
    if word[:1] in {"'", '"'}:
        return ESCAPE.sub(_character, word[1:-1])
    if word in {"True", "False"}:
        return word == "True"
    if word == "{":
        return _members(words, depth)
    if word in {"(", "["}:
        items, comma = _items(words, ")" if word == "(" else "]", depth)
        if word == "[":
            return items
        return tuple(items) if comma or not items else items[0]
    return int(word)  # or raise ValueError


def _items(words: Iterator[str], closing: str, depth: int) -> tuple[list[Any], bool]:
    """Return the values up to the bracket `closing`, and whether there is a comma among them."""
    items, comma, word = [], False, next(words, "")
    while word != closing:
        items.append(_value(word, words, depth + 1))
        word = next(words, "")
        if word == ",":
            comma, word = True, next(words, "")
        elif word != closing:
            raise ValueError(f"{word} between values")
    return items, comma


def _members(words: Iterator[str], depth: int) -> dict[str, Any]:
    """Return the members up to the closing brace; raise ValueError for a key that is no string, or comes twice."""
    members: dict[str, Any] = {}
    word = next(words, "")
    while word != "}":
        key = _value(word, words, depth + 1)
        if not isinstance(key, str) or key in members or next(words, "") != ":":
            raise ValueError(f"{key} is no key")
        members[key] = _value(next(words, ""), words, depth + 1)
        word = next(words, "")
        if word == ",":
            word = next(words, "")
        elif word != "}":
            raise ValueError(f"{word} between members")
    return members


def _character(escape: re.Match[str]) -> str:
    """Return the character that a backslash and what follows stand for."""
    code = escape[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    if code not in ESCAPED:
        raise ValueError(f"\\{code} is no character")
    return ESCAPED[code]
