"""Static optimization of a stream of frames: warm start, last good solution, bounds of activation dynamics, flags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.dual_newton import MAX_ITERATIONS, TOLERANCE_NM, moments_of, solve_dual
from edge_runtime.types import F64

TAU_ACTIVATION_S: Final = 0.010
TAU_DEACTIVATION_S: Final = 0.040
"""Time constants of muscle activation, OpenSim's defaults (Millard et al. 2013, J Biomech Eng 135:021005)."""

DualSolver = Callable[[F64, F64, F64, F64, F64, F64, int, int, F64, F64], tuple[int, float]]
Power = Literal[2, 3, 4]


@dataclass(frozen=True, slots=True)
class Solution:
    """One frame's balance.

    `activation` [n] 0..1; `reserve_nm` [m] what it leaves over; `gradient_nm` largest violation of the optimality
    conditions (the moment that activations and their dual reserves leave unbalanced); `iterations`; `saturated` [n]
    muscles at full activation. Where not `converged`, `activation` is the last that was, and `capped` says that the
    iterations, which are the solve's deadline, ran out (else the input was not finite).
    """

    activation: F64
    reserve_nm: F64
    gradient_nm: float
    iterations: int
    converged: bool
    capped: bool
    saturated: npt.NDArray[np.bool_]


def activation_reach(activation: F64, dt_s: float) -> tuple[F64, F64]:
    """Lowest and highest activation [n] that first-order dynamics reach from `activation` within `dt_s`.

    Excitation 0 with `TAU_DEACTIVATION_S` and 1 with `TAU_ACTIVATION_S`.
    """
    low: F64 = activation * np.exp(-dt_s / TAU_DEACTIVATION_S)
    high: F64 = 1.0 - (1.0 - activation) * np.exp(-dt_s / TAU_ACTIVATION_S)
    return low, high


class MuscleSolver:
    """Warm-started solver for one stream of frames: `n` muscles, `ease` [m] reserve ease in Nm² (see `solve_dual`).

    `power` 2, 3 or 4; activations stay within `low` .. 1; at most `max_iterations`. Until a first solution exists the
    last good one is `low`.
    """

    def __init__(
        self,
        n: int,
        ease: F64,
        power: Power,
        low: float,
        solver: DualSolver = solve_dual,
        max_iterations: int = MAX_ITERATIONS,
    ) -> None:
        self._solver, self._power, self._limit = solver, int(power), max_iterations
        self._ease, self._weight = ease.copy(), np.ones(n)
        self._low, self._high = np.full(n, low), np.ones(n)
        self._started = False
        self.reset()

    def reset(self) -> None:
        """Forget the warm start and the last good solution."""
        self._dual, self._good = np.zeros(len(self._ease)), self._low.copy()
        self._started = False

    def solve(self, arm: F64, moment: F64) -> Solution:
        """Balance `moment` [m] (Nm) with `arm` [n, m], C-contiguous moments at full activation (Nm)."""
        return self._solve(arm, moment, self._low, self._high)

    def solve_within_reach(self, arm: F64, moment: F64, dt_s: float) -> Solution:
        """As `solve`, with activations that muscle dynamics reach from the last good ones in `dt_s` (> 0)."""
        if not self._started:
            return self.solve(arm, moment)
        low, high = activation_reach(self._good, dt_s)
        return self._solve(arm, moment, np.maximum(low, self._low), np.maximum(high, self._low))

    def _solve(self, arm: F64, moment: F64, low: F64, high: F64) -> Solution:
        dual, activation = self._dual.copy(), np.empty(len(self._weight))
        iterations, gradient = self._solver(
            arm, moment, self._weight, low, high, self._ease, self._power, self._limit, dual, activation
        )
        converged = bool(gradient < TOLERANCE_NM)
        if converged:
            self._dual, self._good, self._started = dual, activation, True
        else:
            self._dual = np.zeros(len(self._ease))
        good = self._good.copy()
        capped = not converged and bool(np.isfinite(gradient))
        return Solution(
            good,
            moment - moments_of(arm, good),
            float(gradient),
            int(iterations),
            converged,
            capped,
            good >= self._high,
        )
