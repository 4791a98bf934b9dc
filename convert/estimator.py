"""Reading fitted estimators, and what they say of themselves."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_outlier_detector, is_regressor
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from convert.errors import ConvertError

LABEL_TYPES = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "str", "O": "str"}
"""numpy's kind of `classes_` to the card's name for the type of a label."""
MAX_LABEL_BYTES = {"f": 8}
"""A long double is none of onnx's types."""
TRUSTED = {
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
}
"""What is read from a skops file beside the types that skops itself trusts: data, no code.

Whole packages are not: numpy alone has functions that run the text they are given.
"""


def load_estimator(path: Path) -> Any:
    """Return the fitted estimator in a joblib, pickle or skops file.

    Reading a joblib or pickle file runs whatever code it holds; a skops file is read if it holds nothing but types
    that are known to be data. Warns of an estimator that another scikit-learn fitted. Raises ConvertError for anything
    else.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        estimator = _read(path)
    estimator = getattr(estimator, "best_estimator_", estimator)  # of a search
    if isinstance(estimator, type) or not (hasattr(estimator, "predict") and hasattr(estimator, "fit")):
        raise ConvertError(
            f"{path} holds a {type(estimator).__name__}, not a fitted scikit-learn estimator that predicts"
        )
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise ConvertError(f"the {type(estimator).__name__} in {path} is not fitted") from error
    task_of(estimator)
    add_in_order(estimator)
    versions = {w.message.original_sklearn_version for w in caught if isinstance(w.message, InconsistentVersionWarning)}
    for version in sorted(versions):
        warnings.warn(
            f"{path} was fitted by scikit-learn {version}, this is {sklearn.__version__}: only what `verify` certifies"
            " is worth publishing",
            stacklevel=2,
        )
    return estimator


def _read(path: Path) -> Any:
    try:
        if path.suffix != ".skops":
            return joblib.load(path)
        import skops.io  # here, as few files need it

        foreign = set(skops.io.get_untrusted_types(file=path)) - TRUSTED
        if foreign:
            raise ConvertError(f"{path} holds {', '.join(sorted(foreign))}, which is not trusted")
        return skops.io.load(path, trusted=sorted(TRUSTED))
    except FileNotFoundError as error:
        raise ConvertError(f"there is no file {path}") from error
    except ConvertError:
        raise
    except Exception as error:  # unpickling runs anything, and so raises anything
        reason = f"{type(error).__name__} {' '.join(str(error).split())[:200]}"
        raise ConvertError(f"{path} is not a joblib, pickle or skops file that loads here: {reason}") from error


def task_of(estimator: Any) -> str:
    """Return ``classification`` or ``regression``; raise ConvertError for anything else.

    A detector of outliers classifies rows as 1, or -1 for an outlier.
    """
    name = type(estimator).__name__
    if is_classifier(estimator):
        if isinstance(estimator.classes_, list) or getattr(estimator, "multilabel_", False):
            raise ConvertError(f"this {name} has several outputs; fit one estimator for each")
        label_type(estimator.classes_)
        return "classification"
    if is_outlier_detector(estimator):
        return "classification"
    if is_regressor(estimator):
        return "regression"
    raise ConvertError(f"{name} is neither a classifier nor a regressor")


def classes_of(estimator: Any) -> NDArray[Any]:
    """Return the class labels in the order of the probabilities' columns; none for a regression."""
    if is_outlier_detector(estimator):
        return np.array([-1, 1])
    return np.asarray(estimator.classes_) if is_classifier(estimator) else np.empty(0)


def label_type(classes: NDArray[Any]) -> str:
    """Return the card's name for the type of the class labels: ``bool``, ``int``, ``float`` or ``str``."""
    kind = classes.dtype.kind
    known = kind in LABEL_TYPES and classes.dtype.itemsize <= MAX_LABEL_BYTES.get(kind, np.inf)
    if not known or (kind == "O" and not all(isinstance(label, str) and _is_unicode(label) for label in classes)):
        raise ConvertError(f"class labels are booleans, numbers or strings; these are {classes.dtype}")
    return LABEL_TYPES[kind]


def _is_unicode(text: str) -> bool:
    """Whether the text has no half of a surrogate pair, which neither ONNX nor JSON can hold."""
    return text == text.encode("utf-8", "replace").decode()


def steps_of(estimator: Any) -> list[Any]:
    """Return the steps of a pipeline, the last of which predicts, with those of a pipeline at its end.

    For another estimator, it is itself.
    """
    if not isinstance(estimator, Pipeline):
        return [estimator]
    *transformers, last = (step for _, step in estimator.steps)
    return [*transformers, *steps_of(last)]


def parts_of(estimator: Any) -> Iterator[Any]:
    """Yield the estimator and all estimators that it is made of, whatever it calls them."""
    yield estimator
    for value in getattr(estimator, "__dict__", {}).values():
        for part in _flat(value):
            if any(hasattr(part, method) for method in ("predict", "predict_proba", "transform")):
                yield from parts_of(part)


def _flat(value: Any) -> Iterator[Any]:
    """Yield what is in lists, tuples, dicts and arrays of objects, and what is in none."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        for item in np.ravel(np.asarray(value, dtype=object)) if isinstance(value, np.ndarray) else value:
            yield from _flat(item)
    else:
        yield value


def width_of(estimator: Any) -> int:
    """Return how many features the estimator takes; a pipeline that begins with "passthrough" does not know itself."""
    return int(
        next(step.n_features_in_ for step in [estimator, *steps_of(estimator)] if hasattr(step, "n_features_in_"))
    )


def own_names(estimator: Any) -> NDArray[Any] | None:
    """Return the names of the columns of the table that the estimator was fitted on, if it was one.

    A pipeline that begins with "passthrough" does not know them itself.
    """
    first = next((step for step in steps_of(estimator) if step is not None and not isinstance(step, str)), estimator)
    names: NDArray[Any] | None = getattr(estimator, "feature_names_in_", getattr(first, "feature_names_in_", None))
    return names


def add_in_order(estimator: Any) -> None:
    """Let forests add up in the order of their trees: several threads add as they come, and last bits change."""
    jobs = [name for name in estimator.get_params() if name == "n_jobs" or name.endswith("__n_jobs")]
    estimator.set_params(**dict.fromkeys(jobs))
