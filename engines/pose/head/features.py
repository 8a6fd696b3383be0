"""What the pose head is told of one frame: keypoints in the body's own scale, world landmarks, how sure, geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.pose.head.feature_rows import fill_features

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
Array = npt.NDArray[np.floating[Any]]

COORDINATES: Final = (
    "pelvis_tilt", "pelvis_list", "pelvis_rotation",
    "hip_flexion_r", "hip_adduction_r", "hip_rotation_r", "knee_angle_r", "ankle_angle_r",
    "hip_flexion_l", "hip_adduction_l", "hip_rotation_l", "knee_angle_l", "ankle_angle_l",
)  # fmt: skip
"""OpenSim coordinates of the head, in its order; `pelvis_rotation` is told relative to the camera, see `engine`."""

POINTS: Final = (0, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32)
"""BlazePose landmarks in use: nose, then left and right of ears, shoulders, elbows, wrists, hips, knees, ankles, heels,
toes (Bazarevsky et al. 2020)."""
LEGS: Final = tuple(range(9, 19))
"""Places in `POINTS` of what hangs below the pelvis."""
MIRRORED: Final = (0, *(i + 1 if i % 2 else i - 1 for i in range(1, len(POINTS))))
"""Place in `POINTS` of each one's counterpart on the other side."""

OTHER_LEG: Final = (*range(3), *range(8, 13), *range(3, 8))
MIRROR_SIGN: Final = np.array([-1.0 if name in ("pelvis_list", "pelvis_rotation") else 1.0 for name in COORDINATES])
"""`q[OTHER_LEG] * MIRROR_SIGN` are the angles that a mirror shows."""

ASSUMED_FOCAL: Final = 0.9
"""Focal length over the longer side of the image where the camera is not calibrated: a field of view of 58°."""

GEOMETRY: Final = 9
FEATURES: Final = len(POINTS) * (2 + 3 + 2) + 2 * 4 * (2 + 1 + 3 + 1) + 2 * 3 * 4 + 2 + GEOMETRY


@dataclass(frozen=True)
class Geometry:
    """What is known beside the image: `focal_px` of the camera or None, and the wearer's thigh, shank and foot over
    stature (`lengths` [3], from the profile) or None."""

    focal_px: float | None = None
    lengths: tuple[float, float, float] | None = None


MEAN_LENGTHS: Final = (0.240, 0.246, 0.0925)
"""Thigh, shank and foot (ankle centre to the toes' joint) over stature: means of 60 drawn bodies."""


def frame_features(
    xy_px: Array,
    world_m: Array,
    visibility: Array,
    sharpness: Array,
    dt_s: Array,
    size_px: tuple[int, int],
    geometry: Geometry,
) -> F32:
    """Features [..., FEATURES] of frames [...] of `size_px` width and height.

    `xy_px` [..., 19, 2] and the others belong to `POINTS`; `dt_s` [...] since the last frame. A point that is not
    finite counts as missing: it stands at the hips, with no visibility.
    """
    frames = dt_s.size
    xy, world = (np.array(part, np.float64, order="C").reshape(frames, len(POINTS), -1) for part in (xy_px, world_m))
    sure = np.stack([np.asarray(part, np.float64).reshape(frames, -1) for part in (visibility, sharpness)])
    out = np.empty((frames, FEATURES))
    fill_features(out, xy, world, sure)
    out[:, -GEOMETRY:] = _geometry(out[:, -GEOMETRY : 3 - GEOMETRY], dt_s.reshape(-1), size_px, geometry)
    return out.reshape(*dt_s.shape, FEATURES).astype(np.float32)


def mirror(xy_px: Array, world_m: Array, width_px: int) -> tuple[F64, F64]:
    """Points [..., 19, 2] and [..., 19, 3] of `POINTS` as a mirror shows them, sides exchanged, in an image of the same
    width."""
    flip = list(MIRRORED)
    xy, world = xy_px[..., flip, :].astype(np.float64), world_m[..., flip, :].astype(np.float64)
    xy[..., 0] = width_px - xy[..., 0]
    world[..., 0] *= -1.0
    return xy, world


def _geometry(hips_and_size: F64, dt_s: Array, size_px: tuple[int, int], geometry: Geometry) -> F64:
    """Direction to the hips and angular size of the body [n, 3] px, profile lengths, time since the last frame."""
    width, height = size_px
    focal = geometry.focal_px or ASSUMED_FOCAL * max(width, height)
    told = np.empty((len(dt_s), GEOMETRY))
    told[:, :3] = (hips_and_size - (0.5 * width, 0.5 * height, 0.0)) / focal
    told[:, 3:6] = 40.0 * (np.array(geometry.lengths or MEAN_LENGTHS) - MEAN_LENGTHS)
    told[:, 6] = geometry.lengths is not None
    told[:, 7] = geometry.focal_px is not None
    told[:, 8] = np.log(np.clip(dt_s, 1e-3, 1.0) * 60.0)
    return told
