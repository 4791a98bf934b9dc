"""The rows that made-up models of two features are asked."""

import numpy as np
import pytest

from tests.convert.proof.pages import Rows


@pytest.fixture
def rows() -> Rows:
    return np.random.default_rng(0).normal(size=(400, 2))
