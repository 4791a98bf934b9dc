"""Support vector machines: libsvm's kernels, its decision values for each pair of classes, its votes."""

from __future__ import annotations

from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import pairwise_kernels

from convert.errors import ConvertError
from convert.estimator import insides
from convert.estimator.insides import SupportVectors
from convert.graph.answers import Labelled
from convert.graph.columns import Columns
from convert.graph.graph import Graph, Value
from convert.strategies.composed.composer import Composer
from convert.strategies.composed.linear import write_class_index

NEAR = 1e4
"""How large gamma times the square of a vector's length is at the most, where squares are multiplied out."""
DIGITS = 1e7
"""How large it is at the most where scikit-learn multiplies them out: 1e-16 of it changes the kernel."""
LOST = 3e-9
"""How large a part of a value may be rounding at the most."""
LOOKED_AT = 200
"""On how many vectors that is looked at."""
FAR = 1e150
"""How far from the support vectors a row is taken to be at the most: the square of more is infinite."""


def regressor(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write SVR.predict."""
    machine = insides.support_vector_machine(estimator)
    _check_digits(estimator, estimator.support_vectors_, machine.gamma, machine.dual[0], machine.intercept[0])
    kernel = _write_kernel(composer.graph, rows.value, estimator, machine)
    return _write_sum(composer.graph, kernel, machine.dual.T, machine.intercept)


def outliers(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write OneClassSVM.predict, where libsvm takes what is above 0 for an inlier, and .decision_function."""
    graph, machine = composer.graph, insides.support_vector_machine(estimator)
    kernel = _write_kernel(graph, rows.value, estimator, machine)
    scores = _write_sum(graph, kernel, machine.dual.T, machine.intercept)
    return Labelled(write_class_index(graph, scores, 2), None, scores)


def ridge(composer: Composer, rows: Columns, estimator: Any) -> Value:
    """Write KernelRidge.predict."""
    kernel = write_kernel(composer.graph, rows.value, estimator, estimator.X_fit_, _gamma_of(estimator))
    weights = np.asarray(estimator.dual_coef_, dtype=np.float64).reshape(-1, 1)
    vectors = _dense(estimator.X_fit_)
    if estimator.kernel == "rbf" and (vectors**2).sum(axis=1).max() * _gamma_of(estimator) > DIGITS:
        raise _blown_up(estimator)  # scikit-learn multiplies squares out, around 0
    _check_digits(estimator, vectors, _gamma_of(estimator), weights[:, 0])
    return composer.graph.node("MatMul", kernel, composer.graph.constant(weights))


def classifier(composer: Composer, rows: Columns, estimator: Any) -> Labelled:
    """Write SVC.predict, libsvm's votes of every pair of classes, and SVC.decision_function."""
    machine = insides.support_vector_machine(estimator)
    if machine.probability:
        raise ConvertError(
            f"{type(estimator).__name__} estimates probabilities by iteration, and they may contradict its labels: fit"
            " it with probability=False, within CalibratedClassifierCV(ensemble=False) if you need probabilities"
        )
    graph, classes = composer.graph, len(estimator.classes_)
    kernel = _write_kernel(graph, rows.value, estimator, machine)
    decision = _write_sum(graph, kernel, _pair_weights(machine), machine.intercept)
    first = graph.cast(graph.node("Greater", decision, graph.constant(np.float64(0))), np.float64)
    votes = _write_votes(graph, first, classes)
    index = graph.node("ArgMax", votes, axis=1, keepdims=0, select_last_index=0)
    if classes == 2:
        return Labelled(index, None, graph.node("Neg", decision))
    if estimator.decision_function_shape == "ovo":
        return Labelled(index, None, decision)
    negative = graph.cast(graph.node("Less", decision, graph.constant(np.float64(0))), np.float64)
    not_negative = graph.node("Sub", graph.constant(np.float64(1)), negative)
    scores = write_one_against_rest(graph, not_negative, decision, classes)
    if estimator.break_ties:
        index = graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=0)
    return Labelled(index, None, scores)


def _write_kernel(graph: Graph, rows: Value, estimator: Any, machine: SupportVectors) -> Value:
    """Write the kernel of each row with each support vector, (n, vectors)."""
    return write_kernel(graph, rows, estimator, estimator.support_vectors_, machine.gamma)


def _gamma_of(estimator: Any) -> float:
    """Follow sklearn.metrics.pairwise: 1 / features where KernelRidge has gamma=None."""
    return 1.0 / estimator.n_features_in_ if estimator.gamma is None else float(estimator.gamma)


def write_kernel(graph: Graph, rows: Value, estimator: Any, vectors: Any, gamma: float) -> Value:
    """Write the kernel of each row with each of `vectors`, (n, vectors)."""
    vectors = _dense(vectors)
    kernel = "poly" if estimator.kernel == "polynomial" else str(estimator.kernel)
    if kernel == "rbf":
        return _write_rbf(graph, rows, vectors, gamma)
    if kernel not in {"linear", "poly", "sigmoid"}:
        raise ConvertError(
            f"{type(estimator).__name__} is written with the kernels linear, poly, rbf and sigmoid, not"
            f" with {str(estimator.kernel)[:50]!r}: fit it with one of those"
        )
    product = graph.node("MatMul", rows, graph.constant(vectors.T.copy()))
    if kernel == "linear":
        return product
    scaled = graph.node("Mul", product, graph.constant(np.float64(gamma)))
    moved = graph.node("Add", scaled, graph.constant(np.float64(estimator.coef0)))
    if kernel == "sigmoid":
        return graph.node("Tanh", moved)
    return graph.node("Pow", moved, graph.constant(np.float64(estimator.degree)))


def _write_rbf(graph: Graph, rows: Value, vectors: NDArray[np.float64], gamma: float) -> Value:
    """Write exp(-gamma * |row - vector|^2), the square multiplied out around the middle of the vectors.

    Away from the middle, where a column holds seconds since 1970, its digits would cancel; where vectors are far apart,
    they cancel there, too, and differences are squared as libsvm does, column by column.
    """
    middle = vectors.mean(axis=0)
    centred = vectors - middle
    if (centred**2).sum(axis=1).max(initial=0.0) * gamma > NEAR:
        return graph.node("Exp", graph.node("Mul", _write_squares(graph, rows, vectors), graph.constant(-gamma)))
    near = graph.node("Sub", rows, graph.constant(middle))
    near = graph.node("Clip", near, graph.constant(np.float64(-FAR)), graph.constant(np.float64(FAR)))
    own = graph.node("ReduceSumSquare", near, graph.constant(np.array([1])), keepdims=1)
    product = graph.node("MatMul", near, graph.constant(-2.0 * centred.T))
    squares = graph.node("Add", graph.node("Add", own, product), graph.constant((centred**2).sum(axis=1)))
    distance = graph.node("Max", squares, graph.constant(np.float64(0)))
    return graph.node("Exp", graph.node("Mul", distance, graph.constant(np.float64(-gamma))))


def _write_squares(graph: Graph, rows: Value, vectors: NDArray[np.float64]) -> Value:
    """Write |row - vector|^2, (n, vectors), from differences."""
    each = []
    for column, values in enumerate(vectors.T):
        value = graph.node("Gather", rows, graph.constant(np.array([column])), axis=1)
        apart = graph.node("Sub", value, graph.constant(values.copy()))
        each.append(graph.node("Mul", apart, apart))
    return reduce(lambda one, other: graph.node("Add", one, other), each)


def _dense(vectors: Any) -> NDArray[np.float64]:
    return np.asarray(vectors.toarray() if hasattr(vectors, "toarray") else vectors, dtype=np.float64)


def _check_digits(
    estimator: Any, vectors: Any, gamma: float, weights: NDArray[np.float64], intercept: float = 0.0
) -> None:
    """Raise ConvertError for a regressor whose weighted kernels cancel on its own vectors, but for last digits."""
    if not isinstance(estimator.kernel, str) or estimator.kernel == "precomputed":
        return
    vectors, settings = _dense(vectors), {"gamma": gamma, "degree": estimator.degree, "coef0": estimator.coef0}
    kernel = pairwise_kernels(vectors[:LOOKED_AT], vectors, estimator.kernel, filter_params=True, **settings)
    rounding = np.finfo(np.float64).eps * (np.abs(kernel) @ np.abs(weights)).max(initial=0.0)
    if rounding > LOST * np.abs(kernel @ weights + intercept).max(initial=0.0) > 0:
        raise _blown_up(estimator)


def _blown_up(estimator: Any) -> ConvertError:
    return ConvertError(
        f"{type(estimator).__name__} adds up terms so large that scikit-learn's own last digits are lost: fit it behind"
        " a StandardScaler"
    )


def _pair_weights(machine: SupportVectors) -> NDArray[np.float64]:
    """Return the weight of each support vector for each pair of classes, (vectors, pairs); see libsvm's svm.cpp."""
    coefficients, ends = machine.dual, np.cumsum(machine.counts)
    groups = [slice(end - count, end) for end, count in zip(ends, machine.counts, strict=True)]
    pairs = list(combinations(range(len(groups)), 2))
    weights = np.zeros((coefficients.shape[1], len(pairs)))
    for pair, (one, other) in enumerate(pairs):
        weights[groups[one], pair] = coefficients[other - 1, groups[one]]
        weights[groups[other], pair] = coefficients[one, groups[other]]
    return weights


def _write_sum(graph: Graph, kernel: Value, weights: Any, intercept: Any) -> Value:
    product = graph.node("MatMul", kernel, graph.constant(np.asarray(weights, dtype=np.float64)))
    return graph.node("Add", product, graph.constant(np.asarray(intercept, dtype=np.float64)))


def _write_votes(graph: Graph, first: Value, classes: int) -> Value:
    """Write how many pairs vote for each class, (n, classes); `first` is 1 where a pair votes for its first class."""
    pairs = list(combinations(range(classes), 2))
    signs, start = np.zeros((len(pairs), classes)), np.zeros(classes)
    for pair, (one, other) in enumerate(pairs):
        signs[pair, one], signs[pair, other] = 1.0, -1.0
        start[other] += 1.0
    return graph.node("Add", graph.node("MatMul", first, graph.constant(signs)), graph.constant(start))


def write_one_against_rest(graph: Graph, first: Value, decision: Value, classes: int) -> Value:
    """Write sklearn.utils.multiclass._ovr_decision_function, (n, classes).

    `first` is 1 where a pair votes for its first class, and `decision` is above 0 the more it does: (n, pairs).
    """
    confidence = np.zeros((classes * (classes - 1) // 2, classes))
    for pair, (one, other) in enumerate(combinations(range(classes), 2)):
        confidence[pair, one], confidence[pair, other] = 1.0, -1.0
    total = graph.node("MatMul", decision, graph.constant(confidence))
    size = graph.node("Add", graph.node("Abs", total), graph.constant(np.float64(1)))
    share = graph.node("Div", total, graph.node("Mul", size, graph.constant(np.float64(3))))
    return graph.node("Add", _write_votes(graph, first, classes), share)
