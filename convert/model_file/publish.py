"""Model files on S3. The current model is one key, a candidate is beside it; S3's object versions are the history."""

from __future__ import annotations

from pathlib import Path

import onnx

from convert.errors import ConvertError
from convert.model_file.companions import digest, place, read_companions
from convert.model_file.disk import check_certificate, read_card, read_model, sealed, write_sealed
from convert.model_file.seal import check_seal
from convert.model_file.service import check_served
from convert.model_file.versions import (
    Version,
    check_versions_kept,
    copy,
    current_version,
    delete,
    get,
    history,
    parse_uri,
    put,
)

CANDIDATE = ".candidate"
"""What is behind the key of the current model in that of the candidate."""


def candidate_of(uri: str) -> str:
    """Return where the candidate is of the model at ``s3://bucket/key``; raise ConvertError if that is one itself.

    >>> candidate_of("s3://bucket/models/model.onnx")
    's3://bucket/models/model.onnx.candidate'
    """
    parse_uri(uri)
    if uri.endswith(CANDIDATE):
        raise ConvertError(f"{uri} is where a candidate is: give the current model's, {uri.removesuffix(CANDIDATE)}")
    return uri + CANDIDATE


def publish(model: Path, uri: str, *, force: bool = False, candidate: bool = False) -> str:
    """Upload the model file to ``s3://bucket/key`` and return the id of the version that this makes.

    One PUT replaces the key atomically; S3 compares the bytes with their SHA-256 and keeps it with them. Companions go
    first, each to a key of its own that has its digest in it: so a version has its own, also after a rollback. A
    `candidate` replaces the one beside the current model instead; its companions go where that model's do, so that it
    is promoted without them.
    With `force` the lack of a passing certificate is no obstacle, but is written into the card.
    Raises ConvertError if the file was altered after it was written or has none, if the service would refuse it, with
    or without `force`, and for whatever S3 refuses.
    """
    beside_current = candidate_of(uri)
    target = beside_current if candidate else uri
    data = on_disk = read_model(model)
    card, graph = read_card(data), onnx.load_from_string(data)
    beside = read_companions(model, card)
    try:
        check_certificate(card, graph, str(model))
    except ConvertError:
        if not force:
            raise
        data = sealed(graph, {**card, "forced": True})
    check_served(data, beside.values())
    if data != on_disk:
        write_sealed(model, data)
    for companion in beside.values():
        put(place(uri, digest(companion)), companion)
    return _version_id(put(target, data), target)


def fetch(uri: str, version_id: str | None = None) -> bytes:
    """Return the bytes of the model file at ``s3://bucket/key``, the current ones or those of a version.

    Raises ConvertError for whatever S3 refuses, and for a file that was altered after it was written.
    """
    data = get(uri, version_id)
    check_seal(data, uri)
    return data


def promote(uri: str) -> tuple[Version, str]:
    """Make the candidate the current model at ``s3://bucket/key``; return the candidate and the new version's id.

    One copy on S3 of the version that was looked at. The candidate stays: a service leaves one alone that is the
    current model. Raises ConvertError if there is none, if it is the current model already, and where the bucket keeps
    no versions, as the current model would be lost.
    """
    check_versions_kept(uri)
    candidate, current = _candidate(uri), current_version(uri)
    if current is not None and candidate.has_bytes_of(current):
        raise ConvertError(f"the candidate has the bytes of the current model of {uri} already, version {current.id}")
    return candidate, _version_id(copy(candidate_of(uri), candidate.id, uri), uri)


def withdraw(uri: str) -> Version:
    """Delete the candidate of the model at ``s3://bucket/key``, and return it.

    Its versions stay in its history. Raises ConvertError if there is none, and where the bucket keeps no versions, as
    it would be lost.
    """
    check_versions_kept(uri)
    candidate = _candidate(uri)
    delete(candidate_of(uri))
    return candidate


def rollback(uri: str, version_id: str | None = None) -> tuple[Version, str]:
    """Make an earlier version the current one again, as a new version; return the earlier one and the new one's id.

    Without `version_id` it is the newest whose bytes are not the current ones. Nothing is deleted.
    Raises ConvertError if there is no such version.
    """
    target = _rollback_target(history(uri), uri, version_id)
    return target, _version_id(copy(uri, target.id, uri), uri)


def _candidate(uri: str) -> Version:
    """Return the candidate's current version; raise ConvertError if there is none."""
    candidate = current_version(candidate_of(uri))
    if candidate is None:
        raise ConvertError(f"{uri} has no candidate: `publish --candidate` puts one beside it")
    return candidate


def _version_id(version_id: str | None, uri: str) -> str:
    if version_id is None:
        raise ConvertError(f"{uri} was written, but its bucket keeps no versions: no history, no rollback. Enable them")
    return version_id


def _rollback_target(versions: list[Version], uri: str, version_id: str | None) -> Version:
    current, *earlier = versions
    for version in versions if version_id else earlier:
        if version.deletion:
            continue
        if version.id == version_id or (version_id is None and not version.has_bytes_of(current)):
            return version
    if version_id:
        raise ConvertError(f"{uri} has no version {version_id}; `history` lists them")
    raise ConvertError(f"{uri} has no earlier version that differs from the current one")
