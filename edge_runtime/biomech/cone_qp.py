"""Least squares under linear inequalities by a dual active set: fixed size, exact, compiled, without allocation."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.types import F64

MAX_STEPS: Final = 100
"""Steps after which the solve gives up; with the 28 rows of two feet it needs about as many as rows become active."""
_TOLERANCE: Final = 1e-9  # of the scale of each row, as is its curvature

I64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def _solve_held(curvature: F64, held: I64, count: int, new: int, factor: F64, direction: F64) -> None:
    """direction[:count] = curvature[held, held]⁻¹ curvature[held, new] by Cholesky."""
    for i in range(count):
        for j in range(i + 1):
            value = curvature[held[i], held[j]]
            for k in range(j):
                value -= factor[i, k] * factor[j, k]
            factor[i, j] = np.sqrt(max(value, 1e-300)) if i == j else value / factor[j, j]
    for i in range(count):
        value = curvature[held[i], new]
        for k in range(i):
            value -= factor[i, k] * direction[k]
        direction[i] = value / factor[i, i]
    for i in range(count - 1, -1, -1):
        value = direction[i]
        for k in range(i + 1, count):
            value -= factor[k, i] * direction[k]
        direction[i] = value / factor[i, i]


@njit(cache=True, nogil=True)
def _most_violated(slack: F64, scale: F64) -> int:
    """Row with the lowest slack against its scale; -1 where none is below zero."""
    worst, found = -_TOLERANCE, -1
    for i in range(slack.shape[0]):
        if scale[i] > 0.0 and slack[i] < worst * scale[i]:
            worst, found = slack[i] / scale[i], i
    return found


@njit(cache=True, nogil=True)
def solve_rows(
    curvature: F64, slack: F64, scale: F64, pull: F64, held: I64, factor: F64, direction: F64
) -> int:  # fmt: skip
    """Multipliers of min ½|x - x*|²_H subject to rows C x ≥ 0, given in the space of the rows.

    `curvature` [m, m] = C H⁻¹ C'; `slack` [m] = C x* on entry and C x on return; `scale` [m] what counts as one in each
    row (0: the row is left out); `pull` [m] the multipliers, so that x = x* + H⁻¹ C' pull. Work: `held` [m], `factor`
    [m, m], `direction` [m]. Gives the number of steps, or -1 where they ran out.
    Method: Goldfarb & Idnani 1983, Mathematical Programming 27:1.
    """
    m = slack.shape[0]
    pull[:] = 0.0
    count, steps = 0, 0
    new = _most_violated(slack, scale)
    while new >= 0:
        steps += 1
        if steps > MAX_STEPS:
            return -1
        _solve_held(curvature, held, count, new, factor, direction)
        bend = curvature[new, new]
        for i in range(count):
            bend -= curvature[new, held[i]] * direction[i]
        full = bend > _TOLERANCE * curvature[new, new]
        step, leaving = (-slack[new] / bend if full else np.inf), -1
        for i in range(count):
            if direction[i] > 0.0 and pull[held[i]] < step * direction[i]:
                step, leaving = pull[held[i]] / direction[i], i
        if not np.isfinite(step):
            return -1
        for i in range(count):
            pull[held[i]] -= step * direction[i]
        pull[new] += step
        for k in range(m):
            change = curvature[k, new]
            for i in range(count):
                change -= curvature[k, held[i]] * direction[i]
            slack[k] += step * change
        if leaving >= 0:
            pull[held[leaving]] = 0.0
            for i in range(leaving, count - 1):
                held[i] = held[i + 1]
            count -= 1
            continue
        held[count] = new
        count += 1
        for i in range(count):
            slack[held[i]] = 0.0
        new = _most_violated(slack, scale)
    return steps
