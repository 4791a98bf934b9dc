"""What is at a place and is not taken: the last good model goes on, and what is there is told of."""

from __future__ import annotations

import gc
import json
import weakref
from hashlib import sha256
from pathlib import Path

import onnx
import pytest

from convert.model_file.card import FORMAT_VERSION
from lambda_fn.errors import Problem, ServiceError
from lambda_fn.serving import memory
from lambda_fn.serving import served as served_module
from lambda_fn.serving.served import IDLE_SECONDS
from lambda_fn.storage import store
from lambda_fn.storage.store import Blob
from tests.lambda_fn.serving.conftest import Clock, Place, changed, name_of
from tests.lambda_fn.telemetry.lines import entries_of

TTL = 60.0
type Files = dict[str, Path]


def no_number(model: onnx.ModelProto) -> None:
    """Make every leaf NaN."""
    [trees] = [node for node in model.graph.node if node.op_type == "TreeEnsemble"]
    [weights] = [each for each in trees.attribute if each.name == "leaf_weights"]
    weights.t.raw_data = b"\0\0\0\0\0\0\xf8\x7f" * (len(weights.t.raw_data) // 8)
    [card] = [entry for entry in model.metadata_props if entry.key == "card"]
    card.value = json.dumps({**json.loads(card.value), "examples": [[5.0, 3.0]]})


def with_a_loop(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Loop"


def of_tomorrow(model: onnx.ModelProto) -> None:
    [card] = [entry for entry in model.metadata_props if entry.key == "card"]
    card.value = card.value.replace(f'"format_version": {FORMAT_VERSION}', f'"format_version": {FORMAT_VERSION + 1}')


def broken(kind: str, file: Path) -> bytes | None:
    match kind:
        case "missing":
            return None
        case "cut":
            return file.read_bytes()[:-10]
        case "altered":
            return file.read_bytes().replace(b"sepal", b"SEPAL")
        case "no model":
            return b"<html>"
        case "empty":
            return b""
        case "refused by the guard":
            return changed(file, with_a_loop)
        case "of a later version":
            return changed(file, of_tomorrow)
        case "NaN on its examples":
            return changed(file.with_name("slope.onnx"), no_number)
    raise AssertionError(kind)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "there is no model where MODEL_URI says"),
        ("cut", "altered after its export"),
        ("altered", "altered after its export"),
        ("no model", "carries no digest"),
        ("empty", "carries no digest"),
        ("refused by the guard", "Loop"),
        ("of a later version", "format version"),
        ("NaN on its examples", "not finite"),
    ],
)
def test_the_last_good_model_goes_on(
    place: Place,
    model_files: Files,
    clock: Clock,
    kind: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place.put(model_files["forest"])
    served = place.serve()
    assert name_of(served) == "forest"
    data = broken(kind, model_files["tree"])
    if data is None:
        place.path.unlink()
    else:
        place.put(data)
    code = "model-not-published" if data is None else "model-invalid"
    for _ in range(3):
        clock.now += TTL + 2 * IDLE_SECONDS
        assert name_of(served) == "forest"
        assert served.rejected is not None
        assert served.rejected["code"] == code
        assert reason in served.rejected["reason"]
    told = entries_of(capsys)
    assert [(line["level"], line["ModelRejected"]) for line in told] == [("ERROR", 1)] * 3  # an alarm goes on ringing
    digest = None if data is None else sha256(data).hexdigest()
    for line in told:
        assert line["message"].startswith(f"{line['ModelUri']}: model rejected: ")
        assert reason in line["message"] or data is None
        assert (line["code"], line.get("sha256")) == (code, digest)
    place.put(model_files["tree"])
    clock.now += TTL + 2 * IDLE_SECONDS
    assert (name_of(served), served.rejected) == ("tree", None)


def test_a_start_refuses_what_a_look_does(place: Place, model_files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    place.put(changed(model_files["slope"], no_number))
    with pytest.raises(ServiceError, match="not finite") as raised:
        name_of(place.serve())
    assert raised.value.problem is Problem.MODEL_INVALID
    [told] = entries_of(capsys)
    assert (told["level"], told["ModelRejected"], told["code"]) == ("ERROR", 1, "model-invalid")
    assert "not finite" in told["message"]


def test_what_was_rejected_may_be_followed_by_what_was_there_before(
    place: Place, model_files: Files, clock: Clock
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    first = served.current(float)
    place.put(b"no model")
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is not None
    place.put(model_files["tree"])
    clock.now += TTL + 2 * IDLE_SECONDS
    second = served.current(float)
    assert served.rejected is None
    assert second is not first  # another version
    assert second.model is first.model  # of the same bytes


def test_where_memory_does_not_allow_both_the_next_start_takes_the_new_one(
    place: Place, model_files: Files, clock: Clock
) -> None:
    place.put(model_files["tree"])
    served = place.serve(admit=lambda served, size: served.loaded is None)
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is not None
    assert served.rejected["code"] == "model-too-large"
    assert name_of(place.serve()) == "stump"


def test_the_old_model_is_freed(place: Place, model_files: Files, clock: Clock) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    old = weakref.ref(served.current(float).model)
    place.put(model_files["stump"])
    clock.now += TTL + 2 * IDLE_SECONDS
    gc.disable()  # not that garbage is looked for
    try:
        assert name_of(served) == "stump"
        assert old() is None
    finally:
        gc.enable()


def test_a_pin_takes_no_other(place: Place, model_files: Files, clock: Clock) -> None:
    place.put(model_files["stump"])
    digest = place.serve().current(float).model.sha256
    served = place.serve(sha256=digest)
    assert name_of(served) == "stump"
    place.put(model_files["tree"])
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "stump"
    assert served.rejected is not None
    assert digest in served.rejected["reason"]
    with pytest.raises(ServiceError, match="MODEL_SHA256 pins"):
        name_of(place.serve(sha256=digest))


def test_an_outage_hides_a_rejection_only_while_it_lasts(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.put(b"no model")
    codes = []
    for away in (False, True, False):
        with monkeypatch.context() as patch:
            if away:
                patch.setattr(store, "fetch_other", unavailable)
            clock.now += TTL + 2 * IDLE_SECONDS
            assert name_of(served) == "tree"
        assert served.rejected is not None
        codes.append(served.rejected["code"])
    assert codes == ["model-invalid", "storage-unavailable", "model-invalid"]


def unavailable(*_: object) -> Blob:
    raise ServiceError(Problem.STORAGE_UNAVAILABLE, "S3 is out of reach")


def test_a_failure_that_is_not_the_models_is_not_remembered_of_it(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.put(model_files["stump"])

    def fail(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(served_module, "Model", fail)
        clock.now += TTL + 2 * IDLE_SECONDS
        assert name_of(served) == "tree"
    assert served.rejected is not None
    assert served.rejected["code"] == "internal-error"
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "stump"


@pytest.mark.parametrize("fault", ["taken away", "out of reach"])
def test_it_is_told_since_when_it_is_so(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def fail(*_: object) -> None:
        raise ServiceError(Problem.STORAGE_UNAVAILABLE, "no")

    moments = map(str, range(10))
    monkeypatch.setattr(served_module, "moment", lambda: next(moments))
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    place.path.unlink()
    told = []
    with monkeypatch.context() as patch:
        if fault == "out of reach":
            patch.setattr(store, "fetch_other", fail)
        for _ in range(3):
            clock.now += TTL + 2 * IDLE_SECONDS
            assert name_of(served) == "tree"
            told.append(served.rejected and served.rejected["since"])
    assert told == ["0"] * 3
    place.put(b"no model")
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is not None
    assert served.rejected["since"] != "0"


def test_what_is_refused_at_a_start_is_not_fetched_again_until_it_is_another(
    place: Place, model_files: Files, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched: list[bool] = []
    fetch = store.fetch_other

    def counted(uri: str, max_bytes: int, etag: str) -> Blob | None:
        blob = fetch(uri, max_bytes, etag)
        fetched.append(blob is not None)
        return blob

    monkeypatch.setattr(store, "fetch_other", counted)
    place.put(b"no model")
    served = place.serve()
    for _ in range(3):
        with pytest.raises(ServiceError, match="no digest"):
            name_of(served)
    assert fetched == [True, False, False]
    told = [(line["sha256"], line["since"]) for line in map(json.loads, capsys.readouterr().out.splitlines())]
    assert len(told) == 3
    assert len(set(told)) == 1
    place.put(model_files["tree"])
    assert name_of(served) == "tree"


def test_what_came_without_a_checksum_and_is_refused_is_fetched_again(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been altered on its way."""
    place.put(model_files["tree"])
    served = place.serve()
    assert name_of(served) == "tree"
    good = Blob(model_files["stump"].read_bytes(), None, "etag", False)
    blobs = [Blob(good.data[:-10], None, "etag", False), good]
    monkeypatch.setattr(store, "fetch_other", lambda uri, most, etag: None if etag == "etag" else blobs.pop(0))
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "stump"


def test_a_model_that_memory_could_not_even_read_is_not_read(
    place: Place, model_files: Files, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put(model_files["tree"])
    served = place.serve(environ={"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"})
    assert name_of(served) == "tree"
    place.put(model_files["stump"])
    monkeypatch.setattr(memory, "free_bytes", lambda _: 600)
    clock.now += TTL + 2 * IDLE_SECONDS
    assert name_of(served) == "tree"
    assert served.rejected is not None
    assert "at most 100 are read" in served.rejected["reason"]
