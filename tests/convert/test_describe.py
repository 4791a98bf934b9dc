"""`describe`: what a model file holds, told to a person."""

import io
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from rich.console import Console
from sklearn.ensemble import RandomForestClassifier

from convert.describe import describe
from convert.errors import ConvertError
from convert.export import export
from convert.model_file.disk import read_card, write_model
from convert.model_file.publish import publish
from scripts.emulator import Emulator
from tests.conftest import TESTS
from tests.convert.graph.test_transforms import save

KEPT = sorted((TESTS / "files").glob("*.onnx"))


def said(source: Path | str, *, version: str | None = None, every_step: bool = False) -> str:
    console = Console(file=io.StringIO(), width=300)
    describe(str(source), console, version=version, every_step=every_step)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text)


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_file_is_told_of_in_words(path: Path) -> None:
    text, card, model = said(path), read_card(path.read_bytes()), onnx.load(path)
    assert text.startswith(f"{card['name']}: {card['task']} by {card['estimator']}")
    assert f"{path.stat().st_size:,} bytes, format version 1, written as {card['strategy']}" in text
    assert "the same model" in text
    assert f"{card['certificate']['rows']['random rows (seed 0)']:,} random rows (seed 0)" in text
    assert f"{len(card['features'])} features" in text
    lines = [line.split("│")[1:-1] for line in text.splitlines() if line.startswith("│")]
    cells = [tuple(cell.strip() for cell in line) for line in lines]
    for feature in card["features"]:
        assert feature["name"] in [row[0] for row in cells]
    steps = [(", ".join(node.output), node.op_type, ", ".join(node.input)) for node in model.graph.node]
    assert [row[:3] for row in cells if len(row) == 5 and row[:3] in steps] == steps
    assert "?" not in [row[3] for row in cells if len(row) == 5]


def test_types_and_shapes_are_those_of_the_outputs() -> None:
    text = said(TESTS / "files" / "1-operators.onnx")
    assert "string (rows)" in text
    assert "float64 (rows, 3)" in text
    mixed = said(TESTS / "files" / "1-trees-mixed.onnx")
    assert "Oslo, Paris, São Paulo, or any other, or missing" in mixed
    assert "anything: the model does not look at it" in mixed
    assert "float, float32" in mixed


def test_the_largest_part_comes_first(tmp_path: Path) -> None:
    rows, labels = np.random.default_rng(0).normal(size=(300, 4)), np.repeat([0, 1, 2], 100)
    model = save(RandomForestClassifier(20, random_state=0).fit(rows, labels), rows, tmp_path)
    export(model, tmp_path / "model.onnx", name="forest")
    size = (tmp_path / "model.onnx").stat().st_size
    first = said(tmp_path / "model.onnx").split("largest parts")[1].splitlines()[4].split("│")
    tensors = onnx.load(tmp_path / "model.onnx")
    sizes = [attribute.ByteSize() for node in tensors.graph.node for attribute in node.attribute]
    sizes += [tensor.ByteSize() for tensor in tensors.graph.initializer]
    assert first[4].strip() == f"{max(sizes):,}"
    assert first[5].strip() == f"{max(sizes) / size:.0%}"


def test_a_long_graph_is_cut_unless_all_is_asked_for(tmp_path: Path) -> None:
    path = TESTS / "files" / "1-operators.onnx"
    model, card = onnx.load(path), read_card(path.read_bytes())
    last = model.graph.node[-1].output[0]
    for place in range(100):
        model.graph.node.append(onnx.helper.make_node("Neg", [last], [f"more_{place}"]))
    write_model(tmp_path / "model.onnx", model, card)
    total = len(model.graph.node)
    assert f"{total - 40} more steps: --all lists them" in said(tmp_path / "model.onnx")
    assert "more_99" not in said(tmp_path / "model.onnx")
    assert "more_99" in said(tmp_path / "model.onnx", every_step=True)


def test_a_file_without_a_certificate_or_with_another_graphs_says_so(tmp_path: Path) -> None:
    path = TESTS / "files" / "1-operators.onnx"
    model, card = onnx.load(path), read_card(path.read_bytes())
    bare = {key: value for key, value in card.items() if key != "certificate"}
    write_model(tmp_path / "model.onnx", model, bare | {"forced": True})
    assert "no certificate: `python -m convert verify` makes one" in said(tmp_path / "model.onnx")
    assert "published by force" in said(tmp_path / "model.onnx")
    model.graph.name = "another"
    write_model(tmp_path / "model.onnx", model, card)
    assert "the certificate is of another graph" in said(tmp_path / "model.onnx")


def test_what_a_file_says_is_text(tmp_path: Path) -> None:
    path = TESTS / "files" / "1-operators.onnx"
    model, card = onnx.load(path), read_card(path.read_bytes())
    card["features"][0]["name"] = "[red]\x1b[31m[/]"
    write_model(tmp_path / "model.onnx", model, json.loads(json.dumps(card)))
    assert r"[red]\x1b[31m[/]" in said(tmp_path / "model.onnx")


def test_a_version_on_s3(aws: Emulator, bucket: str, model_file: Path) -> None:
    uri = f"s3://{bucket}/models/model.onnx"
    first = publish(model_file, uri)
    publish(TESTS / "files" / "1-operators.onnx", uri)
    assert said(uri).startswith("operators")
    assert said(uri, version=first) == said(model_file)
    with pytest.raises(ConvertError, match="s3://bucket/key, not of"):
        said(model_file, version=first)
    with pytest.raises(ConvertError, match=uri):
        said(uri, version="none")


def test_a_file_that_was_altered_is_refused(tmp_path: Path, model_file: Path) -> None:
    data = bytearray(model_file.read_bytes())
    data[200] ^= 1
    (tmp_path / "model.onnx").write_bytes(data)
    with pytest.raises(ConvertError):
        said(tmp_path / "model.onnx")


def test_examples_are_shown_shortly(model_file: Path, tmp_path: Path) -> None:
    model, card = onnx.load(model_file), read_card(model_file.read_bytes())
    assert "│ 5.8, 5.1, 6.4 │" in said(model_file)
    card["examples"] = [["[red]" * 10, 1 / 3], [None, True]]
    write_model(tmp_path / "model.onnx", model, card)
    assert '│ "[red][red][red][red, null │' in said(tmp_path / "model.onnx")
    assert "│ 0.333333, true " in said(tmp_path / "model.onnx")


def test_what_the_sample_told_is_shown_in_words(model_file: Path, tmp_path: Path) -> None:
    model, card = onnx.load(model_file), read_card(model_file.read_bytes())
    assert "│ 4.3 to 7.9 " in said(model_file)
    card["features"][0] |= {"type": "str", "categories": ["[red]", "b"]}
    card["statistics"]["features"] = [{"counts": [1200, 7], "missing": 0.25}, {"most": "c"}]
    write_model(tmp_path / "model.onnx", model, card)
    shown = said(tmp_path / "model.onnx")
    assert "[red] in 1,200, 0.25 missing" in shown
    assert "mostly c" in shown
