"""The environment, read once into frozen settings."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from lambda_fn.record import Record

PATH_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~$+!*'()@:/")
"""What API mappings may be made of, and paths of load balancers' rules are; the last one parts the segments."""
KEY = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}"
"""What the key of an object, or the name of a model, looks like: no slash, so that it cannot leave its prefix, and no
dot in front. To compile it takes 0.4 ms, and waits for the first one."""
HEXADECIMAL = frozenset("0123456789abcdef")
FLAGS = ("false", "true")
NAMESPACE = "Plume"
"""Of the metrics in CloudWatch."""
DOORS = ("open", "iam", "jwt", "key")
MB_PER_VCPU = 1769
"""The memory, in MB, that a function has one vCPU with, and with less its share of one:
https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""


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
    memory_bytes: what the function has; None where nobody says, as on a machine of one's own.
    models_uri: where several models are, ``s3://bucket/prefix/`` or ``file:///path/``; None if there is one at most.
    model_ttl: after how many seconds S3 is asked for another model; infinite for never.
    model_sha256: the digest of the only model at `model_uri` that is served; None for any.
    candidate_share: which share of the calls, from 0 to 1, the candidate beside the model scores.
    candidate_shadow: whether its answers are only compared.
    candidate_key: the header that says which calls belong together (``header``, name), or the feature (``feature``,
    name); None where each is drawn by itself.
    results_uri: where the answers to a queue's messages are stored, ``s3://bucket/prefix/``; None for the log.
    door: what is asked of calls in front of the function, as the page and the OpenAPI document tell: ``open``, ``iam``,
    ``jwt`` or ``key``; docs_door: what of calls for those two, the same unless it is set.
    capture_uri, capture_share: where rows that were scored are kept, ``s3://bucket/prefix/``, and of which share of the
    calls, from 0 to 1.
    log_calls: of which calls a line is logged: ``all``, ``errors`` or ``none``; log_inputs: whether with what was sent.
    metrics: whether CloudWatch is told of each call; server_timing: whether each answer says how long it took.
    cors_origin: of whose pages browsers may call, an origin or ``*``, where the function itself says so; or else None.
    """

    model_uri: str | None
    objects_uri: str | None
    max_body_bytes: int
    max_object_bytes: int
    max_model_bytes: int
    scoring_threads: int
    base_path: str = ""
    memory_bytes: int | None = None
    models_uri: str | None = None
    model_ttl: float = 60.0
    model_sha256: str | None = None
    candidate_share: float = 0.0
    candidate_shadow: bool = False
    candidate_key: tuple[str, str] | None = None
    results_uri: str | None = None
    cors_origin: str | None = None
    door: str = "open"
    docs_door: str = "open"
    capture_uri: str | None = None
    capture_share: float = 0.0
    log_calls: str = "none"
    log_inputs: bool = False
    metrics: bool = False
    server_timing: bool = False

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from `environ`; raise ConfigError for one that is missing or wrong."""
        model_uri = environ.get("MODEL_URI") or None
        models_uri = environ.get("MODELS_URI") or None
        objects_uri = environ.get("OBJECTS_URI") or None
        if model_uri is None and models_uri is None and objects_uri is None:
            raise ConfigError(
                "neither MODEL_URI (s3://bucket/key or file:///path), nor MODELS_URI (s3://bucket/prefix/ or"
                " file:///path/), nor OBJECTS_URI (s3://bucket/prefix/) is set"
            )
        if model_uri is not None and not _is_model(model_uri):
            raise ConfigError(f"MODEL_URI is s3://bucket/key or file:///path, not {model_uri!r}")
        if models_uri is not None and not (_is_prefix(models_uri) or _is_folder(models_uri)):
            raise ConfigError(
                f"MODELS_URI is s3://bucket/prefix/ or file:///path/ with the slash at its end, not {models_uri!r}"
            )
        if objects_uri is not None and not _is_prefix(objects_uri):
            raise ConfigError(f"OBJECTS_URI is s3://bucket/prefix/ with the slash at its end, not {objects_uri!r}")
        results_uri = environ.get("RESULTS_URI") or None
        if results_uri is not None and not _is_prefix(results_uri):
            raise ConfigError(f"RESULTS_URI is s3://bucket/prefix/ with the slash at its end, not {results_uri!r}")
        capture_uri = environ.get("CAPTURE_URI") or None
        capture_share = _number(environ, "CAPTURE_SHARE", 0.0, 1.0)
        door = _one_of(environ, "DOOR", *DOORS)
        if (capture_uri is None and capture_share) or (capture_uri is not None and not _is_prefix(capture_uri)):
            raise ConfigError(f"CAPTURE_URI is s3://bucket/prefix/ with the slash at its end, not {capture_uri!r}")
        if environ.get("MODEL_SHA256") and _number(environ, "CANDIDATE_SHARE", 0.0, 1.0):
            raise ConfigError("MODEL_SHA256 pins the only model that is served: CANDIDATE_SHARE is to be 0 with it")
        for name, uri in (("MODEL_URI", model_uri), ("MODELS_URI", models_uri)):
            if uri is not None and objects_uri is not None and uri.startswith(objects_uri):
                # one function for both; where there are two, as deployed, their roles keep them apart
                raise ConfigError(f"{name} {uri!r} is within OBJECTS_URI {objects_uri!r}, where clients write")
        return cls(
            model_uri=model_uri,
            objects_uri=objects_uri,
            max_body_bytes=_positive(environ, "MAX_BODY_BYTES", 6_000_000),
            max_object_bytes=_positive(environ, "MAX_OBJECT_BYTES", 1_000_000),
            max_model_bytes=_positive(environ, "MAX_MODEL_BYTES", 256_000_000),
            scoring_threads=scoring_threads(environ),
            base_path=_base_path(environ.get("BASE_PATH", "")),
            memory_bytes=_memory_mb(environ) * 2**20 or None,
            models_uri=models_uri,
            model_ttl=_number(environ, "MODEL_TTL", 60.0, math.inf) or math.inf,
            model_sha256=_sha256(environ.get("MODEL_SHA256") or None),
            candidate_share=_number(environ, "CANDIDATE_SHARE", 0.0, 1.0),
            candidate_shadow=_one_of(environ, "CANDIDATE_MODE", "answer", "shadow") == "shadow",
            candidate_key=_candidate_key(environ.get("CANDIDATE_KEY") or None),
            results_uri=results_uri,
            cors_origin=_cors_origin(environ.get("CORS_ORIGIN") or None),
            door=door,
            docs_door=_one_of(environ, "DOCS_DOOR", *DOORS) if environ.get("DOCS_DOOR") else door,
            capture_uri=capture_uri,
            capture_share=capture_share,
            log_calls=_one_of(environ, "LOG_CALLS", "none", "errors", "all"),
            log_inputs=_one_of(environ, "LOG_INPUTS", *FLAGS) == "true",
            metrics=_one_of(environ, "METRICS", *FLAGS) == "true",
            server_timing=_one_of(environ, "SERVER_TIMING", *FLAGS) == "true",
        )


def location(uri: str) -> tuple[str, str]:
    """Split ``s3://bucket/key`` into bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def scoring_threads(environ: Mapping[str, str]) -> int:
    """Return how many threads score many rows; raise ConfigError for a setting that is wrong."""
    return _positive(environ, "SCORING_THREADS", _vcpus(environ))


def _is_model(uri: str) -> bool:
    return all(location(uri)) if uri.startswith("s3://") else uri.startswith("file:///") and uri != "file:///"


def _is_prefix(uri: str) -> bool:
    bucket, prefix = location(uri)
    return uri.startswith("s3://") and bucket != "" and prefix.removesuffix("/") not in {"", prefix}


def _is_folder(uri: str) -> bool:
    return uri.startswith("file:///") and uri.endswith("/")


def _base_path(text: str) -> str:
    """Return the path with a slash in front and none at its end; empty if it has no segment."""
    path = text.strip("/")
    if not PATH_CHARACTERS.issuperset(path) or "//" in path:
        raise ConfigError(f"BASE_PATH is segments of a path, such as v1 or models/iris, not {text!r}")
    return f"/{path}" if path else ""


def _vcpus(environ: Mapping[str, str]) -> int:
    """Return how many vCPUs there are, the last one perhaps in part: Lambda shows two at least, and gives by memory."""
    cores = os.process_cpu_count() or 1
    return min(cores, -(-_memory_mb(environ) // MB_PER_VCPU) or cores)


def _memory_mb(environ: Mapping[str, str]) -> int:
    """Return the memory that the function has, 0 where nobody says."""
    memory = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(memory) if memory.isdecimal() else 0


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"{name} is a positive whole number, not {text!r}")
    return int(text)


def _number(environ: Mapping[str, str], name: str, default: float, most: float) -> float:
    text = environ.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (0 <= number <= most and number < math.inf):
        end = "on" if most == math.inf else f"to {most:g}"
        raise ConfigError(f"{name} is a number from 0 {end}, not {text!r}")
    return number


def _sha256(text: str | None) -> str | None:
    if text is None or (len(text) == 64 and HEXADECIMAL.issuperset(text.lower())):
        return text and text.lower()
    raise ConfigError(f"MODEL_SHA256 is 64 hexadecimal digits, not {text!r}")


def _one_of(environ: Mapping[str, str], name: str, *words: str) -> str:
    """Return a setting that is one of some words, the first by default."""
    text = environ.get(name) or words[0]
    if text not in words:
        raise ConfigError(f"{name} is {', '.join(words[:-1])} or {words[-1]}, not {text!r}")
    return text


def _cors_origin(text: str | None) -> str | None:
    scheme, _, host = (text or "").partition("://")
    if text not in {None, "*"} and (scheme not in {"http", "https"} or not host or {*host} & {*'/, "'}):
        raise ConfigError(f"CORS_ORIGIN is * or an origin, such as https://example.org, not {text!r}")
    return text


def _candidate_key(text: str | None) -> tuple[str, str] | None:
    kind, _, name = (text or "").partition(":")
    if text is not None and (kind not in ("header", "feature") or not name):
        raise ConfigError(f"CANDIDATE_KEY is header:NAME or feature:NAME, not {text!r}")
    return (kind, name.lower() if kind == "header" else name) if text else None
