"""Joint kinematics from one camera: landmarks, or the pose head's angles, and knee encoders to OpenSim coordinates with
velocity and acceleration."""

from __future__ import annotations

from math import cos, radians, sin
from typing import Any, Final, Protocol

import numpy as np

from edge_runtime.biomech.encoder import KneeReadings
from edge_runtime.biomech.knee_fusion import USED, KneeFusion
from edge_runtime.biomech.model import UNSCALED_STATURE_M
from edge_runtime.biomech.sagittal import LegView, Scene, crossing, hip_centre_px, leg_views, trunk_lean, wrap
from edge_runtime.biomech.tracker import Mask, Tracker
from edge_runtime.types import COORDINATES, F64, Q_INDEX, SIDES, Kinematics, Pose
from engines.backends.faults import EngineFaultError
from engines.pose.head.features import COORDINATES as HEAD_COORDINATES

TRACKED: Final = (
    "pelvis_tilt", "pelvis_tx", "pelvis_ty",
    "hip_flexion_r", "knee_angle_r", "ankle_angle_r", "hip_flexion_l", "knee_angle_l", "ankle_angle_l",
)  # fmt: skip
"""What a camera from the side sees; all other coordinates are held at zero and marked as not observed."""
_KNEE_COLUMNS: Final = [TRACKED.index(f"knee_angle_{side}") for side in SIDES]
_SEGMENT_COLUMNS: Final = [i for i, name in enumerate(TRACKED) if name.startswith(("hip", "knee"))]

TRUNK_NEUTRAL_RAD: Final = radians(-9.3)
"""Lean of BlazePose's hip-shoulder line that counts as an upright pelvis: mean over the Sports2D demo clip
(one walking woman). The pelvis is taken to tilt with the trunk; OpenSim's pelvis_tilt is positive
backwards."""
FOOT_NEUTRAL_RAD: Final = radians(-6.8)
"""Pitch of BlazePose's heel-toe line on a flat foot: median over the still stance frames of the same clip."""
PELVIS_FROM_HIPS_M: Final = (0.0563, 0.0785)
"""Pelvis origin forward of and above the hip centres, unscaled MyoLegs."""

_NOISE_SD: Final = np.array([radians(0.5), 0.004, 0.004, *[radians(1.1), radians(1.9), radians(2.9)] * 2])
"""Frame-to-frame noise of a well seen measurement (rad, m): median third difference on the Sports2D demo
clip."""
_GATE: Final = np.array([radians(15), 0.15, 0.10, *[radians(30)] * 6])
"""Jumps below these are never outliers; the spikes of crossing legs are 40-60°."""
_RANGE: Final = np.array(
    [(-np.pi, np.pi), (-np.inf, np.inf), (-np.inf, np.inf)]
    + [(radians(-40), radians(125)), (radians(-10), radians(145)), (radians(-50), radians(40))] * 2
)
"""Ranges of motion with some play for landmark error: hip, knee, ankle."""
_CUTOFF_SHARE: Final = np.array([0.3, 0.6, 0.8, *[1.0] * 6])
"""Part of `cutoff_hz` at which each is cut: trunk and pelvis move slower than legs."""
CUTOFF_HZ: Final = 5.0
"""At 60 frames/s a knee that swings at 1-2 Hz then comes less than 4 ms off in angle, under 15 ms late in
velocity and under 65 ms late in acceleration (`tests/biomech/test_kinematics.py` measures it)."""
HEAD_CUTOFF_HZ: Final = 12.0
"""The head has smoothed its angles already: they are cut here, only their rates at `CUTOFF_HZ`. Of 5, 8 and 12 Hz the
one with the smallest error on held-out synthetic people, and no swap."""
_NEAR_SD_RAD: Final = radians(6.2)
_FAR_SD_RAD: Final = radians(9.7)
"""Error of raw 2D angles from the `full` landmark network, seen from the side: knee RMSE 5.6-6.7° near leg
and 9-10.4° far leg in trials with known angles, taken for hip and ankle too. It does not average out over
frames."""
_HIDDEN_SD: Final = {
    "pelvis_list": radians(4.7), "pelvis_rotation": radians(5.3), "pelvis_tz": 0.02,
    "hip_adduction": radians(7.7), "hip_rotation": radians(7.0),
}  # fmt: skip
"""Spread of what is held at zero: RMS about zero in 20 walking trials of 10 people
(Schreiber & Moissenet 2019); tz: over one minute on a treadmill (Uhlrich et al. 2022)."""

_UNSEEN_SD_RAD_S: Final = radians(150.0)  # growth of the deviation while nobody is seen: a hip's speed in swing

_UNSEEN_KNEES: Final = KneeReadings(np.full(2, np.nan), np.full(2, np.nan), np.zeros(2, np.bool_))
MIN_SIGHT: Final = 0.3
CROSSING_DOUBT: Final = 0.6
"""Part of the sight that legs lose where one hides the other: the network mixes them up without saying so."""
GAP_S: Final = 0.2
SETTLE_FRAMES: Final = 5
SWAP_SPREAD_RAD: Final = radians(12.0)  # per segment: below it both assignments are about the same
SWAP_GAIN: Final = 0.3  # a swap must explain the image this much better


class AngleSource(Protocol):
    """Joint angles of a pose (engines.pose.head.PoseHead)."""

    def reset(self) -> None:
        """Forget the wearer."""

    def step(self, pose: Any) -> Any:
        """Angles with the fields of `engines.pose.head.HeadResult`. EngineFaultError: its network failed."""


class KinematicsFilter:
    """Landmarks to `Kinematics`, causal, without waiting: each pose gives the estimate of its own capture
    time.

    `height_m` is the wearer's stature, `cutoff_hz` where motion is smoothed. `head` turns landmarks into angles of the
    pelvis and legs from any side; without it they are read off the image, which serves a camera beside the wearer.
    Call `reset` after a cut. Poses come in the order of capture; a gap over 0.2 s starts anew. Estimates are invalid
    with reason "settling" for the first frames, "hidden" where a leg has not been seen for 0.2 s, or with the pose's
    own reason, or that of the head's network where it failed: motion starts anew then.
    `seen_knees`: the knees as the last pose alone shows them, whatever encoders say.
    """

    def __init__(self, height_m: float, cutoff_hz: float = CUTOFF_HZ, head: AngleSource | None = None) -> None:
        self._head, self._head_sd = head, np.zeros(len(TRACKED))
        self._scene = Scene(height_m)
        self._length_scale = height_m / UNSCALED_STATURE_M
        self._tracker = Tracker(_NOISE_SD, cutoff_hz * _CUTOFF_SHARE, _GATE, _RANGE)
        self._angles = self._tracker
        if head is not None:
            self._angles = Tracker(_NOISE_SD, HEAD_CUTOFF_HZ * _CUTOFF_SHARE, _GATE, _RANGE)
        own = _KNEE_COLUMNS
        self._camera = Tracker(_NOISE_SD[own], cutoff_hz * _CUTOFF_SHARE[own], _GATE[own], _RANGE[own])
        self._fusion = KneeFusion()
        self._columns = np.array([Q_INDEX[name] for name in TRACKED])
        self._hidden_sd = np.array([_hidden_sd(name) for name in COORDINATES])
        self.swaps = 0
        self.reset()

    def reset(self) -> None:
        """Forget scene and motion, as after a cut."""
        if self._head is not None:
            self._head.reset()
        self._scene.reset()
        self._fusion.reset()
        self._forget_motion()
        self._last_ns, self._seen_ns = 0, 0

    def _forget_motion(self) -> None:
        self._knee_sd = np.full(len(SIDES), np.nan)
        self.seen_knees = _UNSEEN_KNEES
        self._frames, self._swapped_s, self._facing, self._head_settles = 0, 0.0, 0, False
        self._age_s = np.zeros(len(TRACKED))

    def step(self, pose: Pose, knees: KneeReadings | None = None) -> Kinematics:
        """Take in one pose, and what the encoders say of the knees at that time; give the coordinates at its capture
        time."""
        if self._frames and pose.t_capture_ns - self._seen_ns > GAP_S * 1e9:
            self.reset()
        dt_s = (pose.t_capture_ns - self._last_ns) * 1e-9 if self._frames else 0.0
        if dt_s < 0.0:
            raise ValueError(f"pose at {pose.t_capture_ns} ns comes after {self._last_ns} ns; feed poses in order")
        self._last_ns = pose.t_capture_ns
        self._knee_sd[:] = np.nan
        self.seen_knees = _UNSEEN_KNEES
        if not pose.valid:
            return self._coast(pose, dt_s, pose.reason or "no_pose", knees)
        if not np.isfinite(pose.xy_px).all():
            return self._coast(pose, dt_s, "bad_landmarks", knees)
        self._seen_ns = pose.t_capture_ns
        self._scene.look(pose, dt_s)
        if self._scene.facing != self._facing and self._head is None:
            self._forget_motion()
            self._facing = self._scene.facing
        try:
            value, sight = self._measure(pose, dt_s) if self._head is None else self._ask(self._head, pose)
        except EngineFaultError as fault:
            self._forget_motion()
            return self._coast(pose, dt_s, fault.reason, knees)
        in_sight = sight[_KNEE_COLUMNS] >= MIN_SIGHT
        self.seen_knees = KneeReadings(value[_KNEE_COLUMNS], self._systematic_sd()[_KNEE_COLUMNS], in_sight)
        self._fuse(dt_s, value, sight, knees)
        return self._track(pose.t_capture_ns, dt_s, value, sight)

    def _coast(self, pose: Pose, dt_s: float, reason: str, knees: KneeReadings | None) -> Kinematics:
        value, sight = np.zeros(len(TRACKED)), np.zeros(len(TRACKED))
        used: Mask = sight > 0.0
        self._head_sd += _UNSEEN_SD_RAD_S * dt_s
        if self._frames:
            self._fuse(dt_s, value, sight, knees)
            variance = (_NOISE_SD / np.maximum(sight, MIN_SIGHT)) ** 2
            used = self._advance(dt_s, value, variance, sight > 0.0)
            self._age_s = np.where(used, 0.0, self._age_s + dt_s)
        return self._estimate(pose.t_capture_ns, reason, used)

    def _ask(self, head: AngleSource, pose: Pose) -> tuple[F64, F64]:
        """Tracked coordinates [9] as the head knows them, all of them in sight: it has weighed the landmarks itself,
        and what it doubts is in its deviation."""
        found = head.step(pose)
        self._head_settles = not found.valid
        angle = dict(zip(HEAD_COORDINATES, found.q_rad, strict=True))
        sd = dict(zip(HEAD_COORDINATES, found.sd_rad, strict=True))
        self._head_sd = np.array([sd.get(name, 0.0) for name in TRACKED])
        value = np.array([angle.get(name, 0.0) for name in TRACKED])
        value[1:3] = self._scene.walked_m, self._pelvis_height_m(pose, value[0])
        return value, np.ones(len(TRACKED))

    def _fuse(self, dt_s: float, value: F64, sight: F64, knees: KneeReadings | None) -> None:
        """Follow what the camera alone sees of the knees, and put what the encoders say into `value`, `sight` and the
        deviation."""
        seen, in_sight = value[_KNEE_COLUMNS], sight[_KNEE_COLUMNS] >= MIN_SIGHT
        variance = (_NOISE_SD[_KNEE_COLUMNS] / np.maximum(sight[_KNEE_COLUMNS], MIN_SIGHT)) ** 2
        if self._frames == 0 or (self._head_settles and in_sight.any()):
            self._camera.restart(seen, variance)
        else:
            self._camera.advance(dt_s, seen, variance, in_sight)
        if knees is None:
            return
        sd, path = self._systematic_sd()[_KNEE_COLUMNS], self._camera.state[:, 0]
        fused = self._fusion.step(dt_s, seen, sd, in_sight, path, knees)
        value[_KNEE_COLUMNS] = np.where(fused.known, fused.rad, seen)
        sight[_KNEE_COLUMNS] = np.where(fused.known & (self._fusion.state == USED), 1.0, sight[_KNEE_COLUMNS])
        self._knee_sd[:] = np.where(fused.known, fused.sd_rad, np.nan)

    def _measure(self, pose: Pose, dt_s: float) -> tuple[F64, F64]:
        """Tracked coordinates [9] as this image alone shows them, and the sight 0..1 of each."""
        legs = self._unswap(leg_views(pose, self._scene.facing), dt_s)
        tilt = TRUNK_NEUTRAL_RAD - trunk_lean(pose, self._scene.facing)
        value = [tilt, self._scene.walked_m, self._pelvis_height_m(pose, tilt)]
        sight = [1.0, 1.0, 1.0]
        for leg in legs:
            value += [
                wrap(leg.thigh - tilt),
                wrap(leg.thigh - leg.shank),
                wrap(leg.foot - FOOT_NEUTRAL_RAD - leg.shank),
            ]
            sight += [leg.sight, leg.sight, min(leg.sight, leg.foot_sight)]
        sight[3:] = [s * (1.0 - CROSSING_DOUBT * crossing(pose)) for s in sight[3:]]
        return np.array(value), np.array(sight)

    def _pelvis_height_m(self, pose: Pose, tilt: float) -> float:
        """Height of the pelvis' origin over the ground line."""
        up = PELVIS_FROM_HIPS_M[0] * sin(tilt) + PELVIS_FROM_HIPS_M[1] * cos(tilt)
        return self._scene.height_m(hip_centre_px(pose)[1]) + up * self._length_scale

    def _unswap(self, legs: tuple[LegView, LegView], dt_s: float) -> tuple[LegView, LegView]:
        """Exchange the legs where that fits the predicted motion far better than the labels of the network.

        Only a short swap is undone: if it lasts, the labels are believed and motion starts anew. A prediction
        that missed its last measurement is no witness.
        """
        if self._frames < SETTLE_FRAMES or self._age_s[_SEGMENT_COLUMNS].max() > 0.0:
            return legs
        ahead = self._tracker.predicted(dt_s)
        thigh = (ahead[0] + ahead[3], ahead[0] + ahead[6])
        shank = (thigh[0] - ahead[4], thigh[1] - ahead[7])

        def misfit(pair: tuple[LegView, LegView]) -> float:
            return sum(wrap(leg.thigh - thigh[i]) ** 2 + wrap(leg.shank - shank[i]) ** 2 for i, leg in enumerate(pair))

        exchanged = (legs[1], legs[0])
        direct = misfit(legs)
        if direct < 4 * SWAP_SPREAD_RAD**2 or misfit(exchanged) > SWAP_GAIN * direct:
            self._swapped_s = 0.0
            return legs
        self._swapped_s += dt_s
        if self._swapped_s > GAP_S:
            self._forget_motion()
            return legs
        self.swaps += 1
        return exchanged

    def _track(self, t_ns: int, dt_s: float, value: F64, sight: F64) -> Kinematics:
        seen = sight >= MIN_SIGHT
        variance = (_NOISE_SD / np.maximum(sight, MIN_SIGHT)) ** 2
        if self._frames == 0 or self._head_settles:
            self._facing = self._scene.facing
            self._tracker.restart(value, variance)
            self._angles.restart(value, variance)
            used: Mask = seen
        else:
            used = self._advance(dt_s, value, variance, seen)
        self._frames += 1
        self._age_s = np.where(used, 0.0, self._age_s + dt_s)
        reason = "settling" if self._frames <= SETTLE_FRAMES else ""
        if float(self._age_s.max()) > GAP_S:
            reason = "hidden"
        return self._estimate(t_ns, reason, used)

    def _advance(self, dt_s: float, value: F64, variance: F64, seen: Mask) -> Mask:
        """One frame on; which of the values [9] were really taken. The slower tracker knows outliers for both."""
        used = self._tracker.advance(dt_s, value, variance, seen)
        return used if self._angles is self._tracker else self._angles.advance(dt_s, value, variance, used)

    def _estimate(self, t_ns: int, reason: str, used: Mask) -> Kinematics:
        motion = np.zeros((3, len(COORDINATES)))
        motion[:, self._columns] = self._tracker.state.T
        motion[0, self._columns] = self._angles.state[:, 0]
        sd, observed = self._hidden_sd.copy(), np.zeros(len(COORDINATES), dtype=np.bool_)
        sd[self._columns] = np.hypot(self._angles.sd, self._systematic_sd())
        for side, column in enumerate(_KNEE_COLUMNS):
            if np.isfinite(self._knee_sd[side]):
                sd[self._columns[column]] = self._knee_sd[side]
        observed[self._columns] = used
        return Kinematics(
            t_ns, reason == "", reason, motion[0], motion[1], motion[2], sd, observed,
            camera_knee=self._camera.state[:, :2].copy(),
            encoder=self._fusion.state.copy(), encoder_rad=self._fusion.told_rad.copy(),
        )  # fmt: skip

    def _systematic_sd(self) -> F64:
        """What the head says; without it the leg on the camera's side, the right one when walking to the right, is the
        surer one."""
        if self._head is not None:
            return self._head_sd
        right, left = (_NEAR_SD_RAD, _FAR_SD_RAD) if self._facing >= 0 else (_FAR_SD_RAD, _NEAR_SD_RAD)
        return np.array([_NEAR_SD_RAD, 0.0, 0.0, *[right] * 3, *[left] * 3])


def _hidden_sd(name: str) -> float:
    """Spread of a coordinate that is held at zero; tracked ones get their own."""
    return _HIDDEN_SD.get(name.removesuffix("_r").removesuffix("_l"), 0.0)
