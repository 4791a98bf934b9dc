"""What changes while calls come, in the order of the stages that it makes of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from benchmarks.load.models import Trained
from benchmarks.load.network import Fault, Network
from convert.model_file.companions import digest, place, read_companions
from convert.model_file.disk import read_card
from convert.model_file.publish import parse_uri, publish, rollback

CANDIDATE = ".candidate"


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
    """Where models are published: the URI, a client of S3 that does not go through the network of the functions."""

    uri: str
    s3: Any
    network: Network
    models: Mapping[str, Trained]
    broken: Mapping[str, bytes]

    def publish(self, name: str) -> None:
        """Publish a model, as `convert publish --force` does."""
        publish(self.models[name].path, self.uri, force=True)

    def publish_candidate(self, name: str) -> None:
        """Put a model beside the current one, companions first."""
        path = self.models[name].path
        data = path.read_bytes()
        for companion in read_companions(path, read_card(data)).values():
            self._put(place(self.uri, digest(companion)), companion)
        self._put(self.uri + CANDIDATE, data)

    def promote(self) -> None:
        """Make the candidate the current model. It stays the candidate, too."""
        bucket, key = parse_uri(self.uri)
        self.s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key + CANDIDATE})

    def withdraw(self) -> None:
        """Delete the candidate."""
        bucket, key = parse_uri(self.uri)
        self.s3.delete_object(Bucket=bucket, Key=key + CANDIDATE)

    def spoil(self, how: str) -> None:
        """Put what is no model in the place of the current one."""
        self._put(self.uri, self.broken[how])

    def delete(self) -> None:
        """Delete the current model, which S3 marks as deleted."""
        bucket, key = parse_uri(self.uri)
        self.s3.delete_object(Bucket=bucket, Key=key)

    def recover(self, name: str) -> None:
        """Publish a model, and let functions reach S3 again."""
        self.publish(name)
        self.network.fail(Fault.NONE)

    def versions(self) -> dict[str, str]:
        """Return the name of the model that each version is, by its id."""
        bucket, key = parse_uri(self.uri)
        names, found = {each.sha256: each.name for each in self.models.values()}, {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            for version in page["Versions"]:
                place = {"Key": version["Key"], "VersionId": version["VersionId"]}
                data = self.s3.get_object(Bucket=bucket, **place)["Body"].read()
                found[version["VersionId"]] = names.get(digest(data), "")
        return found

    def _put(self, uri: str, data: bytes) -> None:
        bucket, key = parse_uri(uri)
        self.s3.put_object(Bucket=bucket, Key=key, Body=data)


def script(site: Site, rounds: int) -> list[Change]:
    """Return the changes of so many rounds; each begins with A, and so does what follows the last."""
    start = Change("publish A", partial(site.publish, "A"), "A")
    return [change for _ in range(rounds) for change in (start, *_round(site))] + [start]


def _round(site: Site) -> list[Change]:
    """Return the changes between A and A. None makes current what may still answer: so that each shows."""
    publish, spoil, fail = site.publish, site.spoil, site.network.fail
    return [
        Change("publish B", partial(publish, "B"), "B"),
        Change("roll back to A", partial(rollback, site.uri), "A"),
        Change("candidate C", partial(site.publish_candidate, "C"), "A", "C"),
        Change("promote C", site.promote, "C"),
        Change("publish B", partial(publish, "B"), "B", "C"),
        Change("withdraw C", site.withdraw, "B"),
        Change("altered byte", partial(spoil, "altered byte"), "B", state=State.BROKEN),
        Change("publish D", partial(publish, "D"), "D"),
        Change("not a model", partial(spoil, "not a model"), "D", state=State.BROKEN),
        Change("publish A", partial(publish, "A"), "A"),
        Change("refused operator", partial(spoil, "refused operator"), "A", state=State.BROKEN),
        Change("publish B", partial(publish, "B"), "B"),
        Change("delete", site.delete, "B", state=State.DELETED),
        Change("publish D", partial(publish, "D"), "D"),
        Change("S3 refuses", partial(fail, Fault.REFUSED), "D", state=State.AWAY),
        Change("S3 resets", partial(fail, Fault.RESET), "D", state=State.AWAY),
        Change("S3 hangs", partial(fail, Fault.HANGING), "D", state=State.AWAY),
        Change("publish B, S3 answers", partial(site.recover, "B"), "B"),
    ]
