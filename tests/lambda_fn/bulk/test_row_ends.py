"""Where rows of CSV end, against a reader that goes byte by byte."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_fn.bulk.row_ends import ends_within_quotes, line_ends, row_ends

TEXTS = st.text(alphabet=',"\n\ra', max_size=60).map(str.encode)


def slowly(text: bytes, last: bool) -> list[int]:
    """Return what `row_ends` does: a quote that stands where it may not makes its row end with its line."""
    ends, begin, quoted, at_start, stray = [], 0, False, True, False
    place = 0
    while place < len(text):
        code = text[place : place + 1]
        following = text[place + 1 : place + 2]
        if stray:
            pass
        elif quoted:
            if code == b'"':
                if following == b'"':
                    place += 1
                elif following in (b"", b",", b"\r", b"\n"):
                    quoted = False
                else:
                    stray, quoted = True, False
            at_start = False
            place += 1
            continue
        elif code == b'"':
            if at_start:
                quoted = True
            else:
                stray = True
            at_start = False
            place += 1
            continue
        at_start = code in (b",", b"\n")
        if code == b"\n":
            ends.append(place + 1)
            begin, stray = place + 1, False
        place += 1
    if last and begin < len(text):
        ends.append(len(text))
    return ends


@given(TEXTS, st.booleans())
@settings(max_examples=3000, deadline=None)
def test_rows_end_where_a_reader_byte_by_byte_has_them(text: bytes, last: bool) -> None:
    assert row_ends(text, last).tolist() == slowly(text, last)


@given(st.lists(st.lists(st.text(alphabet=',"\n a1é', max_size=5), min_size=2, max_size=3), max_size=8))
@settings(max_examples=500, deadline=None)
def test_what_python_writes_has_a_row_for_each_record(records: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(records)
    assert len(row_ends(text.getvalue().encode(), False)) == len(records)


@pytest.mark.parametrize(
    ("text", "within"),
    [(b'1,"a\n', True), (b'1,"a"\n', False), (b'1,"a""\n', True), (b"1,2\n", False), (b'5" x\n', False), (b'"', True)],
)
def test_a_text_that_ends_within_quotes_is_told(text: bytes, within: bool) -> None:
    assert ends_within_quotes(text) is within


def test_lines_end_at_line_ends_whatever_is_in_them() -> None:
    assert line_ends(b'{"a": "\\""}\n\n[1]', True).tolist() == [12, 13, 16]
    assert np.array_equal(line_ends(b"[1]", False), [])
