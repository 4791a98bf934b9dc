"""A graph that was checked, in onnxruntime: rows in, labels and probabilities, or values, out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from lambda_fn.errors import SEE_THE_LOG, Problem, ServiceError, listed
from lambda_fn.model.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lambda_fn.model.guard.graph import Checked

BATCH_ROWS = 1024
"""How many rows are scored at once: 10,000 rows on a forest of 500 deep trees took 0.8 GB in one."""
BATCH_BYTES = 2**24
"""What a batch may take: of a model that takes more than 16 kB for a row, as one of 500 trees that are not fully grown
and 100 classes does (0.4 MB), fewer rows are scored at once."""
STEP = 8
"""At the end of a batch, where no whole vector of so many numbers is left, exponentials have other last bits than
before: so they are of the same rows in batches of any multiple of it."""
LABEL_KINDS: dict[type, str] = {bool: "b", int: "iu", float: "f", str: "O"}
"""numpy's kinds of arrays that hold class labels, by the labels' type in the card."""
DTYPES: dict[str, type[np.floating[Any]]] = {"tensor(float)": np.float32, "tensor(double)": np.float64}


class Engine:
    """A session, and the card that says what it takes and answers.

    names: of its outputs.
    batch_rows: how many rows it is given at once; if it can be, a multiple of `STEP`.
    least_rows: with fewer rows, another engine is to score them.
    """

    least_rows = 1

    def __init__(self, data: bytes, checked: Checked, card: Card | None = None) -> None:
        """Load a graph that the guard has `checked`, with the card in it or another; raise ServiceError if it fails."""
        most = max(1, min(BATCH_ROWS, BATCH_BYTES // checked.row_bytes))
        self.batch_rows = most // STEP * STEP or most
        try:
            self._session = _session(data)
            self.card = card or Card.parse(self._session.get_modelmeta().custom_metadata_map.get("card"))
            self._input, self._dtype = _input(self._session, self.card)
            # The first run of a session allocates what later ones use again, and shows whether it runs at all. Of two
            # rows or more, as a graph that takes them all together answers one of them rightly.
            rows = np.array(self.card.examples or [[0.0] * len(self.card.features)] * 2, self._dtype)
            outputs = self._session.run(None, {self._input: rows})
            _check_outputs(outputs, self.card, len(rows))
            if checked.labels is not None:
                _check_labels(checked.labels, self.card)
            self._is_label = self.card.task == "classification"
            self.names = [output.name for output in self._session.get_outputs()]
            self.has_probabilities = len(self.names) > 1
        except ServiceError:
            raise
        except Exception as error:  # onnxruntime raises ValueError, RuntimeError or classes of its own, as it comes
            raise _failed("load", error) from error

    def run(self, rows: NDArray[np.float64], probabilities: bool) -> list[NDArray[Any]]:
        """Return the outputs for rows (n, features): one, or with probabilities two; raise ServiceError if it fails."""
        names = self.names if probabilities else self.names[:1]
        try:
            outputs: list[NDArray[Any]] = self._session.run(names, {self._input: rows.astype(self._dtype, copy=False)})
        except Exception as error:  # as above; a graph that is sound for one row may not be for others
            raise _failed("run", error) from error
        count = len(rows)
        if outputs[0].shape != ((count,) if self._is_label else (count, 1)) or (
            probabilities and self.has_probabilities and outputs[1].shape != (count, len(self.card.classes))
        ):
            raise _unlike(outputs, self.card, count)
        return outputs


def _failed(what: str, error: Exception) -> ServiceError:
    """Return the error for a file that does not load, or run; its words, as of onnxruntime's sources, go to the log."""
    detail = f"the model file does not {what} ({type(error).__name__}): {SEE_THE_LOG}"
    words = "".join("#" if each.isdigit() else each for each in str(error))  # a number may be what was sent
    return ServiceError(Problem.MODEL_INVALID, detail, private=f"the model file does not {what}: {words}")


def _session(data: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # A function has one vCPU below about 1.8 GB, and one thread keeps the order of additions that parity rests on.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it says of a failure, it raises, too; and on stderr it may quote a value
    # Or else it looks for its own format in the bytes, which could be both that and the ONNX that was checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # With fallback it prints a failure on stdout, and tries the same once more.
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"], enable_fallback=False)


def _input(session: onnxruntime.InferenceSession, card: Card) -> tuple[str, type[np.floating[Any]]]:
    """Return name and type of the graph's input; raise ServiceError if it is not the one that the card tells of."""
    inputs = [(each.name, DTYPES.get(each.type), each.shape) for each in session.get_inputs()]
    match inputs:
        case [(str(name), type() as dtype, [None | str(), width])] if width == len(card.features):
            return name, dtype
    came = ", ".join(f"{each.type} {each.shape}" for each in session.get_inputs()) or "none"
    raise ServiceError(
        Problem.MODEL_INVALID,
        f"the model's graph was expected to have one input, rows of {len(card.features)} features as the card says,"
        f" it has {came}",
    )


def _check_outputs(outputs: list[NDArray[Any]], card: Card, count: int) -> None:
    """Raise ServiceError if what came for so many rows is not what the card tells; or no numbers, for its examples."""
    shapes = [np.shape(output) for output in outputs]
    kinds = [output.dtype.kind for output in outputs]
    if card.task == "regression":
        expected = shapes == [(count, 1)] and kinds == ["f"]
    else:
        labels = kinds[0] in LABEL_KINDS[type(card.classes[0])]
        expected = labels and shapes[1:] in ([], [(count, len(card.classes))]) and kinds[1:] in ([], ["f"])
        expected = expected and shapes[0] == (count,)
    if not expected:
        raise _unlike(outputs, card, count)
    if card.examples and not all(np.isfinite(each).all() for each in outputs if each.dtype.kind == "f"):
        raise ServiceError(
            Problem.MODEL_INVALID, "the model's graph answers the examples in its card with numbers that are not finite"
        )


def _check_labels(labels: Sequence[bool | int | float | str], card: Card) -> None:
    """Raise ServiceError if the graph's class labels are others than the card's.

    Not all numbers of classes need be answered: of the rows of a table, none may be of the last class.
    """
    if isinstance(labels, range):
        numbers = tuple(range(len(card.classes)))
        same = numbers == card.classes and 0 <= labels.start <= labels.stop <= len(numbers)
    else:
        same = tuple(labels) == card.classes
    if not same:
        raise ServiceError(
            Problem.MODEL_INVALID,
            f"the model's graph answers {listed(labels)}, its card tells of {listed(card.classes)}",
        )


def _unlike(outputs: list[NDArray[Any]], card: Card, rows: int) -> ServiceError:
    """Return the error for outputs that are not what the card tells."""
    came = ", ".join(f"{output.dtype} {output.shape}" for output in outputs)
    return ServiceError(
        Problem.MODEL_INVALID,
        f"the model's graph was expected to answer a {card.task} with {len(card.classes)} classes,"
        f" for {rows} rows it answers {came or 'nothing'}",
    )
