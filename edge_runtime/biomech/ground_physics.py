"""From predicted ground reaction and motion to a ground reaction that obeys mechanics, with doubt, events and frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Final, Protocol

import numpy as np

from edge_runtime.biomech.body_motion import MARKER_CUTOFF_HZ, BodyMotion
from edge_runtime.biomech.frame_check import FrameCheck, Standing
from edge_runtime.biomech.gait_events import GaitEvents
from edge_runtime.biomech.refine import COP_SD_M, Predicted, Refiner
from edge_runtime.biomech.tracker import Mask
from edge_runtime.biomech.whole_body import BODY_COORDINATES, BodySegments
from edge_runtime.types import COORDINATES, F64, Q_INDEX, SIDES

SURPRISE: Final = (3.0, 9.0)
"""Squared gap between predicted forces and motion, over what the variances allow, at which doubt begins and is whole,
averaged over `SURPRISE_TIME_S`. Without fault 99 % of single frames stay below 4 to 5."""
SURPRISE_TIME_S: Final = 0.25
GAP_S: Final = 0.2  # a longer silence starts everything anew, as in the network's history
_FRONTAL: Final = [Q_INDEX[name] for name in ("pelvis_list", "pelvis_tz", "hip_adduction_r", "hip_adduction_l")]


class GroundReaction(Protocol):
    """What the network says: the fields of `engines.grf.GrfResult` that are used here."""

    @property
    def valid(self) -> bool: ...
    @property
    def force_n(self) -> F64: ...
    @property
    def sd_n(self) -> F64: ...
    @property
    def cop_ankle_m(self) -> F64: ...
    @property
    def contact(self) -> F64: ...


@dataclass(frozen=True, slots=True)
class Refined:
    """Ground reaction after refinement, sides r and l; arrays belong to `GroundPhysics` and are reused.

    `force_n`, `sd_n`, `cop_ankle_m` [2, 3], `free_nm` [2]; Newton residuals in body weights: `before`, `after`, and
    `left` as if no acceleration had been adjusted; `doubt` 0..1 from them and from the frame; `reason` of the doubt:
    "", "unphysical" or one of `FrameCheck`.
    """

    force_n: F64
    sd_n: F64
    cop_ankle_m: F64
    free_nm: F64
    before: float
    left: float
    after: float
    doubt: float
    reason: str


class GroundPhysics:
    """Refinement, gait events and the check of the frame for one person; feed frames in order.

    `body` the person's segments; `cutoff_hz` where the motion's filter cuts. `events` and `frame` are read after
    `step`.
    """

    def __init__(self, body: BodySegments, cutoff_hz: float = MARKER_CUTOFF_HZ) -> None:
        self.motion = BodyMotion(body, cutoff_hz)
        self.refiner = Refiner(body.total_kg)
        self.events, self.frame = GaitEvents(), FrameCheck()
        self._cop_sd_m = np.tile(COP_SD_M, (len(SIDES), 1))
        self.reset()

    def reset(self) -> None:
        """Forget motion, gait and frame, as after a cut."""
        self._pause()
        self.frame.reset()

    def _pause(self) -> None:
        self._last_ns, self._surprise = -1, 0.0
        self._total_n: F64 | None = None
        self.motion.reset()
        self.events.reset()
        self.frame.pause()

    def warm(self) -> None:
        """Compile and touch everything, so that the first frame is as fast as the others."""
        size = len(BODY_COORDINATES)
        motion, known = np.zeros((3, size)), np.ones(size, np.bool_)
        self.motion.step(0, motion, known)
        half = np.full((len(SIDES), 3), 0.5 * self.refiner.weight_n)
        predicted = Predicted(half, half, np.zeros((2, 3)), np.ones(2), self._cop_sd_m)
        self.refiner.step(predicted, self.motion.ankles_from_com_m, self.motion.wrench, self.motion.sd)
        self.reset()

    def step(self, t_ns: int, motion: F64, known: Mask, found: GroundReaction) -> Refined | None:
        """One frame: coordinates `motion` [3, 19] with two derivatives, of which `known` [19] was measured.

        None, and the gait begins anew, where the network gives nothing or something is not a finite number. A stamp
        that does not follow the last one, or follows it late, also begins anew.
        """
        if not np.isfinite(motion).all():
            self._pause()
            return None
        if self._last_ns >= 0 and not 0 < t_ns - self._last_ns <= GAP_S * 1e9:
            self._pause()
        dt_s = (t_ns - self._last_ns) * 1e-9 if self._last_ns >= 0 else 0.0
        self._last_ns = t_ns
        self.motion.step(t_ns, motion, known)
        if not found.valid:
            self._total_n = None
            self.events.reset()
            return None
        predicted = Predicted(found.force_n, found.sd_n, found.cop_ankle_m, found.contact, self._cop_sd_m)
        body = self.motion
        asked_sd = self._asked_sd(dt_s, found.force_n.sum(axis=0))
        if not self.refiner.step(predicted, body.ankles_from_com_m, body.wrench, asked_sd):
            self._total_n = None
            self.events.reset()
            return None
        self.events.step(t_ns, found.contact)
        self.frame.step(dt_s, self._standing(motion[0], known, found))
        share = 1.0 - exp(-dt_s / SURPRISE_TIME_S)
        self._surprise += share * (self.refiner.surprise - self._surprise)
        return self._refined()

    def _asked_sd(self, dt_s: float, total_n: F64) -> F64:
        """Deviation [6] of what the motion asks, widened by what the predicted force `total_n` [3] has changed since
        the time that the filtered acceleration speaks of: at a landing that is most of it."""
        sd = self.motion.sd.copy()
        if self._total_n is not None:
            sd[:3] = np.hypot(sd[:3], self.motion.delay_s * (total_n - self._total_n) / dt_s)
        self._total_n = total_n
        return sd

    def _refined(self) -> Refined:
        r, frame = self.refiner, self.frame
        begin, whole = SURPRISE
        surprised = float(np.clip((self._surprise - begin) / (whole - begin), 0.0, 1.0))
        reason = frame.reason if frame.doubt >= surprised else "unphysical"
        doubt = max(surprised, frame.doubt)
        return Refined(
            r.force_n, r.sd_n, r.cop_ankle_m, r.free_nm, r.before, r.left, r.after, doubt, reason if doubt > 0.0 else ""
        )

    def _standing(self, q: F64, known: Mask, found: GroundReaction) -> Standing:
        """As the network has it: its forces are in the model's frame, whatever frame the coordinates are in."""
        arms = self.motion.ankles_from_com_m + found.cop_ankle_m
        force = found.force_n
        lever_nm = float((arms[:, 1] * force[:, 2] - arms[:, 2] * force[:, 1]).sum())
        load = force[:, 1] / self.refiner.weight_n
        total = float(load.sum())
        height_m = -float((arms[:, 1] * load).sum()) / total if total > 0.0 else 0.0
        pelvis = [COORDINATES.index(name) for name in ("pelvis_tx", "pelvis_ty", "pelvis_tz")]
        return Standing(
            self.motion.ankles_m.copy(),
            self.motion.ankles_m - q[pelvis],
            self.motion.pitch_rad.copy(),
            load,
            lever_nm / self.refiner.weight_n,
            height_m,
            bool(known[_FRONTAL].all()),
        )
