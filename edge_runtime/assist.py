"""Assist policy: a share of the biological knee moment, smoothed, predicted over the intent's horizon.

The wearer's own knee moment is what the device adds to: same sign, never more than `share` of it, never above the
profile's ceiling, and less the more the knee already carries (after Molinaro et al. 2024, Nature 635, who scale
estimated joint moments into exoskeleton torque; the ceiling on the knee's load is ours). Doubt about an estimate takes
help away along the intent's horizon, never in a step; without doubt it comes back as it began.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.profile import Assist
from edge_runtime.doubt import NO_DOUBT, Doubt
from edge_runtime.intent import HORIZON_NS, KNOT_SPACING_NS, KNOTS, at, new_intent
from edge_runtime.types import F64, Q_INDEX, Kinematics, KneeLoad
from firmware_bridge.schema import HostRules

SMOOTHING_S: Final = 0.035  # time constant of the moment filter; its lag is what the prediction makes up for
PREDICTION_DECAY_S: Final = 0.05  # how long a slope is believed
ENGAGE_S: Final = 0.3  # from first valid estimate to the full share
FADE_S: Final = HORIZON_NS * 1e-9  # from the full share to none where all of it is doubted: as far as an intent reaches
_KNEES: Final = [Q_INDEX["knee_angle_r"], Q_INDEX["knee_angle_l"]]
_LEADS_S: Final[F64] = np.arange(KNOTS, dtype=np.float64) * (KNOT_SPACING_NS * 1e-9)


STANDARD_GRAVITY_MPS2: Final = 9.80665  # ISO 80000-3


@dataclass(frozen=True, slots=True)
class KneeCeiling:
    """Contact force of a knee, N, up to which assistance is full, and from which there is none; linear between."""

    full_n: float
    zero_n: float

    def relief(self, force_n: F64) -> F64:
        """Share of torque to take away, 0..1, for forces of any shape; all of it where a force is not a number."""
        relief = np.clip((force_n - self.full_n) / (self.zero_n - self.full_n), 0.0, 1.0)
        return np.where(np.isfinite(force_n), relief, 1.0)


def knee_ceiling(rules: HostRules, mass_kg: float) -> KneeCeiling:
    """The table's ceiling, in body weights, for a wearer of this mass."""
    weight_n = mass_kg * STANDARD_GRAVITY_MPS2
    return KneeCeiling(rules.kcf_full_bw * weight_n, rules.kcf_zero_bw * weight_n)


class AssistPolicy:
    """Turns knee moments into intents, one per frame; holds a filter per leg."""

    def __init__(self, assist: Assist, ceiling: KneeCeiling, latency_ns: int, frame_ns: int) -> None:
        self._assist = assist
        self._ceiling = ceiling
        self._latency_ns = latency_ns
        self._intent = new_intent()
        self._intent[0]["frame_ns"] = frame_ns
        self._moment = np.zeros(2)
        self._slope = np.zeros(2)
        self._relief = np.zeros(2)
        self._trust = np.zeros((2, KNOTS))  # share of the help that the last intent gives at its knots
        self._torque_nm = np.zeros((2, KNOTS))  # of the last intent, before relief and doubt
        self._last_ns = 0

    def reset(self) -> None:
        """Forget the wearer: the next intents start from zero torque."""
        self._moment[:] = 0.0
        self._slope[:] = 0.0
        self._relief[:] = 0.0
        self._trust[:] = 0.0
        self._torque_nm[:] = 0.0

    def step(self, kinematics: Kinematics, load: KneeLoad | None, doubt: Doubt = NO_DOUBT) -> npt.NDArray[Any]:
        """Intent [1] for this frame. `load` gives the knees' net moments and contact forces; None where invalid."""
        intent = self._intent[0]
        dt_s = min(max((kinematics.t_capture_ns - self._last_ns) * 1e-9, 1e-3), 0.1)
        self._last_ns = kinematics.t_capture_ns
        intent["sequence"] += 1
        intent["t_capture_ns"] = kinematics.t_capture_ns
        intent["t_act_ns"] = kinematics.t_capture_ns + self._latency_ns
        intent["valid"] = load is not None
        if load is None:
            self.reset()
            intent["torque_nm"][:] = 0.0
        else:
            self._follow(load, dt_s)
            goal = np.where(np.isnan(doubt.share), 0.0, 1.0 - doubt.share)  # no number: no help
            intent["torque_nm"][:] = self._trusted(goal, dt_s) * self._trajectory(dt_s)
        intent["kcf_relief"][:] = self._relief
        if kinematics.valid:
            ahead = _believed(_LEADS_S + self._latency_ns * 1e-9)
            intent["knee_rad"][:] = _seen_knees(kinematics, ahead)
        return self._intent

    def _follow(self, load: KneeLoad, dt_s: float) -> None:
        gain = 1.0 - np.exp(-dt_s / SMOOTHING_S)
        change = gain * (load.moment_nm - self._moment)
        self._moment += change
        self._slope += gain * (change / dt_s - self._slope)
        # help is taken away with the load at once and comes back no faster than it begins
        self._relief = np.maximum(self._ceiling.relief(load.total_n), self._relief - dt_s / ENGAGE_S)

    def _trusted(self, goal: F64, dt_s: float) -> F64:
        """Share of the help at each knot [2, KNOTS]: from where the last intent's has come by now to `goal`."""
        left = np.array([at(trust, round(dt_s * 1e9)) for trust in self._trust])
        now = np.maximum(left, np.minimum(goal, left + dt_s / ENGAGE_S))[:, None]
        self._trust = np.minimum(now, np.maximum(goal[:, None], now - _LEADS_S / FADE_S))
        return self._trust

    def _trajectory(self, dt_s: float) -> F64:
        """Torque at each knot [2, KNOTS]: from where the last intent's has come by now to what is predicted.

        A prediction that is mended by the next frame would else be a step of the torque, 60 times a second.
        """
        ahead = _believed(SMOOTHING_S + self._latency_ns * 1e-9 + _LEADS_S)
        moment = self._moment[:, None] + self._slope[:, None] * ahead
        ceiling = self._assist.ceiling_nm
        torque_nm = np.clip(self._assist.share * moment, -ceiling, ceiling)
        torque_nm[:, 0] = [at(last_nm, round(dt_s * 1e9)) for last_nm in self._torque_nm]
        self._torque_nm = torque_nm
        return np.asarray((1.0 - self._relief[:, None]) * torque_nm)


def _seen_knees(kinematics: Kinematics, ahead_s: F64) -> F64:
    """Knees [2, KNOTS] as the camera alone sees them: the simulated wearer must not follow their own encoders."""
    seen = kinematics.camera_knee
    angle, rate = np.where(np.isfinite(seen), seen, np.stack([kinematics.q[_KNEES], kinematics.qd[_KNEES]], axis=1)).T
    return np.asarray(angle[:, None] + rate[:, None] * ahead_s)


def _believed(lead_s: F64) -> F64:
    """Time, s, over which a slope is extrapolated: the lead itself at first, saturating for far knots."""
    return np.asarray(PREDICTION_DECAY_S * (1.0 - np.exp(-lead_s / PREDICTION_DECAY_S)))
