"""The graph: from the rows, by operators of the table, to the answers. Each value on the way has a type and a shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lambda_fn.model.guard.messages import (
    BATCH,
    BOOL,
    DIMENSION,
    FLOAT64,
    GRAPH,
    INT64,
    ITEM_BYTES,
    MAX_AXES,
    NODE,
    PORT,
    SHAPE,
    TENSOR_TYPE,
    TYPE,
    Tensor,
    Value,
    elements_of,
    number_of,
    only,
    parts_of,
    read_attribute,
    read_tensor,
    refused,
    shown,
    spans,
    text_of,
    texts_of,
)
from lambda_fn.model.guard.operators import KINDS, LETTERS, OPERATORS, OPTIONAL, Node, Operator, number_in
from lambda_fn.model.guard.protobuf import Reader, Span
from lambda_fn.record import Record

MAX_NODES = 50_000
MAX_CONSTANTS = 30_000
"""How many of them load within Lambda's 10 s: 30,000 additions of constants, one after the other, take 4 s. Bagging 100
pipelines of 20 encoded features has 15,403 nodes and 10,701 constants."""
MAX_INPUTS = 10_000
"""How many a node has: more than there can be columns, with nodes of their own, to be joined."""
ROW_BYTES = 2**16
"""What the values of a graph may take for a row, however small the file is: 64 MB for a batch."""
BYTES_BY_BYTE = 16
"""What they may take for each byte of the file. Of what is written, naive Bayes with 15 classes took most, 2.5."""
ANSWERS: Sequence[Mapping[str, int]] = ({"label": 1}, {"label": 1, "probabilities": 2}, {"value": 2})
"""The names of the outputs, and how many axes each has."""


class Step:
    """A node as it is written, by an operator of the table."""

    __slots__ = ("attributes", "inputs", "name", "operator", "outputs")

    def __init__(self, reader: Reader, span: Span) -> None:
        parts = parts_of(reader, span, NODE)
        self.inputs, self.outputs = texts_of(reader, parts, 1), texts_of(reader, parts, 2)
        if len(self.inputs) > MAX_INPUTS:
            raise refused(f"a node was expected to have at most {MAX_INPUTS:,} inputs, it has {len(self.inputs):,}")
        self.name, domain = ("".join(texts_of(reader, parts, number)) for number in (4, 7))
        operator = OPERATORS.get((domain, self.name))
        if operator is None:
            raise refused(
                f"the operator {self.name!r} of domain {domain!r} is not among the {len(OPERATORS)} that load"
            )
        self.operator: Operator = operator
        self.attributes: dict[str, Value] = {}
        for each in spans(parts, 5):
            name, value = read_attribute(reader, each)
            if name in self.attributes:
                raise refused(f"an attribute {name!r} was expected once in a node, it came again")
            self.attributes[name] = value
        self._check_attributes()

    def _check_attributes(self) -> None:
        """Raise ServiceError for an attribute, or a value of one, that no exporter writes."""
        expected = self.operator.attributes
        for name, value in self.attributes.items():
            if name not in expected:
                raise refused(f"{self.name} has an attribute {name!r}, which no exporter writes")
            allowed = expected[name]
            if allowed not in ((), OPTIONAL) and (value if isinstance(value, int) else _listed(value)) not in allowed:
                raise refused(f"the attribute {name!r} of {self.name} was expected to be one of {allowed}")
        if len(self.attributes) < len(expected):
            for name, allowed in expected.items():
                if name not in self.attributes and None not in allowed:
                    raise refused(f"the attribute {name!r} of {self.name} was expected, it did not come")


def _listed(value: Value) -> object:
    return value if isinstance(value, int | Tensor) else tuple(value.tolist())


type MoreChecks = Callable[[Reader, Sequence[Step], Mapping[str, Tensor]], None]


FORWARD = ("Cast", "Identity", "Reshape", "Squeeze")
"""The operators that only hand a label on, or the number of a class."""


TABLES = ("Gather", "GatherND", "ArrayFeatureExtractor")


class Checked(Record):
    """What is known of a graph.

    row_bytes: how many bytes its values take for a row.
    labels: what class labels are looked up in; where the classes' numbers are the labels, a range of those that there
    can be; None where it is not known, and of a regression.
    tree_nodes: how many inner nodes its trees have.
    """

    row_bytes: int
    labels: Sequence[bool | int | float | str] | None
    tree_nodes: int


def check_graph(reader: Reader, span: Span, more: MoreChecks | None = None) -> Checked:
    """Raise ServiceError for a graph that no exporter of ours writes; return what is known of another.

    more: what else is checked of its nodes, and of the values by their names, in the end.
    """
    parts = parts_of(reader, span, GRAPH)
    constants, nodes = spans(parts, 5), spans(parts, 1)
    if len(nodes) > MAX_NODES or len(constants) > MAX_CONSTANTS:
        raise refused(
            f"at most {MAX_NODES:,} nodes and {MAX_CONSTANTS:,} constants were expected,"
            f" {len(nodes):,} and {len(constants):,} came"
        )
    values: dict[str, Tensor] = {}
    for each in constants:
        _add(values, *read_tensor(reader, each))
    _add(values, *_rows(reader, only(parts, 11, GRAPH)))
    steps = [Step(reader, each) for each in nodes]
    used = {name for step in steps for name in step.inputs}
    for name in values:
        if name not in used:
            raise refused(f"{name!r} was expected to be used, no node does")
    answers = [_port(reader, each) for each in spans(parts, 12)]
    row_bytes = _run(reader, steps, values, [name for name, _ in answers])
    _check_answers(values, answers)
    if more is not None:
        more(reader, steps, values)
    labels = _labels(reader, steps, values) if answers[0][0] == "label" else None
    return Checked(row_bytes, labels, sum([_nodes(step) for step in steps if step.name == "TreeEnsemble"]))


def _nodes(step: Step) -> int:
    numbers = step.attributes["nodes_featureids"]
    return 0 if isinstance(numbers, int | Tensor) else len(numbers)


def _labels(
    reader: Reader, steps: Sequence[Step], values: Mapping[str, Tensor]
) -> Sequence[bool | int | float | str] | None:
    """Return what labels are looked up in; where they are numbers of classes, a range of those that there can be."""
    makers = {name: step for step in steps for name in step.outputs}
    step, looked_up = makers["label"], makers["label"].name == "Gather"
    while step.name in FORWARD and step.inputs[0] in makers and values[step.inputs[0]].kind != BOOL:
        step = makers[step.inputs[0]]
    first = values[step.inputs[0]]
    looked_up |= step.name == "ArrayFeatureExtractor"
    if looked_up and first.data is None:
        raise refused("labels were expected to be looked up in a constant")
    if step.name in TABLES and first.data is not None:
        elements = elements_of(reader, first, LETTERS[first.kind])
        if looked_up or isinstance(elements, list) or first.kind != INT64:
            return list(elements) if isinstance(elements, list) else elements.tolist()
        if len(elements):
            return range(max(int(elements.min()), -1), min(int(elements.max()), 2**31) + 1)
    if step.name == "ArgMax":
        return range(first.dims[1])
    if step.name == "Cast" and first.kind == BOOL:
        return range(2)
    return None


def _add(values: dict[str, Tensor], name: str, value: Tensor) -> None:
    if not name or name in values:
        raise refused(f"each value was expected to have a name of its own, not {name!r}")
    values[name] = value


def _run(reader: Reader, steps: Sequence[Step], values: dict[str, Tensor], answers: Sequence[str]) -> int:
    """Add what the nodes make to `values`; return how many bytes of that a row needs at the same time.

    Raises ServiceError for a node that does not fit what is in front of it, and for more than a file so large makes.
    """
    last = {name: place for place, step in enumerate(steps) for name in step.inputs}
    last |= dict.fromkeys(answers, len(steps))
    now = peak = whole = sum([value.bytes for value in values.values() if value.data is None])
    limit = ROW_BYTES + BYTES_BY_BYTE * len(reader.data)
    for place, step in enumerate(steps):
        inputs = [_known(values, name) for name in step.inputs]
        made = _outputs(reader, step, inputs)
        for name, value in zip(step.outputs, made, strict=True):
            _add(values, name, value)
            now += value.bytes
        peak = max(peak, now)
        whole += sum([each.bytes for each in made]) + sum([each.bytes for each in inputs if each.data is not None])
        if whole > limit:
            raise refused(f"a row was expected to take at most {limit:,} bytes, up to {step.name} it takes {whole:,}")
        ended = {name for name in (*step.inputs, *step.outputs) if last.get(name, place) == place}
        now -= sum([values[name].bytes for name in ended if values[name].data is None])
    return peak


def _known(values: Mapping[str, Tensor], name: str) -> Tensor:
    if name not in values:
        raise refused(f"{name!r} was expected in front of the node that takes it")
    return values[name]


def _outputs(reader: Reader, step: Step, inputs: list[Tensor]) -> list[Tensor]:
    """Return what a node makes, each with the axis of the batch once; raise ServiceError if it does not fit."""
    kinds = _kinds(step, "".join([LETTERS[each.kind] for each in inputs]))
    if kinds.endswith("*"):
        kinds = kinds[0] * len(step.outputs)
    shapes = step.operator.infer(Node(reader, step.name, inputs, step.attributes))
    if len(step.outputs) != len(kinds):
        raise refused(f"{step.name} was expected to have {len(kinds)} outputs, it has {len(step.outputs)}")
    if len(shapes) != len(kinds):
        raise refused(f"{step.name} was expected to have {len(shapes)} outputs, it has {len(step.outputs)}")
    for dims in shapes:
        if dims.count(BATCH) != 1 or len(dims) > MAX_AXES:
            raise refused(f"{step.name} was expected to make something of each row, it makes {shown(dims)}")
    return [
        Tensor(KINDS[letter], dims, inputs[0].item if letter == "s" else ITEM_BYTES[KINDS[letter]])
        for letter, dims in zip(kinds, shapes, strict=True)
    ]


def _kinds(step: Step, taken: str) -> str:
    """Return the element types of a node's outputs, a letter for each."""
    kinds = step.operator.kinds(taken)
    if kinds and "to" in step.attributes:
        to = LETTERS.get(number_in(step.attributes, "to"), "")
        kinds = to if to in kinds else None
    if not kinds:
        raise refused(f"{step.name} was expected to take {step.operator.types}, it takes {taken or 'nothing'}")
    return kinds


def _rows(reader: Reader, span: Span) -> tuple[str, Tensor]:
    """Return the graph's input; raise ServiceError for one that is not rows of numbers."""
    name, rows = _port(reader, span)
    if rows.kind != FLOAT64 or len(rows.dims) != 2 or rows.dims[0] != BATCH or rows.dims[1] < 1:
        raise refused(f"rows of float64 were expected as the input, not {LETTERS[rows.kind]} {shown(rows.dims)}")
    return name, rows


def _check_answers(values: Mapping[str, Tensor], answers: Sequence[tuple[str, Tensor]]) -> None:
    """Raise ServiceError for outputs that are not what the service answers, or not what they say that they are."""
    axes = {name: len(said.dims) for name, said in answers}
    if axes not in ANSWERS or len(axes) < len(answers):
        raise refused(f"the outputs were expected to be one of {ANSWERS}, with so many axes, not {axes}")
    for name, said in answers:
        made = _known(values, name)
        if made.data is not None or (made.kind, made.dims) != (said.kind, said.dims) or said.dims[0] != BATCH:
            raise refused(
                f"the output {name!r} was expected to be {shown(said.dims)} as it says, not {shown(made.dims)}"
            )


def _port(reader: Reader, span: Span) -> tuple[str, Tensor]:
    """Return name, type and shape of an input or output; a dimension without a number is the batch's."""
    port = parts_of(reader, span, PORT)
    kind = parts_of(reader, only(parts_of(reader, only(port, 2, PORT), TYPE), 1, TYPE), TENSOR_TYPE)
    shape = parts_of(reader, only(kind, 2, TENSOR_TYPE), SHAPE)
    dims = [number_of(parts_of(reader, each, DIMENSION), 1, BATCH) for each in spans(shape, 1)]
    letter = number_of(kind, 1)
    if letter not in LETTERS:
        raise refused(f"a type that is written was expected, not {letter}")
    return text_of(reader, only(port, 1, PORT)), Tensor(letter, tuple(dims), 0)
