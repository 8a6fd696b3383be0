"""The dual Newton method of `dual_newton` in plain NumPy: the reference that tests, bench and `--solver numpy` use."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge_runtime.biomech.dual_newton import DIRECT_ITERATIONS, STAGES, TOLERANCE_NM
from edge_runtime.biomech.dual_steps import LINE_SEARCH_LIMIT, LINE_SEARCH_SLOPE, RIDGE
from edge_runtime.types import F64


def _primal(pull: F64, weight: F64, low: F64, high: F64, power: int) -> tuple[F64, F64]:
    if power == 2:
        value, slope = pull / weight, 1.0 / weight
    else:
        positive = np.maximum(pull, 1e-300)
        value = np.where(pull > 0.0, (positive / weight) ** (1.0 / (power - 1.0)), 0.0)
        slope = value / ((power - 1.0) * positive)
    inside = (value > low) & (value < high)
    return np.clip(value, low, high), np.where(inside, slope, 0.0)


def _step_length(slope_at: Callable[[float], tuple[float, float]], descent: float) -> float:
    t, lower, upper = 1.0, 0.0, -1.0
    for _ in range(LINE_SEARCH_LIMIT):
        slope, bend = slope_at(t)
        if abs(slope) <= LINE_SEARCH_SLOPE * abs(descent) or (slope < 0.0 and t >= 1.0):
            return t
        lower, upper = (t, upper) if slope < 0.0 else (lower, t)
        guess = t - slope / bend if bend > 0.0 else 0.5 * (lower + upper)
        t = guess if lower < guess < upper else 0.5 * (lower + upper)
    return t


def solve_dual_numpy(
    arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, limit: int, dual: F64,
    activation: F64,
) -> tuple[int, float]:  # fmt: skip
    """`solve_dual` without numba: same arguments, same solution within `TOLERANCE_NM`."""
    bounds = (weight, low, high)
    iterations, worst = _newton(arm, moment, *bounds, ease, power, min(limit, DIRECT_ITERATIONS), dual, activation)
    if worst < TOLERANCE_NM or not np.isfinite(worst) or iterations >= limit:
        return iterations, worst
    dual[:] = 0.0
    for stage in range(STAGES, -1, -1):
        eased = ease * 10.0**stage
        used, worst = _newton(arm, moment, *bounds, eased, power, limit - iterations, dual, activation)
        iterations += used
        if not worst < TOLERANCE_NM:
            break
    return iterations, worst


def _newton(
    arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, limit: int, dual: F64,
    activation: F64,
) -> tuple[int, float]:  # fmt: skip
    pull, iteration = arm @ dual, 0
    while True:
        activation[:], gain = _primal(pull, weight, low, high, power)
        gradient = arm.T @ activation + ease * dual - moment
        worst = float(np.abs(gradient).max())
        if worst < TOLERANCE_NM or iteration >= limit or not np.isfinite(worst):
            return iteration, worst
        hessian = (arm.T * gain) @ arm
        hessian[np.diag_indices_from(hessian)] += ease
        hessian[np.diag_indices_from(hessian)] *= 1.0 + RIDGE
        step = np.linalg.solve(hessian, -gradient)
        change = arm @ step
        offset, curve = float(step @ (ease * dual - moment)), float((ease * step) @ step)

        def slope_at(
            t: float, pull: F64 = pull, change: F64 = change, offset: float = offset, curve: float = curve
        ) -> tuple[float, float]:
            value, bend = _primal(pull + t * change, weight, low, high, power)
            return float(offset + t * curve + change @ value), float(curve + (bend * change) @ change)

        t = _step_length(slope_at, float(gradient @ step))
        dual += t * step
        pull = pull + t * change
        iteration += 1
