"""A fitted estimator becomes one self-describing model file."""

from __future__ import annotations

import json
from pathlib import Path

import onnx

from convert.accepts import ask
from convert.card import KEY, creation_time, make_card
from convert.estimator import feature_names, load_estimator
from convert.sample import find_sample
from convert.seal import seal
from convert.strategies import plain


def export(model: Path, out: Path, *, name: str, sample: Path | None) -> bytes:
    """Convert the estimator in the file `model`, write the model file `out`, and return its bytes.

    The same estimator gives the same bytes. Raises ConvertError for what can't be converted.
    """
    estimator = load_estimator(model)
    rows = find_sample(model, sample)
    names = feature_names(estimator, rows.names if rows else None)
    accepts = [plain.accepts(asked) for asked in ask(estimator, rows)]
    graph = plain.write_graph(estimator, name)
    card = make_card(
        estimator,
        name=name,
        features=dict(zip(names, accepts, strict=True)),
        strategy=plain.NAME,
        created_at=creation_time(model),
    )
    onnx.helper.set_model_props(graph, {KEY: json.dumps(card)})
    onnx.checker.check_model(graph)
    data = seal(graph)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data)
    return data
