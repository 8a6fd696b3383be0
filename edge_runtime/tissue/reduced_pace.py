"""The reduced model of one leg at the pace of the observer's frames."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.forward import simulate
from edge_runtime.tissue.linkage import STATE

_REDUCED_STEP_S: Final = 1e-3


class Hinge(NamedTuple):
    """Hinge angle and knee torque of a model, of the same instant."""

    hinge_rad: float
    knee_nm: float


class Reduced:
    """The reduced model at the observer's pace, in steps of about a millisecond."""

    def __init__(self, interface: npt.NDArray[Any], frame_s: float) -> None:
        self._interface, self._frame_s = interface, frame_s
        self.reset()

    def reset(self) -> None:
        """At rest, knee straight."""
        self._state = np.zeros(1, STATE)
        self._knee_rad, self._torque_nm = 0.0, 0.0
        self._now = Hinge(0.0, 0.0)

    def step(self, torque_nm: float, knee_rad: float, dt_s: float | None = None) -> Hinge:
        """State as the frame begins; then on by `dt_s`, at whose end the motor gives `torque_nm` and the knee is at
        `knee_rad`, straight lines in between. None: a frame."""
        was, dt_s = self._now, self._frame_s if dt_s is None else dt_s
        steps = max(1, round(dt_s / _REDUCED_STEP_S))
        share = np.arange(1, steps + 1) / steps
        ways = self._knee_rad + (knee_rad - self._knee_rad) * share
        torques = self._torque_nm + (torque_nm - self._torque_nm) * share
        rate = np.full(steps, (knee_rad - self._knee_rad) / dt_s)
        out = np.empty((steps, 6))
        simulate(self._interface[0], self._state[0], torques, ways, rate, dt_s / steps, out)
        self._knee_rad, self._torque_nm = knee_rad, torque_nm
        self._now = Hinge(float(out[-1, 4]), float(out[-1, 0]))
        return was
