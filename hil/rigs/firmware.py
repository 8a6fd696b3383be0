"""The firmware rig: the governor as a process of its own with the knee it simulates, in lock-step."""

from __future__ import annotations

import math
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.assembly import plant_for
from edge_runtime.errors import UserError
from edge_runtime.types import F64
from engines.cache import cache_dir
from firmware_bridge.simulator.build import build
from firmware_bridge.simulator.faults import FaultLink, Order
from firmware_bridge.simulator.process import FirmwareProcess, Pace, PlantParams, SimLink
from hil.faults.model import Fault
from hil.rigs.base import JOINTS, RigSample
from hil.rigs.gel import DEFAULT_YOUNG_KPA, wearer_of
from hil.rigs.reference import knee_reference
from hil.scenario import Scenario

_LOCKED_NM_PER_RAD: Final = 50_000.0  # a frame that holds the knee; stable at the plant's 8 kHz
_LOCKED_NMS_PER_RAD: Final = 200.0


class FirmwareRig:
    """Implements `hil.rigs.base.Rig`. Its governor commands its own drive, so `step` ignores the command it is given:
    `governor.step` has moved all of it already. The host's bus is `bus_spec`."""

    name = "firmware"

    def __init__(self) -> None:
        self._stack = ExitStack()

    def open(self, scenario: Scenario) -> None:
        """See `Rig`. Raises BridgeError where the firmware cannot be compiled or started."""
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="exo-edge-")))
        plant_of(scenario).write(folder / "plant.txt")
        program = build(cache_dir() / "firmware")
        firmware = FirmwareProcess(program, folder / "can", folder / "rig", folder / "plant.txt", Pace.LOCKSTEP)
        firmware.start()
        self._stack.callback(firmware.stop)
        link = SimLink(firmware.sim_path)
        self._stack.callback(link.close)
        orders = self._stack.enter_context(FaultLink(firmware.fault_path))
        self.bus_spec = firmware.bus_spec
        self.governor = ProcessGovernor(link, orders, knee_reference(scenario))

    def step(self, command_nm: F64, now_ns: int) -> RigSample:
        """See `Rig`; what the governor's process has told last."""
        return self.governor.sample

    def inject(self, fault: Fault) -> None:
        """See `Rig`; this rig has no faults of its own, those of bus and encoders go through its governor."""
        raise UserError(f'rig firmware: no event `{fault.kind}`; use rig = "phantom-sim"')

    def close(self) -> None:
        """See `Rig`."""
        self._stack.close()


class ProcessGovernor:
    """Implements `hil.governor.library.Governor`: a tick message to the process, its truth back."""

    def __init__(self, link: SimLink, orders: FaultLink, reference: F64) -> None:
        self._link, self._orders, self._reference = link, orders, reference
        self._k = 0
        self._command = np.zeros(JOINTS)
        self._values = np.full((6, JOINTS), math.nan)
        self._values[0] = reference[0, 0]
        angle, rate, torque, knee_nm, knee_rad, pressure = self._values
        self.sample = RigSample(angle, rate, torque, knee_nm, knee_rad, pressure, np.ones(JOINTS, np.bool_))
        self.state = self.reason = 0

    def step(self, sample: RigSample, now_ns: int) -> F64:
        """See `Governor`; the sensors are the process's own, `sample` is not looked at."""
        angle, rate = self._reference[min(self._k, len(self._reference) - 1)]
        self._k += 1
        self._link.set_wearer(angle, rate)
        self._link.tick(now_ns)
        truth = self._link.truth()
        self.state, self.reason = int(truth["state"]), int(truth["reason"])
        before = self._values[0].copy()
        self._values[0], self._values[1] = truth["hinge_rad"], (truth["hinge_rad"] - before) * 1e3
        self._values[2], self._values[3], self._values[4] = truth["drive_nm"], truth["knee_nm"], truth["knee_rad"]
        self._command[:] = truth["command_nm"]
        return self._command

    def suffer(self, order: npt.NDArray[Any]) -> None:
        """See `Governor`."""
        one = order[0]
        values = tuple(float(v) for v in one["value"])
        self._orders.order(
            Order(int(one["kind"])), values, int(one["start_ns"]), int(one["duration_ns"]), int(one["seed"])
        )

    def close(self) -> None:
        """The rig closes all of it."""


def plant_of(scenario: Scenario) -> PlantParams:
    """The process's knee for a scenario: the profile's interface, in gel of the scenario's modulus."""
    plant, drive, wearer = plant_for(wearer_of(scenario), 0), scenario.drive, scenario.wearer
    factor = scenario.tissue.young_kpa / DEFAULT_YOUNG_KPA
    held = {
        "locked": (_LOCKED_NM_PER_RAD, _LOCKED_NMS_PER_RAD),
        "driven": (wearer.stiffness_nm_per_rad, wearer.damping_nms_per_rad),
        "free": (0.0, wearer.damping_nms_per_rad),
    }[wearer.knee]
    return replace(
        plant,
        hinge_viscous_nm_s_per_rad=drive.viscous_nms_per_rad,
        hinge_coulomb_nm=drive.coulomb_nm,
        drive_delay_ms=min(drive.delay_ms, 5.0),
        drive_bandwidth_hz=drive.bandwidth_hz,
        tissue_stiffness_nm_per_rad=factor * plant.tissue_stiffness_nm_per_rad,
        tissue_maxwell_nm_per_rad=factor * plant.tissue_maxwell_nm_per_rad,
        wearer_stiffness_nm_per_rad=held[0],
        wearer_damping_nm_s_per_rad=held[1],
        wearer_inertia_kg_m2=wearer.inertia_kgm2,
    )
