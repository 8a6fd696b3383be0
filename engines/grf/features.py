"""What the GRF network sees: sagittal segment angles and pelvis motion on a fixed grid that ends now, once per foot."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

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
HISTORY: Final = 129
"""Grid samples per window, the newest last: 1.28 s, what the context of an answer rests on."""

RECENT: Final = 65
"""Grid samples whose motion the network sees: 63, and two more for the differences."""

BASE: Final = (
    "tilt", "thigh_r", "shank_r", "foot_r", "thigh_l", "shank_l", "foot_l",
    "list", "rotation", "adduction_r", "adduction_l", "twist_r", "twist_l", "ty", "tx", "tz",
)  # fmt: skip
"""Channels kept per camera frame: angles of the segments to the vertical (about +z, rad), then the pelvis."""

FRONTAL: Final = ("list", "rotation", "adduction_r", "adduction_l", "twist_r", "twist_l", "tz")
"""Channels that one camera beside the wearer never measures."""

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
    **{f"twist_{s}": {f"hip_rotation_{s}": 1.0} for s in SIDES},
}
_FROM_Q: Final = np.array([[_SUMS[b].get(c, 0.0) for b in BASE] for c in COORDINATES])

_MIRRORED: Final = ("list", "rotation", "tz")
_LEFT: Final = np.array(
    [BASE.index(b[:-1] + {"r": "l", "l": "r"}[b[-1]] if b[-2:] in ("_r", "_l") else b) for b in BASE]
)
_LEFT_SIGN: Final = np.array([-1.0 if b in _MIRRORED else 1.0 for b in BASE])

_TY: Final = BASE.index("ty")
_TX: Final = BASE.index("tx")
_LIST: Final = BASE.index("list")
_SPREAD: Final = (BASE.index("adduction_r"), BASE.index("adduction_l"))

# Rows derived from the channels, after them.
SOLES: Final = len(BASE)
SOLE_DROPS: Final = SOLES + 8
COM_X: Final = SOLE_DROPS + 4
COM_Y: Final = COM_X + 1
ROWS: Final = COM_Y + 1

# Sagittal lengths of the unscaled Rajagopal 2016 model, m: hip to knee, knee to ankle, ankle to heel and to toe.
_THIGH_M: Final = 0.408
_SHANK_M: Final = 0.397
SOLE_M: Final = ((-0.049, -0.042), (0.130, -0.044))

# Hip joint under and beside the pelvis origin, m, of the same model.
_HIP_DOWN_M: Final = 0.0785
_HIP_OUT_M: Final = 0.0773

# Shares of the body mass of thigh, shank and foot, and where along it the centre of mass of a segment lies:
# Winter 2009, Biomechanics and Motor Control of Human Movement, table 4.1.
_MASS: Final = (0.100, 0.0465, 0.0145)
_COM_AT: Final = (0.433, 0.433, 0.5)

_ANGLES: Final = range(11)  # not the twist of the hips: its zero differs between people and laboratories
_SAGITTAL: Final = range(7)


def _table() -> list[tuple[int, int, float, float]]:
    """Row, order of the difference, centre and scale of every feature: fixed scales bring gait to about unit size."""
    value = [0.2] + [0.5] * 6 + [0.15] * 4  # rad
    rate = [0.7] + [4.0] * 6 + [1.0] * 4  # rad/s
    acc = [20.0] + [60.0] * 6  # rad/s²
    soles = range(SOLES, SOLE_DROPS)
    return [
        *((row, 0, 0.0, value[row]) for row in _ANGLES),
        *((row, 1, 0.0, rate[row]) for row in _ANGLES),
        (_TY, 1, 0.0, 0.4),
        *((row, 2, 0.0, acc[row]) for row in _SAGITTAL),
        (_TY, 2, 0.0, 8.0),
        (_TX, 2, 0.0, 5.0),
        (BASE.index("tz"), 2, 0.0, 5.0),
        *((row, 0, (0.0, -0.8)[row % 2], (0.3, 0.1)[row % 2]) for row in soles),
        *((row, 1, 0.0, (2.0, 1.0)[row % 2]) for row in soles),
        *((row, 2, 0.0, (30.0, 20.0)[row % 2]) for row in soles),
        (COM_Y, 2, 0.0, 10.0),
        (COM_X, 2, 0.0, 10.0),
    ]


_TABLE: Final = _table()
_ROW, _ORDER = (np.array([entry[i] for entry in _TABLE]) for i in (0, 1))
_CENTRE, _SCALE = (np.array([entry[i] for entry in _TABLE]) for i in (2, 3))
FEATURES: Final = len(_TABLE) + len(BASE)
FRONTAL_SEEN: Final = len(_TABLE) + BASE.index("list")
"""Index of the feature that is 1 where the frontal plane is observed: the pelvis list speaks for it."""


def base_channels(q: F64) -> F64:
    """`BASE` channels [..., BASE] of generalized coordinates `q` [..., 16] (rad, m)."""
    return q @ _FROM_Q


def base_observed(observed: Mask) -> Mask:
    """Which `BASE` channels [..., BASE] rest on observed coordinates only; `observed` [..., 16]."""
    return (~observed).astype(np.float64) @ np.abs(_FROM_Q) == 0.0


def seen_from(foot: str, base: F64) -> F64:
    """`BASE` channels [..., BASE, T] as the foot "r" or "l" sees them: its own leg in the r places, z outward."""
    return base if foot == "r" else base[..., _LEFT, :] * _LEFT_SIGN[:, None]


def mask_from(foot: str, observed: Mask) -> Mask:
    """The same exchange of the legs for a mask [..., BASE, T]."""
    return observed if foot == "r" else observed[..., _LEFT, :]


def outward(foot: str) -> F64:
    """Signs [3] that turn a force or point (x forward, y up, z right) into the foot's own frame, z outward."""
    return np.array([1.0, 1.0, 1.0 if foot == "r" else -1.0])


@njit(cache=True, nogil=True)
def _derive(base: F64, observed: Mask, value: F64, known: Mask) -> None:
    """Rows of `_ROWS` from channels [BASE, T]: the channels themselves, soles [8], centre of mass x and y."""
    for t in range(base.shape[1]):
        for row in range(base.shape[0]):
            known[row, t] = observed[row, t]
            value[row, t] = base[row, t] if observed[row, t] else 0.0
        com_x, com_y = 0.0, 0.0
        for side in range(2):
            first, out = 1 + 3 * side, 1.0 - 2.0 * side
            thigh, shank, foot = value[first, t], value[first + 1, t], value[first + 2, t]
            knee_x, knee_y = _THIGH_M * np.sin(thigh), -_THIGH_M * np.cos(thigh)
            ankle_x, ankle_y = knee_x + _SHANK_M * np.sin(shank), knee_y - _SHANK_M * np.cos(shank)
            c, s = np.cos(foot), np.sin(foot)
            roll = np.cos(value[_LIST, t] + out * value[_SPREAD[side], t])
            hip_y = -_HIP_DOWN_M - out * _HIP_OUT_M * np.sin(value[_LIST, t])
            for point in range(2):
                along, down = SOLE_M[point]
                at = SOLES + 4 * side + 2 * point
                value[at, t] = ankle_x + c * along - s * down
                value[at + 1, t] = ankle_y + s * along + c * down
                drop = SOLE_DROPS + 2 * side + point
                value[drop, t] = hip_y + ankle_y * roll + s * along + c * down
                known[at, t] = known[at + 1, t] = known[drop, t] = observed[first + 2, t]
            com_x += _com(0.0, knee_x, ankle_x)
            com_y += _com(hip_y, hip_y + knee_y * roll, hip_y + ankle_y * roll)
        legs = observed[3, t] and observed[6, t]  # a foot's angle is observed only with the leg above it
        value[COM_X, t], known[COM_X, t] = value[_TX, t] + com_x, legs and observed[_TX, t]
        value[COM_Y, t], known[COM_Y, t] = value[_TY, t] + com_y, legs and observed[_TY, t]


@njit(cache=True, nogil=True)
def _com(hip: float, knee: float, ankle: float) -> float:
    """What a leg adds to the centre of mass relative to the pelvis origin, along one axis."""
    thigh = hip + _COM_AT[0] * (knee - hip)
    shank = knee + _COM_AT[1] * (ankle - knee)
    return _MASS[0] * thigh + _MASS[1] * shank + _MASS[2] * ankle


@njit(cache=True, nogil=True)
def _fill(value: F64, known: Mask, observed: Mask, out: npt.NDArray[np.float32]) -> None:
    """The features of `_TABLE` from derived rows, then what is observed, into `out` [T - 2, FEATURES]."""
    for i in range(len(_ROW)):
        row, order, centre, scale = _ROW[i], _ORDER[i], _CENTRE[i], _SCALE[i]
        for t in range(out.shape[0]):
            a, b, c = value[row, t], value[row, t + 1], value[row, t + 2]
            seen = known[row, t + 2]
            x = c - centre
            if order == 1:
                x, seen = (c - b) / GRID_S, seen and known[row, t + 1]
            elif order == 2:
                x, seen = (c - 2.0 * b + a) / GRID_S**2, seen and known[row, t + 1] and known[row, t]
            out[t, i] = x / scale if seen else 0.0
    for row in range(observed.shape[0]):
        for t in range(out.shape[0]):
            out[t, len(_ROW) + row] = observed[row, t + 2]


def derived(base: F64, observed: Mask) -> tuple[F64, Mask]:
    """Values and what of them is known, [..., ROWS, T], of the channels, soles and centre of mass at `base`.

    `base`, `observed` [..., BASE, T]. Soles (from SOLES): x and y of heel and toe of the own, then of the other foot
    relative to the hip in the sagittal plane; from SOLE_DROPS their heights over the pelvis origin with the legs
    spread by list and adduction; all of the unscaled model, m. COM_X, COM_Y: the body's centre of mass; head, arms
    and trunk are taken to ride on the pelvis, whose origin stands for them.
    """
    shape = base.shape[:-2]
    value, known = np.empty((*shape, ROWS, base.shape[-1])), np.empty((*shape, ROWS, base.shape[-1]), dtype=np.bool_)
    for i in np.ndindex(shape):
        _derive(base[i], observed[i], value[i], known[i])
    return value, known


def features(base: F64, observed: Mask) -> npt.NDArray[np.float32]:
    """Network input [..., T - 2, FEATURES] from channels on the grid as one foot sees them, [..., BASE, T].

    Angles, soles, their first and second differences and the acceleration of the centre of mass, each zero where
    it is not observed, then what is observed.
    """
    value, known = derived(base, observed)
    out = np.empty((*base.shape[:-2], base.shape[-1] - 2, FEATURES), dtype=np.float32)
    for i in np.ndindex(base.shape[:-2]):
        _fill(value[i], known[i], observed[i], out[i])
    return out
