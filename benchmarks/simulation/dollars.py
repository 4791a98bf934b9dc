"""What served calls cost, from the public price list."""

from __future__ import annotations

import numpy as np

from benchmarks.cost import CALLS, PRICES, REQUESTS_PRICE
from benchmarks.simulation.fleet import Served
from lambda_fn.config import MB_PER_VCPU

HTTP_API_PRICE = 1.00
"""US dollars for a million calls of an HTTP API, up to 512 kB each: https://aws.amazon.com/api-gateway/pricing/"""
PROVISIONED = {"x86_64": 0.0000041667, "arm64": 0.0000033334}
"""US dollars for a GB-second of provisioned concurrency, called or not: https://aws.amazon.com/lambda/pricing/"""
ON_PROVISIONED = {"x86_64": 0.0000097222, "arm64": 0.0000077778}
"""US dollars for a GB-second of a call that is served there, in the place of `PRICES`; same page. us-east-1."""


def slower(memory: int) -> float:
    """Return how many times as long as with one vCPU one thread takes at `memory` MB.

    >>> slower(3008), round(slower(512), 2)
    (1.0, 3.46)
    """
    return max(1.0, MB_PER_VCPU / memory)


def dollars(served: Served, memory: int, seconds: float, architecture: str = "x86_64") -> float:
    """Return the US dollars for calls that came within `seconds`, at `memory` MB.

    A call is billed with the start of its environment, as since August 2025, rounded up to 1 ms.
    """
    billed = np.ceil(np.round(served.latency * 1e3, 6)) / 1e3
    on_provisioned = served.environment < served.provisioned
    price = np.where(on_provisioned, ON_PROVISIONED[architecture], PRICES[architecture])
    kept = served.provisioned * seconds * PROVISIONED[architecture]
    gigabytes = memory / 1024
    requests = len(served.came) / CALLS * (REQUESTS_PRICE + HTTP_API_PRICE)
    return requests + gigabytes * (float(billed @ price) + kept)
