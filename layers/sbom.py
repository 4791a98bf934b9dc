"""What describes a layer, beside it: a bill of materials (CycloneDX), and the SHA-256 that `sha256sum -c` takes.

Neither holds a time or a random number: of the same zip they are the same.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from layers.architecture import Architecture
from layers.licences import Part, packages

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "plume.layers")
BLAS = re.compile(r"python/numpy\.libs/libscipy_openblas64_.*\.so")
Json = dict[str, Any]


def find_wheels(architecture: Architecture, requirements: Path) -> dict[str, Json]:
    """Return of each package in the lock file the wheel for `architecture`: its name and digest.

    Raises ValueError for a digest that the lock file does not have.
    """
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.13", "--python-platform", architecture.wheel_platform]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "pylock.toml")
        subprocess.run([*command, "--output-file", str(out), str(requirements)], check=True, stdout=subprocess.DEVNULL)
        lock = tomllib.loads(out.read_text())
    wheels = {}
    for package in lock["packages"]:
        [wheel] = package["wheels"]
        wheels[package["name"]] = {"file": wheel["url"].rpartition("/")[2], "sha256": wheel["hashes"]["sha256"]}
        if wheel["hashes"]["sha256"] not in requirements.read_text():
            raise ValueError(f"{requirements} does not have the digest of {wheels[package['name']]['file']}")
    return wheels


def beside(layer: Path) -> tuple[Path, Path]:
    """Return where the bill of materials and the digest of the zip `layer` are."""
    return layer.with_name(f"{layer.name}.cdx.json"), layer.with_name(f"{layer.name}.sha256")


def describe(layer: Path, wheels: dict[str, Json]) -> None:
    """Write bill and digest of the zip `layer`, which was made of `wheels`."""
    bill, digest = beside(layer)
    bill.write_text(json.dumps(_bill(layer, wheels), indent=2) + "\n")
    digest.write_text(f"{_sha256(layer.read_bytes())}  {layer.name}\n")


def check_description(layer: Path, requirements: Path) -> Iterator[str]:
    """Yield what of bill and digest does not tell of the zip `layer` and the lock file, a line each."""
    for path in beside(layer):
        if not path.is_file():
            yield f"{path} is not there: `rm {layer}; make layer` writes both"
            return
    bill, digest = beside(layer)
    if digest.read_text() != f"{_sha256(layer.read_bytes())}  {layer.name}\n":
        yield f"{digest} is not the digest of {layer}"
    try:
        written = json.loads(bill.read_text())
        wheels = {component["name"]: _wheel(component) for component in written["components"] if "purl" in component}
        expected = _bill(layer, wheels)
        tells = {**written, "metadata": {**written["metadata"], "tools": expected["metadata"]["tools"]}} == expected
    except (ValueError, KeyError, TypeError, IndexError):
        tells = False
    if not tells:
        yield f"{bill} does not tell of {layer}"
    elif not all(wheel["sha256"] in requirements.read_text() for wheel in wheels.values()):
        yield f"{bill} tells of wheels that {requirements.name} does not have"


def _bill(layer: Path, wheels: dict[str, Json]) -> Json:
    """Return the bill of materials of the zip `layer`; raise KeyError if it holds a package without a wheel."""
    digest = _sha256(layer.read_bytes())
    own = tomllib.loads(PYPROJECT.read_text())["project"]["version"]
    with zipfile.ZipFile(layer) as archive:
        [blas] = [name for name in archive.namelist() if BLAS.fullmatch(name)]
        found = packages(archive)
        components = [
            _package(part, wheels[part.name]) if part.version else _own(part, own, archive.read(blas)) for part in found
        ]
    subject = {
        "type": "library",
        "bom-ref": layer.name,
        "name": f"plume-{layer.stem}",
        "version": own,
        "description": "A layer for AWS Lambda: onnxruntime and numpy, pruned",
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, digest)}",
        "version": 1,
        "metadata": {"tools": {"components": list(_tools())}, "component": subject},
        "components": components,
        "dependencies": [
            {"ref": layer.name, "dependsOn": _references(components)},
            *({"ref": reference} for reference in _references(components)),
        ],
    }


def _package(part: Part, wheel: Json) -> Json:
    purl = f"pkg:pypi/{part.name}@{part.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": part.name,
        "version": part.version,
        "description": f"Of {wheel['file']}, whose digest this is, what scoring loads; licences in {part.text}",
        "hashes": [{"alg": "SHA-256", "content": wheel["sha256"]}],
        "licenses": [{"expression": part.licences}],
        "purl": f"{purl}?file_name={wheel['file']}",
    }


def _own(part: Part, own: str, library: bytes) -> Json:
    return {
        "type": "library",
        "bom-ref": part.name,
        "name": part.name,
        "version": own,
        "description": "layers/blas, compiled, in the place of the OpenBLAS of numpy's wheel",
        "hashes": [{"alg": "SHA-256", "content": _sha256(library)}],
        "licenses": [{"expression": part.licences}],
    }


def _wheel(component: Json) -> Json:
    return {"file": component["purl"].partition("?file_name=")[2], "sha256": component["hashes"][0]["content"]}


def _tools() -> Iterator[Json]:
    """What a rebuild has to have in the same version to be the same: they are pinned, but for Python's last number."""
    yield {"type": "application", "name": "cpython", "version": platform.python_version()}
    for name in ("deflate", "uv", "ziglang"):
        yield {
            "type": "application",
            "name": name,
            "version": version(name),
            "purl": f"pkg:pypi/{name}@{version(name)}",
        }


def _references(components: Sequence[Json]) -> list[str]:
    return [component["bom-ref"] for component in components]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
