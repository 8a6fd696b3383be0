"""What every rig has: a leg in a device, driven by torque commands, sampled once per cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from edge_runtime.types import F64
from hil.faults.model import Fault

if TYPE_CHECKING:
    from hil.scenario import Scenario

JOINTS: Final = 2
"""Right and left knee, in the order of the limits table."""


@dataclass(frozen=True, slots=True)
class RigSample:
    """What the rig's sensors show after a step, arrays [JOINTS]; NaN where a rig cannot measure it.

    `angle_rad`, `rate_radps`: the hinge (encoder); `torque_nm`: the drive's torque sensor; `knee_nm`: torque delivered
    at the knee; `knee_rad`: the knee's own angle; `pressure_pa`: highest of both cuffs; flexion positive. `valid`
    [JOINTS]: False where the encoder gives nothing that may be used, `reason` then says why.
    """

    angle_rad: F64
    rate_radps: F64
    torque_nm: F64
    knee_nm: F64
    knee_rad: F64
    pressure_pa: F64
    valid: np.ndarray[tuple[int], np.dtype[np.bool_]]
    reason: str = ""


class Rig(Protocol):
    """A phantom knee, simulated or physical. Time comes in with each call; a simulated rig reads no clock."""

    name: str

    def open(self, scenario: Scenario) -> None:
        """Get ready for one run of `scenario`, at rest. Raises UserError with one line where the rig cannot be had."""

    def step(self, command_nm: F64, now_ns: int) -> RigSample:
        """Apply the governor's command [JOINTS] from `now_ns` on for one millisecond; what the sensors then show.

        A sensor without news shows its last value, `valid` False once that is too old. Never raises for what a device
        or a cable can do.
        """

    def inject(self, fault: Fault) -> None:
        """Bring about a fault of the rig itself (a cuff that slips, a sensor that fails), from the next step on.

        Raises UserError where the rig has no such fault.
        """

    def close(self) -> None:
        """Command no torque, let go of devices and processes; closing twice does nothing."""
