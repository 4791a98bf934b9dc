"""What a model file may hold, checked before onnxruntime sees a byte of it: what our exporters write, and no more.

A file is input. Its seal tells of accidents only, and onnxruntime, given a file that means harm, takes all memory
(`ConstantOfShape`), never returns (`Loop`), needs minutes (constants that nothing uses), reads other files (external
data) or crashes (deep trees, integers divided by 0, inputs without a name). So the fields of every message, the
operators, their attributes and the types of what they take are on lists of what is allowed, and every value's shape is
known: what a row takes is bounded by the file's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lambda_fn.model.guard.graph import Checked, check_graph
from lambda_fn.model.guard.messages import ENTRY, MODEL, OPSET, number_of, only, parts_of, refused, spans, texts_of
from lambda_fn.model.guard.operators import ML
from lambda_fn.model.guard.protobuf import Reader, Span

IR_VERSION = 10
OPSETS = ({"": 21, ML: 5}, {"": 13}, {"": 14}, {"": 13, ML: 1}, {"": 14, ML: 1})
"""Our own, and those that skl2onnx needs for what it may still write."""


def check_model(data: bytes, rows: Sequence[tuple[float, float]] = ()) -> Checked:
    """Raise ServiceError (model-invalid) if the bytes of a model file hold what no exporter of ours writes.

    rows: the lowest and the highest number that each feature may be, of a graph for many rows: of that, every index
    into a table is to be shown to be inside it.
    Returns what is known of the graph.
    """
    reader = Reader(data)
    parts = parts_of(reader, Span(0, len(data)), MODEL)
    opsets = [parts_of(reader, each, OPSET) for each in spans(parts, 8)]
    versions = {"".join(texts_of(reader, each, 1)): number_of(each, 2) for each in opsets}
    if number_of(parts, 1) != IR_VERSION or versions not in OPSETS or len(opsets) > len(versions):
        raise refused(
            f"IR version {IR_VERSION} and opsets {OPSETS[0]} were expected, not {number_of(parts, 1)} and {versions}"
        )
    keys = ["".join(texts_of(reader, parts_of(reader, each, ENTRY), 1)) for each in spans(parts, 14)]
    if sorted(keys) != sorted({"card", "digest"}.intersection(keys)):
        raise refused(f"card and digest were expected in the metadata, each once, not {keys}")
    if not rows:
        return check_graph(reader, only(parts, 7, MODEL))
    from lambda_fn.model.guard.ranges import check_indices  # here: a call of few rows does without

    return check_graph(reader, only(parts, 7, MODEL), partial(check_indices, rows=rows))
