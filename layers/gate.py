"""What a layer must keep to: sizes, packages, licences, architecture, glibc, nothing missing that it is linked with."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from layers.architecture import Architecture
from layers.licences import check_licences
from layers.linking import check_links

ZIPPED_BUDGET = 21_000_000
UNZIPPED_BUDGET = 60_000_000
ZIPPED_LIMIT = 50 * 1024 * 1024
"""Lambda's limit for a zip that is uploaded directly."""
UNZIPPED_LIMIT = 262_144_000
"""Lambda's limit for a function with all its layers."""
GLIBC = (2, 34)
"""What Amazon Linux 2023, under Lambda's python3.13, has."""
PACKAGES = {"numpy", "numpy.libs", "onnxruntime"}
LARGEST = 10


def check(layer: Path, architecture: Architecture) -> list[str]:
    """Return what is wrong with the zip `layer`, a line each; none if it may ship."""
    with zipfile.ZipFile(layer) as archive:
        return [
            *_check_sizes(layer.stat().st_size, sum(entry.file_size for entry in archive.infolist())),
            *_check_packages(archive),
            *check_licences(archive),
            *_check_libraries(archive, architecture),
        ]


def summary(layer: Path) -> str:
    """Return the sizes of the zip `layer` in a line."""
    with zipfile.ZipFile(layer) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    return (
        f"{layer}: {layer.stat().st_size / 1e6:.1f} MB zipped (budget {ZIPPED_BUDGET / 1e6:.0f}),"
        f" {unzipped / 1e6:.1f} MB unzipped (budget {UNZIPPED_BUDGET / 1e6:.0f})"
    )


def largest(layer: Path) -> list[str]:
    """Return the largest files of the zip `layer`, a line each."""
    with zipfile.ZipFile(layer) as archive:
        entries = sorted(archive.infolist(), key=lambda entry: entry.file_size, reverse=True)[:LARGEST]
    return [f"{entry.file_size:12,} {entry.compress_size:12,} {entry.filename}" for entry in entries]


def _check_sizes(zipped: int, unzipped: int) -> Iterator[str]:
    for what, size, budget, limit in (
        ("zipped", zipped, ZIPPED_BUDGET, ZIPPED_LIMIT),
        ("unzipped", unzipped, UNZIPPED_BUDGET, UNZIPPED_LIMIT),
    ):
        if size > limit:
            yield f"{size:,} bytes {what}, Lambda takes {limit:,}"
        elif size > budget:
            yield f"{size:,} bytes {what}, the budget is {budget:,}"


def _check_packages(archive: zipfile.ZipFile) -> Iterator[str]:
    outside = [name for name in archive.namelist() if not name.startswith("python/")]
    if outside:
        yield f"holds {', '.join(outside[:LARGEST])} outside of python/, where Lambda does not look"
    tops = {name.split("/")[1] for name in archive.namelist() if name not in outside}
    found = {top for top in tops if not top.endswith(".dist-info")}
    if found != PACKAGES:
        yield f"holds {', '.join(sorted(found))}, expected {', '.join(sorted(PACKAGES))}"


def _check_libraries(archive: zipfile.ZipFile, architecture: Architecture) -> Iterator[str]:
    """Check each shared library's machine, the newest glibc it asks for, and what it is linked with."""
    libraries = {}
    for name in archive.namelist():
        data = archive.read(name)
        if not data.startswith(b"\x7fELF") and ".so" not in Path(name).suffixes:
            continue
        try:
            libraries[name] = ELFFile(io.BytesIO(data))
        except ELFError as error:
            yield f"{name} is not an ELF library: {error}"
    for name, elf in libraries.items():
        if elf["e_machine"] != architecture.elf_machine:
            yield f"{name} is for {elf['e_machine']}, expected {architecture.elf_machine}"
        for version in _glibc_versions(elf):
            if version > GLIBC:
                yield f"{name} needs glibc {'.'.join(map(str, version))}, Amazon Linux 2023 has 2.34"
    yield from check_links(libraries)


def _glibc_versions(elf: ELFFile) -> Iterator[tuple[int, ...]]:
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, needed in section.iter_versions():
                for version in needed:
                    if version.name.startswith("GLIBC_2"):
                        yield tuple(map(int, version.name.removeprefix("GLIBC_").split(".")))
