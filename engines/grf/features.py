"""What the GRF network sees: sagittal segment angles and pelvis motion on a fixed grid that ends now, once per foot."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SIDES: Final = ("r", "l")
COORDINATES: Final = (
    "pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz",
    "hip_flexion_r", "hip_adduction_r", "hip_rotation_r", "knee_angle_r", "ankle_angle_r",
    "hip_flexion_l", "hip_adduction_l", "hip_rotation_l", "knee_angle_l", "ankle_angle_l",
)  # fmt: skip
"""Order of `q` that this engine reads (OpenSim names, rad and m, Rajagopal 2016 signs: knee flexion positive)."""

GRID_S: Final = 0.01
HISTORY: Final = 65
"""Grid samples per window, the newest last: 63 that the network sees, two more for the differences."""

BASE: Final = (
    "tilt", "thigh_r", "shank_r", "foot_r", "thigh_l", "shank_l", "foot_l",
    "list", "rotation", "adduction_r", "adduction_l", "ty", "tx", "tz",
)  # fmt: skip
"""Channels kept per camera frame: angles of the segments to the vertical (about +z, rad), then the pelvis."""

_SUMS: Final = {
    "tilt": {"pelvis_tilt": 1.0},
    **{f"thigh_{s}": {"pelvis_tilt": 1.0, f"hip_flexion_{s}": 1.0} for s in SIDES},
    **{f"shank_{s}": {"pelvis_tilt": 1.0, f"hip_flexion_{s}": 1.0, f"knee_angle_{s}": -1.0} for s in SIDES},
    **{
        f"foot_{s}": {
            "pelvis_tilt": 1.0,
            f"hip_flexion_{s}": 1.0,
            f"knee_angle_{s}": -1.0,
            f"ankle_angle_{s}": 1.0,
        }
        for s in SIDES
    },
    **{name: {f"pelvis_{name}": 1.0} for name in ("list", "rotation", "tx", "ty", "tz")},
    **{f"adduction_{s}": {f"hip_adduction_{s}": 1.0} for s in SIDES},
}
_FROM_Q: Final = np.array([[_SUMS[b].get(c, 0.0) for b in BASE] for c in COORDINATES])

_MIRRORED: Final = ("list", "rotation", "tz")
_LEFT: Final = np.array(
    [BASE.index(b[:-1] + {"r": "l", "l": "r"}[b[-1]] if b[-2:] in ("_r", "_l") else b) for b in BASE]
)
_LEFT_SIGN: Final = np.array([-1.0 if b in _MIRRORED else 1.0 for b in BASE])

_N_ANGLE: Final = 11  # all but the translations
_N_SAGITTAL: Final = 7
_TY: Final = BASE.index("ty")
_ACC: Final = (*range(_N_SAGITTAL), _TY, BASE.index("tx"), BASE.index("tz"))
_SEEN: Final = (*range(_N_SAGITTAL + 1), _TY, BASE.index("tx"), BASE.index("tz"))  # list speaks for the frontal plane
_SOLE: Final = 8  # x and y of heel and toe of both feet
FEATURES: Final = _N_ANGLE + _N_ANGLE + 1 + len(_ACC) + 3 * _SOLE + len(_SEEN)
FRONTAL_SEEN: Final = FEATURES - len(_SEEN) + _N_SAGITTAL
"""Index of the feature that is 1 where the frontal plane is observed."""

# Sagittal lengths of the unscaled Rajagopal 2016 model, m: hip to knee, knee to ankle, ankle to heel and to toe.
_THIGH_M: Final = 0.408
_SHANK_M: Final = 0.397
_HEEL_M: Final = (-0.049, -0.042)
_TOE_M: Final = (0.130, -0.044)

# Fixed scales that bring gait to about unit size: rad, rad/s (ty: m/s), rad/s² (translations: m/s²).
_ANGLE_SCALE: Final = np.array([0.2, *[0.5] * 6, *[0.15] * 4])
_RATE_SCALE: Final = np.array([0.7, *[4.0] * 6, *[1.0] * 4, 0.4])
_ACC_SCALE: Final = np.array([20.0, *[60.0] * 6, 8.0, 5.0, 5.0])
_SOLE_CENTRE: Final = np.array([0.0, -0.8] * 4)
_SOLE_SCALE: Final = np.array([0.3, 0.1] * 4)
_SOLE_RATE_SCALE: Final = np.array([2.0, 1.0] * 4)
_SOLE_ACC_SCALE: Final = np.array([30.0, 20.0] * 4)


def base_channels(q: F64) -> F64:
    """`BASE` channels [..., 14] of generalized coordinates `q` [..., 16] (rad, m)."""
    return q @ _FROM_Q


def base_observed(observed: Mask) -> Mask:
    """Which `BASE` channels [..., 14] rest on observed coordinates only; `observed` [..., 16]."""
    return (~observed).astype(np.float64) @ np.abs(_FROM_Q) == 0.0


def seen_from(foot: str, base: F64) -> F64:
    """`BASE` channels [..., 14, T] as the foot "r" or "l" sees them: its own leg in the r places, z outward."""
    return base if foot == "r" else base[..., _LEFT, :] * _LEFT_SIGN[:, None]


def mask_from(foot: str, observed: Mask) -> Mask:
    """The same exchange of the legs for a mask [..., 14, T]."""
    return observed if foot == "r" else observed[..., _LEFT, :]


def outward(foot: str) -> F64:
    """Signs [3] that turn a force or point (x forward, y up, z right) into the foot's own frame, z outward."""
    return np.array([1.0, 1.0, 1.0 if foot == "r" else -1.0])


def soles(base: F64) -> F64:
    """Heel and toe of the own, then of the other foot relative to the hip, x forward and y up, [..., 8, T] m.

    In the sagittal plane and of a model of mean size: what matters is when and how fast a sole comes down.
    """
    points = []
    for first in (1, 4):
        thigh, shank, foot = (base[..., first + i, :] for i in range(3))
        x = _THIGH_M * np.sin(thigh) + _SHANK_M * np.sin(shank)
        y = -_THIGH_M * np.cos(thigh) - _SHANK_M * np.cos(shank)
        c, s = np.cos(foot), np.sin(foot)
        for along, down in (_HEEL_M, _TOE_M):
            points += [x + c * along - s * down, y + s * along + c * down]
    return np.stack(points, axis=-2)


def features(base: F64, observed: Mask) -> npt.NDArray[np.float32]:
    """Network input [..., T - 2, FEATURES] from channels on the grid as one foot sees them, [..., 14, T].

    Angles, soles, their first and second differences, each zero where it is not observed, then what is observed.
    """
    seen1 = observed[..., 1:] & observed[..., :-1]
    seen2 = (seen1[..., 1:] & seen1[..., :-1])[..., _ACC, :]
    value = np.where(observed, base, 0.0)
    rate = np.diff(value, axis=-1) / GRID_S
    acc = np.diff(rate, axis=-1)[..., _ACC, :] / GRID_S
    rated = slice(0, _N_ANGLE + 1)
    sole = soles(base)
    sole_rate = np.diff(sole, axis=-1) / GRID_S
    sole_acc = np.diff(sole_rate, axis=-1) / GRID_S
    leg = np.repeat(observed[..., (3, 6), :], 4, axis=-2)  # a foot's angle is observed only with the leg above it
    leg1 = leg[..., 1:] & leg[..., :-1]
    leg2 = leg1[..., 1:] & leg1[..., :-1]
    parts = (
        value[..., :_N_ANGLE, 2:] / _ANGLE_SCALE[:, None],
        np.where(seen1[..., rated, 1:], rate[..., rated, 1:], 0.0) / _RATE_SCALE[:, None],
        np.where(seen2, acc, 0.0) / _ACC_SCALE[:, None],
        np.where(leg[..., 2:], sole[..., 2:] - _SOLE_CENTRE[:, None], 0.0) / _SOLE_SCALE[:, None],
        np.where(leg1[..., 1:], sole_rate[..., 1:], 0.0) / _SOLE_RATE_SCALE[:, None],
        np.where(leg2, sole_acc, 0.0) / _SOLE_ACC_SCALE[:, None],
        observed[..., _SEEN, 2:],
    )
    return np.concatenate(parts, axis=-2, dtype=np.float32).swapaxes(-1, -2)


def on_grid(t_s: F64, base: F64, observed: Mask, grid_s: F64) -> tuple[F64, Mask]:
    """Frames at `t_s` [N] with `base`, `observed` [N, 14] on the times `grid_s` [T]: [14, T] each.

    Straight lines between frames; the first and last frame are held outside. A grid point is observed where
    every frame it rests on is.
    """
    right = np.clip(np.searchsorted(t_s, grid_s), 1, max(len(t_s) - 1, 1))
    left, right = right - 1, np.minimum(right, len(t_s) - 1)
    span = t_s[right] - t_s[left]
    w = np.clip((grid_s - t_s[left]) / np.where(span > 0.0, span, 1.0), 0.0, 1.0)[:, None]
    value = base[left] * (1.0 - w) + base[right] * w
    mask = (observed[left] | (w == 1.0)) & (observed[right] | (w == 0.0))
    return value.T, mask.T
