"""What changes while calls come, in the order of the stages that it makes of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial

from benchmarks.load.models import Trained
from benchmarks.load.network import Fault, Network
from convert.model_file.publish import candidate_of, promote, publish, rollback, withdraw
from convert.model_file.versions import delete, history, put


class State(Enum):
    """What S3 has, or does."""

    SOUND = "a model that is served"
    BROKEN = "what is refused"
    DELETED = "nothing"
    AWAY = "no answer"


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and which models answer from then on until the next: the last sound one, and the candidate."""

    name: str
    make: Callable[[], object]
    current: str
    candidate: str = ""
    state: State = State.SOUND

    @property
    def models(self) -> tuple[str, ...]:
        """The models that answer."""
        return (self.current, self.candidate) if self.candidate else (self.current,)


@dataclass(frozen=True, slots=True)
class Site:
    """Where models are published, as URI; the network that functions, unlike this process, reach it through."""

    uri: str
    network: Network
    models: Mapping[str, Trained]
    broken: Mapping[str, bytes]

    def publish(self, name: str, *, candidate: bool = False) -> None:
        """Publish a model, which has no certificate: to verify takes longer than all calls."""
        publish(self.models[name].path, self.uri, force=True, candidate=candidate)

    def spoil(self, how: str) -> None:
        """Put what is no model in the place of the current one."""
        put(self.uri, self.broken[how])

    def recover(self, name: str) -> None:
        """Publish a model, and let the functions reach S3 again."""
        self.publish(name)
        self.network.fail(Fault.NONE)

    def versions(self) -> dict[str, str]:
        """Return the names of the models that the versions are, by their ids."""
        names = {each.sha256: each.name for each in self.models.values()}
        versions = [*history(self.uri), *history(candidate_of(self.uri))]
        return {each.id: names[each.sha256] for each in versions if each.sha256 in names}


def script(site: Site, rounds: int) -> list[Change]:
    """Return the changes of so many rounds; each begins with A, and so does what follows the last."""
    start = Change("publish A", partial(site.publish, "A"), "A")
    return [change for _ in range(rounds) for change in (start, *_round(site))] + [start]


def _round(site: Site) -> list[Change]:
    """Return the changes between A and A. None makes current what may still answer: so that each shows."""
    published, spoil, fail = site.publish, site.spoil, site.network.fail
    return [
        Change("publish B", partial(published, "B"), "B"),
        Change("roll back to A", partial(rollback, site.uri), "A"),
        Change("candidate C", partial(published, "C", candidate=True), "A", "C"),
        Change("promote C", partial(promote, site.uri), "C"),
        Change("publish B", partial(published, "B"), "B", "C"),
        Change("withdraw C", partial(withdraw, site.uri), "B"),
        Change("altered byte", partial(spoil, "altered byte"), "B", state=State.BROKEN),
        Change("publish D", partial(published, "D"), "D"),
        Change("not a model", partial(spoil, "not a model"), "D", state=State.BROKEN),
        Change("publish A", partial(published, "A"), "A"),
        Change("refused operator", partial(spoil, "refused operator"), "A", state=State.BROKEN),
        Change("publish B", partial(published, "B"), "B"),
        Change("delete", partial(delete, site.uri), "B", state=State.DELETED),
        Change("publish D", partial(published, "D"), "D"),
        Change("S3 refuses", partial(fail, Fault.REFUSED), "D", state=State.AWAY),
        Change("S3 resets", partial(fail, Fault.RESET), "D", state=State.AWAY),
        Change("S3 hangs", partial(fail, Fault.HANGING), "D", state=State.AWAY),
        Change("publish B, S3 answers", partial(site.recover, "B"), "B"),
    ]
