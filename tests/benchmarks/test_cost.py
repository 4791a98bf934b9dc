"""Costs against those worked out by hand from the price list."""

import pytest

from benchmarks.cost import Load, billed_ms, cost

LOAD = Load(warm=0.0009, cold=0.1995, memory=70e6)


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(0.0001, 1), (0.001, 1), (0.0010001, 2), (0.0019, 2), (0.3, 300), (1.2345, 1235)]
)
def test_durations_are_rounded_up(seconds: float, milliseconds: int) -> None:
    assert billed_ms(seconds) == milliseconds


@pytest.mark.parametrize(
    ("memory_size", "cold_share", "architecture", "dollars"),
    [
        (1024, 0.0, "x86_64", 0.2 + 0.0166667),  # 1,000 GB-s
        (128, 0.0, "x86_64", 0.2 + 0.0166667 / 8),
        (1024, 0.01, "x86_64", 0.2 + 2.99 * 0.0166667),  # 10,000 x 200 ms and 990,000 x 1 ms: 2,990 GB-s
        (512, 0.1, "x86_64", 0.2 + 20.9 / 2 * 0.0166667),  # 100,000 x 200 ms and 900,000 x 1 ms, half a GB
        (512, 0.1, "arm64", 0.2 + 20.9 / 2 * 0.0133334),
        (1769, 0.0, "arm64", 0.2 + 1.7275390625 * 0.0133334),
    ],
)
def test_a_million_calls(memory_size: int, cold_share: float, architecture: str, dollars: float) -> None:
    assert cost(LOAD, memory_size, cold_share, architecture) == pytest.approx(dollars, rel=1e-12)


def test_what_fits() -> None:
    assert LOAD.fits(128)
    assert not Load(0.001, 1, 135e6).fits(128)
    assert Load(0.001, 1, 134e6).fits(128)
