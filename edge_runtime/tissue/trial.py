"""A plant leg walked through a gait with the loop's own compensation: what was wanted at the knee, and what came.

The loop runs at 1 kHz, reads hinge angle and rate at the resolution of the wire, the rate through the firmware's filter
of 60 Hz, and its command acts two cycles later, as over bus and drive. Wanted trajectories are known as far ahead, as
an intent's are. Everything here is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.compensation import compensate
from edge_runtime.tissue.forward import step
from edge_runtime.tissue.geometry import Phantom
from edge_runtime.tissue.inverse import INVERSE_STATE, LOOK_AHEAD_S
from edge_runtime.tissue.linkage import STATE
from edge_runtime.tissue.long_step import LongStepModel
from edge_runtime.types import F64

DT_S: Final = 1e-3
DELAY_CYCLES: Final = 2
POSITION_UNIT_RAD: Final = float(np.radians(0.01))  # of JOINT_STATE on the wire (firmware_bridge/limits.toml)
VELOCITY_UNIT_RADPS: Final = float(np.radians(0.1))
RATE_FILTER_HZ: Final = 60.0  # as of the simulated firmware
_LOOK_AHEAD: Final = round(LOOK_AHEAD_S / DT_S)
_STATIC_TORQUE_NM: Final = 5.0


class Plant(Protocol):
    """A leg in a device, held at an angle of the knee that the caller moves."""

    def step(self, motor_nm: float, knee_rad: float) -> tuple[float, float, float]:
        """1 ms on: hinge angle, rad, its rate, and the torque that the device gives the leg at the knee, Nm."""


class FullLeg:
    """The finite-element phantom as a plant.

    Its tissue nodes turn with the tibia, so the torque at the knee is the moment of the cuff's force: inertia of the
    wearer's own tissue, there without a device as well, is not in it.
    """

    def __init__(self, phantom: Phantom, knee_rad: float) -> None:
        self.model, self._knee_rad = LongStepModel(phantom), knee_rad
        self.model.rest(knee_rad)

    @staticmethod
    def rest(phantom: Phantom, motor_nm: float) -> float:
        """Hinge angle, rad, at which a straight leg comes to rest under a motor torque."""
        return LongStepModel(phantom).rest(0.0, motor_nm).hinge_rad

    def step(self, motor_nm: float, knee_rad: float) -> tuple[float, float, float]:
        """See `Plant`."""
        rate, self._knee_rad = (knee_rad - self._knee_rad) / DT_S, knee_rad
        reading = self.model.step(DT_S, motor_nm, knee_rad, rate)
        return reading.hinge_rad, reading.hinge_radps, reading.knee_torque_nm


@dataclass(frozen=True, slots=True)
class Task:
    """What is wanted over time, [T] each at 1 kHz: torque plus spring towards `set_rad`; `knee_rad` of the wearer."""

    knee_rad: F64
    torque_nm: F64
    spring_nm_per_rad: float
    set_rad: F64

    def wanted(self) -> F64:
        """Torque at the knee that would be right, Nm."""
        return self.torque_nm + self.spring_nm_per_rad * (self.set_rad - self.knee_rad)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Traces [T] of a walk: wanted and delivered at the knee, what the loop took for wanted, command of the motor,
    what of it moves the device itself, hinge angle; Nm, rad."""

    wanted_nm: F64
    knee_nm: F64
    asked_nm: F64
    command_nm: F64
    own_nm: F64
    hinge_rad: F64

    def over(self, part: slice) -> Outcome:
        """A part of it."""
        return Outcome(*(getattr(self, f.name)[part] for f in fields(self)))

    @property
    def rmse_pct(self) -> float:
        """Root mean square of what is wrong at the knee, percent of that of what is wanted."""
        wrong = float(np.sqrt(np.mean((self.knee_nm - self.wanted_nm) ** 2)))
        return 100.0 * wrong / float(np.sqrt(np.mean(self.wanted_nm**2)))

    @property
    def slope(self) -> float:
        """Delivered over wanted, least squares through the origin."""
        return float(self.knee_nm @ self.wanted_nm / (self.wanted_nm @ self.wanted_nm))

    def loss_j(self, knee_rad: F64) -> float:
        """Work of the motor that does not come out at the knee, J."""
        motor = float(np.sum(self.command_nm[:-1] * np.diff(self.hinge_rad)))
        return motor - float(np.sum(self.knee_nm[:-1] * np.diff(knee_rad)))


def walk(plant: Plant, task: Task, inverse: npt.NDArray[Any] | None) -> Outcome:
    """Run the task on a plant with an INVERSE [1], or None: torque and spring played at the hinge as they are."""
    count = len(task.knee_rad)
    out = np.zeros((5, count))
    state = np.zeros(1, INVERSE_STATE)
    keep, filtered = 1.0 - float(np.exp(-2.0 * np.pi * RATE_FILTER_HZ * DT_S)), 0.0
    queue = [0.0] * DELAY_CYCLES
    for i in range(count):
        acts = min(i + DELAY_CYCLES, count - 1)
        given = queue.pop(0)
        hinge, rate, knee_nm = plant.step(given, task.knee_rad[i])
        out[0, i], out[4, i] = knee_nm, hinge
        seen = round(hinge / POSITION_UNIT_RAD) * POSITION_UNIT_RAD
        filtered += keep * (rate - filtered)
        seen_rate = round(filtered / VELOCITY_UNIT_RADPS) * VELOCITY_UNIT_RADPS
        coming = task.torque_nm[min(acts + _LOOK_AHEAD, count - 1)] - task.torque_nm[acts]
        torque, spring, target = task.torque_nm[acts], task.spring_nm_per_rad, task.set_rad[acts]
        if inverse is None:
            command = asked = torque + spring * (target - seen)
        else:
            command = compensate(
                inverse[0], state[0], torque, coming, spring, target, seen, seen_rate, given, 1.0, DT_S
            )
            asked = float(state["wanted_nm"][0])
        queue.append(command)
        out[1:4, acts] = asked, command, state["own_nm"][0]
    return Outcome(task.wanted(), *out)


def fit_stiffness(leg: npt.NDArray[Any], given_rad: float) -> npt.NDArray[Any]:
    """The INTERFACE [1] with the one stiffness scale at which its hinge gives way by `given_rad` under 5 Nm, the knee
    straight (mean of both directions)."""
    fitted = leg.copy()
    for _ in range(6):
        fitted["stiffness"] *= _gives_way(fitted) / given_rad
    return fitted


def _gives_way(leg: npt.NDArray[Any]) -> float:
    ends = []
    for torque in (-_STATIC_TORQUE_NM, _STATIC_TORQUE_NM):
        state = np.zeros(1, STATE)
        for _ in range(40):
            step(leg[0], state[0], torque, 0.0, 0.0, 1.0)
        ends.append(float(state["coordinates"][0, 3]))
    return (ends[1] - ends[0]) / 2.0
