"""The two kinds of machine that Lambda runs on."""

from __future__ import annotations

import platform
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """An architecture by Lambda's name, by the name of its wheels' platform, and by its ELF machine."""

    name: str
    wheel_platform: str
    elf_machine: str

    @property
    def cpu(self) -> str:
        """The processor, as wheels and compilers call it."""
        return self.wheel_platform.partition("-")[0]


ARCHITECTURES = {
    architecture.name: architecture
    for architecture in (
        Architecture("x86_64", "x86_64-manylinux_2_28", "EM_X86_64"),
        Architecture("arm64", "aarch64-manylinux_2_28", "EM_AARCH64"),
    )
}


def host_architecture() -> Architecture:
    """Return the architecture of this machine."""
    return ARCHITECTURES["arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"]
