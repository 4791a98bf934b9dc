"""What a million calls cost on AWS Lambda, from measured durations and the public price list."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lambda_fn.bulk.prices import CALL, GB_SECOND
from lambda_fn.config import MB_PER_VCPU

PRICES = {"x86_64": GB_SECOND["x86_64"], "arm64": GB_SECOND["aarch64"]}
"""US dollars for a GB-second by architecture: the first tier of us-east-1."""
REQUESTS_PRICE = round(CALL * 1e6, 6)
"""US dollars for a million requests."""
PRICES_DATE = "November 2026"
CALLS = 1_000_000
MEMORY_SIZES = (128, 256, 512, 1024, MB_PER_VCPU)
"""MB, which are MiB on Lambda. At 1,769 a function has one vCPU."""
COLD_SHARES = (0.0, 0.01, 0.10)


@dataclass(frozen=True, slots=True)
class Load:
    """How long the calls of a stack take, in seconds, and the most memory that it takes, in bytes.

    cold: a call that waits for a new process, INIT and all: it is billed since August 2025.
    """

    warm: float
    cold: float
    memory: float

    def fits(self, memory_size: int) -> bool:
        """Whether a function of `memory_size` MB can run it at all."""
        return self.memory <= memory_size * 2**20


def billed_ms(seconds: float) -> int:
    """Return the milliseconds that are billed for a duration: it is rounded up.

    >>> billed_ms(0.0012), billed_ms(0.003)
    (2, 3)
    """
    return math.ceil(round(seconds * 1e3, 6))


def cost(load: Load, memory_size: int, cold_share: float, architecture: str) -> float:
    """Return the US dollars for a million calls, `cold_share` of them cold, at `memory_size` MB."""
    milliseconds = cold_share * billed_ms(load.cold) + (1 - cold_share) * billed_ms(load.warm)
    return REQUESTS_PRICE + CALLS * milliseconds / 1e3 * memory_size / 1024 * PRICES[architecture]
