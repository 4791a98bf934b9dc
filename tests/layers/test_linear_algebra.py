"""The layer's BLAS against numpy's own; its numbers are small and whole, so that no sum is rounded."""

import ctypes
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from layers import no_lapack
from layers.architecture import ARCHITECTURES, host_architecture
from layers.linear_algebra import compile_blas

ROW_MAJOR, COLUMN_MAJOR = 101, 102
AS_IS, TRANSPOSED, CONJUGATED = 111, 112, 113
UPPER, LOWER = 121, 122
TYPES: dict[str, type[Any]] = {"s": np.float32, "d": np.float64, "c": np.complex64, "z": np.complex128}
ORDERS = {ROW_MAJOR: "C", COLUMN_MAJOR: "F"}
TRANSPOSES: dict[int, Callable[[NDArray[Any]], NDArray[Any]]] = {
    AS_IS: lambda matrix: matrix,
    TRANSPOSED: lambda matrix: matrix.T,
    CONJUGATED: lambda matrix: matrix.conj().T,
}
GENERATOR = np.random.default_rng(3)


@pytest.fixture(scope="module")
def blas(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    out = tmp_path_factory.mktemp("blas") / "libblas.so"
    compile_blas(host_architecture(), out)
    return ctypes.CDLL(str(out))


def numbers(prefix: str, *shape: int, order: Any = "C") -> NDArray[Any]:
    real, imaginary = GENERATOR.integers(-9, 10, (2, *shape))
    return np.array(real + 1j * imaginary if prefix in "cz" else real, TYPES[prefix], order=order)


def call(blas: ctypes.CDLL, prefix: str, name: str, *arguments: Any) -> Any:
    """Call a function: arrays by their address, whole numbers in 64 bits, scalars as their type is passed."""
    function = blas[f"scipy_cblas_{prefix}{name}64_"]
    real = {"s": ctypes.c_float, "d": ctypes.c_double}.get(prefix, ctypes.c_double)
    function.restype = real if name == "dot" else None
    passed: list[Any] = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            passed.append(ctypes.c_void_p(argument.ctypes.data))
        elif isinstance(argument, int):
            passed.append(ctypes.c_int64(argument))
        else:
            passed.append(real(argument))
    return function(*passed)


def scalar(prefix: str, value: complex) -> Any:
    """Return a number as BLAS takes it: complex ones by their address."""
    return np.array([value], TYPES[prefix]) if prefix in "cz" else float(value.real)


@pytest.mark.parametrize(("x_step", "y_step"), [(1, 1), (2, 3), (-1, 2), (0, 1)])
@pytest.mark.parametrize("prefix", TYPES)
def test_vectors(blas: ctypes.CDLL, prefix: str, x_step: int, y_step: int) -> None:
    n = 7
    x, y = numbers(prefix, 30), numbers(prefix, 30)
    taken_x, taken_y = (
        vector[: n * abs(step) : step][:n]
        if step > 0
        else vector[: n * -step : -step][::-1]
        if step
        else vector[[0] * n]
        for vector, step in ((x, x_step), (y, y_step))
    )
    if prefix in "cz":
        for name, left in (("dotu_sub", taken_x), ("dotc_sub", taken_x.conj())):
            out = np.empty(1, TYPES[prefix])
            call(blas, prefix, name, n, x, x_step, y, y_step, out)
            assert out[0] == left @ taken_y
    else:
        assert call(blas, prefix, "dot", n, x, x_step, y, y_step) == taken_x @ taken_y
    alpha, expected = 3 - 2j if prefix in "cz" else 3, y.copy()
    expected[: n * y_step : y_step] += alpha * taken_x
    call(blas, prefix, "axpy", n, scalar(prefix, alpha), x, x_step, y, y_step)
    assert y.tolist() == expected.tolist()


@pytest.mark.parametrize("transpose", TRANSPOSES)
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("prefix", TYPES)
def test_matrix_and_vector(blas: ctypes.CDLL, prefix: str, order: int, transpose: int) -> None:
    matrix = numbers(prefix, 4, 5, order=ORDERS[order])
    operand = TRANSPOSES[transpose](matrix)
    x, y = numbers(prefix, operand.shape[1]), numbers(prefix, operand.shape[0])
    expected = 2 * (operand @ x) + 3 * y
    lead = 5 if order == ROW_MAJOR else 4
    call(
        blas, prefix, "gemv", order, transpose, 4, 5, *(scalar(prefix, 2), matrix, lead, x, 1), scalar(prefix, 3), y, 1
    )
    assert y.tolist() == expected.tolist()


@pytest.mark.parametrize("beta", [0, 3])
@pytest.mark.parametrize(("left", "right"), list(product(TRANSPOSES, TRANSPOSES)))
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("prefix", TYPES)
def test_matrices(blas: ctypes.CDLL, prefix: str, order: int, left: int, right: int, beta: int) -> None:
    a = numbers(prefix, *((4, 5) if left == AS_IS else (5, 4)), order=ORDERS[order])
    b = numbers(prefix, *((5, 3) if right == AS_IS else (3, 5)), order=ORDERS[order])
    c = numbers(prefix, 4, 3, order=ORDERS[order])
    expected = 2 * (TRANSPOSES[left](a) @ TRANSPOSES[right](b)) + beta * c
    if beta == 0:
        c[:] = np.nan  # what was never written is not read
    leads = [matrix.shape[1] if order == ROW_MAJOR else matrix.shape[0] for matrix in (a, b, c)]
    call(
        *(blas, prefix, "gemm", order, left, right, 4, 3, 5),
        *(scalar(prefix, 2), a, leads[0], b, leads[1], scalar(prefix, beta), c, leads[2]),
    )
    assert c.tolist() == expected.tolist()


@pytest.mark.parametrize("transpose", [AS_IS, TRANSPOSED])
@pytest.mark.parametrize("triangle", [UPPER, LOWER])
@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("prefix", TYPES)
def test_a_matrix_times_itself(blas: ctypes.CDLL, prefix: str, order: int, triangle: int, transpose: int) -> None:
    a = numbers(prefix, *((4, 5) if transpose == AS_IS else (5, 4)), order=ORDERS[order])
    c = numbers(prefix, 4, 4, order=ORDERS[order])
    whole = TRANSPOSES[transpose](a) @ TRANSPOSES[transpose](a).T + 2 * c
    inside = np.triu(np.ones((4, 4), bool)) if triangle == UPPER else np.tril(np.ones((4, 4), bool))
    expected = np.where(inside, whole, c)
    lead = a.shape[1] if order == ROW_MAJOR else a.shape[0]
    call(
        *(blas, prefix, "syrk", order, triangle, transpose, 4, 5),
        *(scalar(prefix, 1), a, lead, scalar(prefix, 2), c, 4),
    )
    assert c.tolist() == expected.tolist()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_bytes_are_the_same_every_time(name: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        compile_blas(ARCHITECTURES[name], tmp_path / folder / "libblas.so")
    assert (tmp_path / "a" / "libblas.so").read_bytes() == (tmp_path / "b" / "libblas.so").read_bytes()


def test_what_needs_lapack_says_so() -> None:
    with pytest.raises(NotImplementedError, match=r"needs LAPACK for 'inv', and this layer carries none"):
        no_lapack.inv  # noqa: B018
    assert not hasattr(no_lapack, "__path__")
