"""Which columns had the categories that LightGBM keeps."""

import pytest

from convert.estimator.pandas_columns import Assigned, assigned

CITIES, SIZES, ONE = ["Oslo", "Paris", "Rome"], ["small", "large"], ["only"]


@pytest.mark.parametrize(
    ("infos", "categories", "places", "doubtful"),
    [
        (["-1:0:1:2", "[0.5:2]"], [CITIES], [0], False),
        (["[-3:2]", "-1:1:0:2", "0:1"], [CITIES, SIZES], [1, 2], False),
        (["[0:1]", "-1:0:1:2", "[0:900]"], [SIZES, CITIES], [0, 1], False),  # the first is ordered
        (["none", "-1:0:1", "[0:2.5]"], [ONE, SIZES], [0, 1], False),
        (["-1:0:7", "[0:1]"], [SIZES], [1], False),  # numbers are split by sets, beside ordered categories
        (["0:1", "[0:1]"], [SIZES], [0], True),
    ],
)
def test_there_is_one_way(infos: list[str], categories: list[list[str]], places: list[int], doubtful: bool) -> None:
    assert assigned(infos, categories) == Assigned(dict(zip(places, categories, strict=True)), doubtful)


@pytest.mark.parametrize(
    ("infos", "categories"),
    [
        (["[0:1]", "[0:1]"], [SIZES]),
        (["none", "none"], [ONE]),
        (["[0.5:1]"], [SIZES]),
        (["-1:0:1:2"], [CITIES, SIZES]),
    ],
)
def test_it_can_not_be_told(infos: list[str], categories: list[list[str]]) -> None:
    assert assigned(infos, categories) is None


def test_ten_thousand_columns_are_told_apart() -> None:
    found = assigned(["[-1.5:1]"] * 10_000 + ["0:1"] + ["[0.5:2]"] * 10_000, [SIZES])
    assert found == Assigned({10_000: SIZES}, doubtful=False)
