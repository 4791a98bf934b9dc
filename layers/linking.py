"""Whether the layer's shared libraries find, on Lambda, all that they are linked with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerSymSection
from elftools.elf.sections import SymbolTableSection

SYSTEM = frozenset(
    [
        *("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "libstdc++.so.6"),
        *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"),
    ]
)
"""What Amazon Linux 2023 has under Lambda's python3.13."""
INTERPRETER = ("Py", "_Py")
"""How the names start that the interpreter defines."""
MOVED = frozenset({"dladdr"})
"""What numpy leaves to any library that has it: glibc's libdl, and libc since 2.34."""


def check_links(libraries: Mapping[str, ELFFile]) -> Iterator[str]:
    """Yield what the `libraries`, by their paths in the layer, need and no one has, a line each.

    A symbol that has a version comes from the system library that the version names (`gate` compares glibc's); one
    that has none comes from the interpreter or from another library of the layer.
    """
    files = {PurePosixPath(path).name for path in libraries}
    defined = {symbol for elf in libraries.values() for symbol in _symbols(elf, defined=True)}
    for path, elf in libraries.items():
        for needed in _needed(elf):
            if needed not in SYSTEM | files:
                yield f"{path} needs {needed}, which is neither in the layer nor on Lambda"
        unversioned = (name for name in _symbols(elf, defined=False) if not name.startswith(INTERPRETER))
        lacking = [name for name in unversioned if name not in defined | MOVED]
        if lacking:
            yield f"{path} needs {', '.join(lacking[:10])}, which nothing in the layer defines"


def _needed(elf: ELFFile) -> list[str]:
    section = elf.get_section_by_name(".dynamic")
    if not isinstance(section, DynamicSection):
        return []
    return [tag.needed for tag in section.iter_tags("DT_NEEDED")]  # type: ignore[attr-defined]  # set for this tag


def _symbols(elf: ELFFile, *, defined: bool) -> list[str]:
    """Return the symbols that the library defines, or those that it must find elsewhere without a version."""
    symbols, versions = elf.get_section_by_name(".dynsym"), elf.get_section_by_name(".gnu.version")
    if not isinstance(symbols, SymbolTableSection):
        return []
    found = []
    for number, symbol in enumerate(symbols.iter_symbols()):
        binding = symbol["st_info"]["bind"]
        if (symbol["st_shndx"] != "SHN_UNDEF") != defined or binding == "STB_LOCAL":
            continue
        versioned = isinstance(versions, GNUVerSymSection) and isinstance(versions.get_symbol(number)["ndx"], int)
        if defined or not (versioned or binding == "STB_WEAK"):
            found.append(symbol.name)
    return found
