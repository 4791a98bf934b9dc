"""The environment, read once into frozen settings."""

from __future__ import annotations

import os
from collections.abc import Mapping

from lambda_fn.record import Record

PATH_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$+!*'()@:/")
"""What API mappings may be made of, and paths of load balancers' rules are; the last one parts the segments."""
MB_PER_VCPU = 1769
"""The memory, in MB, that a function has one vCPU with."""


class ConfigError(ValueError):
    """Raised at init when a setting is missing or has a value it does not take; says which."""


class Settings(Record):
    """What the function was deployed with. The field `model_uri` is the variable MODEL_URI, and so on.

    model_uri: where the model is, ``s3://bucket/key`` or ``file:///path``; None on a function that does not score.
    objects_uri: where the JSON objects are kept, ``s3://bucket/prefix/``; None on a function that keeps none.
    max_body_bytes: the largest request body that is scored. Lambda takes 6 MB with the event around the body.
    max_object_bytes: the largest JSON object that is stored.
    max_model_bytes: the largest model file that is read. A forest takes about twelve times its file's size in memory.
    base_path: what a custom domain has in front of the service's paths, such as ``/v1``; empty if there is none.
    scoring_threads: how many threads score a body of many rows; unless it is set, one for each vCPU, or part of one.
    """

    model_uri: str | None
    objects_uri: str | None
    max_body_bytes: int
    max_object_bytes: int
    max_model_bytes: int
    scoring_threads: int
    base_path: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from `environ`; raise ConfigError for one that is missing or wrong."""
        model_uri = environ.get("MODEL_URI") or None
        objects_uri = environ.get("OBJECTS_URI") or None
        if model_uri is None and objects_uri is None:
            raise ConfigError(
                "neither MODEL_URI (s3://bucket/key or file:///path) nor OBJECTS_URI (s3://bucket/prefix/) is set"
            )
        if model_uri is not None and not _is_model(model_uri):
            raise ConfigError(f"MODEL_URI is s3://bucket/key or file:///path, not {model_uri!r}")
        if objects_uri is not None and not _is_prefix(objects_uri):
            raise ConfigError(f"OBJECTS_URI is s3://bucket/prefix/ with the slash at its end, not {objects_uri!r}")
        if model_uri is not None and objects_uri is not None and model_uri.startswith(objects_uri):
            # one function for both; where there are two, as deployed, their roles keep them apart
            raise ConfigError(f"MODEL_URI {model_uri!r} is within OBJECTS_URI {objects_uri!r}, where clients write")
        return cls(
            model_uri=model_uri,
            objects_uri=objects_uri,
            max_body_bytes=_positive(environ, "MAX_BODY_BYTES", 6_000_000),
            max_object_bytes=_positive(environ, "MAX_OBJECT_BYTES", 1_000_000),
            max_model_bytes=_positive(environ, "MAX_MODEL_BYTES", 256_000_000),
            scoring_threads=_positive(environ, "SCORING_THREADS", _vcpus(environ)),
            base_path=_base_path(environ.get("BASE_PATH", "")),
        )


def location(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/key`` into bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _is_model(uri: str) -> bool:
    return all(location(uri)) if uri.startswith("s3://") else uri.startswith("file:///") and uri != "file:///"


def _is_prefix(uri: str) -> bool:
    bucket, prefix = location(uri)
    return uri.startswith("s3://") and bucket != "" and prefix.removesuffix("/") not in {"", prefix}


def _base_path(text: str) -> str:
    """Return the path with a slash in front and none at its end; empty if it has no segment."""
    path = text.strip("/")
    if not PATH_CHARACTERS.issuperset(path) or "//" in path:
        raise ConfigError(f"BASE_PATH is segments of a path, such as v1 or models/iris, not {text!r}")
    return f"/{path}" if path else ""


def _vcpus(environ: Mapping[str, str]) -> int:
    """Return how many vCPUs there are, the last one perhaps in part: Lambda shows two at least, and gives by memory."""
    cores = os.process_cpu_count() or 1
    memory = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return min(cores, -(-int(memory) // MB_PER_VCPU)) if memory.isdecimal() and int(memory) > 0 else cores


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"{name} is a positive whole number, not {text!r}")
    return int(text)
