"""Bytes that are no model: cut, of other formats, or more than a model has."""

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from convert.model_file.seal import PREFIX, seal
from lambda_fn.errors import ServiceError
from lambda_fn.model.guard.check import check_model
from lambda_fn.model.guard.protobuf import MAX_FIELDS
from lambda_fn.model.model import Model
from tests.lambda_fn.model.guard.models import check, model_of, node, refusal
from tests.lambda_fn.model.guard.mutants import seal_by_hand


def test_a_truncated_file_is_refused(model_file: Path) -> None:
    data = model_file.read_bytes()
    body = data[: data.rindex(PREFIX) - 2]  # what is in front of the seal
    for end in [*range(1, 200), *range(200, len(body), 97)]:
        assert refusal(seal_by_hand(body[:end])).startswith(
            (
                "the model file is not protobuf: at byte ",
                "the model file is refused: ",
                "the model file carries no card",
                "the model's card is no JSON: ",
            )
        )


GARBAGE = {
    "empty": b"",
    "zeros": bytes(1000),
    "noise": np.random.default_rng(0).bytes(1000),
    "text": b"This is not a model file, is it?\n",
    "zip": b"PK\x03\x04" + bytes(100),
    "pickle": b"\x80\x05\x95" + bytes(100),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
    "html": b"<!doctype html><title>403</title>",
    "ORT format": b"\x20\x00\x00\x00ORTM" + bytes(100),
    "a group": b"\x3b\x3c",
    "field 0": b"\x02\x00",
    "a tag beyond 32 bits": b"\xba\x80\x80\x80\x10\x00",
    "a varint without end": b"\x08" + b"\xff" * 20,
    "a length beyond the file": b"\x3a\xff\xff\xff\xff\x0f",
    "a graph that is a number": b"\x38\x01",
}


@pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE)
def test_garbage_and_other_formats_are_refused(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert "the model file is " in refusal(seal_by_hand(data))
    assert capfd.readouterr() == ("", "")


def test_two_formats_at_once_are_one() -> None:
    # bytes 4 to 7 tell onnxruntime its own format; here they are within a string of a sound model
    data = seal(model_of(node()))
    both = b"\x12\x06\x00\x00ORTM" + data  # producer_name
    assert Model(seal_by_hand(both)).score(np.array([[1.0, 2.0]])).prediction.tolist() == [3.0]


def test_a_second_graph_is_refused() -> None:
    model = model_of(node())
    data = model.SerializeToString()
    second = ModelProto(graph=model.graph).SerializeToString()
    with pytest.raises(ServiceError, match="the model was expected to have field 7 once, it came again"):
        check_model(data + second)
    model.ClearField("graph")
    assert "the model was expected to have field 7 once, it has it 0 times" in check(model)


def test_more_fields_than_a_model_has_are_refused() -> None:
    with pytest.raises(ServiceError, match=f"has more than {MAX_FIELDS:,} fields"):
        check_model(b"\x42\x00" * (MAX_FIELDS + 1))
