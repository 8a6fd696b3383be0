"""Energy that the interface takes in each stride, and where a stride begins."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

_MEAN_S: Final = 3.0
_HYSTERESIS_RAD: Final = math.radians(8.0)
_LONGEST_S: Final = 3.0
"""Longer than any stride of walking: a stand in between starts the count anew."""
_SHORTEST_S: Final = 0.5


class Energy(NamedTuple):
    """Of the last whole stride, NaN before: what motor and leg put into the interface less what it gave back, J; and
    what they put in where they drove it, J."""

    loss_j: float
    given_j: float


_NONE: Final = Energy(math.nan, math.nan)


class StrideEnergy:
    """Sums energy from swing to swing: a stride begins where the knee bends past its mean of the last seconds.

    A stride that ends as it began has stored nothing, so what went in and did not come out is lost in tissue.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget what was summed."""
        self._last: tuple[float, float, float, float] | None = None
        self._mean_rad, self._below = 0.0, False
        self._begin()
        self._whole, self._energy = False, _NONE

    def step(self, torque_nm: float, hinge_rad: float, knee_nm: float, knee_rad: float, dt_s: float) -> Energy:
        """One frame on, `dt_s` after the one before: all at one instant; in between torques are straight lines."""
        if self._last is not None:
            torque_before, hinge_before, knee_nm_before, knee_before = self._last
            work = 0.5 * (torque_nm + torque_before) * (hinge_rad - hinge_before)
            leg = -0.5 * (knee_nm + knee_nm_before) * (knee_rad - knee_before)
            self._loss_j += work + leg
            self._given_j += max(work, 0.0) + max(leg, 0.0)
        self._last = torque_nm, hinge_rad, knee_nm, knee_rad
        self._seconds += dt_s
        self._mean_rad += -math.expm1(-dt_s / _MEAN_S) * (knee_rad - self._mean_rad)
        if knee_rad < self._mean_rad - _HYSTERESIS_RAD:
            self._below = True
        elif self._below and knee_rad > self._mean_rad + _HYSTERESIS_RAD and self._seconds > _SHORTEST_S:
            if self._whole and self._seconds < _LONGEST_S:
                self._energy = Energy(self._loss_j, self._given_j)
            self._whole, self._below = True, False
            self._begin()
        return self._energy

    def _begin(self) -> None:
        self._loss_j, self._given_j, self._seconds = 0.0, 0.0, 0.0
