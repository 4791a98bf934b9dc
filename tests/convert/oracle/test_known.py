"""What is known of the precision of features, where nothing but thresholds tells of it."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from convert.oracle.oracle import Oracle
from tests.conftest import oracle_of

GENERATOR = np.random.default_rng(0)
FIXED_POINT = GENERATOR.integers(0, 65536, 500) / 65536
SECONDS = 1.7e9 + GENERATOR.integers(0, 200, 500)
ARRAY = np.column_stack([FIXED_POINT, SECONDS])
LABELS = (SECONDS % 100 < 50) ^ (FIXED_POINT > 0.5)


@pytest.mark.parametrize("sample", [True, False])
def test_an_array_with_a_column_that_float32_can_not_hold_is_none_of_it(sample: bool) -> None:
    fitted = HistGradientBoostingClassifier(max_iter=10).fit(ARRAY, LABELS)
    asked = oracle_of(fitted, ARRAY) if sample else Oracle(fitted)
    assert {feature.dtype for feature in asked.features} == {"float64"}


def test_an_array_of_float32_is_told_of_by_its_thresholds() -> None:
    single = GENERATOR.normal(size=(500, 2)).astype(np.float32)
    fitted = HistGradientBoostingClassifier(max_iter=10).fit(single, single[:, 0] > 0)
    assert {feature.dtype for feature in Oracle(fitted).features} == {"float32"}
