"""What a billion rows take and cost, against figures worked out by hand."""

from benchmarks import billion

CSV, NPY = "| CSV → CSV | 250,000 | 180.0 | 40.1 | 1 |", "| NPY → NPY | 1,000,000 | 80.0 | 24.0 | 2 |"
SLOW = "| CSV → CSV | 10,000 | 1.0 | 0.1 | 1 |"
PAGE = f"## flat\n{CSV}\n{NPY}\n{SLOW}\n## Memory\n| 10 | 1 |\n"


def test_worked_out_by_hand() -> None:
    csv = ["flat", "CSV", "250,000", "4,000", "2,813", "16,878", "4.8", "PUTs", "0.42"]  # 3 waves of 1.42 s; 2 parts
    npy = ["flat", "NPY", "1,000,000", "1,000", "1,250", "8,750", "2.5", "PUTs", "0.17"]  # 2 of 0.8; 3 parts
    slow = ["flat", "CSV", "10,000", "100,000", "16", "48", "6,250.0", "work", "2.88"]  # 1 wave; 1 part
    assert [line.strip("| ").split(" | ") for line in billion.lines(PAGE)][2:] == [csv, npy, slow]


def test_the_page_has_what_the_measured_rates_lead_to() -> None:
    written = "\n".join(billion.lines(billion.RATES.read_text()))
    assert written in billion.PAGE.read_text(), "run python -m benchmarks.billion"
