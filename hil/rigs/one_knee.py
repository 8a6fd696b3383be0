"""A rig with one knee as one with two: the left joint is a stiff lever that the bench makes up, and nothing else."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.types import F64
from hil.faults.model import Fault
from hil.rigs.base import Rig, RigSample
from hil.scenario import Scenario

_LEFT: Final = 1
_LEVER_RAD: Final = 0.35


class OneKnee:
    """Implements `hil.rigs.base.Rig` around a rig of the right knee alone. The left drive gives what it is told."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.name = rig.name

    def open(self, scenario: Scenario) -> None:
        """See `Rig`."""
        self._rig.open(scenario)

    def step(self, command_nm: F64, now_ns: int) -> RigSample:
        """See `Rig`. What the right knee has never shown counts as zero, and stays not valid."""
        shown = self._rig.step(command_nm, now_ns)
        angle, rate, torque = (np.nan_to_num(v) for v in (shown.angle_rad, shown.rate_radps, shown.torque_nm))
        valid, knee_nm = shown.valid.copy(), shown.knee_nm.copy()
        angle[_LEFT], rate[_LEFT], torque[_LEFT], valid[_LEFT] = _LEVER_RAD, 0.0, command_nm[_LEFT], True
        knee_nm[_LEFT] = np.nan
        return RigSample(angle, rate, torque, knee_nm, shown.knee_rad, shown.pressure_pa, valid, shown.reason)

    def inject(self, fault: Fault) -> None:
        """See `Rig`."""
        self._rig.inject(fault)

    def close(self) -> None:
        """See `Rig`."""
        self._rig.close()
