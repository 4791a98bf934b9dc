"""One run: calls from several clients at once, while the changes are made; what came of each call."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.changes import Change, Site, script
from benchmarks.load.front import Front, front
from benchmarks.load.history import Record
from benchmarks.load.models import broken, train
from benchmarks.load.network import network
from benchmarks.load.traffic import Traffic
from benchmarks.load.verdict import judge
from scripts.deployment import Deployment
from scripts.emulator import Emulator
from scripts.runtime import Tree

BUCKET = "plume-load"
MODEL_TTL = 1
PAUSE_SECONDS = 1.3 * MODEL_TTL
"""How long all environments are idle amid each stage: when they are called next, it is time to look at S3."""
CLIENTS_PER_ENVIRONMENT = 1.5
LONGEST_WAIT = 0.02
"""Seconds, between two calls of a client; most of the times it waits less."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many calls, seconds at the most, environments at the most, and rounds of changes; the seed of all chance."""

    calls: int
    seconds: float
    environments: int
    rounds: int
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    firsts: the number of the first call of each stage.
    memory: the resident bytes of environments, by their number, at the end of each stage.
    """

    plan: Plan
    changes: Sequence[Change]
    records: Sequence[Record]
    firsts: Sequence[int]
    memory: Sequence[dict[int, int]]
    seconds: float


class Clients:
    """Clients that make calls, each one after another."""

    def __init__(self, plan: Plan, site: Site, served: Front) -> None:
        self.stage = 0
        self._deadline = time.monotonic() + plan.seconds
        self._front = served
        self._traffic = Traffic(plan.seed)
        self._models = {each.sha256: each for each in site.models.values()}
        self._seed = plan.seed

    def call(self, number: int) -> Record | None:
        """Make the call with that number, and judge its answer; None if the time is up."""
        if time.monotonic() > self._deadline:
            return None
        call, began = self._traffic.call(number), self.stage
        time.sleep(LONGEST_WAIT * random.Random(f"{self._seed} {number} wait").random() ** 4)
        reply = self._front.call(call.event)
        ended = self.stage
        verdict = judge(call, reply.answer, self._models)
        place = reply.environment, reply.turn, began, ended
        return Record(number, call.kind, call.user, *place, reply.seconds, verdict)


def run(folder: Path, tree: Tree, emulator: Emulator, plan: Plan) -> Outcome:
    """Train models into `folder`, publish them, and call the function that scores with what is published.

    The AWS variables of this process tell of the emulator.
    """
    deployment = Deployment(emulator)
    deployment.make_bucket(BUCKET)
    models = train(folder)
    with network(emulator.port) as way:
        uri = f"s3://{BUCKET}/models/model.onnx"
        site = Site(uri, deployment.client("s3"), way, models, broken(models["A"].path))
        environ = emulator.aws_environ() | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{way.port}",
            "MODEL_URI": uri,
            "MODEL_TTL": str(MODEL_TTL),
            "CANDIDATE_SHARE": "0.5",
            "CANDIDATE_KEY": "header:x-user",
        }
        with front(tree, environ, plan.environments) as served:
            return _call(plan, script(site, plan.rounds), Clients(plan, site, served), served)


def _call(plan: Plan, changes: Sequence[Change], clients: Clients, served: Front) -> Outcome:
    """Make the calls: each stage begins amid some, has a pause when half of its calls are made, and its memory told."""
    start = time.monotonic()
    firsts = [plan.calls * stage // len(changes) for stage in range(len(changes))]
    records: list[Record | None] = []
    memory = []
    changes[0].make()  # before anybody calls
    with ThreadPoolExecutor(round(plan.environments * CLIENTS_PER_ENVIRONMENT)) as pool:
        for stage, (first, after) in enumerate(zip(firsts, [*firsts[1:], plan.calls], strict=True)):
            half = (first + after) // 2
            served.retire()
            amid = pool.map(clients.call, range(first, half))
            if stage > 0:
                clients.stage = stage
                changes[stage].make()
            records += amid
            time.sleep(PAUSE_SECONDS)
            records += pool.map(clients.call, range(half, after))
            memory.append(served.memory())
    made = [record for record in records if record is not None]
    return Outcome(plan, changes, made, firsts, memory, time.monotonic() - start)
