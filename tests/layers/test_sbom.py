import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from layers.architecture import ARCHITECTURES
from layers.build import REQUIREMENTS
from layers.sbom import beside, check_description
from tests.conftest import TESTS

OTHER_SUM, OTHER_BILL = "{sum} is not the digest of {layer}", "{bill} does not tell of {layer}"
VALIDATE = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
for name in sys.argv[1:]:
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(name).read())
    if fault: sys.exit(f"{name}: {fault}")
"""


@pytest.fixture
def layer(built_layers: dict[str, Path], tmp_path: Path) -> Path:
    path = built_layers["arm64"]
    for file in (path, *beside(path)):
        shutil.copyfile(file, tmp_path / file.name)
    return tmp_path / path.name


def test_bills_keep_to_the_schema_of_cyclonedx(built_layers: dict[str, Path]) -> None:
    bills = [str(beside(path)[0]) for path in built_layers.values()]
    subprocess.run([TESTS.parent / ".tools" / "audit" / "bin" / "python", "-c", VALIDATE, *bills], check=True)


def test_sha256sum_takes_the_digest(layer: Path) -> None:
    command = ["sha256sum", "--check", "--strict", beside(layer)[1].name]
    subprocess.run(command, cwd=layer.parent, check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_bill_names_the_wheels_of_its_architecture(built_layers: dict[str, Path], name: str) -> None:
    bill = json.loads(beside(built_layers[name])[0].read_text())
    components = {component["name"]: component for component in bill["components"]}
    assert set(components) == {"numpy", "onnxruntime", "plume-blas"}
    for package in ("numpy", "onnxruntime"):
        assert f"{ARCHITECTURES[name].cpu}.whl" in components[package]["purl"]
        assert components[package]["hashes"][0]["content"] in REQUIREMENTS.read_text()
    assert "timestamp" not in bill["metadata"]


def test_what_belongs_to_the_layer_passes(layer: Path) -> None:
    assert list(check_description(layer, REQUIREMENTS)) == []


def altered(name: str) -> Callable[[Path], None]:
    def alter(layer: Path) -> None:
        bill = beside(layer)[0]
        bill.write_text(bill.read_text().replace(f'"name": "{name}"', f'"name": "{name}2"'))

    return alter


@pytest.mark.parametrize(
    ("alter", "faults"),
    [
        (lambda layer: beside(layer)[0].unlink(), ["{bill} is not there: `rm {layer}; make layer` writes both"]),
        (
            lambda layer: layer.open("ab").write(b"x"),
            [OTHER_SUM, OTHER_BILL],
        ),
        (altered("numpy"), [OTHER_BILL]),
        (altered("plume-layer-arm64"), [OTHER_BILL]),
        (lambda layer: beside(layer)[0].write_text("{}"), [OTHER_BILL]),
    ],
)
def test_what_belongs_to_another_layer_is_told(layer: Path, alter: Callable[[Path], object], faults: list[str]) -> None:
    alter(layer)
    bill, digest = beside(layer)
    expected = [fault.format(layer=layer, bill=bill, sum=digest) for fault in faults]
    assert list(check_description(layer, REQUIREMENTS)) == expected


def test_wheels_that_are_not_locked_are_told(layer: Path, tmp_path: Path) -> None:
    lock = tmp_path / "requirements-runtime.txt"
    lock.write_text("numpy==2.5.5")
    assert list(check_description(layer, lock)) == [
        f"{beside(layer)[0]} tells of wheels that {lock.name} does not have"
    ]
