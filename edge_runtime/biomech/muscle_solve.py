"""Static optimization of a stream of frames: warm start, last good solution, bounds of activation dynamics, flags."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.biomech.dual_newton import MAX_ITERATIONS, TOLERANCE_NM, leave_over, new_work, solve_dual_in
from edge_runtime.types import F64

TAU_ACTIVATION_S: Final = 0.010
TAU_DEACTIVATION_S: Final = 0.040
"""Time constants of muscle activation, OpenSim's defaults (Millard et al. 2013, J Biomech Eng 135:021005)."""

DualSolver = Callable[[F64, F64, F64, F64, F64, F64, int, int, F64, F64], tuple[int, float]]
"""Arguments and result of `dual_newton.solve_dual`."""
Power = Literal[2, 3, 4]
Dynamics = Literal["off", "on"]
"""Whether activations change no faster than muscles activate and deactivate."""


@dataclass(frozen=True, slots=True)
class Solution:
    """One frame's balance.

    `activation` [n] 0..1; `reserve_nm` [m] what it leaves over; `gradient_nm` largest violation of the optimality
    conditions (the moment that activations and their dual reserves leave unbalanced); `iterations`; `saturated` [n]
    muscles at full activation. Where not `converged`, `activation` is the last that was, and `capped` says that the
    iterations ran out (else the input was not finite).
    """

    activation: F64
    reserve_nm: F64
    gradient_nm: float
    iterations: int
    converged: bool
    capped: bool
    saturated: npt.NDArray[np.bool_]


def compiled_solver(n: int, m: int) -> DualSolver:
    """`solve_dual` for `n` muscles on `m` coordinates with buffers of its own: it allocates nothing."""
    work = new_work(n, m)

    def solve(
        arm: F64, moment: F64, weight: F64, low: F64, high: F64, ease: F64, power: int, limit: int, dual: F64,
        activation: F64,
    ) -> tuple[int, float]:  # fmt: skip
        found: tuple[int, float] = solve_dual_in(
            work, arm, moment, weight, low, high, ease, power, limit, dual, activation
        )
        return found

    return solve


@njit(cache=True, nogil=True)
def activation_reach(activation: F64, dt_s: float, floor: F64, low: F64, high: F64) -> None:
    """Fill `low` and `high` [n] with what first-order dynamics reach from `activation` within `dt_s`, at least `floor`.

    Excitation 0 with `TAU_DEACTIVATION_S` and 1 with `TAU_ACTIVATION_S`.
    """
    fall, rise = np.exp(-dt_s / TAU_DEACTIVATION_S), np.exp(-dt_s / TAU_ACTIVATION_S)
    for i in range(activation.shape[0]):
        low[i] = max(activation[i] * fall, floor[i])
        high[i] = max(1.0 - (1.0 - activation[i]) * rise, floor[i])


class MuscleSolver:
    """Warm-started solver for one stream of frames: `n` muscles, `ease` [m] reserve ease in Nm² (see `solve_dual`).

    `power` 2, 3 or 4; activations stay within `low` .. 1; at most `max_iterations`; `solver` None is the compiled one.
    Until a first solution exists the last good one is `low`. `activation`, `reserve_nm` and the flags are those of the
    last frame, as in `Solution`; the arrays are reused.
    """

    def __init__(
        self,
        n: int,
        ease: F64,
        power: Power,
        low: float,
        solver: DualSolver | None = None,
        max_iterations: int = MAX_ITERATIONS,
    ) -> None:
        self._solver = solver or compiled_solver(n, len(ease))
        self._power, self._limit = int(power), max_iterations
        self._ease, self._weight = ease.copy(), np.ones(n)
        self._low, self._high = np.full(n, low), np.ones(n)
        self._reach_low, self._reach_high = np.zeros(n), np.zeros(n)
        self._dual, self._next_dual, self._next = np.zeros(len(ease)), np.zeros(len(ease)), np.zeros(n)
        self.activation, self.reserve_nm = np.zeros(n), np.zeros(len(ease))
        self.reset()

    def reset(self) -> None:
        """Forget the warm start and the last good solution."""
        self._dual[:], self.activation[:], self.reserve_nm[:] = 0.0, self._low, 0.0
        self.gradient_nm, self.iterations, self.converged, self.capped = 0.0, 0, False, False
        self._started, self._since_s = False, 0.0

    def balance(self, arm: F64, moment: F64, dt_s: float | None = None) -> None:
        """Balance `moment` [m] (Nm) with `arm` [n, m], C-contiguous moments at full activation (Nm), in place.

        With `dt_s`, the time since the frame before, activations stay within what muscle dynamics reach from the last
        good ones. Frames without a solution widen that: their time counts too. None: no such bound.
        """
        low, high = self._bounds(dt_s)
        self._next_dual[:] = self._dual
        self.iterations, self.gradient_nm = self._solver(
            arm, moment, self._weight, low, high, self._ease, self._power, self._limit, self._next_dual, self._next
        )
        self.converged = self.gradient_nm < TOLERANCE_NM
        self.capped = not self.converged and math.isfinite(self.gradient_nm)
        if self.converged:
            self._dual[:], self.activation[:] = self._next_dual, self._next
            self._started, self._since_s = True, 0.0
        else:
            self._dual[:] = 0.0
        leave_over(arm, self.activation, moment, self.reserve_nm)

    def _bounds(self, dt_s: float | None) -> tuple[F64, F64]:
        if dt_s is None or not self._started:
            return self._low, self._high
        self._since_s += dt_s
        activation_reach(self.activation, self._since_s, self._low, self._reach_low, self._reach_high)
        return self._reach_low, self._reach_high

    def solve(self, arm: F64, moment: F64, dt_s: float | None = None) -> Solution:
        """As `balance`; the result is the caller's own."""
        self.balance(arm, moment, dt_s)
        return Solution(
            self.activation.copy(),
            self.reserve_nm.copy(),
            self.gradient_nm,
            self.iterations,
            self.converged,
            self.capped,
            self.activation >= self._high,
        )
