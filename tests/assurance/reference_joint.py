"""One joint of the reference: what it remembers, and what may follow what was."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from firmware_bridge.table import MODES
from tests.assurance.reference_e2e import Receiver
from tests.assurance.reference_rules import UCNM, Limits, Window, slew_fault, toward_zero

OFF: Final = MODES["OFF"]
Sensors = tuple[int, int, int, int]
"""Position 0.01 deg, velocity 0.1 deg/s, torque 0.01 Nm, valid."""


@dataclass(slots=True)
class Joint:
    """What the reference remembers of one joint."""

    limits: Limits
    rx: Receiver = field(default_factory=Receiver)
    window: Window = field(default_factory=Window)
    mode: int = 0
    lease_end_us: int = -1
    reference: int = 0
    stamp_us: int = 0
    waiting: deque[tuple[int, int]] = field(default_factory=deque)
    target: int = 0
    applied: int = 0
    safe_from: int = 0
    stamp_run: int = 0
    stamp_dropped: bool = False
    since_us: dict[str, int] = field(default_factory=dict)
    opposed_us: int = 0
    heat: int = 0
    sensors: Sensors = (0, 0, 0, 0)
    sent: int = 0

    def leased(self, now_us: int) -> bool:
        """A setpoint is valid at this moment."""
        return now_us <= self.lease_end_us

    def lapsed(self, now_us: int) -> bool:
        """No valid setpoint, although the drive is not released."""
        return self.mode != OFF and not self.leased(now_us)

    def rest(self) -> None:
        """Forget every request; the torque that there was stays in the window."""
        self.waiting.clear()
        self.target = 0
        self.lease_end_us = -1
        self.window.hold(0)
        self.since_us.clear()

    def remember(self, dt_us: int) -> None:
        """What the torque held since the last step did to the drive's heat, and for how long against the wearer."""
        cnm, limits = toward_zero(self.applied, UCNM), self.limits
        self.heat += (cnm * cnm - self.heat // limits.i2t_us) * dt_us
        opposed = cnm * self.sensors[1] < 0
        opposed = opposed and abs(cnm) > limits.opposing and abs(self.sensors[1]) > limits.opposing_velocity
        self.opposed_us = max(self.opposed_us + (dt_us if opposed else -dt_us), 0)

    def take_due(self, now_us: int) -> None:
        """The newest of the setpoints in front of the queue whose moment has come is the target."""
        while self.waiting and self.waiting[0][0] <= now_us:
            self.target = self.waiting.popleft()[1]

    def idle(self) -> bool:
        """No torque on, asked or waiting."""
        return self.applied == 0 and self.target == 0 and not any(cnm for _, cnm in self.waiting)


def change_fault(joint: Joint, cnm: int, at_us: int) -> str:
    """What is wrong with the change to a setpoint from those before it."""
    dt_us = max(at_us - joint.stamp_us, 0) + joint.limits.tolerance_us
    fault = slew_fault(joint.limits, joint.reference, cnm * UCNM, dt_us)
    return fault or ("" if joint.window.allows(joint.limits, cnm, at_us) else "window")
