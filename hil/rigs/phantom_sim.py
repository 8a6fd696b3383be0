"""The simulated phantom knee: both legs by the reduced tissue model, or the right one by finite elements."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UserError
from edge_runtime.tissue.geometry import SEGMENTS
from edge_runtime.tissue.linkage import STATE
from edge_runtime.tissue.pressure import PressureMap
from edge_runtime.tissue.rows import CuffMap
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.types import F64
from hil.faults.model import Fault
from hil.rigs.base import JOINTS, RigSample
from hil.rigs.finite_leg import FiniteLeg, cuff_map
from hil.rigs.gel import phantom_of, reduced_of
from hil.rigs.leg import DELAY_MAX, DRIVEN, DT_S, FREE, LEG, LOCKED, show, step_given, step_reduced
from hil.rigs.reference import knee_reference, run_times_s
from hil.scenario import Scenario

_KNEES: Final = {"locked": LOCKED, "driven": DRIVEN, "free": FREE}
_ENCODER_BITS: Final = 16  # as the simulated firmware's
_TORQUE_STEP_NM: Final = 0.02
_RATE_FILTER_HZ: Final = 60.0
EVENTS: Final = ("rig.limp", "rig.stumble", "rig.cuff_slip")
"""Kinds that `inject` takes; parameter `size` as in `hil.scenario.Event`."""


class PhantomSim:
    """Implements `hil.rigs.base.Rig` in simulation; also tells what the skin under the cuffs felt (`maps`)."""

    name = "phantom-sim"

    def open(self, scenario: Scenario) -> None:
        """See `Rig`; scenario time begins LEAD_S after the first step."""
        self._scenario = scenario
        self._t_s = run_times_s(scenario)
        count = len(self._t_s)
        self._reference = knee_reference(scenario)
        rng = np.random.default_rng(scenario.seed)
        self._noise = rng.normal(0.0, 1.0, (count, JOINTS)) * scenario.drive.torque_noise_nm
        self._legs = _legs(scenario, self._reference[0, 0])
        self._tissues = np.concatenate([reduced_of(scenario)] * JOINTS)
        self._states = np.zeros(JOINTS, STATE)
        self._states["coordinates"][:, 3] = self._reference[0, 0]
        full = scenario.fidelity == "full"
        self._full = FiniteLeg(phantom_of(scenario), float(self._reference[0, 0, 0])) if full else None
        self._effort = np.ones(count)
        self._slip_m = np.zeros(count)
        self._fitted_m = self._tissues["misalignment_m"].copy()
        self._slips = False
        self._out = np.zeros((5, JOINTS))
        self._pressure = np.full(JOINTS, math.nan)
        self._valid = np.ones(JOINTS, np.bool_)
        angle, rate, torque, knee_nm, knee_rad = self._out
        self._sample = RigSample(angle, rate, torque, knee_nm, knee_rad, self._pressure, self._valid)
        self._poses, self._most_nm = np.zeros((2, 3)), 0.0
        self._k = 0

    def step(self, command_nm: F64, now_ns: int) -> RigSample:
        """See `Rig`; the sample's arrays are reused by the next step."""
        k = min(self._k, len(self._t_s) - 1)
        self._k += 1
        self._legs["effort"] = self._effort[k]
        if self._slips:
            self._tissues["misalignment_m"][:, 1] = self._fitted_m[:, 1] - self._slip_m[k]
        reference, noise = self._reference[k], self._noise[k]
        if self._full is None:
            step_reduced(self._legs, self._tissues, self._states, 0, command_nm, reference, noise)
            self._remember()
        else:
            self._step_full(self._full, k, command_nm, reference, noise)
        show(self._legs, self._out)
        return self._sample

    def refer(self, angle_rad: F64, rate_radps: F64) -> None:
        """Move the wearer's knees [JOINTS] for the next step, in place of the scenario's motion."""
        self._reference[min(self._k, len(self._t_s) - 1)] = angle_rad, rate_radps

    def inject(self, fault: Fault) -> None:
        """See `Rig`: the events of a scenario."""
        if fault.kind not in EVENTS:
            raise UserError(f"rig phantom-sim: no fault `{fault.kind}`; it has {', '.join(EVENTS)}")
        size = float(fault.parameters.get("size", 0.0))
        begin = fault.start_s
        if fault.kind == "rig.limp":
            self._effort[(self._t_s >= begin) & (self._t_s < begin + fault.duration_s)] = size
        elif fault.kind == "rig.stumble":
            bump = _bump((self._t_s - begin) / fault.duration_s)
            self._reference[:, 0] += math.radians(size) * bump[:, None]
            self._reference[:, 1] = np.gradient(self._reference[:, 0], DT_S, axis=0)
        elif self._full is not None:
            raise UserError('rig phantom-sim: a cuff slips in the reduced model alone; set fidelity = "reduced"')
        else:
            self._slip_m += 1e-3 * size * np.clip((self._t_s - begin) / fault.duration_s, 0.0, 1.0)
            self._slips = True

    def close(self) -> None:
        """See `Rig`; there is nothing to let go of."""

    def maps(self, now_ns: int) -> list[CuffMap]:
        """Pressure under the right leg's cuffs: of the run by finite elements, else of the cuffs' equilibrium in the
        poses of the highest torque at the knee. Empty where tissue finds no equilibrium."""
        if self._full is not None:
            return self._full.maps(now_ns)
        phantom, found = phantom_of(self._scenario), []
        for index, name in enumerate(SEGMENTS):
            statics = CuffStatics(phantom, name)
            pressure = PressureMap(phantom, name, statics.mesh, statics.tets)
            try:
                load = [statics.solve(share * self._poses[index]) for share in np.linspace(0.25, 1.0, 4)][-1]
            except UserError:
                return []
            patch = pressure.at(load.points_m).patch_pa
            found.append(cuff_map(pressure, now_ns, name, np.zeros_like(patch), patch))
        return found

    def _step_full(self, full: FiniteLeg, k: int, command_nm: F64, reference: F64, noise: F64) -> None:
        leg = self._legs[0]
        torque_nm = step_given(self._legs, command_nm, reference, full.hinge, noise)
        full.step(k, torque_nm, float(leg["knee_rad"]), float(leg["knee_radps"]))
        leg["knee_nm"] = full.knee_nm
        self._pressure[0] = full.pressure_pa if full.samples else math.nan
        step_reduced(self._legs, self._tissues, self._states, 1, command_nm, reference, noise)

    def _remember(self) -> None:
        """The cuffs' poses where the torque at the right knee is the highest so far."""
        knee_nm = abs(float(self._legs["knee_nm"][0]))
        if knee_nm > self._most_nm:
            self._most_nm = knee_nm
            self._poses[:] = self._states[0]["cuffs"]["at"]["pose"]


def _legs(scenario: Scenario, knee_rad: F64) -> npt.NDArray[Any]:
    drive, wearer = scenario.drive, scenario.wearer
    legs = np.zeros(JOINTS, LEG)
    legs["knee"] = _KNEES[wearer.knee]
    for name in ("stiffness_nm_per_rad", "damping_nms_per_rad", "inertia_kgm2"):
        legs[name] = getattr(wearer, name)
    legs["effort"] = 1.0
    legs["knee_rad"] = legs["hinge_rad"] = legs["encoder_rad"] = knee_rad
    legs["delay_steps"] = min(round(drive.delay_ms), DELAY_MAX - 1)
    legs["drive_keep"] = 1.0 - math.exp(-2.0 * math.pi * drive.bandwidth_hz * DT_S)
    legs["viscous_nms_per_rad"], legs["coulomb_nm"] = drive.viscous_nms_per_rad, drive.coulomb_nm
    legs["encoder_step_rad"] = 2.0 * math.pi / 2**_ENCODER_BITS
    legs["torque_step_nm"] = _TORQUE_STEP_NM
    legs["rate_keep"] = 1.0 - math.exp(-2.0 * math.pi * _RATE_FILTER_HZ * DT_S)
    return legs


def _bump(share: F64) -> F64:
    """Up and down once over 0..1, zero slope at both ends."""
    inside = np.clip(share, 0.0, 1.0)
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * inside))
