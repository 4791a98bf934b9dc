"""Rows of numbers and labels as text, all at once: each cell is as wide as the widest may be, then what pads them goes.

A cell is words of 64 bits. It is padded with bytes that UTF-8 never has, and its last byte is the first of what stands
between it and the next one. A number's cell has three words: its sign, its 17 digits in groups of 2, 4, 4, 4 and 3 from
byte 6 on behind ``0.000``, or else from byte 2 on; then those before the point move by one byte, which makes its room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lambda_fn.codecs.decimals import DECADES, LEAST, MOST, shortest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.codecs.decimals import Floats, Marks, Whole

    type Words = NDArray[np.uint64]
    type Quarters = NDArray[np.uint32]
    type Labels = tuple[Words, NDArray[np.intp]]
    """The words of each text (texts, words), and which of them each row has (n,)."""
    type Column = Floats | Labels

BLOCK_WORDS = 1 << 15
"""About how many words are written at once: they stay in a core's cache, beside some arrays of as many numbers."""
LONGEST_LABEL = 64
"""In bytes, with what stands behind it. All labels take as many words as the longest."""
FEW = 64
"""Whole numbers that are no further apart are known to be few without a look at each."""
PAD, LATER = b"\xff", b"\xfe"
"""Bytes that no text has: what goes, and where a number's text comes in that is not written here."""

PADS = np.uint64(2**64 - 1)
MINUS = np.uint64(0xFF - ord("-"))
TOPS = np.uint64(0x8080808080808080)
PAD_LESS_0 = np.uint64(0xFF - ord("0"))
SMALL, ONE, LARGE = DECADES.index(-4), DECADES.index(0), DECADES.index(16)
"""Places of decades: from the first on repr writes ``0.``, from the second on digits before the point. Numbers below,
and those from the last on, have an exponent."""
LONG = DECADES.index(-99), DECADES.index(99)
"""Between which exponents have two digits."""


def _word(text: bytes) -> int:
    """Return a text as a word, padded."""
    return int.from_bytes(text.ljust(8, PAD), "little")


def _quarters(size: int, *, last: bool) -> Quarters:
    """Return the texts of all groups of `size` digits, in order; without their last zeros if they are a number's last.

    Pads stand behind three digits, and in front of two.
    """
    digits = np.arange(10**size)[:, None] // 10 ** np.arange(size)[::-1] % 10
    texts = (digits + ord("0")).astype(np.uint8)
    if last:
        texts[~np.logical_or.accumulate(digits[:, ::-1] != 0, axis=1)[:, ::-1]] = PAD[0]
    quarters = np.full((len(texts), 4), PAD[0], np.uint8)
    quarters[:, 2 if size == 2 else 0 :][:, :size] = texts
    return quarters.view(np.uint32)[:, 0].copy()


def _fronts(twos: Quarters) -> Words:
    """Return the first words, by decade and the first two digits, of numbers that begin with ``0.``."""
    texts = [PAD + (b"0." + b"0" * zeros).ljust(5, PAD) for zeros in range(3, -1, -1)]
    return np.array([_word(text + two.tobytes()[2:]) for text in texts for two in twos], np.uint64)


def _masks(make: Callable[[int], bytes]) -> list[Words]:
    """Return what a cell of three words has by the decade, from that of 1 on, word by word."""
    masks = b"".join(make(decade) for decade in range(16))
    return list(np.frombuffer(masks, np.uint64).reshape(16, 3).T.copy())


def _suffix(decade: int) -> int:
    """Return the last word of a number with an exponent, but for digits."""
    text = b"e%+03d" % decade
    return _word(PAD * (7 - len(text)) + text)


THREE_LAST, FOUR, FOUR_LAST = _quarters(3, last=True), _quarters(4, last=False), _quarters(4, last=True)
TWO, TWO_LAST = _quarters(2, last=False), _quarters(2, last=True)
FRONTS, FRONTS_LAST = _fronts(TWO), _fronts(TWO_LAST)
SUFFIXES = np.array([_suffix(decade) for decade in DECADES], np.uint64)
KEPT = _masks(lambda decade: bytes(2) + b"\x80" * (decade + 2) + bytes(20 - decade))
"""The top bits of digits that are written though they are last zeros: up to the first behind the point."""
BEFORE = _masks(lambda decade: bytes(2) + PAD * (decade + 1) + bytes(21 - decade))
BEHIND = _masks(lambda decade: PAD + bytes(decade + 2) + PAD * (21 - decade))
POINTS = _masks(lambda decade: bytes(2 + decade) + b"." + bytes(21 - decade))
ZERO = np.array([_word(PAD + b"0.0"), PADS, PADS], np.uint64)
GAP = np.array([_word(LATER), PADS, PADS], np.uint64)


def rows_of(head: bytes, columns: Iterable[tuple[Column, bytes]]) -> bytes:
    """Return rows: `head`, and each column's text with what stands behind it, one byte at least.

    >>> rows_of(b"", [(np.array([0.5, 12.0]), b";"), (np.array([1e-7, 3.0]), b"|")])
    b'0.5;1e-07|12.0;3.0|'
    """
    columns, literals = list(columns), [(0, head)]
    places, width = [], -(-len(head) // 8)
    for column, behind in columns:
        places.append(width)
        width += column[0].shape[1] if isinstance(column, tuple) else 3
        literals.append((width, behind[1:]))
        width += -(-len(behind[1:]) // 8)
    first = columns[0][0]
    count = len(first[1] if isinstance(first, tuple) else first)
    step = min(max(BLOCK_WORDS // width, 1), count)
    matrix = np.full((step, width), PADS)
    for at, text in literals:
        matrix.view(np.uint8)[:, 8 * at : 8 * at + len(text)] = np.frombuffer(text, np.uint8)
    parts, ends = [], [_ends(column, behind[0]) for column, behind in columns]
    for begin in range(0, count, step):
        rows = matrix[: count - begin]
        cells, later = _cells([column[begin : begin + step] for column, _ in columns if not isinstance(column, tuple)])
        for (column, _), at, end in zip(columns, places, ends, strict=True):
            if isinstance(column, tuple):
                for word, texts in enumerate(column[0].T & end[:, None], at):
                    rows[:, word] = texts.take(column[1][begin : begin + step])
            else:
                np.bitwise_and(next(cells), end, out=rows[:, at : at + 3])
        parts.append(_filled(rows.tobytes().translate(None, PAD), later))
    return b"".join(parts)


def _ends(column: Column, end: int) -> Words:
    """Return the words of a cell of pads that ends with the byte `end`."""
    words = np.full(column[0].shape[1] if isinstance(column, tuple) else 3, PADS)
    words.view(np.uint8)[-1] = end
    return words


def _cells(columns: list[NDArray[np.floating[Any]]]) -> tuple[Iterator[Words], list[str]]:
    """Return the cells (n, 3) of each column of numbers (n,); and by row and column the texts that gaps wait for."""
    if not columns:
        return iter(()), []
    numbers = np.empty((len(columns), len(columns[0])))
    for place, column in enumerate(columns):
        numbers[place] = column
    cells = np.empty((*numbers.shape, 3), np.uint64)
    gaps = _write_numbers(numbers.ravel(), cells.reshape(-1, 3)).reshape(numbers.shape)
    return iter(cells), list(map(repr, numbers.T[gaps.T].tolist()))


def columns_of(
    prediction: NDArray[Any] | None, probabilities: NDArray[Any] | None, text_of: Callable[[Any], bytes]
) -> list[Column] | None:
    """Return columns of labels or values (n,) and of probabilities (n, classes); None where `rows_of` has no way.

    text_of: makes the text of a label, once for each that there is.

    >>> columns = columns_of(np.array(["b", "a", "b"]), np.array([[0.25], [1.0], [1e-5]]), str.encode)
    >>> rows_of(b"<", zip(columns, [b":", b">"]))
    b'<b:0.25><a:1.0><b:1e-05>'
    """
    columns: list[Column] = []
    for values in (prediction, *(() if probabilities is None else probabilities.T)):
        if values is None:
            continue
        labels = None if values.dtype.kind == "f" else _labels(values, text_of)
        if labels is None and (values.dtype.kind != "f" or values.dtype.itemsize > 8):
            return None
        columns.append(values if labels is None else labels)
    return columns


def _labels(labels: NDArray[Any], text_of: Callable[[Any], bytes]) -> Labels | None:
    """Return a column of labels; None if the text of one is too long, or they are objects of any kind."""
    values: Sequence[Any]
    least, most = (int(labels.min()), int(labels.max())) if labels.dtype.kind in "iu" else (0, FEW)
    if most - least < FEW:
        values, which = range(least, most + 1), (labels - labels.min()).astype(np.intp)
    else:
        each = labels.tolist()
        known = {label: place for place, label in enumerate(dict.fromkeys(each))}
        values, which = list(known), np.fromiter(map(known.__getitem__, each), np.intp, len(each))
        if labels.dtype == object and set(map(type, values)) != {str}:
            return None
    texts = [text_of(value) for value in values]
    size = max(map(len, texts)) // 8 * 8 + 8  # one byte more at least
    if size > LONGEST_LABEL:
        return None
    return np.frombuffer(b"".join(text.ljust(size, PAD) for text in texts), np.uint64).reshape(len(texts), -1), which


def _filled(text: bytes, later: list[str]) -> bytes:
    """Return `text` with each gap filled by what comes later."""
    if not later:
        return text
    first, *others = text.split(LATER)
    return first + b"".join([part for gap in zip(map(str.encode, later), others, strict=True) for part in gap])


def _write_numbers(numbers: Floats, cells: Words) -> Marks:
    """Write numbers (n,) into cells (n, 3); return which are left to repr, in whose cells there are gaps."""
    sizes, strange = np.abs(numbers), None
    if not (sizes.min() >= LEAST and sizes.max() < MOST):  # nor is NaN
        strange = ~((sizes >= LEAST) & (sizes < MOST))
        sizes[strange] = 1
    digits, decades, left = shortest(sizes)
    _write_decimals(digits, decades, cells)
    if strange is not None:
        zeros = numbers == 0
        cells[zeros.nonzero()[0]] = ZERO
        left |= strange & ~zeros
    negative = np.signbit(numbers)
    if negative.any():
        cells[:, 0] -= negative * MINUS
        left |= negative & _is_long(decades)
    if left.any():
        cells[left.nonzero()[0]] = GAP
    return left


def _write_decimals(digits: Whole, decades: Whole, cells: Words) -> None:
    """Write the numbers of each form that there is: 0.012, 1.2 and 1.2e-07."""
    least, most = decades.min(), decades.max()
    if least >= SMALL and most < ONE:
        _write_fractions(digits, decades, cells)
        return
    fractions, mixed = (decades >= SMALL) & (decades < ONE), (decades >= ONE) & (decades < LARGE)
    forms = [(fractions, _write_fractions), (mixed, _write_mixed), (~(fractions | mixed), _write_powers)]
    for among, write in forms:
        places = among.nonzero()[0]
        if len(places) == len(cells):
            write(digits, decades, cells)
        elif len(places):
            part = np.empty((len(places), 3), np.uint64)
            write(digits[places], decades[places], part)
            cells[places] = part


def _write_groups(digits: Whole, quarters: Quarters) -> tuple[Whole, Whole]:
    """Write all digits but the first two into quarters (n, 4) of cells, without last zeros.

    Return the first two digits, and where there are no others.
    """
    upper = digits // 10**7
    lower = digits - upper * 10**7
    third = lower // 1000
    first = upper // 10**4
    second = upper - first * 10**4
    two = first // 10**4
    first -= two * 10**4
    lower -= third * 1000
    groups = (first, second, third)
    quarters[:, 3] = THREE_LAST.take(lower)
    for place, group in enumerate(groups):
        quarters[:, place] = FOUR.take(group)
    ended = (lower == 0).nonzero()[0]
    for place in (2, 1, 0):
        if not len(ended):
            break
        group = groups[place].take(ended)
        quarters[ended, place] = FOUR_LAST.take(group)
        ended = ended[group == 0]
    return two, ended


def _write_fractions(digits: Whole, decades: Whole, cells: Words) -> None:
    two, ended = _write_groups(digits, cells.view(np.uint32)[:, 2:])
    two += (decades - SMALL) * 100
    cells[:, 0] = FRONTS.take(two)
    if len(ended):
        cells[ended, 0] = FRONTS_LAST.take(two.take(ended))


def _write_plain(digits: Whole, cells: Words) -> None:
    """Write the digits from byte 2 on, and pads around them."""
    quarters = cells.view(np.uint32)
    two, ended = _write_groups(digits, quarters[:, 1:5])
    quarters[:, 0] = TWO.take(two)
    quarters[ended, 0] = TWO_LAST.take(two.take(ended))
    quarters[:, 5] = 2**32 - 1


def _write_mixed(digits: Whole, decades: Whole, cells: Words) -> None:
    _write_plain(digits, cells)
    decades = decades - ONE
    words = int(decades.max() + 3) // 8 + 1
    for word in range(words):
        column = cells[:, word]
        lost = column & KEPT[word].take(decades)
        if lost.any():
            column -= (lost >> np.uint64(7)) * PAD_LESS_0
        moved = column & BEFORE[word].take(decades)
        column &= BEHIND[word].take(decades)
        column |= POINTS[word].take(decades)
        column |= moved >> np.uint64(8)
        if word:
            cells[:, word - 1] |= moved << np.uint64(56)


def _write_powers(digits: Whole, decades: Whole, cells: Words) -> None:
    _write_plain(digits, cells)
    front = cells[:, 0]
    moved = front & BEFORE[0][0]
    single = (front >> np.uint64(31)) & np.uint64(1)  # without a second digit there is no point
    front &= BEHIND[0][0]
    front |= POINTS[0][0]
    front |= moved >> np.uint64(8)
    front |= single * np.uint64(0xFF << 16)
    long = _is_long(decades).nonzero()[0]
    if len(long):  # over the place of the sign
        part = cells[long]
        moved = part[:, 1:] << np.uint64(56)
        part >>= np.uint64(8)
        part[:, :2] |= moved
        part[:, 2] |= np.uint64(0xFF << 56)
        cells[long] = part
    cells[:, 2] &= SUFFIXES.take(decades)


def _is_long(decades: Whole) -> Marks:
    """Whether the exponents have three digits. Then there is no room for a sign."""
    return (decades < LONG[0]) | (decades > LONG[1])
