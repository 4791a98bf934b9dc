"""One run: calls from several clients at once, while the changes are made; what came of each call."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.changes import Change, Site, State, script
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
MODEL_TTL = 0.5
PAUSES = (0.7, 1.7)
"""How many seconds all environments are idle amid every other stage. After the first it is time to look at S3 beside
calls, after the second calls have to wait for that: no look was made for a second longer than MODEL_TTL."""
REMEMBERED_SECONDS = 12.0
"""For how long after S3 has failed calls do not wait for a look: the service remembers for 10 s that it was in vain."""
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
    versions: the name of the model that each version on S3 is, by its id.
    memory: the resident bytes of environments, by their number, at the end of each stage.
    """

    plan: Plan
    changes: Sequence[Change]
    records: Sequence[Record]
    firsts: Sequence[int]
    versions: Mapping[str, str]
    memory: Sequence[Mapping[int, int]]
    seconds: float


class Clients:
    """Clients that make calls, each one after another."""

    def __init__(self, plan: Plan, site: Site, served: Front) -> None:
        self.begun = self.made = 0
        self.settled = False
        self._deadline = time.monotonic() + plan.seconds
        self._front = served
        self._traffic = Traffic(plan.seed)
        self._models = {each.sha256: each for each in site.models.values()}
        self._seed = plan.seed

    def call(self, number: int) -> Record | None:
        """Make the call with that number, and judge its answer; None if the time is up."""
        if time.monotonic() > self._deadline:
            return None
        call = self._traffic.call(number)
        time.sleep(LONGEST_WAIT * random.Random(f"{self._seed} {number} wait").random() ** 4)
        began, settled = self.made, self.settled
        reply = self._front.call(call.event)
        place = reply.environment, reply.turn, began, self.begun, settled
        verdict = judge(call, reply.answer, self._models)
        return Record(number, call.kind, call.user, *place, reply.seconds, verdict)


def run(folder: Path, tree: Tree, emulator: Emulator, plan: Plan) -> Outcome:
    """Train models into `folder`, publish them, and call the function that scores with what is published.

    The AWS variables of this process tell of the emulator.
    """
    Deployment(emulator).make_bucket(BUCKET)
    models = train(folder)
    with network(emulator.port) as way:
        uri = f"s3://{BUCKET}/models/model.onnx"
        site = Site(uri, way, models, broken(models["A"].path))
        environ = emulator.aws_environ() | {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{way.port}",
            "MODEL_URI": uri,
            "MODEL_TTL": str(MODEL_TTL),
            "CANDIDATE_SHARE": "0.5",
            "CANDIDATE_KEY": "header:x-user",
        }
        with front(tree, environ, plan.environments) as served:
            return _call(plan, site, served)


def _call(plan: Plan, site: Site, served: Front) -> Outcome:
    """Make the calls: each stage begins amid some, has a pause when half of its calls are made, and its memory told."""
    start, away = time.monotonic(), -math.inf
    changes, clients = script(site, plan.rounds), Clients(plan, site, served)
    firsts = [plan.calls * stage // len(changes) for stage in range(len(changes))]
    records: list[Record | None] = []
    memory = []
    changes[0].make()  # before anybody calls
    with ThreadPoolExecutor(round(plan.environments * CLIENTS_PER_ENVIRONMENT)) as pool:
        for stage, (first, after) in enumerate(zip(firsts, [*firsts[1:], plan.calls], strict=True)):
            half, pause = (first + after) // 2, PAUSES[stage % len(PAUSES)]
            served.retire()
            clients.settled = False
            amid = pool.map(clients.call, range(first, half))
            if stage > 0:
                clients.begun = stage
                changes[stage].make()
                clients.made = stage
            records += amid
            time.sleep(pause)
            if changes[stage].state is State.AWAY:
                away = time.monotonic()
            remembered = time.monotonic() - away < REMEMBERED_SECONDS
            clients.settled = pause == max(PAUSES) and changes[stage].state is State.SOUND and not remembered
            records += pool.map(clients.call, range(half, after))
            memory.append(served.memory())
    made = [record for record in records if record is not None]
    return Outcome(plan, changes, made, firsts, site.versions(), memory, time.monotonic() - start)
