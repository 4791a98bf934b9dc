import zipfile
from pathlib import Path

import pytest

from layers.architecture import ARCHITECTURES
from layers.licences import check_licences, parts
from tests.conftest import TESTS

METADATA = "python/thing-1.0.dist-info/METADATA"
NOTICES = "python/onnxruntime/ThirdPartyNotices.txt"
PERMITTED = "The above copyright notice and this permission notice shall be included in all copies"
GPL = "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007"


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_layer_may_be_given_to_others_and_has_the_texts_of_its_licences(
    built_layers: dict[str, Path], name: str
) -> None:
    with zipfile.ZipFile(built_layers[name]) as archive:
        assert list(check_licences(archive)) == []
        found = {part.name: part.licences for part in parts(archive)}
        texts = {part.text: archive.read(part.text).decode() for part in parts(archive)}
        [blas] = [file for file in archive.namelist() if file.startswith("python/numpy.libs/") and file.endswith(".so")]
        library = archive.read(blas)
    assert found["onnxruntime"] == found["plume-blas"] == "MIT"
    assert found["Eigen"] == "MPL-2.0"
    assert found["protocolbuffers/protobuf"] == "BSD-3-Clause"
    assert len(found) > 60
    assert (TESTS.parent / "LICENSE").read_text() in texts["python/numpy.libs/LICENSE"]
    assert not {"OpenBLAS", "LAPACK", "GCC runtime library libgfortran"} & set(found), "numpy's wheel has them"
    assert b"gfortran" not in library
    assert b"OpenBLAS" not in library


def faults(tmp_path: Path, files: dict[str, str]) -> list[str]:
    with zipfile.ZipFile(tmp_path / "layer.zip", "w") as archive:
        for name, text in {"python/numpy.libs/LICENSE": "MIT", **files}.items():
            archive.writestr(name, text)
        return list(check_licences(archive))


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("License-Expression: MIT AND BSD-3-Clause", None),
        ("License: MIT License", None),
        ("License-Expression: MIT OR GPL-3.0-or-later", "thing is under GPL-3.0-or-later: see layers/licences.py"),
        ("License: Do as you like", "thing is under no licence that is known: see layers/licences.py"),
        ("Summary: a thing", "thing is under no licence that is known: see layers/licences.py"),
    ],
)
def test_what_a_package_says(tmp_path: Path, said: str, fault: str | None) -> None:
    files = {METADATA: f"Name: thing\nVersion: 1.0\n{said}\n\n", "python/thing/LICENSE": "text"}
    assert faults(tmp_path, files) == ([fault] if fault else [])


def test_a_text_that_is_not_there(tmp_path: Path) -> None:
    head = "Name: thing\nVersion: 1.0\nLicense-Expression: MIT\nLicense-File: LICENSE\nLicense-File: sub/COPYING\n\n"
    there = "python/thing-1.0.dist-info/licenses/LICENSE"
    assert faults(tmp_path, {METADATA: head, there: "text"}) == [
        "python/thing-1.0.dist-info/licenses/sub/COPYING is not there"
    ]


def test_what_is_bundled_and_what_notices_name(tmp_path: Path) -> None:
    head = "Name: thing\nVersion: 1.0\nLicense-Expression: MIT\nLicense-File: LICENSE\n\n"
    bundled = "MIT\n\nName: libx\nFiles: thing.libs/*\nDescription: bundled\nLicense: LGPL-3.0-only\n  Copyright\n"
    lines = "\n_____\n\n".join(["Notices", f"fine, http://fine\n\n{PERMITTED}", f"copyleft\n\n{GPL}", "odd\n\nask me"])
    files = {METADATA: head, "python/thing-1.0.dist-info/licenses/LICENSE": bundled, NOTICES: lines}
    assert faults(tmp_path, files) == [
        "libx is under LGPL-3.0-only: see layers/licences.py",
        "copyleft is under GPL: see layers/licences.py",
        "odd is under no licence that is known: see layers/licences.py",
    ]
