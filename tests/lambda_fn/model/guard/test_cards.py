"""What onnxruntime refuses, cards that lie, and labels that are not the card's."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from convert.model_file.seal import seal
from lambda_fn.model.model import Model
from tests.lambda_fn.codecs.cards import EXAMPLE
from tests.lambda_fn.model.guard.models import DOUBLE, constant, model_of, node, port, refusal


@pytest.mark.parametrize("width", [1, 3])
def test_a_card_that_tells_of_another_width_is_refused(width: int) -> None:
    detail = refusal(seal(model_of(node(), width=width)))
    assert "expected to have one input, rows of 2 features as the card says, it has tensor(double) " in detail


def test_a_card_that_tells_of_another_task_is_refused() -> None:
    model = model_of(node())
    model.metadata_props[0].value = json.dumps(EXAMPLE)
    assert "answer a classification with 3 classes, for 2 rows it answers float64 (2, 1)" in refusal(seal(model))


# Labels


def classifier_of(*nodes: NodeProto, kind: int = TensorProto.INT64, constants: Sequence[TensorProto] = ()) -> bytes:
    """Return a sealed classification from ``X``, (n, 2), to ``label``; its card has the classes 0, 1 and 2."""
    model = model_of(*nodes, initializers=constants)
    model.graph.output[0].CopyFrom(port("label", kind, (None,)))
    model.metadata_props[0].value = json.dumps(EXAMPLE)
    return seal(model)


INDEX = node("ArgMax", axis=1, keepdims=0, output="index")
CELL = helper.make_node("Cast", ["cell"], ["whole"], to=TensorProto.INT64, domain="")
LABELLED: dict[str, tuple[bytes, str]] = {
    "a class that there is not": (
        classifier_of(
            node("ReduceSum", "X", "axes", keepdims=1, output="cell"),
            CELL,
            node("GatherND", "table", "whole", output="index"),
            node("Identity", "index", output="label"),
            constants=[constant([0, 1, 3], "table")],
        ),
        "answers 0, 1, 2, 3, its card tells of 0, 1, 2",
    ),
    "a class below all": (
        classifier_of(
            node("ReduceSum", "X", "axes", keepdims=1, output="cell"),
            CELL,
            node("GatherND", "table", "whole", output="index"),
            node("Identity", "index", output="label"),
            constants=[constant([0, -5, 2], "table")],
        ),
        "answers -1, 0, 1, 2, its card tells of 0, 1, 2",
    ),
    "the largest of four": (
        classifier_of(
            node("Concat", "X", "X", axis=1, output="four"),
            node("ArgMax", "four", axis=1, keepdims=0, output="index"),
            node("Identity", "index", output="label"),
        ),
        "answers 0, 1, 2, 3, its card tells of 0, 1, 2",
    ),
    "other labels": (
        classifier_of(
            INDEX, node("Gather", "table", "index", axis=0, output="label"), constants=[constant([0, 1], "table")]
        ),
        "answers 0, 1, its card tells of 0, 1, 2",
    ),
    "labels that are values of the rows": (
        classifier_of(
            node("Gather", "X", "place", axis=1, output="label"), kind=DOUBLE, constants=[constant(0, "place")]
        ),
        "labels were expected to be looked up in a constant",
    ),
    "labels of another type": (
        classifier_of(
            INDEX,
            node("Gather", "table", "index", axis=0, output="label"),
            kind=DOUBLE,
            constants=[constant([0.0, 1.0, 2.0], "table")],
        ),
        "expected to answer a classification with 3 classes, for 2 rows it answers float64 (2,)",
    ),
}


@pytest.mark.parametrize(("data", "message"), LABELLED.values(), ids=LABELLED)
def test_labels_that_are_not_the_cards_are_refused(data: bytes, message: str) -> None:
    assert message in refusal(data)


def test_fewer_numbers_of_classes_than_there_are_load() -> None:
    two = classifier_of(INDEX, node("Identity", "index", output="label"))
    assert Model(two).score(np.array([[1.0, 2.0], [2.0, 1.0]])).prediction.tolist() == [1, 0]
