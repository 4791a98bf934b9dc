"""What a billion rows take and cost, against figures worked out by hand."""

import pytest

from benchmarks import billion

CSV, NPY = "| CSV → CSV | 250,000 | 180.0 | 40.1 | 1 |", "| NPY → NPY | 1,000,000 | 80.0 | 24.0 | 2 |"
PAGE = f"## flat\n{CSV}\n{NPY}\n## Memory\n| 10 | 1 |\n"


def test_worked_out_by_hand() -> None:
    csv = ["flat", "CSV", "250,000", "4,000", "2,813", "2", "4.3", "0.42"]  # 3 waves of 1.42 s
    npy = ["flat", "NPY", "1,000,000", "1,000", "1,250", "3", "1.6", "0.17"]  # 2 of 0.8
    assert [line.strip("| ").split(" | ") for line in billion.lines(PAGE)][2:] == [csv, npy]


def test_dollars() -> None:
    assert billion.dollars(1024 / 1769, 0, 2) == pytest.approx(0.0000166667)
    assert billion.dollars(0, 1000, 2) == pytest.approx(0.075 + 0.0002 + 0.03 + 0.0016)


def test_the_page_has_what_the_measured_rates_lead_to() -> None:
    written = "\n".join(billion.lines(billion.RATES.read_text()))
    assert written in billion.PAGE.read_text(), "run python -m benchmarks.billion"
