"""Turns a scenario's wish into intents at camera rate, through the same policy and estimator as live."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from calibration.profile import Profile
from edge_runtime.assembly import LATENCY_NS
from edge_runtime.assist import STANDARD_GRAVITY_MPS2, AssistPolicy, knee_ceiling
from edge_runtime.intent import KNOT_SPACING_NS, KNOTS, new_intent
from edge_runtime.types import COORDINATES, F64, Q_INDEX, Kinematics, KneeLoad
from firmware_bridge.table import TABLE
from hil.motion import Motion
from hil.scenario import Scenario
from hil.wish import Assist, Clip, Spring, TorqueWish

FRAME_NS: Final = 16_666_667  # a 60 Hz camera
MUSCLE_ARM_M: Final = 0.04
"""Lever of the muscles about the knee: the patellar tendon's is about 4 cm (Tsaopoulos et al. 2006, Clinical
Biomechanics 21:657). Turns a moment into a contact force where no muscle model runs."""
_MEDIAL_SHARE: Final = 0.6  # of the contact force; the ceiling looks at the total alone
_RATE_STEP_S: Final = 1e-3
_KNEES: Final = [Q_INDEX["knee_angle_r"], Q_INDEX["knee_angle_l"]]
_AHEAD_S: Final = np.arange(KNOTS, dtype=np.float64) * (KNOT_SPACING_NS * 1e-9)


class Asked(NamedTuple):
    """Of one frame: the intent [1], reused by the next, and the estimator's row where one ran."""

    intent: npt.NDArray[Any]
    row: F64 | None


class IntentSource(Protocol):
    """Makes an intent of each frame. `muscles`: of its estimator's rows, empty where none runs."""

    frame_ns: int
    muscles: tuple[str, ...]

    def step(self, k: int, t_ns: int, t_s: float, torque_nm: F64) -> Asked:
        """Frame `k`, captured at `t_ns`, `t_s` into the scenario; `torque_nm` [2] the hinges' as last heard."""


def contact_n(moment_nm: F64, mass_kg: float) -> F64:
    """Contact force of a knee, N: body weight and what the muscles press that make the moment. A plain estimate."""
    return np.asarray(mass_kg * STANDARD_GRAVITY_MPS2 + np.abs(moment_nm) / MUSCLE_ARM_M)


class TorqueSource:
    """A torque over time, or a spring at the knee, the same at both."""

    frame_ns = FRAME_NS
    muscles: tuple[str, ...] = ()

    def __init__(self, wish: TorqueWish | Spring, motion: Motion) -> None:
        self._wish, self._motion = wish, motion
        self._intent = new_intent()
        record = self._intent[0]
        record["frame_ns"], record["valid"] = self.frame_ns, 1
        if isinstance(wish, Spring):
            record["spring_nm_per_rad"][:] = wish.stiffness_nm_per_rad
            record["set_rad"][:] = math.radians(wish.set_deg)

    def step(self, k: int, t_ns: int, t_s: float, torque_nm: F64) -> Asked:
        """See `IntentSource`."""
        record = self._intent[0]
        record["sequence"], record["t_capture_ns"], record["t_act_ns"] = k + 1, t_ns, t_ns + LATENCY_NS
        ahead_s = t_s + LATENCY_NS * 1e-9 + _AHEAD_S
        if not isinstance(self._wish, Spring):
            record["torque_nm"][:] = self._wish.torque_nm(ahead_s)
        record["knee_rad"][:] = self._motion.knee_rad(ahead_s).T
        return Asked(self._intent, None)


class AssistSource:
    """The assist policy on the moments that go with the motion: no camera, the rest as live."""

    frame_ns = FRAME_NS
    muscles: tuple[str, ...] = ()

    def __init__(self, wish: Assist, motion: Motion, profile: Profile) -> None:
        share = profile.assist.share if wish.share is None else wish.share
        assist = dataclasses.replace(profile.assist, share=share)
        self._motion, self._mass_kg = motion, profile.person.mass_kg
        ceiling = knee_ceiling(TABLE.host, self._mass_kg)
        self._policy = AssistPolicy(assist, ceiling, LATENCY_NS, self.frame_ns)

    def step(self, k: int, t_ns: int, t_s: float, torque_nm: F64) -> Asked:
        """See `IntentSource`."""
        around = np.array([t_s - _RATE_STEP_S, t_s, t_s + _RATE_STEP_S])
        angle = self._motion.knee_rad(around)
        q, qd, observed = np.zeros(len(COORDINATES)), np.zeros(len(COORDINATES)), np.zeros(len(COORDINATES), np.bool_)
        q[_KNEES], observed[_KNEES] = angle[1], True
        qd[_KNEES] = (angle[2] - angle[0]) / (2.0 * _RATE_STEP_S)
        moment_nm = self._mass_kg * self._motion.moment_nm_per_kg(around)[1]
        total_n = contact_n(moment_nm, self._mass_kg)
        load = KneeLoad(moment_nm, _MEDIAL_SHARE * total_n, (1.0 - _MEDIAL_SHARE) * total_n, total_n)
        kinematics = Kinematics(t_ns, True, "", q, qd, 0.0 * q, 0.0 * q, observed)
        return Asked(self._policy.step(kinematics, load), None)


def make_source(scenario: Scenario, profile: Profile) -> IntentSource:
    """The source of a scenario's wish."""
    wish = scenario.wish
    if isinstance(wish, Clip):
        from hil.clip import ClipIntents  # it needs the engines

        return ClipIntents(wish, profile, scenario.profile_path, scenario.faults)
    if isinstance(wish, Assist):
        return AssistSource(wish, scenario.motion, profile)
    return TorqueSource(wish, scenario.motion)
