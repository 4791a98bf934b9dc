"""Odd values, and values and bytes with something altered."""

from __future__ import annotations

import struct
from copy import deepcopy
from typing import Any

from tests.fuzz.draws import Draws

MARK = "7071676869747372"
"""What is not to be found in a log: a text, and a number, which is nowhere else."""
TEXTS = (
    *("x", "", "a", "true", "0", "null", "NaN", "1e999", "data", "sepal width (cm)", "city", "prediction", "../secret"),
    *("\ud800", "\0", "é", "\ufeff", "\u202e", "a\r\nb: c", '"', "'", ",", "%", "%2e%2e", "%zz", "{}", "🦉", "K"),
    *("x" * 1025, "9" * 5000, "[" * 2000, "¹", "\uff11", "٣", "1_0", "0x1", " 1 ", "+1", "-", "--1", "1e", "Infinity"),
)
ODD: tuple[Any, ...] = (
    *(
        0,
        None,
        True,
        False,
        1,
        -1,
        2.5,
        -0.0,
        float("nan"),
        float("inf"),
        1e308,
        5e-324,
        2**31,
        2**53 + 1,
        2**64,
        10**400,
        int(MARK),
        float(MARK),
    ),
    *([], {}, [None], [[]], [{}], {"": None}, {"a": []}, [1, "x"], {"data": []}),
)
TOKENS = (
    *(b'"', b",", b"\n", b"\r", b"\r\n", b"[", b"]", b"{", b"}", b":", b" ", b"\t", b"\0", b"\xff", b"\xef\xbb\xbf"),
    *(b"NaN", b"null", b"true", b"1e400", b"-0", b"-", b".", b"_", b"0x1", b"\\u0000", b"\\ud800", b"\\", b"'", b"("),
    *(b"9" * 30, b"1" * 400, b"\xc2\xb2", b"\xed\xa0\x80", b"\x1f\x8b", b"\x93NUMPY", b"(,)", b"True", b";", b"\x80"),
    *(b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b'""', b"e", b"+", b"=", b"1," * 60, b"\n" * 90),
    MARK.encode(),
)


def text(draws: Draws) -> str:
    """Return an odd text, or one of a few odd characters."""
    kind = draws.below(8)
    if kind > 3:
        return MARK if kind == 7 else draws.pick(TEXTS)
    return draws.take(draws.below(9)).decode("utf-8", "surrogateescape")


def number(draws: Draws) -> float:
    """Return a number that is finite: one of a flower, any of float64, or one of few digits."""
    kind = draws.below(4)
    if kind == 1:
        found = struct.unpack("<d", draws.take(8).ljust(8, b"\0"))[0]
        return float(found) if found - found == 0 else 1.5
    if kind == 2:
        return float(draws.pick(ODD[10:12]) if draws.once_in(3) else draws.below(2**32))
    return draws.below(90) / 10 if kind == 0 else draws.below(2**32) / 1e4 - 2e5


def value(draws: Draws, depth: int = 0) -> Any:
    """Return any value that JSON has, and some that it has not."""
    kind = draws.below(6 if depth < 3 else 3)
    if kind == 0:
        return deepcopy(draws.pick(ODD))
    if kind == 1:
        return text(draws)
    if kind == 2:
        return number(draws)
    if kind == 3:
        return [value(draws, depth + 1) for _ in range(draws.below(4))]
    if kind == 4:
        return {text(draws): value(draws, depth + 1) for _ in range(draws.below(4))}
    nested: Any = value(draws, depth + 1)
    for _ in range(draws.pick((2, 60, 900))):
        nested = [nested] if depth else {"a": nested}
    return nested


def altered(draws: Draws, found: Any, depth: int = 0) -> Any:
    """Return a JSON value with something in it put in another's place, removed, added or said twice."""
    if not isinstance(found, dict | list) or not found or depth > 9 or draws.once_in(6):
        return _another(draws, found)
    key: Any = draws.pick(list(found) if isinstance(found, dict) else range(len(found)))
    change = draws.below(8)
    if change < 5:
        found[key] = altered(draws, found[key], depth + 1)
    elif change == 5:
        del found[key]
    elif isinstance(found, list):
        found += [found[key]] * draws.pick((1, 2, 100)) if change == 6 else [value(draws)]
    elif change == 6:
        found[text(draws)] = value(draws)
    else:
        found[text(draws)] = found.pop(key)
    return found


def _another(draws: Draws, found: Any) -> Any:
    change = draws.below(6)
    if change == 1:
        return [found]
    if change == 2:
        return str(found)
    if change == 3 and isinstance(found, str):
        return found.swapcase() if draws.below(2) else found + text(draws)
    if change == 4 and isinstance(found, int | float):
        return draws.pick(
            (
                -found,
                found + 1,
                found / 3 if abs(found) < 1e300 else 0,
                int(found) if found == found and abs(found) < 1e300 else 0,
            )
        )
    return value(draws)


def altered_bytes(draws: Draws, data: bytes) -> bytes:
    """Return bytes with one place or a few altered, or cut off."""
    for _ in range(1 + draws.below(4)):
        at = draws.below(len(data) + 1)
        end = at + 1 + draws.below(8)
        change = draws.below(8)
        if change < 3:
            data = data[:at] + draws.pick(TOKENS) + data[at:]
        elif change == 3:
            data = data[:at] + draws.take(end - at) + data[end:]
        elif change == 4:
            data = data[:at] + data[end:]
        elif change == 5:
            data = data[:at] + data[at:end] * draws.pick((2, 3, 50)) + data[end:]
        elif change == 6:
            data = data[:at] + draws.pick(TOKENS) + data[end:]
        else:
            data = data[:at]
    return data
