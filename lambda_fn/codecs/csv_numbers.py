"""Numbers of CSV without quotes: the cells of columns at once, by arithmetic on their bytes, each as float() has it.

A cell of at most 23 bytes, digits with at most one point and a sign, is a whole number below 2^63 over 10^k, k <= 22.
Its digits are read eight at a time, as a word of 64 bits in which the first of them is lowest. All else is read singly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Words = NDArray[np.uint64]
    type Places = NDArray[np.int64]
    type Other = Callable[[str, int], float]

BLOCK_CELLS = 8192
"""About how many cells are read at once: arrays of them stay in a core's cache."""
MAX_BLOCK_BYTES = 1 << 18
FRONT = 32
"""Bytes before a block: three words are read before the end of each cell, however short."""
LONGEST = 23

ONES = np.uint64(0x0101010101010101)
DIGITS = ONES * np.uint64(ord("0"))
POINT = np.uint64(ord("0") ^ ord("."))
OVER_NINE = ONES * np.uint64(0x80 - 10)
TOPS = ONES * np.uint64(0x80)
ALL = np.uint64(2**64 - 1)
TOP = np.uint64(1 << 63)
MOST = np.uint64(921)
"""Of the digits that stand above 16 others, so that all together are below 2^63."""
EXACT = 2**53
FRACTION, LEADING = np.int64(2**52 - 1), np.int64(2**52)
SPREAD = 0x678A5AA33B6FE507
"""Times 2^(8 i + j), i < 8 and j < 3, it is another number in the top 6 bits for each, and never 0."""


def _by_mark(value: Callable[[int], Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return the values for 0 to 22 digits behind the point, each at the place to which `SPREAD` sends its mark."""
    table = np.full(64, value(0), dtype)
    for digits in range(LONGEST):
        mark = 1 << 8 * (7 - digits % 8) + digits // 8
        table[(mark * SPREAD & 2**64 - 1) >> 58] = value(digits)
    return table


POWERS_OF_10 = _by_mark(lambda digits: 10.0**digits, np.float64)
POWERS_OF_5 = _by_mark(lambda digits: 5**digits, np.int64)
SHIFTS = _by_mark(lambda digits: 1075 - digits, np.int64)


def columns_of(text: bytes, rows: int, width: int, wanted: Sequence[int], other: Other) -> NDArray[np.float64] | None:
    r"""Return the numbers in the `wanted` columns of `text`, (rows, wanted).

    text: whole lines of `width` cells, without quotes; the last one may lack its end.
    other: makes a number of a cell that is more than digits, a point and a sign, given its place in `wanted`.

    None if it has other than `rows` lines of that width, or `other` raises ValueError. Cells of other columns are not
    looked at.

    >>> columns_of(b"1.5,x,2\n-3,,1e3\n", 2, 3, [2, 0], lambda cell, at: float(cell)).tolist()
    [[2.0, 1.5], [1000.0, -3.0]]
    """
    numbers, done = np.empty((rows, len(wanted))), 0
    signed = b"-" in text or b"+" in text
    for buffer in _blocks(text, rows, len(wanted)):
        cells = _cells(buffer, width)
        if cells is None or len(cells[0]) > rows - done:
            return None
        try:
            done += _read_block(buffer, *cells, numbers[done:], wanted, other, signed=signed)
        except ValueError:
            return None
    return numbers if done == rows else None


def _blocks(text: bytes, rows: int, wanted: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the lines of `text`, some at once, with room in front of them."""
    line = max(len(text) // max(rows, 1), 1)
    step, begin = min(line * max(BLOCK_CELLS // max(wanted, 1), 1), MAX_BLOCK_BYTES), 0
    while begin < len(text):
        end = text.rfind(b"\n", begin, begin + step) + 1 or text.find(b"\n", begin) + 1 or len(text)
        size = FRONT + end - begin
        buffer = np.zeros((size + 16) // 8 * 8, np.uint8)  # words, the last of them behind the last end
        buffer[FRONT:size] = np.frombuffer(text, np.uint8, end - begin, begin)
        if buffer[size - 1] != ord("\n"):
            buffer[size] = ord("\n")
        yield buffer
        begin = end


def _cells(buffer: NDArray[np.uint8], width: int) -> tuple[Places, Places] | None:
    """Return where in a block cells start and end, (lines, width) each; None if lines are of other widths."""
    separators = buffer == np.uint8(ord("\n"))
    lines = np.count_nonzero(separators)
    separators |= buffer == np.uint8(ord(","))
    ends = separators.nonzero()[0]
    if len(ends) != lines * width:
        return None
    starts = np.empty_like(ends)
    starts[0], starts[1:] = FRONT, ends[:-1] + 1
    starts, ends = starts.reshape(-1, width), ends.reshape(-1, width)
    last = ends[:, -1]
    if (buffer.take(last) != ord("\n")).any():
        return None
    last -= (buffer.take(last - 1) == ord("\r")) & (last > starts[:, -1])
    return starts, ends


def _read_block(
    buffer: NDArray[np.uint8],
    starts: Places,
    ends: Places,
    numbers: NDArray[np.float64],
    wanted: Sequence[int],
    other: Other,
    *,
    signed: bool,
) -> int:
    """Put the numbers of a block where they belong, columns of cells of as many words at once; return its lines."""
    lines, width = len(ends), ends.shape[1]
    if list(wanted) != list(range(width)):
        starts, ends = starts[:, wanted], ends[:, wanted]
    words = np.clip((ends - starts).max(axis=0) + 7 >> 3, 1, 3)
    for count in range(1, 4):
        among = (words == count).nonzero()[0]
        if len(among) == len(words):
            found = _read(buffer, starts.ravel(), ends.ravel(), count, among, other, signed=signed)
            numbers[:lines] = found.reshape(lines, -1)
        elif len(among):
            found = _read(buffer, starts[:, among].ravel(), ends[:, among].ravel(), count, among, other, signed=signed)
            numbers[:lines, among] = found.reshape(lines, -1)
    return lines


def _read(
    buffer: NDArray[np.uint8],
    starts: Places,
    ends: Places,
    count: int,
    columns: Places,
    other: Other,
    *,
    signed: bool,
) -> NDArray[np.float64]:
    """Return the numbers of cells of at most `count` words; of longer ones, too. Their columns take turns."""
    firsts = starts
    if signed:
        signs = buffer.take(starts)
        negative = signs == ord("-")
        firsts = starts + (negative | (signs == ord("+")))
    lengths = ends - firsts  # an empty cell's separator is no sign
    words = _words(buffer, ends, lengths, count)
    odd, marks = _without_points(words)
    if lengths.min() < 2:
        odd |= _top(lengths == (0 if marks is None else marks != 0))
    if count == 3:
        odd |= _top(lengths > LONGEST)
    whole = _value(words[0])
    if count > 1:
        whole += _value(words[1]) * np.uint64(10**8)
    if count > 2:
        highest = _value(words[2])
        odd |= _top(highest > MOST)
        whole += np.minimum(highest, MOST) * np.uint64(10**16)
    numbers = _quotients(whole.view(np.int64), marks, odd)
    if signed:
        np.negative(numbers, out=numbers, where=negative)
    odd &= TOPS
    if odd.max():
        places = odd.nonzero()[0]
        text, turns = buffer.tobytes(), columns[places % len(columns)].tolist()
        bounds = zip(starts[places].tolist(), ends[places].tolist(), turns, strict=True)
        numbers[places] = [other(text[start:end].decode(), column) for start, end, column in bounds]
    return numbers


def _top(odd: NDArray[np.bool_]) -> Words:
    """Return a word for each, with the top bit of its first byte set where it is true."""
    return odd.astype(np.uint64) << np.uint64(7)


def _words(buffer: NDArray[np.uint8], ends: Places, lengths: Places, count: int) -> list[Words]:
    """Return the words that end the cells, the last one first: the value of each digit, 0 before a cell's first."""
    aligned, words = buffer.view(np.uint64), []
    places, right = ends >> 3, (ends.view(np.uint64) & np.uint64(7)) << np.uint64(3)
    left = np.uint64(64) - right  # numpy makes 0 of what is shifted by 64 and more
    word, shortest = aligned.take(places), lengths.min()
    for behind in range(0, 8 * count, 8):
        places -= 1
        before = aligned.take(places, mode="clip")
        word <<= left
        word |= before >> right
        word ^= DIGITS
        if shortest < behind + 8:
            missing = np.maximum(behind + 8 - lengths, 0).view(np.uint64)
            word &= ALL << (missing << np.uint64(3))
        words.append(word)
        word = before
    return words


def _without_points(words: list[Words]) -> tuple[Words, Words | None]:
    """Close the gaps where points are; return where there is something else, and the points' marks, None without any.

    The first array has the top bit of a byte set for a cell that is not digits and one point.
    A mark is 2^(8 i + j) for byte i of word j; 0 if there is no point.
    """
    odd, marks, seen = np.zeros_like(words[0]), None, None
    for number, word in enumerate(words):
        points = word >> np.uint64(4)  # the bit that digits lack
        points &= ONES
        if points.max():
            word -= points * POINT
            odd |= (word & points) << np.uint64(7)  # a slash; what is less than a point has borrowed the top bit
            moved = points << np.uint64(number) if number else points
            marks = moved if marks is None else marks | moved
            seen = points if seen is None else seen | points
        over = word + OVER_NINE
        over |= word
        odd |= over
        if seen is not None:  # digits before the point move by one byte, over it
            before = points - np.minimum(seen, np.uint64(1))
            before &= word
            word += before * np.uint64(255)
            if number:
                words[number - 1] += before >> np.uint64(56)
    if marks is not None:
        several = marks & marks - np.uint64(1)
        if several.max():
            odd |= _top(several != 0)
    return odd, marks


def _value(word: Words) -> Words:
    """Return the number that eight digits are: pairs of them first, then four and four."""
    word = word * np.uint64(10 * 2**8 + 1)
    word >>= np.uint64(8)
    pairs = word & np.uint64(0xFF000000FF)
    pairs *= np.uint64(10**6 * 2**32 + 100)
    word >>= np.uint64(16)
    word &= np.uint64(0xFF000000FF)
    word *= np.uint64(10**4 * 2**32 + 1)
    word += pairs
    word >>= np.uint64(32)
    return word


def _quotients(whole: Places, marks: Words | None, odd: Words) -> NDArray[np.float64]:
    """Return the float64 nearest to each w / 10^k, w = `whole` below 2^63; set the top bit of `odd` where it is not.

    Up to w = 2^53 both are float64, and so is what one division rounds. Above, with w rounded to wh, the quotient
    q = m 2^-s of wh and 10^k is less than 1.5 of its last places off: half for the division, less than m / 2^53 for wh.
    The rest r = w 2^(s - k) - m 5^k is a whole number, less than 1.5 5^k < 2^53: right though both terms are taken
    modulo 2^64. 5^k is odd, so 2 r is never 5^k: m is off by one where |2 r| is more than it, and right elsewhere. As
    bits of float64, m + 1 and m - 1 are the next ones in another binade, too. Odd are k > s, where w has bits below
    those of r; and m = 2^52 with r < 0, below which last places are half as large.
    """
    numbers = whole.astype(np.float64)
    if marks is None:
        return numbers
    places = ((marks * np.uint64(SPREAD)) >> np.uint64(58)).view(np.int64)
    numbers /= POWERS_OF_10.take(places)
    if whole.max() <= EXACT:
        return numbers
    bits, fives = numbers.view(np.int64), POWERS_OF_5.take(places)
    shifts = SHIFTS.take(places)
    shifts -= bits >> 52
    fraction = bits & FRACTION
    rest = (whole.view(np.uint64) << shifts.view(np.uint64)).view(np.int64)
    rest -= (fraction | LEADING) * fives
    if not whole.min():
        rest[whole == 0] = 0
    fraction -= 1
    fraction &= rest
    fraction |= shifts
    odd |= fraction.view(np.uint64) & TOP
    rest += rest
    bits += fives + rest >> 63
    fives -= rest
    bits -= fives >> 63
    return numbers
