"""Score the cases in a folder; print which files were loaded.

Run as a file, in the layer's own interpreter: ``python -I -S score.py LAYER_PYTHON FUNCTION CASES``.
Here is nothing but the standard library, numpy and the function: what else is imported would be traced, too.
"""

from __future__ import annotations

import importlib
import io
import json
import math
import os
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(layer: Path, function: Path, cases: Path) -> None:
    """Run the suite; print, as JSON, the files below `layer` that were opened or mapped, sorted."""
    opened: set[str] = set()
    sys.addaudithook(lambda event, args: opened.add(str(args[0])) if event == "open" else None)
    sys.path[:0] = [str(layer), str(function)]
    for case in json.loads((cases / "cases.json").read_text()):
        score(case, cases)
    use_numpy()
    found = {Path(path) for path in opened | mapped()}
    print(json.dumps(sorted(path.relative_to(layer).as_posix() for path in found if path.is_relative_to(layer))))


def score(case: dict[str, Any], cases: Path) -> None:
    """Load the function anew with the case's model; compare its answers with the expected ones."""
    os.environ["MODEL_URI"] = (cases / case["model"]).as_uri()
    sys.modules.pop("lambda_fn.handler", None)
    handler = importlib.import_module("lambda_fn.handler")
    for event, expected in case["answers"]:
        found = handler.predict(event, None)
        if not agrees(found, expected, case["tolerance"]):
            raise SystemExit(f"{case['model']}: expected {expected}, found {found}")
    if case["companion"] and handler.scoring().catalog.front.served.loaded.model._companion.engine() is None:
        raise SystemExit(f"{case['model']}: its companion did not load")


def agrees(found: Any, expected: Any, tolerance: float) -> bool:
    """Return whether `found` has every member of `expected`, numbers within `tolerance`."""
    if isinstance(expected, dict):
        return all(key in found and agrees(found[key], value, tolerance) for key, value in expected.items())
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(agrees, found, expected, [tolerance] * len(expected)))
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance)
    return bool(found == expected)


def use_numpy() -> None:
    """Go where scoring may go some day: formats, printing, warnings and failures, whose code numpy imports late."""
    import numpy as np

    array = np.arange(6.0).reshape(2, 3)
    file = io.BytesIO()
    np.save(file, array)
    read = np.load(io.BytesIO(file.getvalue()), allow_pickle=False)
    copied = pickle.loads(pickle.dumps(array))  # noqa: S301
    joined = np.block([[array[:1]], [array[1:]]])
    if not all(type(each) is np.ndarray and np.array_equal(each, array) for each in (read, copied, joined)):
        raise SystemExit(f"expected {array}, read {read}, copied {copied}, joined {joined}")
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        np.array([1e300]).astype(np.float32), np.array([1.0]) / 0, np.array([]).mean()
    with np.errstate(all="ignore"), np.printoptions(precision=3):
        repr([array, array.dtype, np.float32(1), np.array(["a", None]), np.dtype([("a", "f4"), ("b", "i8")])])
    failures: list[Callable[[], Any]] = [
        lambda: array + np.zeros(7),
        lambda: np.add("a", 1),
        lambda: np.empty((2**40, 2**20)),
        lambda: array.astype("datetime64[s]") + array.astype(complex),
        lambda: array[5, 5],
        lambda: np.load(io.BytesIO(b"no array")),
        lambda: array.sum(axis=9),
        lambda: np.frombuffer(b"123", np.float64),
        lambda: np.array([[1], [1, 2]], float),
        lambda: np.concatenate([array, np.zeros(3)]),
        lambda: array.reshape(5),
    ]
    for failure in failures:
        try:
            failure()
        except (ValueError, TypeError, IndexError, MemoryError) as error:
            str(error)
        else:
            raise SystemExit("numpy was expected to raise an error, and did not")


def mapped() -> set[str]:
    """Return the files that are mapped into memory, shared libraries among them."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line[line.index("/") :] for line in lines if "/" in line}


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:]))
