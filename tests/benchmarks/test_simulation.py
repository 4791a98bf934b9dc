"""The simulation: seeded, each call served once, and equal to what can be worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import simulate
from benchmarks.between import END, mark, write
from benchmarks.results import COLD_LATE, WARM
from benchmarks.simulation.chart import draw
from benchmarks.simulation.dollars import dollars, slower
from benchmarks.simulation.fleet import Served, serve
from benchmarks.simulation.measured import Spread, spread
from benchmarks.simulation.page import lines
from benchmarks.simulation.runs import MEMORY_SIZES, PROVISIONED, Plan, runs
from benchmarks.simulation.traffic import TRAFFIC, steady

PLAN = Plan(rate=5, seconds=600, seed=3)
START, CALL = Spread(0.1, 0.14, 0.15), Spread(0.0015, 0.0017, 0.002)


def served(name: str, provisioned: int = 0, took: float = 0.3, start: float = 1.0) -> Served:
    came = TRAFFIC[name](5, 1000, np.random.default_rng(1))
    return serve(came, np.full(len(came), took), np.full(len(came), start), provisioned)


def test_a_seed_makes_the_same_runs_again_and_another_makes_others() -> None:
    first, again = list(runs(PLAN, START, CALL)), list(runs(PLAN, START, CALL))
    assert first == again
    assert len(first) == len(TRAFFIC) * len(MEMORY_SIZES) * len(PROVISIONED)
    assert first != list(runs(Plan(rate=5, seconds=600, seed=4), START, CALL))


@pytest.mark.parametrize("name", TRAFFIC)
def test_calls_come_in_order_and_as_many_as_asked_for(name: str) -> None:
    came = TRAFFIC[name](20, 3600, np.random.default_rng(0))
    assert (np.diff(came) >= 0).all()
    assert came[0] >= 0
    assert len(came) == pytest.approx(20 * 3600, abs=5 * np.sqrt(20 * 3600))


@pytest.mark.parametrize("name", TRAFFIC)
@pytest.mark.parametrize("provisioned", [0, 3])
def test_no_environment_serves_two_calls_at_once(name: str, provisioned: int) -> None:
    found = served(name, provisioned)
    assert (found.environment >= 0).all()
    ends = found.came + found.latency
    for number in np.unique(found.environment):
        calls = found.environment == number
        assert (found.came[calls][1:] >= ends[calls][:-1]).all()


@pytest.mark.parametrize("provisioned", [0, 3])
def test_each_started_environment_has_one_cold_call_its_first(provisioned: int) -> None:
    found = served("spiky", provisioned)
    started, firsts = np.unique(found.environment[found.environment >= provisioned], return_index=True)
    cold = np.flatnonzero(found.cold)
    assert len(started) == len(cold)
    assert set(np.flatnonzero(found.environment >= provisioned)[firsts]) == set(cold)


def test_provisioned_environments_take_the_cold_starts_of_as_many_calls_at_once() -> None:
    most = served("spiky", 10_000).most_at_once
    assert served("spiky", most).cold.sum() == 0
    assert served("spiky", most - 1).cold.sum() > 0
    assert served("spiky", 0).cold.sum() > served("spiky", most // 2).cold.sum()


def test_an_idle_environment_is_kept_for_a_time() -> None:
    came = np.array([0.0, 60.0, 161.1])
    found = serve(came, np.full(3, 0.1), np.full(3, 1.0), idle=101.0)
    assert found.cold.tolist() == [True, False, False]
    assert found.latency.tolist() == [1.1, 0.1, 0.1]
    assert serve(came, np.full(3, 0.1), np.full(3, 1.0), idle=100.0).cold.tolist() == [True, False, True]


def test_steady_calls_keep_as_many_environments_busy_as_theory_says() -> None:
    """Of calls that come by Poisson and wait for nothing (M/G/infinity), the busy ones are Poisson(rate x seconds)."""
    rate, took = 8.0, 0.5
    came = steady(rate, 20_000, np.random.default_rng(5))
    found = serve(came, np.full(len(came), took), np.zeros(len(came)))
    at = np.arange(10, 20_000, 7.0)
    busy = np.searchsorted(came, at, "right") - np.searchsorted(came + took, at, "right")
    assert busy.mean() == pytest.approx(rate * took, rel=0.03)
    assert busy.var() == pytest.approx(rate * took, rel=0.1)
    assert found.latency.max() == pytest.approx(took)
    assert found.most_at_once >= busy.max()


def test_one_call_costs_what_the_price_list_says() -> None:
    one = serve(np.array([5.0]), np.array([0.0021]), np.array([0.1]))
    requests = 1.20e-6
    assert dollars(one, 512, 60) == pytest.approx(requests + 0.103 * 0.5 * 0.0000166667, rel=1e-12)
    ready = serve(np.array([5.0]), np.array([0.0021]), np.array([0.1]), provisioned=2)
    kept = 2 * 60 * 0.0000041667
    assert dollars(ready, 1024, 60) == pytest.approx(requests + kept + 0.003 * 0.0000097222, rel=1e-12)


def test_memory_below_one_vcpu_is_slower_and_above_it_no_faster() -> None:
    assert [slower(memory) for memory in (1769, 3008)] == [1, 1]
    assert slower(256) == pytest.approx(1769 / 256)
    found = {run.memory: run.percentiles[0] for run in runs(PLAN, START, CALL) if run.provisioned and run.cold == 0}
    assert found[512] / found[1769] == pytest.approx(1769 / 512)


def test_figures_are_read_from_the_page_of_results() -> None:
    page = simulate.RESULTS.read_text()
    for figure in (COLD_LATE, WARM):
        found = spread(page, figure)
        assert 0 < found.least <= found.median <= found.most
        drawn = found.draw(10_001, np.random.default_rng(0))
        assert drawn.min() >= found.least
        assert drawn.max() <= found.most
        assert np.median(drawn) == pytest.approx(found.median, rel=0.02)
    with pytest.raises(ValueError, match="no line 'none'"):
        spread(page, "none")


def test_the_page_has_the_table_that_the_program_writes_today() -> None:
    page, (start, call) = simulate.PAGE.read_text(), simulate.measured()
    written = "\n".join(lines(Plan(), start, call, list(runs(Plan(), start, call))))
    assert written in page, "run python -m benchmarks.simulate"


def test_the_plot_is_the_same_each_time(tmp_path: Path) -> None:
    found = list(runs(PLAN, START, CALL))
    for name in ("one.svg", "two.svg"):
        draw(found, tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    assert [f"{name} traffic" in text for name in TRAFFIC] == [True] * len(TRAFFIC)


def test_lines_are_put_between_marks_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{mark('a')}\nold\n{END}\nbetween\n{mark('b')}\n{END}\n")
    write(page, "a", ["new"])
    assert page.read_text() == f"before\n{mark('a')}\nnew\n{END}\nbetween\n{mark('b')}\n{END}\n"
    with pytest.raises(ValueError, match=r"page\.md has to have <!-- python -m c --> once"):
        write(page, "c", [])
