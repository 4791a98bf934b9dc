"""Reading fitted estimators, and what they say of themselves."""

from __future__ import annotations

import sys
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
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from convert.errors import ConvertError, ConvertWarning, during, reason_of
from convert.estimator import insides
from convert.estimator.boosters import OWN_FILES, estimator_of
from convert.estimator.clusters import labels_by_number, numbers_of_clusters
from convert.estimator.encoded import encoder_and_trees
from convert.estimator.imbalanced import as_scikit_learn
from convert.estimator.refused import OUTPUTS, REFUSED, not_written, takes_no_rows

LABEL_TYPES = {"b": "bool", "i": "int", "u": "int", "f": "float", "U": "str", "O": "str"}
"""numpy's kind of `classes_` to the card's name for the type of a label."""
MAX_LABEL_BYTES = {"f": 8}
"""A long double is none of onnx's types."""
PACKAGES = {"imblearn": "imbalanced-learn"}
"""By the name that Python knows a package by: the one that pip does, where that is another."""
TRUSTED = {"numpy.dtype", *insides.SKOPS_TYPES}
"""What is read from a skops file beside the types that skops itself trusts: data, no code.

Whole packages are not: numpy alone has functions that run the text they are given.
"""
FILES = "a joblib, pickle or skops file, or a model of LightGBM (.txt) or XGBoost (.json, .ubj),"


def load_estimator(path: Path) -> Any:
    """Return the fitted estimator in a joblib, pickle or skops file, or in one of LightGBM's or XGBoost's own.

    Reading a joblib or pickle file runs whatever code it holds; a skops file is read if it holds nothing but types
    that are known to be data. Warns of an estimator that another scikit-learn fitted. Raises ConvertError for anything
    else.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", InconsistentVersionWarning)
        estimator = unwrapped(estimator_of(_read(path)))
    with during("asking what it is", estimator):
        as_scikit_learn(list(parts_of(estimator)))
        _check_fitted(estimator, path)
        _check_rows(estimator)
        task_of(estimator)
        add_in_order(estimator)
    versions = {w.message.original_sklearn_version for w in caught if isinstance(w.message, InconsistentVersionWarning)}
    for version in sorted(versions):
        warnings.warn(
            f"{path} was fitted by scikit-learn {version}, this is {sklearn.__version__}: only what `verify` certifies"
            " is worth publishing",
            ConvertWarning,
            stacklevel=2,
        )
    return estimator


def _check_fitted(estimator: Any, path: Path) -> None:
    """Raise ConvertError for what is no estimator, does not predict, or is not fitted."""
    name = name_of(estimator)
    if isinstance(estimator, type) or not hasattr(estimator, "fit"):
        raise ConvertError(f"{path} holds a {name}, not a fitted scikit-learn estimator: save the estimator itself")
    try:
        check_is_fitted(estimator)
    except (NotFittedError, TypeError) as error:
        raise ConvertError(f"the {name} in {path} is not fitted: fit it before it is saved") from error
    if not hasattr(estimator, "predict"):
        advice = REFUSED[name][1] if name in REFUSED else "put a classifier or a regressor behind it, in a pipeline"
        if getattr(estimator, "refit", True) is False:
            advice = "it was searched with refit=False: fit it with refit=True, or save its best estimator"
        raise ConvertError(f"{name} does not predict: {advice}")


def _check_rows(estimator: Any) -> None:
    """Raise ConvertError for what takes texts, mappings or images, wherever it is."""
    for part in parts_of(estimator):
        if takes_no_rows(part):
            raise ConvertError(not_written(part))


def _read(path: Path) -> Any:
    try:
        if path.suffix in OWN_FILES:
            return OWN_FILES[path.suffix](path)
        if path.suffix != ".skops":
            return joblib.load(path)
        import skops.io  # here, as few files need it

        foreign = set(skops.io.get_untrusted_types(file=path)) - TRUSTED
        if foreign:
            raise ConvertError(f"{path} holds {', '.join(sorted(foreign))}, which is not trusted: save it with joblib")
        return skops.io.load(path, trusted=sorted(TRUSTED))
    except FileNotFoundError as error:
        raise ConvertError(f"there is no file {path}") from error
    except OSError as error:
        raise ConvertError(f"{path}: {error.strerror or reason_of(error)}") from error
    except ConvertError:
        raise
    except ModuleNotFoundError as error:
        raise ConvertError(_missing(path, str(error.name))) from error
    except Exception as error:  # unpickling runs anything, and so raises anything
        reason = reason_of(error)
        raise ConvertError(f"{path} is not {FILES} that loads here: {reason}") from error


def _missing(path: Path, module: str) -> str:
    """Return the line for a file that needs a module which is not there."""
    package = module.split(".")[0]
    if package in sys.modules:
        return f"{path} needs {module}, which is not in the {package} that is installed: install that of the file"
    name = PACKAGES.get(package, package)
    return f"{path} needs the package {package}, which is not installed: pip install {name}"


def task_of(estimator: Any) -> str:
    """Return ``classification`` or ``regression``; raise ConvertError for anything else.

    A detector of outliers classifies rows as 1, or -1 for an outlier; a clusterer or a mixture by number, from 0.
    """
    name = name_of(estimator)
    if is_classifier(estimator):
        if isinstance(estimator.classes_, list) or getattr(steps_of(estimator)[-1], "multilabel_", False):
            raise ConvertError(f"{name} is not converted: {': '.join(OUTPUTS)}")
        label_type(estimator.classes_)
        return "classification"
    if is_outlier_detector(estimator) or len(classes_of(estimator)):
        return "classification"
    if is_regressor(estimator):
        return "regression"
    raise ConvertError(not_written(steps_of(estimator)[-1]))


def classes_of(estimator: Any) -> NDArray[Any]:
    """Return the class labels in the order of the probabilities' columns; none for a regression."""
    if is_outlier_detector(estimator):
        return np.array([-1, 1])
    if labels_by_number(estimator):
        return numbers_of_clusters(steps_of(estimator)[-1])
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

    For another estimator, it is itself, or its encoder and its trees.
    """
    estimator = unwrapped(estimator)
    if not isinstance(estimator, Pipeline):
        return list(encoder_and_trees(estimator) or [estimator])
    *transformers, last = (step for _, step in estimator.steps)
    return [*(unwrapped(transformer) for transformer in transformers), *steps_of(last)]


def name_of(estimator: Any) -> str:
    """Return the name of the estimator's class; of a pipeline, that of its last step, which tells more."""
    last = steps_of(estimator)[-1]
    return type(estimator if last is None or isinstance(last, str) else last).__name__


def unwrapped(estimator: Any) -> Any:
    """Return the best estimator of a search, and what is frozen: the estimator itself, if it is neither."""
    while True:
        inner = estimator.estimator if isinstance(estimator, FrozenEstimator) else None
        inner = vars(estimator).get("best_estimator_", inner) if hasattr(estimator, "__dict__") else inner
        if inner is None:
            return estimator
        estimator = inner


def parts_of(estimator: Any) -> Iterator[Any]:
    """Yield the estimator and all estimators that it is made of, once each, whatever it calls them."""
    seen, waiting = set(), [estimator]
    while waiting:
        part = waiting.pop(0)
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        held = [one for value in getattr(part, "__dict__", {}).values() for one in flat(value)]
        waiting += [
            one for one in held if any(hasattr(type(one), m) for m in ("predict", "predict_proba", "transform"))
        ]


def flat(value: Any) -> Iterator[Any]:
    """Yield what is in lists, tuples, dicts and arrays of objects, and what is in none.

    An estimator is no sequence here, though numpy takes a pipeline for one, of its steps.
    """
    if isinstance(value, np.ndarray) and value.dtype == object:
        value = value.ravel().tolist()
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from flat(item)
    else:
        yield value


def width_of(estimator: Any) -> int:
    """Return how many features the estimator takes; a pipeline that begins with "passthrough" does not know itself."""
    for step in [estimator, *steps_of(estimator)]:
        if hasattr(step, "n_features_in_"):
            return int(step.n_features_in_)
        if isinstance(step, IsotonicRegression):
            return 1
        if callable(getattr(step, "kernel", None)):
            raise ConvertError(f"{name_of(step)} is not converted: its kernel is a function: fit it with kernel='rbf'")
    raise ConvertError(
        f"{name_of(estimator)} does not know how many features it takes: it lacks n_features_in_, fit it again"
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
    estimator.set_params(**dict.fromkeys(jobs, 1))
