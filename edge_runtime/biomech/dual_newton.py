"""Static optimization as compiled code: dual semismooth Newton with exact line search, over sparse moment arms."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from edge_runtime.biomech.dual_steps import (
    I64,
    envelope,
    fill,
    largest,
    newton_step,
    primal,
    sparse,
    step_length,
    times,
)
from edge_runtime.types import F64

TOLERANCE_NM: Final = 1e-7
MAX_ITERATIONS: Final = 200
DIRECT_ITERATIONS: Final = 25  # gait needs at most 20, cold; 1 in 2000 hard random problems more
STAGES: Final = 6  # powers of ten by which reserves begin easier where the direct way creeps


class Work(NamedTuple):
    """Buffers of a solve for n muscles on m coordinates; nothing in them outlives it."""

    start: I64  # [n + 1]
    column: I64  # [n m]
    value: F64  # [n m]
    first: I64  # [m]
    muscles: F64  # [4, n]
    joints: F64  # [3, m]
    hessian: F64  # [m, m]


@njit(cache=True, nogil=True)
def new_work(n: int, m: int) -> Work:
    """Buffers for `n` muscles on `m` coordinates."""
    return Work(
        np.empty(n + 1, np.int64), np.empty(n * m, np.int64), np.empty(n * m), np.empty(m, np.int64),
        np.empty((4, n)), np.empty((3, m)), np.empty((m, m)),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def moments_of(arm: F64, effort: F64) -> F64:
    """arm' · effort [m], for `arm` [n, m]; a threaded BLAS product of this size is slow on a busy machine."""
    out = np.zeros(arm.shape[1])
    for i in range(arm.shape[0]):
        for k in range(arm.shape[1]):
            out[k] += arm[i, k] * effort[i]
    return out


@njit(cache=True, nogil=True)
def leave_over(arm: F64, effort: F64, moment: F64, out: F64) -> None:
    """`out` [m]: what `effort` [n] with `arm` [n, m] leaves of `moment` [m]."""
    out[:] = 0.0
    for i in range(arm.shape[0]):
        for k in range(arm.shape[1]):
            out[k] += arm[i, k] * effort[i]
    for k in range(arm.shape[1]):
        out[k] = moment[k] - out[k]


@njit(cache=True, nogil=True)
def _newton(
    work: Work, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, limit: int, dual: F64,
    activation: F64,
) -> tuple[int, float]:  # fmt: skip
    """At most `limit` iterations from `dual`; see `solve_dual`."""
    start, column, value, first, hessian = work.start, work.column, work.value, work.first, work.hessian
    pull, change, trial, gain = work.muscles[0], work.muscles[1], work.muscles[2], work.muscles[3]
    gradient, step = work.joints[0], work.joints[1]
    n, m = activation.shape[0], dual.shape[0]
    times(start, column, value, dual, pull)
    primal(pull, weight, low, high, power, activation, gain)
    iteration = 0
    while True:
        for k in range(m):
            gradient[k] = ease[k] * dual[k] - moment[k]
        fill(start, column, value, first, ease, activation, gain, gradient, hessian)
        worst = largest(gradient)
        if worst < TOLERANCE_NM or iteration >= limit or not np.isfinite(worst):
            return iteration, worst
        newton_step(hessian, first, gradient, step)
        offset, curve, descent = 0.0, 0.0, 0.0
        for k in range(m):
            step[k] = -step[k]
            offset += step[k] * (ease[k] * dual[k] - moment[k])
            curve += ease[k] * step[k] * step[k]
            descent += gradient[k] * step[k]
        times(start, column, value, step, change)
        t = step_length(pull, change, weight, low, high, power, offset, curve, descent, activation, gain, trial)
        for k in range(m):
            dual[k] += t * step[k]
        for i in range(n):  # not arm · dual anew: far beyond reach that would lose the digits of the free muscles
            pull[i] += t * change[i]
        primal(pull, weight, low, high, power, activation, gain)
        iteration += 1


@njit(cache=True, nogil=True)
def solve_dual_in(
    work: Work, arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, limit: int, dual: F64,
    activation: F64,
) -> tuple[int, float]:  # fmt: skip
    """`solve_dual` in the buffers of `work`: allocates nothing."""
    sparse(arm, work.start, work.column, work.value)
    envelope(work.start, work.column, work.first)
    direct = min(limit, DIRECT_ITERATIONS)
    iterations, worst = _newton(work, moment, weight, low, high, ease, power, direct, dual, activation)
    if worst < TOLERANCE_NM or not np.isfinite(worst) or iterations >= limit:
        return iterations, worst
    dual[:] = 0.0
    eased = work.joints[2]
    for stage in range(STAGES, -1, -1):
        for k in range(ease.shape[0]):
            eased[k] = ease[k] * 10.0**stage
        left = limit - iterations
        used, worst = _newton(work, moment, weight, low, high, eased, power, left, dual, activation)
        iterations += used
        if not worst < TOLERANCE_NM:
            break
    return iterations, worst


@njit(cache=True, nogil=True)
def solve_dual(
    arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, limit: int, dual: F64,
    activation: F64,
) -> tuple[int, float]:  # fmt: skip
    """min sum w a^p/p + sum r²/(2 ease) with arm' a + r = moment, low <= a <= high.

    `arm` [n, m] Nm at full activation, C-contiguous, `moment` [m] Nm, `weight`, `low`, `high` [n], `ease` [m] Nm²
    (larger: cheaper reserve), `power` 2, 3 or 4 (above 2 needs `low` > 0: a root has no slope at zero), at most `limit`
    iterations. `dual` [m] enters as warm start and leaves as solution, `activation` [n] is filled. Gives iterations
    and the largest dual gradient (Nm): the moment that activations and reserves together leave unbalanced.

    The dual is convex and piecewise smooth; a semismooth Newton step needs the exact line search to stay safe on
    moments that the muscles cannot reach. At the very edge of reach, where almost all muscles are at a bound, it may
    still creep; then easier reserves, made dearer tenfold from solution to solution, lead there.
    """
    work = new_work(arm.shape[0], arm.shape[1])
    return solve_dual_in(work, arm, moment, weight, low, high, ease, power, limit, dual, activation)
