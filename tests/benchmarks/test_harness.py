"""Answers are compared, and runs leave nothing behind."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import EXPECTED, rest_event
from benchmarks.harness import Contender, DisagreementError, Measurements, TreeChangedError, measure
from scripts.runtime import Tree

pytestmark = pytest.mark.e2e

type Make = Callable[..., Contender]


@pytest.fixture
def contender(tmp_path: Path) -> Make:
    """Return a contender with the handler `code`."""

    def make(code: str, **options: Any) -> Contender:
        tree = Tree(tmp_path / "opt", tmp_path / "task")
        tree.opt.mkdir()
        tree.task.mkdir()
        (tree.task / "app.py").write_text(f"import json, os\ndef handler(event, context):\n    {code}\n")
        return Contender("it", tree, "app.handler", {}, 0, **options)

    return make


def answer(body: Any) -> str:
    return f"return {{'statusCode': 200, 'body': {json.dumps(body)!r}}}"


def test_a_right_answer_is_measured(contender: Make) -> None:
    results = measure([contender(answer(EXPECTED), late={"LATE": "1"}, tls={})], rest_event(), EXPECTED, 2)["it"]
    assert {len(getattr(results, each.name)) for each in fields(results)} == {2}
    assert min(results.memory) > 5_000_000


def test_a_repetition_of_several_turns_is_their_median() -> None:
    results = Measurements([1.0])
    results.add(Measurements(cold=[3.0, 2.0, 9.0], warm=[0.5]))
    assert (results.cold, results.cold_late, results.warm) == ([1.0, 3.0], [], [0.5])


def test_every_repetition_has_its_turns(contender: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Measurements] = []
    monkeypatch.setattr(Measurements, "add", lambda _, turns: measured.append(turns))
    measure([contender(answer(EXPECTED), turns=2)], rest_event(), EXPECTED, 3)
    assert [len(each.cold) for each in measured] == [2, 2, 2]


@pytest.mark.parametrize("code", [answer({"prediction": [2, 2]}), answer(EXPECTED["prediction"]), "return {}", "1 / 0"])
def test_a_wrong_answer_is_told(contender: Make, code: str) -> None:
    with pytest.raises(DisagreementError, match="it answers"):
        measure([contender(code)], rest_event(), EXPECTED, 1)


@pytest.mark.parametrize("other", ["late", "tls"])
def test_an_answer_elsewhere_is_compared_too(contender: Make, other: str) -> None:
    code = f"return {{'body': '{{}}' if 'LATE' in os.environ else {json.dumps(EXPECTED)!r}}}"
    with pytest.raises(DisagreementError):
        measure([contender(code, **{other: {"LATE": "1"}})], rest_event(), EXPECTED, 1)


def test_what_does_not_score_is_exempt(contender: Make) -> None:
    assert len(measure([contender(answer({}), scores=False)], rest_event(), EXPECTED, 1)["it"].cold) == 1


def test_a_tree_that_was_written_to_is_told(contender: Make) -> None:
    code = "open(__file__ + 'c', 'w').write('bytecode'); " + answer(EXPECTED)
    with pytest.raises(TreeChangedError, match="it had"):
        measure([contender(code)], rest_event(), EXPECTED, 1)
