"""What changes while calls come, in the order of the stages that it makes of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.load.models import Trained
from benchmarks.load.network import Fault, Network
from convert.model_file.companions import digest, place, read_companions
from convert.model_file.disk import read_card
from convert.model_file.publish import parse_uri, publish, rollback

CANDIDATE = ".candidate"


@dataclass(frozen=True, slots=True)
class Change:
    """A change, and how answers may be from then on, until the next.

    models: the names of those that answer: the current one, or the last that was sound; the candidate.
    broken: whether what is published is refused. down: whether an environment that starts now may have no model.
    """

    name: str
    make: Callable[[], object]
    models: tuple[str, ...]
    broken: bool = False
    down: bool = False


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
        """Make the candidate the current model."""
        bucket, key = parse_uri(self.uri)
        self.s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key + CANDIDATE})
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

    def _put(self, uri: str, data: bytes) -> None:
        bucket, key = parse_uri(uri)
        self.s3.put_object(Bucket=bucket, Key=key, Body=data)


def script(site: Site, rounds: int) -> list[Change]:
    """Return the changes of so many rounds; each begins with A, and so does what follows the last."""
    start = Change("publish A", partial(site.publish, "A"), ("A",))
    return [change for _ in range(rounds) for change in (start, *_round(site))] + [start]


def _round(site: Site) -> list[Change]:
    """Return the changes between A and A. No model comes back while it still may answer: so each change shows."""
    fail = site.network.fail
    return [
        Change("publish B", partial(site.publish, "B"), ("B",)),
        Change("roll back to A", partial(rollback, site.uri), ("A",)),
        Change("candidate C", partial(site.publish_candidate, "C"), ("A", "C")),
        Change("promote C", site.promote, ("C",)),
        Change("altered byte", partial(site.spoil, "altered byte"), ("C",), broken=True, down=True),
        Change("publish B", partial(site.publish, "B"), ("B",)),
        Change("not a model", partial(site.spoil, "not a model"), ("B",), broken=True, down=True),
        Change("publish D", partial(site.publish, "D"), ("D",)),
        Change("refused operator", partial(site.spoil, "refused operator"), ("D",), broken=True, down=True),
        Change("publish A", partial(site.publish, "A"), ("A",)),
        Change("deleted", site.delete, ("A",), down=True),
        Change("publish B", partial(site.publish, "B"), ("B",)),
        Change("S3 refuses", partial(fail, Fault.REFUSED), ("B",), down=True),
        Change("S3 resets", partial(fail, Fault.RESET), ("B",), down=True),
        Change("S3 hangs", partial(fail, Fault.HANGING), ("B",), down=True),
        Change("publish D, S3 answers", partial(site.recover, "D"), ("D",)),
    ]
