"""What every emulated drive has: a shaft, a torque that it applies, frames in and out, faults to inject."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Protocol

from firmware_bridge.actuators.base import Frames

RAD_PER_TURN: Final = 2.0 * math.pi


@dataclass
class Shaft:
    """Motion of the drive's shaft, set by whoever emulates what it drives: rad, rad/s."""

    position_rad: float = 0.0
    velocity_radps: float = 0.0


class Emulator(Protocol):
    """One emulated drive. Pure: time is a parameter, frames are raw bytes."""

    shaft: Shaft

    @property
    def torque_nm(self) -> float:
        """Torque that the drive applies to its shaft now."""

    def receive(self, frame: bytes, now_ns: int) -> Frames:
        """Take a frame from the bus; gives the replies."""

    def advance(self, now_ns: int) -> Frames:
        """Let the time pass: watchdogs, cyclic messages."""

    def fail(self, code: int) -> None:
        """Raise a fault of the drive with its own code; the drive stops its torque. 0 takes the cause away."""


@dataclass
class Hinge:
    """A joint for demonstrations: inertia on a spring and a damper, in joint coordinates. Not a knee."""

    rest_rad: float = math.radians(30.0)
    inertia_kg_m2: float = 0.05
    damping_nm_s_per_rad: float = 6.0
    stiffness_nm_per_rad: float = 60.0
    position_rad: float = field(default=math.radians(30.0))
    velocity_radps: float = 0.0

    def step(self, torque_nm: float, dt_s: float) -> None:
        """Semi-implicit Euler; `dt_s` up to 10 ms."""
        spring = self.stiffness_nm_per_rad * (self.rest_rad - self.position_rad)
        net = torque_nm + spring - self.damping_nm_s_per_rad * self.velocity_radps
        self.velocity_radps += net / self.inertia_kg_m2 * dt_s
        self.position_rad += self.velocity_radps * dt_s
