"""The examples in docstrings: what they show is what comes."""

import doctest
import importlib
from collections.abc import Iterator

import pytest

from tests.conftest import TESTS

ROOT = TESTS.parent
PACKAGES = ("benchmarks", "convert", "lambda_fn", "layers", "scripts")


def modules() -> Iterator[str]:
    """Yield the names of the modules with examples, found by reading: none is imported for another one's."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if ">>> " in path.read_text():
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", [*modules()])
def test_examples_show_what_comes(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
