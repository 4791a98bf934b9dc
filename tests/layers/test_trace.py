import sys

import pytest

from layers.prune import MODULES
from layers.suite import score
from layers.trace import trace


def test_the_layer_keeps_what_the_suite_loads() -> None:
    assert sys.platform != "linux" or trace() == MODULES.read_text(), "run `python -m layers trace`"


@pytest.mark.parametrize(
    ("found", "expected", "agrees"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"b": 1}, False),
        ([1.0, 2.0], [1.0, 2.05], True),
        ([1.0, 2.0], [1.0, 2.5], False),
        ([1.0], [1.0, 2.0], False),
        (["a"], ["b"], False),
        (1, 2, False),
    ],
)
def test_answers_are_compared(found: object, expected: object, agrees: bool) -> None:
    assert score.agrees(found, expected, 0.1) == agrees
