"""Muscle paths as polynomials: lengths, moment arms, and the pull across the knee, all from one set of monomials."""

from __future__ import annotations

from typing import Final

from numba import njit

from edge_runtime.biomech.skeleton.format import Basis, Rows
from edge_runtime.types import F64

MAX_DEGREE: Final = 8


@njit(cache=True, nogil=True)
def monomials(basis: Basis, q: F64, powers: F64, value: F64, slope: F64) -> None:
    """Every term of the basis at `q` [C]: `value` [T], and `slope` [S, T] along each spanned coordinate.

    `powers` [2, S, MAX_DEGREE + 1] is a buffer.
    """
    power, gain = powers[0], powers[1]
    for g in range(basis.dimension.size):
        n = basis.dimension[g]
        for k in range(n):
            c = basis.span[g, k]
            x = (q[c] - basis.centre[c]) / basis.spread[c]
            power[k, 0], gain[k, 0] = 1.0, 0.0
            for e in range(1, MAX_DEGREE + 1):
                power[k, e] = power[k, e - 1] * x
                gain[k, e] = e * power[k, e - 1] / basis.spread[c]
        for t in range(basis.term_first[g], basis.term_first[g + 1]):
            product = 1.0
            for k in range(n):
                product *= power[k, basis.exponent[t, k]]
            value[t] = product
            for a in range(n):
                part = gain[a, basis.exponent[t, a]]
                for k in range(n):
                    if k != a:
                        part *= power[k, basis.exponent[t, k]]
                slope[a, t] = part


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(a: F64, first: int, b: F64, start: int, count: int) -> float:
    total = 0.0
    for i in range(count):
        total += a[first + i] * b[start + i]
    return total


@njit(cache=True, nogil=True)
def lengths_and_arms(basis: Basis, rows: Rows, value: F64, slope: F64, length: F64, arm: F64) -> None:
    """`length` [n] m and `arm` [n, C] m, minus the slope of length: positive where tension acts along a coordinate."""
    arm[:] = 0.0
    for g in range(basis.dimension.size):
        first = basis.term_first[g]
        count = basis.term_first[g + 1] - first
        for r in range(rows.first[g], rows.first[g + 1]):
            muscle, start = rows.muscle[r], rows.start[r]
            length[muscle] = _dot(value, first, rows.coefficient, start, count)
            for k in range(basis.dimension[g]):
                arm[muscle, basis.span[g, k]] = -_dot(slope[k], first, rows.coefficient, start, count)


@njit(cache=True, nogil=True)
def plain(basis: Basis, rows: Rows, value: F64, out: F64) -> None:
    """`out` [R]: the rows' values alone."""
    for g in range(basis.dimension.size):
        first = basis.term_first[g]
        count = basis.term_first[g + 1] - first
        for r in range(rows.first[g], rows.first[g + 1]):
            out[r] = _dot(value, first, rows.coefficient, rows.start[r], count)
