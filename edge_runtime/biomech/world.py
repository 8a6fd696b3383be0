"""Where the wearer is: the middle of the hips in metres over the ground, from one camera and the body height.

Two ways to the distance, each with its deviation: how large the body is, and where the ray of the lower foot meets the
ground. While a foot stands, the hips move as far as it moves against them. A Kalman filter joins the three.

World: origin on the ground under the camera, x to the camera's right, y up, z towards the camera; the camera looks
along -z. Its height and tilt come from the device file; without a height the first feet seen say where the ground is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, sin
from typing import Final

import numpy as np

from edge_runtime.biomech.sagittal import (
    ANKLES,
    HEELS,
    HIPS,
    KNEES,
    SHANK_SHARE,
    SHOULDERS,
    THIGH_SHARE,
    TOES,
    TRUNK_SHARE,
)
from edge_runtime.types import F64, Pose

ASSUMED_FOCAL: Final = 0.9
"""Focal length over the longer side of the picture where the camera is not calibrated: a field of view of 58°."""
GROUNDS: Final = ("floor", "treadmill")
"""What feet stand on: something that stays, or a belt that takes them along."""

FOOT_M: Final = 0.02
"""Height of heel and toe landmarks of a foot that stands: they lie on the skin, not on the sole. Assumed."""
SIZE_SD: Final = 0.07
"""Distance by the body's size, share: segments over stature differ between people, and landmarks err alike for long."""
UNCALIBRATED_SD: Final = 0.15  # more of it, where the focal length is assumed
STEP_SD_M: Final = 0.02
"""Of how far a standing foot moves against the hips in a frame of 1/60 s."""
FOOT_SD_M: Final = 0.06
"""Of a foot against the hips, and of its height over the ground in walking."""
LASTING_SD_M: Final = np.array([0.045, 0.03, 0.045])
LASTING_DISTANCE_SD: Final = 0.05
"""What no frame averages out: hip landmarks beside the hip centres (right, up, towards), and a share of the distance.
Root mean squares over the nine held-out synthetic trials of seed 0; coverage was looked at on those of seed 1."""
DRIFT_SD_MPS: Final = 1.5  # of the hips where no foot is known to stand
GAP_S: Final = 0.5
GATE_SD: Final = 4.0
_SCALE_TIME_S: Final = 0.5
_GROUND_TIME_S: Final = 1.0
_POINTS: Final = [*SHOULDERS, *HIPS, *KNEES, *ANKLES, *HEELS, *TOES]
_FEET: Final = np.array([[HEELS[i], TOES[i]] for i in range(2)])
_CHAIN: Final = ((SHOULDERS, HIPS), (HIPS, KNEES), (KNEES, ANKLES))
_LEAST_SLOPE: Final = 0.05  # sine of the foot's ray below the horizon under which it says nothing of the distance


@dataclass(frozen=True)
class CameraPlace:
    """A camera as calibrated: `focal_px`, `centre_px` in the picture that is analysed (None: not known, middle),
    `height_m` over the ground (None: not known), `up` [3] in its axes (x right, y down, z away), what is stood on."""

    focal_px: float | None = None
    centre_px: tuple[float, float] | None = None
    height_m: float | None = None
    up: tuple[float, float, float] = (0.0, -1.0, 0.0)
    ground: str = "floor"


def up_of(pitch_rad: float, roll_rad: float) -> tuple[float, float, float]:
    """What is up in the axes of a camera that looks down by `pitch_rad` and is rolled clockwise by `roll_rad`."""
    return -cos(pitch_rad) * sin(roll_rad), -cos(pitch_rad) * cos(roll_rad), -sin(pitch_rad)


@dataclass(frozen=True)
class Whereabouts:
    """Middle of the hips `position_m` [3] in the world and its standard deviation `sd_m` [3]; not `valid`: nothing is
    known, both are NaN. `standing` 0 right, 1 left foot, -1 none."""

    valid: bool
    position_m: F64
    sd_m: F64
    standing: int


NOWHERE: Final = Whereabouts(False, np.full(3, np.nan), np.full(3, np.nan), -1)


class WorldTracker:
    """One wearer of stature `height_m`, seen by one camera; poses come in the order of capture."""

    def __init__(self, height_m: float, camera: CameraPlace) -> None:
        self._body_m = (TRUNK_SHARE + THIGH_SHARE + SHANK_SHARE) * height_m
        self._camera = camera
        up = np.array(camera.up) / np.linalg.norm(camera.up)
        away = np.array([0.0, 0.0, 1.0]) - up * up[2]
        away /= np.linalg.norm(away)
        self._axes = np.stack([np.cross(away, up), up, -away])  # rows right, up, towards, in the camera's axes
        self.reset()

    def reset(self) -> None:
        """Forget wearer and ground, as after a cut."""
        self._position, self._cov = np.zeros(3), np.zeros((3, 3))
        self._known, self._last_ns, self._scale = False, 0, 0.0
        self._height_m = self._camera.height_m
        self._feet = np.full((2, 3), np.nan)
        self._standing = -1

    def step(self, pose: Pose) -> Whereabouts:
        """Where the wearer is at the pose's capture. Without a valid pose the last place goes on with a deviation that
        grows, for GAP_S at most."""
        dt_s = (pose.t_capture_ns - self._last_ns) * 1e-9
        if self._known and dt_s > GAP_S:
            self.reset()
        if not pose.valid or not np.isfinite(pose.world_m[_POINTS]).all():
            return self._go_on(dt_s) if self._known else NOWHERE
        focal, centre = self._lens(pose)
        rays = np.column_stack([(pose.xy_px[_POINTS] - centre) / focal, np.ones(len(_POINTS))])
        body = self._body(pose, rays, dt_s)
        sure = np.sqrt(np.clip(pose.visibility[_POINTS], 0.05, 1.0))
        by_size, spread = _placed(rays, body, sure)
        if not (np.isfinite(by_size).all() and by_size[2] > 0.0):
            return self._go_on(dt_s) if self._known else NOWHERE
        self._join(pose, by_size, spread, rays, body, dt_s)
        self._last_ns, self._known = pose.t_capture_ns, True
        return self._whereabouts(self._cov, self._standing)

    def _lens(self, pose: Pose) -> tuple[float, F64]:
        size = np.array(pose.size_px if pose.size_px[0] else (pose.xy_px.max(axis=0) * 1.2))
        centre = 0.5 * size if self._camera.centre_px is None else np.array(self._camera.centre_px)
        return self._camera.focal_px or ASSUMED_FOCAL * float(size.max()), centre

    def _body(self, pose: Pose, rays: F64, dt_s: float) -> F64:
        """Landmarks [12, 3] against the middle of the hips, m, in the camera's axes and the wearer's size.

        The network sees a crop: its depth runs along the ray to the wearer, not along the optical axis.
        """
        world = pose.world_m
        length = sum(np.linalg.norm(world[list(b)] - world[list(a)], axis=1).mean() for a, b in _CHAIN)
        scale = self._body_m / max(float(length), 1e-3)
        share = 1.0 if self._scale == 0.0 else 1.0 - exp(-dt_s / _SCALE_TIME_S)
        self._scale += share * (scale - self._scale)
        points = self._scale * (world[_POINTS] - world[list(HIPS)].mean(axis=0))
        return points @ _turn_to(rays[2:4].mean(axis=0)).T

    def _join(self, pose: Pose, by_size: F64, spread: F64, rays: F64, body: F64, dt_s: float) -> None:
        """One frame of the filter, in the world's axes."""
        axes, ray = self._axes, by_size / np.linalg.norm(by_size)
        share = SIZE_SD if self._camera.focal_px else np.hypot(SIZE_SD, UNCALIBRATED_SD)
        distance = float(np.linalg.norm(by_size))
        size_cov = spread + (share * distance) ** 2 * np.outer(ray, ray) + 0.01**2 * np.eye(3)
        feet = body[8:] @ axes.T  # heels r, l, toes r, l
        feet = np.stack([feet[[0, 2]].mean(axis=0), feet[[1, 3]].mean(axis=0)])
        lowest = np.minimum(body[8:10] @ axes[1], body[10:12] @ axes[1])
        self._settle_ground(float(lowest.min()) + float(by_size @ axes[1]), dt_s)
        height = self._height_m or 0.0
        origin = np.array([0.0, height, 0.0])
        self._predict(feet, lowest, dt_s)
        self._update(axes @ by_size + origin, axes @ size_cov @ axes.T)
        on_ground = self._by_ground(rays, body, height)
        if on_ground is not None:
            place, cov = on_ground
            self._update(axes @ place + origin, axes @ cov @ axes.T)
        self._feet = feet

    def _settle_ground(self, lowest_m: float, dt_s: float) -> None:
        """Without a calibrated height: the camera is so high over the lowest foot, slowly forgotten upward."""
        if self._camera.height_m is not None:
            return
        found = FOOT_M - lowest_m
        if self._height_m is None:
            self._height_m = found
        self._height_m += (1.0 - exp(-dt_s / _GROUND_TIME_S)) * (found - self._height_m)

    def _predict(self, feet: F64, lowest: F64, dt_s: float) -> None:
        """Move on: with the foot that stands, where the ground stays; else nowhere, and less sure."""
        if not self._known:
            return
        standing = int(np.argmin(lowest))
        steady = standing == self._standing and self._camera.ground == "floor"
        if steady:
            self._position -= feet[standing] - self._feet[standing]
        frames = max(dt_s, 1e-3) * 60.0
        sd = STEP_SD_M * np.sqrt(frames) if steady else DRIFT_SD_MPS * dt_s
        self._cov += sd**2 * np.eye(3)
        self._standing = standing

    def _by_ground(self, rays: F64, body: F64, height_m: float) -> tuple[F64, F64] | None:
        """The hips [3] in the camera's axes, and covariance, where the lower foot's ray meets the ground; None where it
        runs along it."""
        if self._camera.height_m is None:
            return None
        heights = body[8:] @ self._axes[1]
        foot = 8 + int(np.argmin(heights))
        ray = rays[foot]
        fall = -float(ray @ self._axes[1])
        if fall < _LEAST_SLOPE:
            return None
        reach = (height_m - FOOT_M) / fall
        place = reach * ray - body[foot]
        along = ray / np.linalg.norm(ray)
        sd = FOOT_SD_M / fall * float(np.linalg.norm(ray))
        return place, sd**2 * np.outer(along, along) + FOOT_SD_M**2 * np.eye(3)

    def _update(self, place: F64, cov: F64) -> None:
        if not self._known and not self._cov.any():
            self._position, self._cov = place.copy(), cov.copy()
            return
        total, off = self._cov + cov, place - self._position
        inverse = np.linalg.inv(total)
        surprise = float(off @ inverse @ off)
        if surprise > GATE_SD**2:  # less the more surprising: a runner in flight has no foot on the ground
            inverse *= GATE_SD**2 / surprise
        gain = self._cov @ inverse
        self._position = self._position + gain @ off
        self._cov = self._cov - gain @ self._cov
        self._cov = 0.5 * (self._cov + self._cov.T)

    def _go_on(self, dt_s: float) -> Whereabouts:
        grown = self._cov + (DRIFT_SD_MPS * max(dt_s, 0.0)) ** 2 * np.eye(3)
        return self._whereabouts(grown, -1)

    def _whereabouts(self, cov: F64, standing: int) -> Whereabouts:
        from_camera = self._position - (0.0, self._height_m or 0.0, 0.0)
        share = np.hypot(LASTING_DISTANCE_SD, 0.0 if self._camera.focal_px else UNCALIBRATED_SD)
        lasting = LASTING_SD_M**2 + (share * from_camera) ** 2
        return Whereabouts(True, self._position.copy(), np.sqrt(np.diag(cov) + lasting), standing)


def _turn_to(ray: F64) -> F64:
    """Rotation [3, 3] that takes the optical axis to `ray`, the short way."""
    z = ray / np.linalg.norm(ray)
    x, y, c = float(z[0]), float(z[1]), float(z[2])
    k = 1.0 / (1.0 + c)
    return np.array([[1.0 - k * x * x, -k * x * y, x], [-k * x * y, 1.0 - k * y * y, y], [-x, -y, c]])


def _placed(rays: F64, body: F64, sure: F64) -> tuple[F64, F64]:
    """Where [3] a body has to be that its points [n, 3] lie on these rays [n, 3] at best, and covariance [3, 3]."""
    n = len(rays)
    rows, right = np.zeros((2 * n, 3)), np.zeros(2 * n)
    for axis in range(2):
        part = slice(axis * n, (axis + 1) * n)
        rows[part, axis], rows[part, 2] = sure, -sure * rays[:, axis]
        right[part] = sure * (rays[:, axis] * body[:, 2] - body[:, axis])
    normal = np.linalg.inv(rows.T @ rows)
    place = normal @ (rows.T @ right)
    left = rows @ place - right
    return place, normal * float(left @ left) / max(2 * n - 3, 1)
