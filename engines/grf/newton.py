"""Ground reaction without a network: what Newton's law asks of the motion, for motion that no training has shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.grf.context import body_size, lags
from engines.grf.features import (
    BASE,
    COM_X,
    COM_Y,
    F64,
    FRONTAL,
    GRID_S,
    SIDES,
    SOLE_DROPS,
    SOLE_M,
    SOLES,
    Mask,
    derived,
)
from engines.grf.leg import ANKLE_HEIGHT_M
from engines.grf.timing import body_ahead, body_height

_HALF: Final = 5  # samples: differences over so much smooth the acceleration by a triangle of 0.1 s
_SWAY: Final = 1.37
"""How much more than upright the trunk goes against a tilting pelvis: least squares of the vertical force in the
walking of ten people (Schreiber 2019); running, which had no part in it, is met a little better so too."""

_LATE_HALF: Final = 3
_AHEAD: Final = 0.6
"""Where no step or stride before is like this one: differences over less, whose newest is 30 ms old, and 0.6 of what it
has changed by in the 30 ms before it on top."""

_LOWER_M: Final = 0.005
"""By so much one sole lies lower where it carries most of the load, and so sharply a foot leaves the ground."""
_CLEAR_M: Final = 0.03  # over its own lowest: the foot is in the air
_ROLL_M: Final = 0.02  # heel over toe at which the pressure has gone most of the way to the toe
_HIP_M: Final = -0.0563  # hip joint forward of the pelvis origin (Rajagopal 2016, unscaled)
_CARRIED: Final = (0.5, 2.0)  # over a stride the ground carries one body weight; a mean beyond this is not believed
_GRAVITY: Final = 9.80665  # m/s², standard gravity (CGPM 1901)

# Deviation fore-aft, vertical and lateral, at rest and per body weight of load, and more where the force is late: about
# 90 % of the errors in running (Fukuchi 2017) and walking (Schreiber 2019) lie within 1.64 of it.
_SD_BW: Final = np.array([0.03, 0.08, 0.02])
_SD_PER_BW: Final = np.array([0.04, 0.16, 0.05])
_SD_LATE_BW: Final = np.array([0.08, 0.35, 0.05])

_TILT, _TX, _TY = (BASE.index(name) for name in ("tilt", "tx", "ty"))
_SAGITTAL: Final = np.array([[name not in FRONTAL] for name in BASE])
_FEET: Final = [BASE.index(f"foot_{side}") for side in SIDES]


@dataclass(frozen=True, slots=True)
class Asked:
    """Ground reaction of feet r and l, axes x forward, y up, z outward.

    `force_bw`, `sd_bw` [2, 3] body weights, `contact` [2] 0..1, `cop_m` [2, 3] centre of pressure from the ankle.
    """

    force_bw: F64
    sd_bw: F64
    contact: F64
    cop_m: F64


def mixed(network: Asked, motion: Asked, share: float) -> Asked:
    """`share` of what the motion asks in the `network`'s answer; where they disagree the deviation says so."""
    if share >= 1.0:  # the network's deviation may be infinite
        return motion
    keep = 1.0 - share
    apart = network.force_bw - motion.force_bw
    return Asked(
        keep * network.force_bw + share * motion.force_bw,
        np.sqrt(keep * network.sd_bw**2 + share * motion.sd_bw**2 + keep * share * apart**2),
        keep * network.contact + share * motion.contact,
        keep * network.cop_m + share * motion.cop_m,
    )


def asked(base: F64, observed: Mask, about: npt.NDArray[np.float32]) -> Asked | None:
    """What the newest sample of a window asks; None where pelvis height or a leg is not observed now.

    `base`, `observed` [BASE, T], `about` [CONTEXT] of a foot. The vertical force is that at the same phase of the last
    step and stride, since the newest acceleration is late. It stands under the lower sole, at heel or toe as these lie,
    and points from there at the body's centre of mass. Only the sagittal plane is read: hips whose width is not known
    lift and sink the feet more by it than it tells.
    """
    value, known = derived(base, observed & _SAGITTAL)
    if not known[COM_Y, -1]:
        return None
    size = body_size(about)
    soles = value[_TY] + size * value[SOLE_DROPS : SOLE_DROPS + 4].reshape(2, 2, -1)  # foot, heel and toe, time
    standing = _standing(np.where(known[COM_Y], soles.min(axis=1), np.inf))
    total_bw, sd_late = _total(value, known[COM_Y], standing.sum(axis=0), about)
    contact = standing[:, -1]
    toe = [1.0 - float(_below(heel - tip, _ROLL_M)) for heel, tip in soles[..., -1]]
    force, cop = np.zeros((2, 3)), np.zeros((2, 3))
    force[:, 1] = contact * total_bw
    for foot in range(2):
        force[foot, 0] = force[foot, 1] * _lean(value[:, -1], foot, toe[foot])
        cop[foot, :2] = size * _pressure(value[_FEET[foot], -1], toe[foot]), -ANKLE_HEIGHT_M * size
    return Asked(force, np.hypot(_SD_BW + force[:, 1:2] * _SD_PER_BW, sd_late), contact.copy(), cop)


def _below(apart_m: F64, scale_m: float) -> F64:
    """1 well below, 0 well above."""
    share: F64 = 1.0 / (1.0 + np.exp(np.clip(apart_m / scale_m, -50.0, 50.0)))
    return share


def _standing(lowest_m: F64) -> F64:
    """Share of the load on each foot [2, T] from the height of its sole [2, T]; none where both are in the air."""
    both = np.isfinite(lowest_m).all(axis=0)
    height = np.where(both, lowest_m, 0.0)
    right = _below(height[0] - height[1], _LOWER_M)
    clear = (height - lowest_m.min(axis=1, keepdims=True)).min(axis=0) - _CLEAR_M
    return np.stack((right, 1.0 - right)) * np.where(both, _below(clear, _LOWER_M), 1.0)


def _total(value: F64, known: Mask, down: F64, about: npt.NDArray[np.float32]) -> tuple[float, F64 | float]:
    """Vertical force of both feet in body weights were one `down` [T] now, and its deviation more where it is late."""
    upright = body_height(value[COM_Y], value[_TILT])
    height = value[COM_Y] + _SWAY * (upright - value[COM_Y])
    step, stride = lags(about)
    back = [lag for lag in (step, stride) if not np.isnan(lag)]
    if not back:
        force, _ = _accelerated(height, known, _LATE_HALF)
        return max(float(force[-1] + _AHEAD * (force[-1] - force[-1 - _LATE_HALF])), 0.0), _SD_LATE_BW
    force, sure = _accelerated(height, known, _HALF)
    at = len(height) - 1.0 - _HALF - np.array(back)
    found = max(float(np.interp(at, np.arange(len(force)), force).mean()), 0.0)
    span = round(2.0 * step if np.isnan(stride) else stride)
    last = slice(max(len(force) - span, 0), None)
    carried = float((np.maximum(force, 0.0) * down[_HALF:-_HALF])[last].mean())
    whole = span <= len(force) and bool(sure[last].all()) and _CARRIED[0] < carried < _CARRIED[1]
    return found / carried if whole else found, 0.0


def _accelerated(height_m: F64, known: Mask, half: int) -> tuple[F64, Mask]:
    """Force [T - 2 half] in body weights that accelerates a body so, 1 where not known, and where it is."""
    ends, middle = (height_m[2 * half :], height_m[: -2 * half]), height_m[half:-half]
    sure = known[2 * half :] & known[half:-half] & known[: -2 * half]
    bent = np.where(sure, ends[0] - 2.0 * middle + ends[1], 0.0)
    return 1.0 + bent / (half * GRID_S) ** 2 / _GRAVITY, sure


def _lean(value: F64, foot: int, toe: float) -> float:
    """Fore-aft over vertical force of one that goes from the sole, `toe` 0 heel to 1 toe, to the centre of mass."""
    x = value[SOLES + 4 * foot : SOLES + 4 * foot + 4 : 2]
    drop = value[SOLE_DROPS + 2 * foot : SOLE_DROPS + 2 * foot + 2]
    ahead = body_ahead(value[COM_X] - value[_TX], value[_TILT]) - _HIP_M - (x[0] + toe * (x[1] - x[0]))
    over = body_height(value[COM_Y] - value[_TY], value[_TILT]) - drop.min()
    return float(np.clip(ahead / max(over, 0.3), -0.5, 0.5))


def _pressure(pitch_rad: float, toe: float) -> float:
    """How far before the ankle the pressure stands under a foot of `pitch_rad`, m of the unscaled model."""
    points = [np.cos(pitch_rad) * along - np.sin(pitch_rad) * up for along, up in SOLE_M]
    return float(points[0] + toe * (points[1] - points[0]))
