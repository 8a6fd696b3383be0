"""Static optimization as compiled code: dual semismooth Newton with exact line search, over sparse moment arms."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.types import F64

TOLERANCE_NM: Final = 1e-7
MAX_ITERATIONS: Final = 200
DIRECT_ITERATIONS: Final = 25  # gait needs at most 20, cold; 1 in 2000 hard random problems more
STAGES: Final = 6  # powers of ten by which reserves begin easier where the direct way creeps
LINE_SEARCH_LIMIT: Final = 40
LINE_SEARCH_SLOPE: Final = 0.1  # stop where the slope along the step fell to this part of its start
RIDGE: Final = 1e-12  # relative, keeps the factorization defined where reserves are almost free of cost
_MIN_PIVOT: Final = 1e-14  # Nm²

I64 = npt.NDArray[np.int64]

# Sums may be reordered (that is what lets them run in vector registers); NaN and infinity keep their meaning.
_FAST: Final = {"reassoc", "contract"}


@njit(cache=True, nogil=True)
def _sparse(arm: F64) -> tuple[I64, I64, F64]:
    """Entries of `arm` [n, m] that are not zero: muscle i has `start[i]` to `start[i + 1]` of `column`, `value`."""
    n, m = arm.shape
    start = np.empty(n + 1, np.int64)
    start[0] = 0
    for i in range(n):
        count = 0
        for k in range(m):
            count += arm[i, k] != 0.0
        start[i + 1] = start[i] + count
    column, value = np.empty(start[n], np.int64), np.empty(start[n])
    for i in range(n):
        at, end = start[i], start[i + 1]
        for k in range(m):
            if at == end:
                break
            if arm[i, k] != 0.0:
                column[at], value[at] = k, arm[i, k]
                at += 1
    return start, column, value


@njit(cache=True, nogil=True)
def _envelope(start: I64, column: I64, m: int) -> I64:
    """First column [m] of each row of the Hessian that a muscle couples; Cholesky fills nothing before it."""
    first = np.arange(m)
    for i in range(start.shape[0] - 1):
        if start[i] == start[i + 1]:
            continue
        lowest = column[start[i]]
        for e in range(start[i], start[i + 1]):
            first[column[e]] = min(first[column[e]], lowest)
    return first


@njit(cache=True, nogil=True, fastmath=_FAST)
def _times(start: I64, column: I64, value: F64, vector: F64, out: F64) -> None:
    """out [n] = arm · vector."""
    for i in range(out.shape[0]):
        total = 0.0
        for e in range(start[i], start[i + 1]):
            total += value[e] * vector[column[e]]
        out[i] = total


@njit(cache=True, nogil=True, fastmath=_FAST)
def _primal(pull: F64, weight: F64, low: F64, high: F64, power: int, activation: F64, gain: F64) -> None:
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
def _fill(
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
def _newton_step(hessian: F64, first: I64, gradient: F64, step: F64) -> None:
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
    _primal(trial, weight, low, high, power, activation, gain)
    slope, bend = 0.0, 0.0
    for i in range(pull.shape[0]):
        slope += change[i] * activation[i]
        bend += gain[i] * change[i] * change[i]
    return slope, bend


@njit(cache=True, nogil=True)
def _step_length(
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
def _largest(vector: F64) -> float:
    """Largest magnitude, or NaN where one element is."""
    worst = 0.0
    for k in range(vector.shape[0]):
        size = abs(vector[k])
        worst = size if not size <= worst else worst
    return worst


@njit(cache=True, nogil=True)
def moments_of(arm: F64, effort: F64) -> F64:
    """arm' · effort [m], for `arm` [n, m]; a threaded BLAS product of this size is slow on a busy machine."""
    out = np.zeros(arm.shape[1])
    for i in range(arm.shape[0]):
        for k in range(arm.shape[1]):
            out[k] += arm[i, k] * effort[i]
    return out


@njit(cache=True, nogil=True)
def _newton(
    start: I64, column: I64, value: F64, first: I64, moment: F64, weight: F64, low: F64, high: F64, ease: F64,
    power: int, limit: int, dual: F64, activation: F64,
) -> tuple[int, float]:  # fmt: skip
    """At most `limit` iterations from `dual`; see `solve_dual`."""
    n, m = activation.shape[0], dual.shape[0]
    gradient, hessian, step = np.empty(m), np.empty((m, m)), np.empty(m)
    pull, change, trial, gain = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    _times(start, column, value, dual, pull)
    _primal(pull, weight, low, high, power, activation, gain)
    iteration = 0
    while True:
        for k in range(m):
            gradient[k] = ease[k] * dual[k] - moment[k]
        _fill(start, column, value, first, ease, activation, gain, gradient, hessian)
        worst = _largest(gradient)
        if worst < TOLERANCE_NM or iteration >= limit or not np.isfinite(worst):
            return iteration, worst
        _newton_step(hessian, first, gradient, step)
        offset, curve, descent = 0.0, 0.0, 0.0
        for k in range(m):
            step[k] = -step[k]
            offset += step[k] * (ease[k] * dual[k] - moment[k])
            curve += ease[k] * step[k] * step[k]
            descent += gradient[k] * step[k]
        _times(start, column, value, step, change)
        t = _step_length(pull, change, weight, low, high, power, offset, curve, descent, activation, gain, trial)
        for k in range(m):
            dual[k] += t * step[k]
        for i in range(n):  # not arm · dual anew: far beyond reach that would lose the digits of the free muscles
            pull[i] += t * change[i]
        _primal(pull, weight, low, high, power, activation, gain)
        iteration += 1


@njit(cache=True, nogil=True)
def solve_dual(
    arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, limit: int, dual: F64,
    activation: F64,
) -> tuple[int, float]:  # fmt: skip
    """min sum w a^p/p + sum r²/(2 ease) with arm' a + r = moment, low <= a <= high.

    `arm` [n, m] Nm at full activation, C-contiguous, `moment` [m] Nm, `weight`, `low`, `high` [n], `ease` [m] Nm²
    (larger: cheaper reserve), `power` 2, 3 or 4 (above 2 needs `low` > 0: a root has no slope at zero), at most `limit`
    iterations. `dual` [m] enters as warm start and
    leaves as solution, `activation` [n] is filled. Gives iterations and the largest dual gradient (Nm): the moment
    that activations and reserves together leave unbalanced.

    The dual is convex and piecewise smooth; a semismooth Newton step needs the exact line search to stay safe on
    moments that the muscles cannot reach. At the very edge of reach, where almost all muscles are at a bound, it may
    still creep; then easier reserves, made dearer tenfold from solution to solution, lead there.
    """
    start, column, value = _sparse(arm)
    first = _envelope(start, column, arm.shape[1])
    iterations, worst = _newton(
        start, column, value, first, moment, weight, low, high, ease, power, min(limit, DIRECT_ITERATIONS), dual,
        activation,
    )  # fmt: skip
    if worst < TOLERANCE_NM or not np.isfinite(worst) or iterations >= limit:
        return iterations, worst
    dual[:] = 0.0
    for stage in range(STAGES, -1, -1):
        used, worst = _newton(
            start, column, value, first, moment, weight, low, high, ease * 10.0**stage, power, limit - iterations,
            dual, activation,
        )  # fmt: skip
        iterations += used
        if not worst < TOLERANCE_NM:
            break
    return iterations, worst
