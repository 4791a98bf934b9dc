"""Trees: nodes that form none, and lists that are no lists of theirs."""

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto

from convert.model_file.seal import seal
from lambda_fn.errors import ServiceError
from lambda_fn.model.guard.check import check_model
from lambda_fn.model.guard.messages import read_attribute
from lambda_fn.model.guard.protobuf import Reader, Span
from lambda_fn.model.guard.trees import MAX_LEVELS
from lambda_fn.model.model import Model
from tests.lambda_fn.model.guard.models import DOUBLE, ML, check, model_of, node, port, tensor


def chain(levels: int, side: str) -> dict[str, Any]:
    """Return the attributes of a TreeEnsemble that is one chain."""
    last = np.arange(levels) == levels - 1
    along = {
        f"nodes_{side}nodeids": np.where(last, 0, np.arange(1, levels + 1)),
        f"nodes_{side}leafs": last.astype(int),
    }
    other = "false" if side == "true" else "true"
    across = {f"nodes_{other}nodeids": np.zeros(levels, int), f"nodes_{other}leafs": np.ones(levels, int)}
    return {
        "n_targets": 1,
        "aggregate_function": 1,
        "post_transform": 0,
        "tree_roots": [0],
        "nodes_modes": tensor(np.zeros(levels, np.uint8)),
        "nodes_featureids": [0] * levels,
        "nodes_splits": tensor(np.arange(levels, dtype=np.float64)),
        "leaf_targetids": [0],
        "leaf_weights": tensor([1.0]),
        **{name: values.tolist() for name, values in (along | across).items()},
    }


def trees(attributes: dict[str, Any]) -> ModelProto:
    return model_of(node("TreeEnsemble", domain=ML, **attributes))


SMALL = chain(2, "true") | {"leaf_targetids": [0, 0], "leaf_weights": tensor([1.0, 2.0])}


def test_sound_trees_load() -> None:
    assert Model(seal(trees(SMALL))).score(np.array([[-1.0, 0.0]])).prediction.tolist() == [1.0]
    both = {"nodes_trueleafs": [1], "nodes_falseleafs": [1], "nodes_truenodeids": [0], "nodes_falsenodeids": [0]}
    assert Model(seal(trees(chain(1, "true") | both))).score(np.zeros((1, 2))).prediction.tolist() == [1.0]


@pytest.mark.parametrize("side", ["true", "false"])
def test_the_deepest_trees_load_and_deeper_ones_are_refused(side: str) -> None:
    assert Model(seal(trees(chain(MAX_LEVELS, side)))).score(np.zeros((1, 2))).prediction.tolist() == [1.0]
    for levels in (MAX_LEVELS + 1, 100_000):
        assert f"a tree has more than {MAX_LEVELS:,} levels" in check(trees(chain(levels, side)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes_truenodeids": [0, 0]}, "node 0 was expected in one place of one tree, it is in 2"),
        ({"nodes_truenodeids": [1, 0], "nodes_trueleafs": [0, 0]}, "node 0 was expected in one place"),
        ({"nodes_falsenodeids": [1, 0], "nodes_falseleafs": [0, 1]}, "node 1 was expected in one place"),
        ({"nodes_trueleafs": [1, 0], "nodes_truenodeids": [0, 1]}, "the others form a cycle"),
        ({"tree_roots": [1]}, "node 0 was expected in one place of one tree, it is in 0"),
        ({"tree_roots": [0, 0]}, "node 0 was expected in one place of one tree, it is in 2"),
        ({"tree_roots": [2]}, "tree_roots has 2 where there are 2"),
        ({"nodes_truenodeids": [2, 0]}, "nodes_truenodeids has 2 where there are 2"),
        ({"nodes_truenodeids": [-1, 0]}, "nodes_truenodeids has -1 where there are 2"),
        ({"nodes_falsenodeids": [0, 2**62]}, f"nodes_falsenodeids has {2**62} where there are 2"),
        ({"nodes_falsenodeids": [0]}, "nodes_falsenodeids was expected to be a list of 2 numbers, not of 1"),
        ({"nodes_trueleafs": [0, 1, 1]}, "nodes_trueleafs was expected to be a list of 2 numbers, not of 3"),
        ({"nodes_trueleafs": [0, 2]}, "nodes_trueleafs has 2 where there are 2"),
        ({"n_targets": -1}, "n_targets was expected to be a number from 1 on"),
        ({"n_targets": 0}, "n_targets was expected to be a number from 1 on"),
        ({"n_targets": [1]}, "n_targets was expected to be a number from 1 on"),
        ({"nodes_featureids": [0, 2]}, "nodes_featureids has 2 where there are 2"),
        ({"nodes_featureids": [-1, 0]}, "nodes_featureids has -1 where there are 2"),
        ({"leaf_targetids": [0, 1]}, "leaf_targetids has 1 where there are 1"),
        ({"nodes_missing_value_tracks_true": [0]}, "nodes_missing_value_tracks_true was expected to be a list of 2"),
        ({"nodes_splits": tensor([1.0])}, "nodes_splits was expected to be a tensor of 2 elements of type 11"),
        ({"nodes_splits": tensor(np.ones(2, np.float32))}, "nodes_splits was expected to be a tensor of 2 elements"),
        ({"nodes_splits": [1, 2]}, "nodes_splits was expected to be a tensor of 2 elements"),
        ({"leaf_weights": tensor([[1.0, 2.0]])}, "leaf_weights was expected to be a tensor of 2 elements of type 11"),
        ({"tree_roots": 0}, "tree_roots was expected to be a list of integers"),
        ({"nodes_modes": tensor(np.array([0, 6], np.uint8))}, "nodes_modes was expected to be 0 for each node"),
        ({"nodes_modes": tensor(np.zeros(3, np.uint8))}, "nodes_modes was expected to be a tensor of 2 elements"),
        ({"nodes_modes": [0, 0]}, "nodes_modes was expected to be a tensor of 2 elements"),
        ({"aggregate_function": 0}, "'aggregate_function' of TreeEnsemble was expected to be one of (1,)"),
        ({"membership_values": tensor([1.0])}, "TreeEnsemble has an attribute 'membership_values', which no exporter"),
    ],
    ids=str,
)
def test_nodes_that_form_no_trees_are_refused(changes: dict[str, Any], message: str) -> None:
    assert message in check(trees(SMALL | changes))


@pytest.mark.parametrize(
    "name", ["tree_roots", "nodes_modes", "nodes_truenodeids", "nodes_falseleafs", "leaf_targetids"]
)
def test_an_attribute_that_is_missing_is_named(name: str) -> None:
    assert f"the attribute {name!r} of TreeEnsemble was expected, it did not come" in check(
        trees({key: value for key, value in SMALL.items() if key != name})
    )


def test_sums_that_a_number_makes_are_refused() -> None:
    many = trees(SMALL | {"n_targets": 1_000_000_000})
    many.graph.output[0].CopyFrom(port("value", DOUBLE, (None, 1_000_000_000)))
    assert "a row was expected to take at most" in check(many)


def test_lists_that_are_cut_are_refused() -> None:
    # by the end of their attribute: what is left of them follows behind it
    for tagged in (b"\x40\x81\x01", b"\x42\x02\x81\x01"):
        for end in range(1, len(tagged)):
            with pytest.raises(ServiceError, match=r"is not protobuf: at byte \d+ .* expected"):
                read_attribute(Reader(tagged * 2), Span(0, len(tagged) + end))


def test_lists_are_read_packed_or_not() -> None:
    plain = trees(SMALL)
    packed = trees(SMALL | {"nodes_truenodeids": [0, 0]})
    [change] = [each for each in packed.graph.node[0].attribute if each.name == "nodes_truenodeids"]
    unpacked, both = b"\x40\x00\x40\x00", b"\x42\x02\x01\x00"
    data = packed.SerializeToString()
    assert change.SerializeToString().count(unpacked) == 1
    place = data.index(b"nodes_truenodeids") + len("nodes_truenodeids")
    assert data[place : place + 4] == unpacked
    check_model(data[:place] + both + data[place + 4 :])
    assert data[:place] + b"\x40\x01\x40\x00" + data[place + 4 :] == plain.SerializeToString()
