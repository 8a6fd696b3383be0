"""Static optimization: muscle activations that balance joint moments, by a dual semismooth Newton method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numba import njit

from edge_runtime.types import F64

TOLERANCE_NM: Final = 1e-7
MAX_ITERATIONS: Final = 60
_LINE_SEARCH_LIMIT: Final = 40
_LINE_SEARCH_SLOPE: Final = 0.1  # stop where the slope along the step fell to this part of its start
_RIDGE: Final = 1e-12  # relative, keeps the factorization defined where reserves are almost free of cost


@dataclass(frozen=True, slots=True)
class Solution:
    """`activation` [n] 0..1, `reserve_nm` [m], `gradient_nm` largest dual gradient (moment left unbalanced),
    `iterations`; where not `converged`, `activation` is the last that was and `reserve_nm` what it leaves
    over."""

    activation: F64
    reserve_nm: F64
    gradient_nm: float
    iterations: int
    converged: bool


@njit(cache=True, nogil=True, inline="always")
def _primal(pull: float, weight: float, low: float, high: float, power: int) -> tuple[float, float]:
    """Activation that a dual pull calls for, and its derivative (zero on a bound)."""
    if power == 2:
        value, slope = pull / weight, 1.0 / weight
    elif pull <= 0.0:
        value, slope = 0.0, 0.0
    elif power == 3:
        value = np.sqrt(pull / weight)
        slope = 0.5 / (value * weight)
    else:
        value = (pull / weight) ** (1.0 / (power - 1.0))
        slope = value / ((power - 1.0) * pull)
    if value <= low:
        return low, 0.0
    if value >= high:
        return high, 0.0
    return value, slope


@njit(cache=True, nogil=True)
def _times(matrix: F64, vector: F64, out: F64) -> None:
    """out = matrix · vector; written out because numba's @ needs SciPy at run time."""
    for i in range(matrix.shape[0]):
        total = 0.0
        for k in range(matrix.shape[1]):
            total += matrix[i, k] * vector[k]
        out[i] = total


@njit(cache=True, nogil=True)
def _newton_step(hessian: F64, gradient: F64, step: F64) -> None:
    """Solve hessian · step = gradient in place by Cholesky; only the lower triangle is read."""
    m = gradient.shape[0]
    for j in range(m):
        pivot = hessian[j, j] * (1.0 + _RIDGE)
        for k in range(j):
            pivot -= hessian[j, k] * hessian[j, k]
        pivot = np.sqrt(max(pivot, 1e-14))
        hessian[j, j] = pivot
        for i in range(j + 1, m):
            rest = hessian[i, j]
            for k in range(j):
                rest -= hessian[i, k] * hessian[j, k]
            hessian[i, j] = rest / pivot
    for i in range(m):
        rest = gradient[i]
        for k in range(i):
            rest -= hessian[i, k] * step[k]
        step[i] = rest / hessian[i, i]
    for i in range(m - 1, -1, -1):
        rest = step[i]
        for k in range(i + 1, m):
            rest -= hessian[k, i] * step[k]
        step[i] = rest / hessian[i, i]


@njit(cache=True, nogil=True)
def _step_length(
    pull: F64,
    change: F64,
    weight: F64,
    low: F64,
    high: F64,
    power: int,
    offset: float,
    curve: float,
    start: float,
) -> float:
    """Exact minimum along the Newton step: root of its slope, which is monotone, by bracketed Newton in
    0..1."""
    t, lower, upper = 1.0, 0.0, -1.0
    for _ in range(_LINE_SEARCH_LIMIT):
        slope, bend = offset + t * curve, curve
        for i in range(pull.shape[0]):
            value, gain = _primal(pull[i] + t * change[i], weight[i], low[i], high[i], power)
            slope += change[i] * value
            bend += gain * change[i] * change[i]
        if abs(slope) <= _LINE_SEARCH_SLOPE * abs(start) or (slope < 0.0 and t >= 1.0):
            return t
        if slope < 0.0:
            lower = t
        else:
            upper = t
        guess = t - slope / bend if bend > 0.0 else 0.5 * (lower + upper)
        t = guess if lower < guess < upper else 0.5 * (lower + upper)
    return t


@njit(cache=True, nogil=True)
def _gradient_and_hessian(
    arm: F64, moment: F64, pull: F64, weight: F64, low: F64, high: F64, ease: F64, power: int,
    dual: F64, activation: F64, gradient: F64, hessian: F64,
) -> float:  # fmt: skip
    """Fill activation, dual gradient and lower Hessian; the largest gradient comes back. `arm` is [n, m]."""
    n, m = arm.shape
    hessian[:] = 0.0
    for k in range(m):
        gradient[k] = ease[k] * dual[k] - moment[k]
        hessian[k, k] = ease[k]
    for i in range(n):
        value, gain = _primal(pull[i], weight[i], low[i], high[i], power)
        activation[i] = value
        for k in range(m):
            force = arm[i, k]
            if force == 0.0:
                continue
            gradient[k] += force * value
            if gain > 0.0:
                for j in range(k + 1):
                    hessian[k, j] += gain * force * arm[i, j]
    return float(np.abs(gradient).max())


@njit(cache=True, nogil=True)
def solve_dual(
    arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, dual: F64, activation: F64
) -> tuple[int, float]:
    """min sum w a^p/p + sum r²/(2 ease) with arm' a + r = moment, low <= a <= high.

    `arm` [n, m] Nm at full activation, `moment` [m] Nm, `weight`, `low`, `high` [n], `ease` [m] Nm² (larger:
    cheaper reserve), `power` 2, 3 or 4. `dual` [m] enters as warm start and leaves as solution, `activation`
    [n] is filled. Gives iterations and the largest dual gradient (Nm). The dual is convex and piecewise
    smooth; a semismooth Newton step needs the exact line search to stay safe on moments that the muscles
    cannot reach.
    """
    n, m = arm.shape
    gradient, hessian, step = np.empty(m), np.empty((m, m)), np.empty(m)
    pull, change = np.empty(n), np.empty(n)
    _times(arm, dual, pull)
    for iteration in range(MAX_ITERATIONS + 1):
        worst = _gradient_and_hessian(
            arm, moment, pull, weight, low, high, ease, power, dual, activation, gradient, hessian
        )
        if worst < TOLERANCE_NM or iteration == MAX_ITERATIONS or not np.isfinite(worst):
            return iteration, worst
        _newton_step(hessian, gradient, step)
        offset, curve, start = 0.0, 0.0, 0.0
        for k in range(m):
            offset += step[k] * (moment[k] - ease[k] * dual[k])
            curve += ease[k] * step[k] * step[k]
            start -= gradient[k] * step[k]
        _times(arm, -step, change)
        t = _step_length(pull, change, weight, low, high, power, offset, curve, start)
        dual -= t * step
        pull += t * change
    return MAX_ITERATIONS, worst


def _primal_numpy(pull: F64, weight: F64, low: F64, high: F64, power: int) -> tuple[F64, F64]:
    if power == 2:
        value, slope = pull / weight, 1.0 / weight
    else:
        positive = np.maximum(pull, 1e-300)
        value = np.where(pull > 0.0, (positive / weight) ** (1.0 / (power - 1.0)), 0.0)
        slope = value / ((power - 1.0) * positive)
    inside = (value > low) & (value < high)
    return np.clip(value, low, high), np.where(inside, slope, 0.0)


def _step_length_numpy(slope_at: Callable[[float], tuple[float, float]], start: float) -> float:
    t, lower, upper = 1.0, 0.0, -1.0
    for _ in range(_LINE_SEARCH_LIMIT):
        slope, bend = slope_at(t)
        if abs(slope) <= _LINE_SEARCH_SLOPE * abs(start) or (slope < 0.0 and t >= 1.0):
            return t
        lower, upper = (t, upper) if slope < 0.0 else (lower, t)
        guess = t - slope / bend if bend > 0.0 else 0.5 * (lower + upper)
        t = guess if lower < guess < upper else 0.5 * (lower + upper)
    return t


def solve_dual_numpy(
    arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, dual: F64, activation: F64
) -> tuple[int, float]:
    """`solve_dual` without numba: same arguments, same solution within `TOLERANCE_NM`."""
    pull = arm @ dual
    for iteration in range(MAX_ITERATIONS + 1):
        activation[:], gain = _primal_numpy(pull, weight, low, high, power)
        gradient = arm.T @ activation + ease * dual - moment
        worst = float(np.abs(gradient).max())
        if worst < TOLERANCE_NM or iteration == MAX_ITERATIONS or not np.isfinite(worst):
            return iteration, worst
        hessian = (arm.T * gain) @ arm
        hessian[np.diag_indices_from(hessian)] += ease
        hessian[np.diag_indices_from(hessian)] *= 1.0 + _RIDGE
        step = np.linalg.solve(hessian, gradient)
        change = -(arm @ step)
        offset, curve = float(step @ (moment - ease * dual)), float((ease * step) @ step)

        def slope_at(
            t: float, pull: F64 = pull, change: F64 = change, offset: float = offset, curve: float = curve
        ) -> tuple[float, float]:
            value, bend = _primal_numpy(pull + t * change, weight, low, high, power)
            return float(offset + t * curve + change @ value), float(curve + (bend * change) @ change)

        t = _step_length_numpy(slope_at, -float(gradient @ step))
        dual -= t * step
        pull = pull + t * change
    return MAX_ITERATIONS, worst


DualSolver = Callable[[F64, F64, F64, F64, F64, F64, int, F64, F64], tuple[int, float]]


class MuscleSolver:
    """Warm-started solver for one stream of frames: `n` muscles, `ease` [m] reserve ease in Nm² (see
    `solve_dual`).

    `power` 2, 3 or 4; activations stay within `low` .. 1. Until a first solution exists the last good one is
    `low`.
    """

    def __init__(self, n: int, ease: F64, power: Literal[2, 3, 4], low: float, solver: DualSolver = solve_dual) -> None:
        self._solver, self._power = solver, int(power)
        self._ease, self._weight = ease.copy(), np.ones(n)
        self._low, self._high = np.full(n, low), np.ones(n)
        self.reset()

    def reset(self) -> None:
        """Forget the warm start and the last good solution."""
        self._dual, self._good = np.zeros(len(self._ease)), self._low.copy()

    def solve(self, arm: F64, moment: F64) -> Solution:
        """Balance `moment` [m] (Nm) with `arm` [n, m], C-contiguous moments at full activation (Nm)."""
        dual, activation = self._dual.copy(), np.empty(len(self._weight))
        iterations, gradient = self._solver(
            arm, moment, self._weight, self._low, self._high, self._ease, self._power, dual, activation
        )
        converged = bool(gradient < TOLERANCE_NM)
        if converged:
            self._dual, self._good = dual, activation
        else:
            self._dual = np.zeros(len(self._ease))
        return Solution(self._good.copy(), moment - arm.T @ self._good, float(gradient), int(iterations), converged)
