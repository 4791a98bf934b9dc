"""The rooms of the house: who may import whom, in each half and across the wall between them; how long files are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TESTS
from tests.imports import Floors, circles, climbs, imports_of, room_of

ROOT = TESTS.parent

LAMBDA_FN: Floors = (
    ("errors", "record", "digest"),
    ("config",),
    ("http", "model", "storage"),  # events and requests, bytes and scores, URIs and bytes: none knows of another
    ("telemetry",),
    ("codecs", "serving", "calls"),
    ("capture",),
    ("predicting",),
    ("trial", "page", "unrequested", "bulk"),
    ("dialects",),
    ("scoring", "objects", "authorize"),
    ("handler",),
    ("__main__",),
)
CONVERT: Floors = (
    ("errors",),
    ("text",),
    ("page",),
    ("estimator",),
    ("graph",),
    ("oracle",),
    ("strategies",),
    ("model_file",),
    ("proof",),
    ("bulk", "drift"),
    ("train", "export", "describe", "status", "logs"),
    ("__main__",),
)
FLOORS = {"lambda_fn": LAMBDA_FN, "convert": CONVERT}

PACKAGES: dict[str, set[str]] = {
    "storage": {"boto3", "botocore", "mypy_boto3_s3"},
    "model": {"numpy", "onnxruntime"},
    "codecs": {"numpy"},
    "serving": {"numpy"},
    "capture": {"numpy"},
    "dialects": {"numpy"},
    "bulk": {"boto3", "numpy"},
}
"""What Lambda has beside the standard library, by the room of lambda_fn that may import it."""
CODECS_KNOW = {"lambda_fn.http.request", "lambda_fn.http.media", "lambda_fn.http.json_body"} | {
    "lambda_fn.model.card",
    "lambda_fn.model.rows",
}
"""The modules of the rooms below that a codec may import: nothing of events, nothing of ONNX."""
MAX_LINES = 330
"""Of a Python file that git lists, wherever it is."""


@pytest.mark.parametrize("half", FLOORS)
def test_no_modules_import_each_other(half: str) -> None:
    assert circles(imports_of(ROOT / half)) == []


@pytest.mark.parametrize("half", FLOORS)
def test_imports_go_down(half: str) -> None:
    assert climbs(imports_of(ROOT / half), FLOORS[half]) == []


@pytest.mark.parametrize("half", FLOORS)
def test_every_room_that_has_a_floor_is_there(half: str) -> None:
    rooms = {room for floor in FLOORS[half] for room in floor}
    assert rooms == {room_of(name) for name in imports_of(ROOT / half)} - {""}


def test_convert_does_not_know_lambda_fn() -> None:
    imported = set().union(*imports_of(ROOT / "convert").values())
    assert {name for name in imported if name.partition(".")[0] == "lambda_fn"} == set()


def test_lambda_fn_names_only_what_lambda_has_and_each_room_its_own() -> None:
    for name, imported in imports_of(ROOT / "lambda_fn").items():
        allowed = {"lambda_fn", *sys.stdlib_module_names} | PACKAGES.get(room_of(name), set())
        assert {other.partition(".")[0] for other in imported} <= allowed, name


def test_codecs_know_nothing_of_events_and_of_onnx() -> None:
    for name, imported in imports_of(ROOT / "lambda_fn").items():
        if room_of(name) == "codecs":
            below = {other for other in imported if room_of(other) in {"http", "model"} and other.count(".") > 1}
            assert below <= CODECS_KNOW, name


def test_no_file_is_too_long() -> None:
    listed = subprocess.run(["git", "ls-files", "-z", "*.py"], capture_output=True, check=True, text=True, cwd=ROOT)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]  # not yet removed
    assert paths
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in paths}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A package of two floors, ``low`` and ``high``, in which all is well."""
    files = {
        "__init__.py": "",
        "low.py": "import json",
        "high/__init__.py": "",
        "high/one.py": "from house import low\nfrom house.high.two import name",
        "high/two.py": "from house.low import name",
    }
    for name, source in files.items():
        path = tmp_path / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path / "house"


HOUSE: Floors = (("low",), ("high",))
LATE = "def f():\n    from house.high import one"
TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from house.high.one import Kind"
BY_NAME = "import importlib\nimportlib.import_module('house.high.one')"


def test_a_house_in_order_passes(house: Path) -> None:
    imports = imports_of(house)
    assert imports["house.high.one"] == {"house", "house.low", "house.high", "house.high.two"}
    assert imports["house.low"] == {"house", "json"}
    assert (circles(imports), climbs(imports, HOUSE)) == ([], [])


@pytest.mark.parametrize("source", [LATE, TYPES, BY_NAME, "import house.high.one"])
def test_a_circle_and_a_climb_are_told_wherever_the_import_stands(house: Path, source: str) -> None:
    (house / "low.py").write_text(source)
    imports = imports_of(house)
    assert circles(imports) == [["house.high.one", "house.high.two", "house.low"]]
    assert climbs(imports, HOUSE) == ["house.low imports house.high", "house.low imports house.high.one"]


def test_a_circle_within_a_room_is_told(house: Path) -> None:
    (house / "high" / "two.py").write_text(LATE)
    imports = imports_of(house)
    assert circles(imports) == [["house.high.one", "house.high.two"]]
    assert climbs(imports, HOUSE) == []


def test_a_package_that_imports_what_is_in_it_is_a_circle(house: Path) -> None:
    (house / "high" / "__init__.py").write_text("from house.high.two import name")
    assert circles(imports_of(house)) == [["house.high", "house.high.two"]]


def test_rooms_of_one_floor_do_not_meet(house: Path) -> None:
    (house / "beside.py").write_text("import house.low")
    imports = imports_of(house)
    assert climbs(imports, (("beside", "low"), ("high",))) == ["house.beside imports house.low"]


def test_a_room_without_a_floor_is_told(house: Path) -> None:
    (house / "attic.py").write_text("import house.low")
    assert climbs(imports_of(house), HOUSE) == ["house.attic is on no floor"]


def test_a_relative_import_is_refused(house: Path) -> None:
    (house / "low.py").write_text("from .high import one")
    with pytest.raises(ValueError, match="line 1: imports here are absolute"):
        imports_of(house)
