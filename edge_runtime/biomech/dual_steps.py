"""The steps of the dual Newton method on sparse moment arms: primal, Hessian, Newton step, exact line search."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.types import F64

LINE_SEARCH_LIMIT: Final = 40
LINE_SEARCH_SLOPE: Final = 0.1  # stop where the slope along the step fell to this part of its start
RIDGE: Final = 1e-12  # relative, keeps the factorization defined where reserves are almost free of cost
_MIN_PIVOT: Final = 1e-14  # Nm²

I64 = npt.NDArray[np.int64]

# Sums may be reordered (that is what lets them run in vector registers); NaN and infinity keep their meaning.
_FAST: Final = {"reassoc", "contract"}


@njit(cache=True, nogil=True)
def sparse(arm: F64, start: I64, column: I64, value: F64) -> None:
    """Entries of `arm` [n, m] that are not zero: muscle i gets `start[i]` to `start[i + 1]` of `column` and `value`."""
    at = 0
    for i in range(arm.shape[0]):
        start[i] = at
        for k in range(arm.shape[1]):
            if arm[i, k] != 0.0:
                column[at], value[at] = k, arm[i, k]
                at += 1
    start[arm.shape[0]] = at


@njit(cache=True, nogil=True)
def envelope(start: I64, column: I64, first: I64) -> None:
    """`first` column [m] of each row of the Hessian that a muscle couples; Cholesky fills nothing before it."""
    for k in range(first.shape[0]):
        first[k] = k
    for i in range(start.shape[0] - 1):
        if start[i] == start[i + 1]:
            continue
        lowest = column[start[i]]
        for e in range(start[i], start[i + 1]):
            first[column[e]] = min(first[column[e]], lowest)


@njit(cache=True, nogil=True, fastmath=_FAST)
def times(start: I64, column: I64, value: F64, vector: F64, out: F64) -> None:
    """out [n] = arm · vector."""
    for i in range(out.shape[0]):
        total = 0.0
        for e in range(start[i], start[i + 1]):
            total += value[e] * vector[column[e]]
        out[i] = total


@njit(cache=True, nogil=True, fastmath=_FAST)
def primal(pull: F64, weight: F64, low: F64, high: F64, power: int, activation: F64, gain: F64) -> None:
    """Activation that each dual pull calls for, and its derivative (zero on a bound)."""
    for i in range(pull.shape[0]):
        if power == 2:
            free, slope = pull[i] / weight[i], 1.0 / weight[i]
        elif pull[i] <= 0.0:
            free, slope = 0.0, 0.0
        elif power == 3:
            free = np.sqrt(pull[i] / weight[i])
            slope = 0.5 * free / pull[i]
        else:
            free = np.cbrt(pull[i] / weight[i])
            slope = free / (3.0 * pull[i])
        inside = low[i] < free < high[i]
        activation[i] = low[i] if free <= low[i] else (high[i] if free >= high[i] else free)
        gain[i] = slope if inside else 0.0


@njit(cache=True, nogil=True, fastmath=_FAST)
def fill(
    start: I64, column: I64, value: F64, first: I64, ease: F64, activation: F64, gain: F64, gradient: F64, hessian: F64
) -> None:
    """Add the muscles to `gradient` (which holds the reserves' part) and build the Hessian's lower envelope."""
    for k in range(first.shape[0]):
        hessian[k, first[k] : k] = 0.0
        hessian[k, k] = ease[k]
    for i in range(activation.shape[0]):
        for e in range(start[i], start[i + 1]):
            gradient[column[e]] += value[e] * activation[i]
        if gain[i] > 0.0:
            for e in range(start[i], start[i + 1]):
                row, scaled = column[e], gain[i] * value[e]
                for f in range(start[i], e + 1):
                    hessian[row, column[f]] += scaled * value[f]


@njit(cache=True, nogil=True, fastmath=_FAST)
def newton_step(hessian: F64, first: I64, gradient: F64, step: F64) -> None:
    """Solve hessian · step = gradient by Cholesky in place; only the lower envelope is read and written."""
    m = gradient.shape[0]
    for i in range(m):
        rest = gradient[i]
        for j in range(first[i], i):
            total = hessian[i, j]
            for k in range(max(first[i], first[j]), j):
                total -= hessian[i, k] * hessian[j, k]
            total /= hessian[j, j]
            hessian[i, j] = total
            rest -= total * step[j]
        pivot = hessian[i, i] * (1.0 + RIDGE)
        for k in range(first[i], i):
            pivot -= hessian[i, k] * hessian[i, k]
        hessian[i, i] = np.sqrt(max(pivot, _MIN_PIVOT))
        step[i] = rest / hessian[i, i]
    for i in range(m - 1, -1, -1):
        step[i] /= hessian[i, i]
        for k in range(first[i], i):
            step[k] -= hessian[i, k] * step[i]


@njit(cache=True, nogil=True, fastmath=_FAST)
def _slope(
    pull: F64, change: F64, t: float, weight: F64, low: F64, high: F64, power: int, activation: F64, gain: F64,
    trial: F64,
) -> tuple[float, float]:  # fmt: skip
    """Muscles' part of the dual's slope along the step at `t`, and of that slope's derivative."""
    for i in range(pull.shape[0]):
        trial[i] = pull[i] + t * change[i]
    primal(trial, weight, low, high, power, activation, gain)
    slope, bend = 0.0, 0.0
    for i in range(pull.shape[0]):
        slope += change[i] * activation[i]
        bend += gain[i] * change[i] * change[i]
    return slope, bend


@njit(cache=True, nogil=True)
def step_length(
    pull: F64, change: F64, weight: F64, low: F64, high: F64, power: int, offset: float, curve: float,
    descent: float, activation: F64, gain: F64, trial: F64,
) -> float:  # fmt: skip
    """Exact minimum along the step: root of its slope, which is monotone, by bracketed Newton in 0..1."""
    t, lower, upper = 1.0, 0.0, -1.0
    for _ in range(LINE_SEARCH_LIMIT):
        slope, bend = _slope(pull, change, t, weight, low, high, power, activation, gain, trial)
        slope += offset + t * curve
        if abs(slope) <= LINE_SEARCH_SLOPE * abs(descent) or (slope < 0.0 and t >= 1.0):
            return t
        if slope < 0.0:
            lower = t
        else:
            upper = t
        bend += curve
        guess = t - slope / bend if bend > 0.0 else 0.5 * (lower + upper)
        t = guess if lower < guess < upper else 0.5 * (lower + upper)
    return t


@njit(cache=True, nogil=True)
def largest(vector: F64) -> float:
    """Largest magnitude, or NaN where one element is."""
    worst = 0.0
    for k in range(vector.shape[0]):
        size = abs(vector[k])
        worst = size if not size <= worst else worst
    return worst
