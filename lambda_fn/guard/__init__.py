"""What a model file may hold, checked before onnxruntime sees a byte of it: what our exporters write, and no more.

A file is input. Its seal tells of accidents only, and onnxruntime, given a file that means harm, takes all memory
(`ConstantOfShape`), never returns (`Loop`), needs seconds (nested functions), reads other files (external data) or
crashes (deep trees). So operators, and the fields of every message, are on lists of what is allowed.
It does not stop a graph that makes much of little with sound operators, such as a `Concat` of itself 40 times over.
"""

from __future__ import annotations

from collections.abc import Mapping

from lambda_fn.guard.messages import (
    GRAPH,
    MODEL,
    NODE,
    Attribute,
    check_tensor,
    fields_of,
    read_attribute,
    refused,
    span_of,
    text_of,
)
from lambda_fn.guard.protobuf import Reader, Span
from lambda_fn.guard.trees import check_ensemble, check_numbered

ML = "ai.onnx.ml"
OPERATORS: frozenset[tuple[str, str]] = frozenset(
    [("", name) for name in (
        *("Abs", "Add", "And", "ArgMax", "ArgMin", "Cast", "Clip", "Concat", "Constant", "CumSum", "Div", "Equal"),
        *("Erf", "Exp", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Gemm", "Greater"),
        *("GreaterOrEqual", "Identity", "IsNaN", "Less", "LessOrEqual", "Log", "MatMul", "Max", "Min", "Mul", "Neg"),
        *("Not", "Or", "Pow", "Reciprocal", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"),
        *("ReduceSumSquare", "Relu", "Reshape", "Shape", "Sigmoid", "Sign", "Slice", "Softmax", "Split", "Sqrt"),
        *("Squeeze", "Sub", "Sum", "Tanh", "TopK", "Transpose", "Unsqueeze", "Where", "Xor"),
    )]
    + [(ML, name) for name in (
        *("ArrayFeatureExtractor", "Binarizer", "Imputer", "LabelEncoder", "LinearClassifier", "LinearRegressor"),
        *("Normalizer", "SVMClassifier", "SVMRegressor", "Scaler"),
        *("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor"),
    )]
)  # fmt: skip
"""Domain and name of the operators that load. None runs a subgraph, or makes memory out of a number in the file."""


def check_model(data: bytes) -> None:
    """Raise ServiceError (model-invalid) if the bytes of a model file hold what no exporter of ours writes."""
    reader = Reader(data)
    graphs = [span_of(part) for part in fields_of(reader, Span(0, len(data)), MODEL) if part.number == 7]
    if len(graphs) != 1:
        raise refused(f"one graph was expected, {len(graphs)} came")
    for part in fields_of(reader, graphs[0], GRAPH):
        if part.number == 1:
            _check_node(reader, span_of(part))
        elif part.number == 5:
            check_tensor(reader, span_of(part))


def _check_node(reader: Reader, node: Span) -> None:
    texts, attributes = {4: "", 7: ""}, {}
    for part in fields_of(reader, node, NODE):
        if part.number == 5:
            attribute = read_attribute(reader, span_of(part))
            if attribute.name in attributes:
                raise refused(f"an attribute {attribute.name!r} was expected once in a node, it came again")
            attributes[attribute.name] = attribute
        elif part.number in texts:
            texts[part.number] = text_of(reader, part)
    name, domain = texts.values()
    if (domain, name) not in OPERATORS:
        raise refused(f"the operator {name!r} of domain {domain!r} is not among the {len(OPERATORS)} that load")
    if domain == ML and name.startswith("TreeEnsemble"):
        _check_forest(reader, name, attributes)


def _check_forest(reader: Reader, name: str, attributes: Mapping[str, Attribute]) -> None:
    lists = {key: attribute.ints for key, attribute in attributes.items()}
    targets = attributes["n_targets"].number if "n_targets" in attributes else 0
    try:
        if name == "TreeEnsemble":
            _check_modes(reader, attributes["nodes_modes"].tensor, len(lists["nodes_truenodeids"]))
            check_ensemble(lists, targets)
        elif len(attributes["nodes_modes"].is_leaf) == 0:
            raise refused(f"nodes_modes of {name} was expected to begin with 'BRANCH_LEQ' or 'LEAF'")
        else:
            leaves = lists["class_ids" if name == "TreeEnsembleClassifier" else "target_ids"]
            check_numbered(lists, attributes["nodes_modes"].is_leaf, targets, len(leaves))
    except KeyError as error:
        raise refused(f"the attribute {error} of {name} was expected, it did not come") from error


def _check_modes(reader: Reader, modes: Span | None, nodes: int) -> None:
    """Check that every node of a TreeEnsemble compares by <=, mode 0 as a byte."""
    raw = [span_of(part) for part in reader.fields(modes) if part.number == 9] if modes else []
    if not raw or not raw[-1].end - raw[-1].start == reader.data.count(0, raw[-1].start, raw[-1].end) == nodes:
        raise refused(f"nodes_modes of TreeEnsemble was expected to be {nodes:,} bytes of 0")
