"""Tables of any shape in chunks of any size: the same rows as in one chunk, refused rows with their places."""

import random
from typing import Any

import pytest

from lambda_fn.bulk.borders import next_line, next_row
from lambda_fn.bulk.row_ends import row_ends
from lambda_fn.storage import large
from tests.conftest import FEATURES
from tests.lambda_fn.bulk.grounds import Bulk

CELLS = [
    "",
    "x",
    '"a,b"',
    '"line\nbreak"',
    '"line\r\nbreak, ""quoted"""',
    '""',
    'a"b',
    '"c"d',
    "Ö" * 30,
    '"' + "y,\n" * 40 + '"',
]
ENDS = ["\n", "\r\n", "\n\n", "\r\n\r\n"]


def table(generator: random.Random, strays: bool) -> str:
    """Return a table of odd rows: of many kinds of cells, some too short or too long, some no numbers."""
    cells = CELLS if strays else [cell for cell in CELLS if cell not in ('a"b', '"c"d')]
    lines = [f"note,{FEATURES[0]},{FEATURES[1]},id\n"]
    for number in range(generator.randrange(1, 60)):
        row = [generator.choice(cells), f"{generator.uniform(4, 8):.1f}", f"{generator.uniform(2, 4):.1f}", str(number)]
        if generator.random() < 0.1:
            row[generator.randrange(1, 3)] = generator.choice(["", "x", "nan", "1e300", '"5.1"'])
        if generator.random() < 0.05:
            row.append("more")
        lines.append(",".join(row) + generator.choice(ENDS))
    return "".join(lines).rstrip("\r\n") if generator.random() < 0.3 else "".join(lines)


def outcome(bulk: Bulk, key: str, chunk_mb: float) -> tuple[Any, int]:
    """Return what came of a table, whatever its chunks are, and how many those were."""
    out = f"{key}-{chunk_mb}/"
    columns = ["note", "id", "prediction"]
    summary = bulk.run(bulk.request(key, out, chunk_mb=chunk_mb, on_error="quarantine", columns=columns))
    assert (bulk.failures, summary["status"]) == ({}, "SUCCEEDED")
    rows = b"".join(part.partition(b"\n")[2] for part in bulk.parts(out))
    return (rows, bulk.quarantined(summary), summary["rows"]), summary["chunks"]["planned"]


@pytest.mark.parametrize("seed", range(24))
def test_chunks_of_any_size_answer_what_one_does(seed: int, bulk: Bulk) -> None:
    generator = random.Random(seed)
    bulk.put("in/a.csv", table(generator, strays=seed % 2 == 0).encode())
    whole, _ = outcome(bulk, "in/a.csv", 0)
    for size in (0.0001, generator.uniform(0.0001, 0.002)):
        assert outcome(bulk, "in/a.csv", size)[0] == whole


def test_most_tables_with_quotes_are_cut(bulk: Bulk) -> None:
    cut = 0
    for seed in range(10):
        bulk.put(f"in/{seed}.csv", table(random.Random(seed), strays=False).encode())
        cut += outcome(bulk, f"in/{seed}.csv", 0.0003)[1] > 1
    assert cut >= 5


def test_a_border_is_where_a_row_begins_wherever_it_is_looked_for(bulk: Bulk) -> None:
    text = table(random.Random(3), strays=False).encode()
    commas = text.partition(b"\n")[0].count(b",")
    bulk.put("in/a.csv", text)
    found = large.find(bulk.bucket, "in/a.csv")
    assert found is not None
    starts = [*row_ends(text, True).tolist()]
    for at in range(1, len(text), 7):
        place = next_row(found, at, commas)
        assert place is None or place == next((start for start in starts if start >= at), len(text))


def test_a_line_is_found_behind_a_longer_one_than_is_looked_at(bulk: Bulk) -> None:
    text = b"[1]\n" + b" " * 200_000 + b"[2]\n[3]"
    bulk.put("in/a.jsonl", text)
    found = large.find(bulk.bucket, "in/a.jsonl")
    assert found is not None
    assert [next_line(found, at) for at in (1, 4, 5, 199_000, 200_008)] == [4, 4, 200_008, 200_008, 200_008]
    assert next_line(found, 200_009) == len(text)
