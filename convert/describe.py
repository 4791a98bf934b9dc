"""What a model file holds, for a person: card and certificate in words, features, steps, largest parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import onnx
from onnx import helper
from rich.console import Console
from rich.table import Table

from convert.errors import ConvertError
from convert.model_file.companions import place
from convert.model_file.disk import is_of, read_card, read_model
from convert.model_file.publish import fetch
from convert.proof.tables import verdict
from convert.text import plain

STEPS = 40
"""How many steps are listed, unless all are asked for."""
PARTS = 5
"""How many of the largest parts are listed."""
CATEGORIES = 8
"""How many categories or values of a feature are listed."""
LETTERS = 20
"""How many letters of an example are shown."""


class Part(NamedTuple):
    """A constant of the graph, or an attribute of a node: its name, the step it belongs to, type and shape, bytes."""

    name: str
    step: str
    kind: str
    size: int


def describe(source: str, console: Console, *, version: str | None = None, every_step: bool = False) -> None:
    """Print what the model file `source` holds, a path or ``s3://bucket/key``, of that the current or a `version`.

    Raises ConvertError for a file that is none, that was altered after it was written, or can't be read.
    """
    data = _read(source, version)
    card, model = read_card(data), onnx.load_from_string(data)
    steps = model.graph.node if every_step else model.graph.node[:STEPS]
    for line in (*_card_lines(card, len(data)), *_certificate_lines(card, model)):
        console.print(line, soft_wrap=True)
    console.print(_features(card["features"], card.get("examples", ()), card.get("statistics", {}).get("features", ())))
    console.print(_steps(model, steps))
    if len(steps) < len(model.graph.node):
        console.print(f"{len(model.graph.node) - len(steps):,} more steps: --all lists them")
    console.print(_largest(model, len(data)))


def _read(source: str, version: str | None) -> bytes:
    if source.startswith("s3://"):
        return fetch(source, version)
    if version is not None:
        raise ConvertError(f"--version is of a model on S3, s3://bucket/key, not of {source}")
    return read_model(Path(source))


def _card_lines(card: Mapping[str, Any], size: int) -> Iterator[str]:
    answers = f"{card['task']} by {card['estimator']}"
    if "classes" in card:
        answers += f", classes {_listed(card['classes']['labels'])} ({card['classes']['type']})"
    versions = ", ".join(f"{name} {version}" for name, version in card["versions"].items())
    yield f"[bold]{plain(card['name'])}[/]: {plain(answers)}"
    yield f"{size:,} bytes, format version {card['format_version']}, written as {card['strategy']}"
    yield f"from an estimator of {card['created_at']}, by {versions}"
    for member in card.get("companions", {}).values():
        yield (
            f"{member['from_rows']:,} rows and more at once by {plain(member['strategy'])}, in a companion of"
            f" {member['size']:,} bytes: {place('', member['sha256'])} behind the file's name"
        )


def _certificate_lines(card: Mapping[str, Any], model: onnx.ModelProto) -> Iterator[str]:
    certificate = card.get("certificate")
    if card.get("forced"):
        yield "[red]published by force[/], without a passing certificate"
    if certificate is None:
        yield "[red]no certificate[/]: `python -m convert verify` makes one"
        return
    if not is_of(certificate, card, model):
        yield "[red]the certificate is of another graph[/]: `python -m convert verify` makes one of this"
        return
    yield verdict(certificate)
    rows = ", ".join(f"{count:,} {source}" for source, count in certificate["rows"].items())
    largest = certificate["largest_difference"]
    yield f"tried on {plain(rows)}"
    yield (
        f"labels that differ {certificate['label_differences']:,}, largest difference"
        f" {'not finite' if largest is None else f'{largest:.3g}'}, rows that may be refused"
        f" {certificate['refusals']['tried']:,}, refused otherwise {certificate['refusals']['differences']:,}"
    )


def _features(
    features: Sequence[Mapping[str, Any]], examples: Sequence[Sequence[Any]], sample: Sequence[Mapping[str, Any]]
) -> Table:
    table = Table("feature", "type", "accepts", title=f"{len(features):,} features")
    if examples:
        table.add_column("examples")
    if sample:
        table.add_column("in the sample")
    for column, feature in enumerate(features):
        kind = feature["type"] if feature.get("dtype") is None else f"{feature['type']}, {feature['dtype']}"
        values = [", ".join(_short(row[column]) for row in examples)] if examples else []
        values += [_told(feature, sample[column])] if sample else []
        table.add_row(plain(feature["name"]), kind, *map(plain, (_accepted(feature), *values)))
    return table


def _told(feature: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Return what the card says of the sample's values of a feature, in words."""
    said = []
    if "quantiles" in told:
        low, *_, high = map(_short, told["quantiles"])
        said.append(f"{low} to {high}")
    if "counts" in told:
        names = ("false", "true") if feature["type"] == "bool" else feature["categories"]
        count, most = max(zip(told["counts"], names, strict=True), key=lambda pair: pair[0])
        said.append(f"{most[:LETTERS]} in {count:,}")
    if "most" in told:
        said.append(f"mostly {told['most'][:LETTERS]}")
    if "missing" in told:
        said.append(f"{told['missing']:.3g} missing")
    return ", ".join(said)


def _short(value: Any) -> str:
    """Return an example's value as JSON spells it, numbers and strings cut where they are long."""
    return f"{value:.6g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)[:LETTERS]


def _accepted(feature: Mapping[str, Any]) -> str:
    """Return what a feature accepts, in words."""
    accepts = feature["accepts"]
    if feature.get("dropped"):
        return "anything: the model does not look at it"
    missing = ", or missing" if accepts["nan"] else ""
    if "categories" in feature:
        unknown = ", or any other" if accepts["low"] == -1 else ""
        return f"{_listed(feature['categories'])}{unknown}{missing}"
    if "values" in accepts:
        return f"{_listed(accepts['values'])}{missing}"
    if feature["type"] == "bool":
        return f"true or false{missing}"
    low, high = accepts["low"], accepts["high"]
    if low is None and high is None:
        return f"any number, infinite ones, too{missing}"
    ends = ("-infinity" if low is None else f"{low:.17g}", "infinity" if high is None else f"{high:.17g}")
    return f"{ends[0]} to {ends[1]}{missing}"


def _steps(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> Table:
    made, constants = _types(model), {tensor.name: tensor.ByteSize() for tensor in model.graph.initializer}
    table = Table("step", "operator", "of", "makes", "bytes", title=f"{len(model.graph.node):,} steps")
    for node in nodes:
        own = node.ByteSize() + sum(constants.get(name, 0) for name in node.input)
        makes = ", ".join(made.get(name, "?") for name in node.output)
        table.add_row(*map(plain, (", ".join(node.output), node.op_type, ", ".join(node.input), makes)), f"{own:,}")
    return table


def _types(model: onnx.ModelProto) -> dict[str, str]:
    """Return type and shape of whatever the graph makes, by name, as onnx infers them."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    return {value.name: _typed(value.type.tensor_type) for value in (*graph.value_info, *graph.output)}


def _typed(kind: Any) -> str:
    sizes = (str(size.dim_value) if size.HasField("dim_value") else "rows" for size in kind.shape.dim)
    return f"{_dtype(kind.elem_type)} ({', '.join(sizes)})"


def _dtype(kind: int) -> str:
    return "string" if kind == onnx.TensorProto.STRING else str(helper.tensor_dtype_to_np_dtype(kind))


def _largest(model: onnx.ModelProto, size: int) -> Table:
    table = Table("part", "of step", "what", "bytes", "of the file", title="largest parts")
    for part in sorted(_parts(model), key=lambda part: part.size, reverse=True)[:PARTS]:
        table.add_row(*map(plain, part[:3]), f"{part.size:,}", f"{part.size / size:.0%}")
    return table


def _parts(model: onnx.ModelProto) -> Iterator[Part]:
    used: dict[str, str] = {}
    for node in model.graph.node:
        for name in node.input:
            used.setdefault(name, node.output[0])
        for attribute in node.attribute:
            yield Part(f"{node.op_type}.{attribute.name}", node.output[0], "attribute", attribute.ByteSize())
    for tensor in model.graph.initializer:
        kind = f"{_dtype(tensor.data_type)} ({', '.join(map(str, tensor.dims))})"
        yield Part(tensor.name, used.get(tensor.name, "none"), kind, tensor.ByteSize())
    for entry in model.metadata_props:
        yield Part(entry.key, "", "metadata", entry.ByteSize())


def _listed(values: Sequence[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:CATEGORIES])
    more = len(values) - CATEGORIES
    return f"{shown} and {more:,} more" if more > 0 else shown
