"""Moves the wrenches of both feet towards a balance by their variances: levers, sum, unconstrained update."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from edge_runtime.types import F64

WRENCH: Final = 6
BOTH: Final = 2 * WRENCH


@njit(cache=True, nogil=True)
def fill_lever(lever: F64, arm: F64) -> None:
    """Rows and columns [6, 6] that move a wrench from a point to one that lies `-arm` [3] away from it."""
    lever[:] = 0.0
    for i in range(WRENCH):
        lever[i, i] = 1.0
    lever[3, 1], lever[3, 2] = -arm[2], arm[1]
    lever[4, 0], lever[4, 2] = arm[2], -arm[0]
    lever[5, 0], lever[5, 1] = -arm[1], arm[0]


@njit(cache=True, nogil=True, error_model="numpy")
def _cholesky(a: F64) -> None:
    """Lower factor of `a` [6, 6] in place; not finite, and no exception, where rounding leaves none."""
    for i in range(WRENCH):
        for j in range(i + 1):
            value = a[i, j]
            for k in range(j):
                value -= a[i, k] * a[j, k]
            a[i, j] = np.sqrt(value) if i == j else value / a[j, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _substitute(factor: F64, x: F64) -> None:
    """x [6] = (factor factor')⁻¹ x in place."""
    for i in range(WRENCH):
        for k in range(i):
            x[i] -= factor[i, k] * x[k]
        x[i] /= factor[i, i]
    for i in range(WRENCH - 1, -1, -1):
        for k in range(i + 1, WRENCH):
            x[i] -= factor[k, i] * x[k]
        x[i] /= factor[i, i]


@njit(cache=True, nogil=True)
def balance_update(
    wrench: F64, variance: F64, lever: F64, gap: F64, asked_var: F64, cov: F64, innovation: F64, gain: F64
) -> float:  # fmt: skip
    """Unconstrained optimum: `wrench` [12] and its covariance `cov` [12, 12] after the balance `gap` [6]; gives the
    squared gap against what both variances allow (6 degrees of freedom)."""
    for i in range(WRENCH):
        for j in range(WRENCH):
            value = asked_var[i] if i == j else 0.0
            for k in range(BOTH):
                value += lever[i, k] * variance[k] * lever[j, k]
            innovation[i, j] = value
    _cholesky(innovation)
    distance = 0.0
    weighed = gain[0]
    weighed[:] = gap
    _substitute(innovation, weighed)
    for i in range(WRENCH):
        distance += gap[i] * weighed[i]
    for k in range(BOTH):
        for i in range(WRENCH):
            wrench[k] += variance[k] * lever[i, k] * weighed[i]
    for k in range(BOTH):
        column = gain[1]
        for i in range(WRENCH):
            column[i] = lever[i, k] * variance[k]
        _substitute(innovation, column)
        for j in range(BOTH):
            value = variance[k] if j == k else 0.0
            for i in range(WRENCH):
                value -= variance[j] * lever[i, j] * column[i]
            cov[j, k] = value
    return distance


@njit(cache=True, nogil=True)
def sum_of_feet(lever: F64, wrench: F64, out: F64) -> None:
    """Sum [6] of both feet's wrenches at the centre of mass."""
    for i in range(WRENCH):
        out[i] = 0.0
        for k in range(BOTH):
            out[i] += lever[i, k] * wrench[k]
