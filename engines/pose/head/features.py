"""What the pose head is told of one frame: keypoints in the body's own scale, world landmarks, how sure, geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

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

SHOULDER, HIP, KNEE, ANKLE, HEEL, TOE = ((i, i + 1) for i in (3, 9, 11, 13, 15, 17))
_CHAIN: Final = ((SHOULDER, HIP), (HIP, KNEE), (KNEE, ANKLE), (HEEL, TOE))
"""Segments of one side: trunk, thigh, shank, foot."""

ASSUMED_FOCAL: Final = 0.9
"""Focal length over the longer side of the image where the camera is not calibrated: a field of view of 58°."""

_SURE_AHEAD: Final = 0.3
"""From this share of its forward direction on, sideways in the image, the wearer surely faces left or right."""

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
    seen = np.asarray(np.isfinite(xy_px).all(axis=-1) & np.isfinite(world_m).all(axis=-1))
    present = seen[..., None].astype(np.float64)
    xy, world = np.where(seen[..., None], xy_px, 0.0), np.where(seen[..., None], world_m, 0.0)
    sure = np.where(seen, visibility, 0.0), np.where(seen, sharpness, 0.0)
    hips = xy[..., list(HIP), :].mean(axis=-2)
    size = np.maximum(_body_px(xy), 1.0)[..., None]
    shape = present * (xy - hips[..., None, :]) / size[..., None]
    parts = [shape.reshape(*shape.shape[:-2], -1), world.reshape(*world.shape[:-2], -1), *sure]
    ahead = _ahead(world)
    for side in (0, 1):
        parts += _segments(shape, world, ahead, side)
    parts += [ahead]
    parts += _geometry(hips, size, dt_s, size_px, geometry)
    return np.concatenate(parts, axis=-1).astype(np.float32)


def mirror(xy_px: Array, world_m: Array, width_px: int) -> tuple[F64, F64]:
    """Points [..., 19, 2] and [..., 19, 3] of `POINTS` as a mirror shows them, sides exchanged, in an image of the same
    width."""
    flip = list(MIRRORED)
    xy, world = xy_px[..., flip, :].astype(np.float64), world_m[..., flip, :].astype(np.float64)
    xy[..., 0] = width_px - xy[..., 0]
    world[..., 0] *= -1.0
    return xy, world


def _body_px(xy: Array) -> F64:
    """Image length [...] of trunk, thigh and shank, mean of both sides."""
    total = np.zeros(xy.shape[:-2])
    for start, end in _CHAIN[:3]:
        for side in (0, 1):
            total += np.linalg.norm(xy[..., end[side], :] - xy[..., start[side], :], axis=-1)
    return np.asarray(0.5 * total)


def _ahead(world: Array) -> F64:
    """Where the pelvis faces [..., 2]: to the right of the image and towards the camera, from the line of the hips and
    shoulders in space; unit length."""
    left, right = [HIP[0], SHOULDER[0]], [HIP[1], SHOULDER[1]]
    across = (world[..., right, :] - world[..., left, :]).sum(axis=-2)
    level = np.stack([-across[..., 2], -across[..., 0]], axis=-1)
    return _unit(level)[0]


def _segments(shape: Array, world: Array, ahead: Array, side: int) -> list[F64]:
    """One side's segments in the image and in space: directions, lengths, slopes, angles between neighbours. Slopes and
    angles in the image count forward: their sign and size follow how far the wearer faces to the right."""
    flat = [_unit(shape[..., end[side], :] - shape[..., start[side], :]) for start, end in _CHAIN]
    deep = [_unit(world[..., end[side], :] - world[..., start[side], :])[0] for start, end in _CHAIN]
    forward = np.clip(ahead[..., 0] / _SURE_AHEAD, -1.0, 1.0)
    slopes = [forward * np.arctan2(direction[..., 0], direction[..., 1]) for direction, _ in flat[:3]]
    slopes.append(np.arctan2(-flat[3][0][..., 1], forward * flat[3][0][..., 0]))
    parts = [part for direction, length in flat for part in (direction, length)] + deep + [np.stack(slopes, axis=-1)]
    for i in range(3):
        (a, _), (b, _) = flat[i], flat[i + 1]
        turn, along = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0], (a * b).sum(axis=-1)
        bend = np.arccos(np.clip((deep[i] * deep[i + 1]).sum(axis=-1), -1.0, 1.0))
        parts.append(np.stack([turn, along, forward * np.arctan2(turn, along), bend], axis=-1))
    return parts


def _unit(vector: Array) -> tuple[F64, F64]:
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    return np.asarray(vector / np.maximum(length, 1e-6)), np.asarray(length)


def _geometry(hips: Array, size: Array, dt_s: Array, size_px: tuple[int, int], geometry: Geometry) -> list[F64]:
    """Direction to the hips and angular size of the body, time since the last frame, the profile's lengths."""
    width, height = size_px
    focal = geometry.focal_px or ASSUMED_FOCAL * max(width, height)
    rays = (hips - (0.5 * width, 0.5 * height)) / focal
    known = geometry.lengths is not None
    lengths = 40.0 * (np.array(geometry.lengths or MEAN_LENGTHS) - MEAN_LENGTHS)
    told = np.concatenate([lengths, [float(known), float(geometry.focal_px is not None)]])
    still = np.broadcast_to(told, (*dt_s.shape, len(told)))
    return [rays, size / focal, still, np.log(np.clip(dt_s, 1e-3, 1.0) * 60.0)[..., None]]
