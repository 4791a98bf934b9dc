"""Under which licences the layer's parts are: all of them allowed, and their texts in the zip, as they ask for."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from email.message import Message

ALLOWED = frozenset(
    [
        # ask for their text beside the binary, which is there, and for no more
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "HPND", "ISC", "MIT", "NCSA", "Zlib"),
        *("CC0-1.0", "LicenseRef-public-domain"),
        "MPL-2.0",  # of Eigen, unchanged: who asks for its sources finds them where the notices say
    ]
)
"""By their names in SPDX's list."""
PHRASES = {
    "Apache-2.0": r"Apache License",
    "BSD-3-Clause": r"Redistribution and use in source.*endorse or promote",
    "BSD-2-Clause": r"Redistribution and use in source(?!.*endorse or promote)",
    "BSL-1.0": r"Boost Software License",
    "GPL": r"GNU (LESSER |AFFERO |LIBRARY )?GENERAL PUBLIC LICENSE Version",
    "HPND": r"Permission to use, copy, modify.* is hereby granted, provided that the above copyright notice appear",
    "ISC": r"Permission to use, copy, modify, and/or distribute this software",
    "LicenseRef-public-domain": r"(?i)(into|in|to) the public domain|(is|are) public domain",
    "MIT": r"The above copyright notice and this permission notice (\(.*?\) )?shall be included in all copies",
    "MPL-2.0": r"Mozilla Public License",
    "NCSA": r"University of Illinois/NCSA Open Source License",
    "Zlib": r"provided 'as-is', without any express or implied warranty",
}
"""What only the text of a licence, or of the notice that it asks for, says."""
SAID = {"MIT License": "MIT"}
"""What metadata without an SPDX expression says."""
REPLACED = "numpy.libs/libscipy_openblas*.so"
"""Whose licences numpy's wheel tells of, and what layers/blas stands for: OpenBLAS, LAPACK and libgfortran are gone."""
NOTICES = "python/onnxruntime/ThirdPartyNotices.txt"


@dataclass(frozen=True, slots=True)
class Part:
    """A package, or what one has inside: the SPDX expression of its licences, and the file that holds their texts."""

    name: str
    version: str
    licences: str
    text: str


def parts(archive: zipfile.ZipFile) -> list[Part]:
    """Return what the layer is made of, packages first; licences are empty where they are not known here."""
    return [*packages(archive), *_bundled(archive), *_notices(archive)]


def packages(archive: zipfile.ZipFile) -> list[Part]:
    """Return the packages whose metadata are in the layer, and what is Plume's own."""
    found = []
    for path, metadata in _metadata(archive):
        licence = metadata["License-Expression"] or SAID.get(metadata["License"] or "", "")
        found.append(Part(metadata["Name"], metadata["Version"], licence, _texts(archive, path, metadata)[0]))
    return [*found, Part("plume-blas", "", "MIT", "python/numpy.libs/LICENSE")]


def check_licences(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield what keeps the layer from being given to others, a line each."""
    names = set(archive.namelist())
    for part in parts(archive):
        refused = sorted(set(re.split(r"[() ]+(?:AND|OR)[() ]+|[()]", part.licences)) - ALLOWED)
        if refused:
            yield f"{part.name} is under {', '.join(refused) or 'no licence that is known'}: see layers/licences.py"
        if part.text not in names or not archive.getinfo(part.text).file_size:
            yield f"{part.name} asks for its licence beside it, and {part.text} is not there"
    for path, metadata in _metadata(archive):
        yield from (f"{text} is not there" for text in _texts(archive, path, metadata) if text not in names)


def _metadata(archive: zipfile.ZipFile) -> Iterator[tuple[str, Message]]:
    for name in archive.namelist():
        if name.endswith(".dist-info/METADATA"):
            yield name, message_from_string(archive.read(name).decode())


def _texts(archive: zipfile.ZipFile, path: str, metadata: Message) -> list[str]:
    """Return where the licences of a package are: as its metadata say, or else in the package itself."""
    files = [f"{path.removesuffix('METADATA')}licenses/{name}" for name in metadata.get_all("License-File", [])]
    return files or [f"python/{metadata['Name']}/LICENSE"]


def _bundled(archive: zipfile.ZipFile) -> Iterator[Part]:
    """Yield what numpy's wheel is bundled with: entries at the end of its licence."""
    for package in packages(archive):
        entries = re.findall(r"^Name: (.+)\nFiles: (.+)(?:\n.+)*?\nLicense: (.+)$", _read(archive, package.text), re.M)
        yield from (Part(name, "", licence, package.text) for name, files, licence in entries if files != REPLACED)


def _notices(archive: zipfile.ZipFile) -> Iterator[Part]:
    """Yield what onnxruntime names, whether or not this build of it has it: sections under a line."""
    for section in re.split(r"^_{5,}\s*$", _read(archive, NOTICES), flags=re.M)[1:]:
        text = " ".join(section.split())
        licences = [name for name, phrase in PHRASES.items() if re.search(phrase, text)]
        title = section.strip().partition("\n")[0].partition(",")[0].strip()
        yield Part(title, "", " AND ".join(licences), NOTICES)


def _read(archive: zipfile.ZipFile, name: str) -> str:
    return archive.read(name).decode() if name in archive.namelist() else ""
