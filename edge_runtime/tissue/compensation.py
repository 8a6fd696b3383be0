"""Compensation in the torque loop: the inverse model, bounded, faded where it is in doubt, and explained.

What is commanded, less what moves the device itself along with the knee (at most `OWN_MAX_NM`), never has another
sign than what is wanted at the knee, nor more than 1.3 times its size. Between them compensation is a share of what the
model says: all of it where the model holds, none far outside the poses it was identified in or where the tissue's
stiffness is hardly known; then the command is the wanted torque itself, with the spring at the hinge. The share and
what it adds change at limited rates. Compiled, allocation-free.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.telemetry import COMPENSATION_REASONS
from edge_runtime.tissue.inverse import INVERSE, forget, hinge_torque

GAIN_LIMIT: Final = 1.3  # never command more than this times the wanted torque: a too-soft model over-compensates
SPRING_MAX_NM_PER_RAD: Final = 100.0
"""Stiffest spring at the knee that is played; a stiffer one is played as this. Assumed: 5 Nm at 3 deg."""
INTERVAL_FULL: Final = 2.0  # stiffest over softest tissue still thought possible, up to which compensation is full
INTERVAL_NONE: Final = 6.0  # and from which on there is none
DOUBT_FULL: Final = 0.15  # estimated error of the cuffs' forces, share
DOUBT_NONE: Final = 0.5
INERTIA_SHARE: Final = 0.73
"""Of the knee's acceleration, for a stiffness known to 20 %; less where it is known worse (docs/tissue-inverse.md)."""
LOSS_TIME_MIN_S: Final = 0.02
"""A spring at the knee swings up where tissue is taken to give way quicker than this (docs/tissue-inverse.md)."""
FORESEEN_SHARE: Final = 0.95
"""Of the knee's acceleration as a stride before, which no loop within the stride runs through."""
OWN_MAX_NM: Final = 2.8
"""Most that moves the device itself; below what the limits table counts as working against the wearer (3 Nm)."""
_INERTIA_INTERVAL: Final = 1.5  # stiffest over softest tissue up to which that holds
_SHARE_UP_PER_S: Final = 2.0
_SHARE_DOWN_PER_S: Final = 20.0
_EXTRA_RATE_NM_PER_S: Final = 200.0  # of what compensation adds, either way; the limiter's own rates come after

_NONE: Final = COMPENSATION_REASONS.index("none")
_INVALID: Final = COMPENSATION_REASONS.index("invalid")
_INTERVAL: Final = COMPENSATION_REASONS.index("interval")
_BOX: Final = COMPENSATION_REASONS.index("box")
_SPRING: Final = COMPENSATION_REASONS.index("spring")
_RATE: Final = COMPENSATION_REASONS.index("rate")
_GAIN: Final = COMPENSATION_REASONS.index("gain")


def inverse_params(leg: npt.NDArray[Any], transmission: float = 1.0) -> npt.NDArray[Any]:
    """INVERSE [1] of an INTERFACE [1]: tissue taken as stiff as its bias and the end of its interval say.

    So within the interval compensation never exceeds what is true, and is the less the wider the interval.
    """
    out = np.zeros(1, INVERSE)
    p, known = out[0], leg[0]
    p["leg"] = known
    p["leg"]["stiffness"] = max(known["stiffness"] * max(known["stiffness_bias"], 1.0), known["stiffness_high"])
    p["leg"]["kelvin_time_s"] = max(known["kelvin_time_s"], LOSS_TIME_MIN_S)
    p["likely"] = known["stiffness"] / p["leg"]["stiffness"]
    p["transmission"] = transmission
    width = known["stiffness_high"] / known["stiffness_low"] if known["stiffness_low"] > 0.0 else np.inf
    p["certainty"] = np.clip((INTERVAL_NONE - width) / (INTERVAL_NONE - INTERVAL_FULL), 0.0, 1.0)
    sure = min(_INERTIA_INTERVAL / width, 1.0) ** 2 * p["certainty"]
    p["inertia_share"] = INERTIA_SHARE * sure
    p["foreseen_share"] = FORESEEN_SHARE * sure
    p["doubt_full"], p["doubt_none"] = DOUBT_FULL, DOUBT_NONE
    return out


@njit(cache=True, nogil=True)
def _usable(torque_nm: float, spring: float, set_rad: float, hinge_rad: float, hinge_radps: float) -> bool:
    return bool(np.isfinite(torque_nm + spring + set_rad + hinge_rad + hinge_radps) and spring >= 0.0)


@njit(cache=True, nogil=True)
def _playable(p: Any, s: Any, spring: float) -> float:
    """The spring, or the stiffest that drive and bus can play without swinging: none stiffer than the tissue."""
    most = p.likely * s.knee_stiffness * p.transmission if s.knee_stiffness > 0.0 else SPRING_MAX_NM_PER_RAD
    return float(min(spring, most, SPRING_MAX_NM_PER_RAD))


@njit(cache=True, nogil=True)
def _follow_share(p: Any, s: Any, dt_s: float) -> None:
    """Move the share of compensation towards what interval and pose allow, and say what holds it back."""
    held = (p.doubt_none - s.leg.doubt) / (p.doubt_none - p.doubt_full)
    target = p.certainty * min(max(held, 0.0), 1.0)
    s.share += min(max(target - s.share, -_SHARE_DOWN_PER_S * dt_s), _SHARE_UP_PER_S * dt_s)
    if held < 1.0:
        s.reason = _BOX
    elif p.certainty < 1.0:
        s.reason = _INTERVAL
    elif s.spring_share < 1.0:
        s.reason = _SPRING


@njit(cache=True, nogil=True)
def compensate(
    p: Any,
    s: Any,
    torque_nm: float,
    coming_nm: float,
    spring_nm_per_rad: float,
    set_rad: float,
    hinge_rad: float,
    hinge_radps: float,
    measured_nm: float,
    present: float,
    dt_s: float,
) -> float:
    """Hinge torque, Nm, so that the knee gets `torque_nm` + spring (`set_rad` - knee angle); flexion positive.

    `coming_nm`: what `torque_nm` will have grown by in `inverse.LOOK_AHEAD_S`. `measured_nm`: torque of the drive as
    heard with the angle. `present`: share of assistance in force, 0 to 1, with which the wanted torque has faded
    already; `s.own_nm`, which moves the device itself, fades with it. `p` INVERSE, `s` INVERSE_STATE records;
    `s.wanted_nm` is what is wanted at the knee, `s.share` and `s.reason` (telemetry.COMPENSATION_REASONS) explain.
    NaN, and nothing remembered, where an input is not usable.
    """
    if not _usable(torque_nm + coming_nm + measured_nm + present, spring_nm_per_rad, set_rad, hinge_rad, hinge_radps):
        forget(s)
        s.reason = _INVALID
        return np.nan
    spring = _playable(p, s, spring_nm_per_rad)
    s.reason = _NONE if spring == spring_nm_per_rad else _SPRING
    plain = torque_nm + spring * (set_rad - hinge_rad)
    model = hinge_torque(p, s, torque_nm, coming_nm, spring, set_rad, hinge_rad, hinge_radps, measured_nm, dt_s)
    if not np.isfinite(model + s.own_nm + s.wanted_nm):
        forget(s)
        s.reason = _INVALID
        s.wanted_nm = plain
        return plain
    _follow_share(p, s, dt_s)
    s.wanted_nm = plain + s.share * (s.wanted_nm - plain)
    s.own_nm = present * s.share * min(max(s.own_nm, -OWN_MAX_NM), OWN_MAX_NM)
    return _bounded(s, plain, plain + s.share * (model - plain) + s.own_nm, dt_s)


@njit(cache=True, nogil=True)
def _bounded(s: Any, plain: float, asked: float, dt_s: float) -> float:
    """`asked`, with what it adds to `plain` at a limited rate; less what moves the device itself it is within 0 and 1.3
    times what is wanted."""
    step = _EXTRA_RATE_NM_PER_S * dt_s
    extra = min(max(asked - plain, s.extra_nm - step), s.extra_nm + step)
    command = plain + extra
    least, most = min(0.0, GAIN_LIMIT * s.wanted_nm), max(0.0, GAIN_LIMIT * s.wanted_nm)
    bounded = min(max(command, least + s.own_nm), most + s.own_nm)
    if s.reason == _NONE and bounded != command:
        s.reason = _GAIN
    elif s.reason == _NONE and extra != asked - plain:
        s.reason = _RATE
    s.extra_nm = bounded - plain
    return float(bounded)
