"""The page says what was measured, a missed target included; the chart is drawn."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.chart import draw
from benchmarks.page import page
from benchmarks.results import COLD, COLD_LATE, COLD_TLS, MEMORY, UNZIPPED, WARM, ZIPPED, Results, Size
from benchmarks.targets import Target, targets

NAMES = ("plume", "seed", "web", "empty", "floor")
CALLS = {
    "plume 2": [30e-6, 29e-6, 31e-6],
    "steps 2": [20e-6, 19e-6, 21e-6],
    "web 2": [300e-6] * 3,
    "seed 2": [600e-6] * 3,
    "predict 2": [450e-6, 450e-6, 465e-6],
    "whose": [3e-6] * 3,
    "looking 2": [60e-6] * 3,
    "answering 2": [35e-6] * 3,
    "in shadow 2": [100e-6] * 3,
    "plume 10000": [11e-3] * 3,
    "steps 10000": [10e-3] * 3,
    "web 10000": [22e-3] * 3,
    "seed 10000": [33e-3] * 3,
    "predict 10000": [44e-3] * 3,
}
LAYERS = {"x86_64": Size(21_000_000, 60_000_000), "arm64": Size(20_000_000, 59_000_000)}


@pytest.fixture
def results() -> Results:
    """Results that reach every target, some just so."""

    def figure(*samples: float) -> dict[str, list[float]]:
        return {name: [sample * 0.9, sample, sample * 1.5] for name, sample in zip(NAMES, samples, strict=True)}

    figures = {
        ZIPPED: {name: [20.0] for name in NAMES},
        UNZIPPED: {name: [60.0] for name in NAMES},
        COLD: figure(115, 1200, 500, 35, 100),
        COLD_LATE: figure(125, 1220, 520, 35, 100),
        COLD_TLS: figure(130, 1230, 530, 35, 100),
        WARM: figure(0.8, 1.6, 1.7, 0.6, 0.7),
        MEMORY: figure(70, 150, 110, 14, 66),
    }
    return Results(figures, CALLS, LAYERS, 3)


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of each row of the tables of `text` by that of the first column."""
    lines = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {first: cells for first, *cells in lines}


def test_targets_that_are_just_reached(results: Results) -> None:
    assert [each.what for each in targets(results) if not each.reached] == []
    assert "**no**" not in page(results)


def test_a_missed_target_is_shown_as_missed(results: Results) -> None:
    slow = replace(
        results, figures={**results.figures, COLD: {**results.figures[COLD], "plume": [104.4, 116.0, 174.0]}}
    )
    assert [each.what for each in targets(slow) if not each.reached] == ["cold start, plume / floor"]
    cells = rows(page(slow))
    assert cells["cold start, plume / floor"] == ["≤ 1.15", "1.16", "**no**"]
    assert cells["cold start, seed / plume"] == ["≥ 8", "10.34", "yes"]


def test_a_target_missed_by_less_than_is_shown() -> None:
    assert not Target("layer", 21, 21.000001).reached
    assert not Target("ratio", 8, 7.999999, at_least=True).reached


@pytest.mark.parametrize("name", ["plume 2", "plume 10000"])
def test_slow_calls_miss_theirs(results: Results, name: str) -> None:
    slow = replace(results, calls={**CALLS, name: [1.0] * 3})
    assert any("rows" in each.what and not each.reached for each in targets(slow))


def test_a_ratio_is_that_of_the_same_moments(results: Results) -> None:
    drifting = {**results.figures, COLD: {"plume": [100.0, 200.0, 460.0], "floor": [100.0, 210.0, 400.0]}}
    assert replace(results, figures=drifting).ratio(COLD, "plume", "floor") == 1.0


def test_figures_and_ratios(results: Results) -> None:
    cells = rows(page(results))
    assert cells[COLD][0] == "115 (104 to 172)"
    assert cells[COLD][-3:] == ["1.15", "4.35", "10.43"]
    medians = ["30.0 (29.0 to 31.0)", "20.0", "300.0", "600.0", "450.0"]
    assert cells["2 rows"] == [*medians, "1.50", "10.00", "20.00", "15.00"]
    assert cells["10,000 rows"][-4:] == ["1.10", "2.00", "3.00", "4.00"]


def test_what_does_not_fit_costs_nothing(results: Results) -> None:
    x86_64 = page(results).split("x86_64:")[1].split("arm64:")[0]
    sizes = re.findall(r"\| ([\d,]+) \| 1% \| ([\d.]+) \| [\d.]+ \| ([\d.-]+) \| ([\d.-]+) \|", x86_64)
    assert sizes[0] == ("128", "0.205", "0.215", "-")  # 0.125 GB: 2.24 ms and 7.18 ms a call
    assert [size for size, *_ in sizes] == ["128", "256", "512", "1,024", "1,769"]


def test_chart(results: Results, tmp_path: Path) -> None:
    draw(results, tmp_path / "results.png")
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")
