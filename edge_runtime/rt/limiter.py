"""Host limiter: the governor's rules at 0.95 of its limits; it clamps and explains where the governor rejects.

The values come from `Table.host_limits`. One call per joint and cycle, compiled, allocation-free. Growth means a torque
going away from zero; towards zero is always allowed at the (faster) release rate, so that no rule can hold torque on
the wearer.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.rt.window import QUEUE, add, least
from firmware_bridge.schema import JointLimits
from firmware_bridge.table import EASE_FROM, LIMITER_REASONS

_GROWTH_MAX_S: Final = 0.002  # a late cycle may not use the time it lost to grow; it must use it to release
_FORGET_MAX_NS: Final = 2_000_000  # nor to forget time against the wearer: it saw only its end

LIMITS = np.dtype(
    [
        ("torque_nm", np.float64),
        ("slew_up_nm_per_s", np.float64),
        ("slew_down_nm_per_s", np.float64),
        ("window_nm", np.float64),
        ("window_ns", np.int64),
        ("power_w", np.float64),
        ("velocity_radps", np.float64),
        ("position_min_rad", np.float64),
        ("position_max_rad", np.float64),
        ("tracking_nm", np.float64),
        ("opposing_nm", np.float64),
        ("opposing_radps", np.float64),
        ("opposing_ns", np.int64),
        ("i2t_nm", np.float64),
        ("i2t_s", np.float64),
    ]
)
STATE = np.dtype(
    [
        ("torque_nm", np.float64),  # last setpoint
        ("t_ns", np.int64),
        ("reason", np.int64),
        ("opposed_ns", np.int64),  # time against the wearer, in sum
        ("heat_nm2", np.float64),  # torque squared through a first-order filter
        ("lows", QUEUE),  # setpoints of the window
        ("highs", QUEUE),  # the same, negated
    ]
)

NONE: Final = LIMITER_REASONS.index("none")
INVALID: Final = LIMITER_REASONS.index("invalid")
DISENGAGED: Final = LIMITER_REASONS.index("disengaged")
_AGE: Final = LIMITER_REASONS.index("age")
_TORQUE: Final = LIMITER_REASONS.index("torque")
_SLEW_UP: Final = LIMITER_REASONS.index("slew_up")
_SLEW_DOWN: Final = LIMITER_REASONS.index("slew_down")
_WINDOW: Final = LIMITER_REASONS.index("window")
_POWER: Final = LIMITER_REASONS.index("power")
_SOFT_STOP: Final = LIMITER_REASONS.index("soft_stop")
_VELOCITY: Final = LIMITER_REASONS.index("velocity")
_TRACKING: Final = LIMITER_REASONS.index("tracking")
STALE: Final = LIMITER_REASONS.index("stale")
_OPPOSING: Final = LIMITER_REASONS.index("opposing")
_I2T: Final = LIMITER_REASONS.index("i2t")
KCF: Final = LIMITER_REASONS.index("kcf")


def host_limits(joint: JointLimits, ceiling_nm: float) -> npt.NDArray[Any]:
    """Limits [1] of one joint for the compiled code, tightened by the profile's ceiling."""
    out = np.zeros(1, LIMITS)
    out[0] = (
        min(joint.torque_nm, ceiling_nm),
        joint.slew_up_nm_per_s,
        joint.slew_down_nm_per_s,
        joint.window_nm,
        round(joint.window_ms * 1e6),
        joint.power_w,
        np.radians(joint.velocity_max_degps),
        np.radians(joint.position_min_deg),
        np.radians(joint.position_max_deg),
        joint.tracking_nm,
        joint.opposing_nm,
        np.radians(joint.opposing_velocity_degps),
        round(joint.opposing_ms * 1e6),
        joint.i2t_nm,
        joint.i2t_s,
    )
    return out


def new_state(limits: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """State [n] for limits [n] before the first cycle: no torque, and a drive as hot as it may be.

    The host cannot know what the drive did before; that heat fades with the thermal time constant.
    """
    out = np.zeros(len(limits), STATE)
    out["heat_nm2"] = limits["i2t_nm"] ** 2
    return out


@njit(cache=True, nogil=True)
def limit(
    lim: Any,
    s: Any,
    asked_nm: float,
    withheld: int,
    gain: float,
    position_rad: float,
    velocity_radps: float,
    measured_nm: float,
    now_ns: int,
) -> float:
    """Setpoint, Nm, for `asked_nm` (already faded by the age `gain`, 0..1); `s.reason` tells the rule that acted last.

    `withheld` is the reason why there may be no torque now (zero, reached at the release rate), or NONE.
    """
    s.reason = NONE
    dt_ns = max(now_ns - s.t_ns, 0) if s.t_ns > 0 else 0
    torque = asked_nm
    if not np.isfinite(asked_nm):
        torque = 0.0
        s.reason = INVALID
    elif withheld != NONE:
        torque = 0.0
        s.reason = withheld
    elif gain < 1.0:
        s.reason = _AGE
    torque = _motion_rules(lim, s, torque, position_rad, velocity_radps)
    torque = _opposing_rule(lim, s, torque, velocity_radps, dt_ns)
    torque = _heat_rule(lim, s, torque, dt_ns * 1e-9)
    torque = _tracking_rule(lim, s, torque, measured_nm)
    ceiling = lim.torque_nm * gain  # compensation may not give back what age took
    bounded = min(max(torque, -ceiling), ceiling)
    if bounded != torque:
        s.reason = _TORQUE if gain == 1.0 else _AGE
    torque = _window_rule(lim, s, bounded, now_ns)
    torque = _slew_rule(lim, s, torque, dt_ns * 1e-9)
    add(s.lows, torque)
    add(s.highs, -torque)
    s.torque_nm = torque
    s.t_ns = now_ns
    return float(torque)


@njit(cache=True, nogil=True)
def _motion_rules(lim: Any, s: Any, torque: float, position_rad: float, velocity_radps: float) -> float:
    """Range of motion, speed and mechanical power: no torque that drives further into them."""
    outwards = (position_rad >= lim.position_max_rad and torque > 0.0) or (
        position_rad <= lim.position_min_rad and torque < 0.0
    )
    if outwards:
        s.reason = _SOFT_STOP
        return 0.0
    power = torque * velocity_radps
    if power > 0.0 and abs(velocity_radps) >= lim.velocity_radps:
        s.reason = _VELOCITY
        return 0.0
    if abs(power) > lim.power_w:
        s.reason = _POWER
        return float(torque * lim.power_w / abs(power))
    return torque


@njit(cache=True, nogil=True)
def _eased(full: float, least: float, used: float) -> float:
    """No cap until EASE_FROM of an allowance is used, then from `full` linear to `least` where all of it is."""
    if used <= EASE_FROM:
        return math.inf
    return least + max((1.0 - used) / (1.0 - EASE_FROM), 0.0) * (full - least)


@njit(cache=True, nogil=True)
def _against(lim: Any, torque: float, velocity_radps: float) -> bool:
    """True where the wearer moves against a torque that is to be felt."""
    extends = torque > lim.opposing_nm and velocity_radps < -lim.opposing_radps
    return extends or (torque < -lim.opposing_nm and velocity_radps > lim.opposing_radps)


@njit(cache=True, nogil=True)
def _opposing_rule(lim: Any, s: Any, torque: float, velocity_radps: float, dt_ns: int) -> float:
    """Less torque, in either direction, the longer the wearer moves against what is asked or still given."""
    if _against(lim, torque, velocity_radps) or _against(lim, s.torque_nm, velocity_radps):
        s.opposed_ns = min(s.opposed_ns + dt_ns, lim.opposing_ns)
    else:
        s.opposed_ns = max(s.opposed_ns - min(dt_ns, _FORGET_MAX_NS), 0)
    return _capped(s, torque, _eased(lim.torque_nm, lim.opposing_nm, s.opposed_ns / lim.opposing_ns), _OPPOSING)


@njit(cache=True, nogil=True)
def _heat_rule(lim: Any, s: Any, torque: float, dt_s: float) -> float:
    """Less torque the hotter the drive; at the limit what it can give for ever. The last setpoint held for `dt_s`."""
    s.heat_nm2 += (s.torque_nm * s.torque_nm - s.heat_nm2) * min(dt_s / lim.i2t_s, 1.0)
    used = s.heat_nm2 / (lim.i2t_nm * lim.i2t_nm)
    return _capped(s, torque, _eased(lim.torque_nm, min(lim.i2t_nm, lim.torque_nm), used), _I2T)


@njit(cache=True, nogil=True)
def _capped(s: Any, torque: float, cap_nm: float, reason: int) -> float:
    """`torque` with a magnitude of at most `cap_nm`; the reason is told where that changes it."""
    if abs(torque) <= cap_nm:
        return torque
    s.reason = reason
    return math.copysign(cap_nm, torque)


@njit(cache=True, nogil=True)
def _between(torque: float, low: float, high: float) -> float:
    """`torque` within [low, high], widened to include zero: letting go is always allowed."""
    return min(max(torque, min(low, 0.0)), max(high, 0.0))


@njit(cache=True, nogil=True)
def _tracking_rule(lim: Any, s: Any, torque: float, measured_nm: float) -> float:
    """No torque further from what the drive delivers than `tracking_nm`, except towards zero."""
    bounded = _between(torque, measured_nm - lim.tracking_nm, measured_nm + lim.tracking_nm)
    if bounded != torque:
        s.reason = _TRACKING
    return bounded


@njit(cache=True, nogil=True)
def _window_rule(lim: Any, s: Any, torque: float, now_ns: int) -> float:
    """No torque further than `window_nm` from any setpoint of the last window, except towards zero."""
    low = min(least(s.lows, now_ns, lim.window_ns), s.torque_nm)
    high = max(-least(s.highs, now_ns, lim.window_ns), s.torque_nm)
    bounded = _between(torque, high - lim.window_nm, low + lim.window_nm)
    if bounded != torque:
        s.reason = _WINDOW
    return bounded


@njit(cache=True, nogil=True)
def _slew_rule(lim: Any, s: Any, torque: float, dt_s: float) -> float:
    """Growth at the up rate, release at the down rate; a change of sign releases first."""
    up = lim.slew_up_nm_per_s * min(dt_s, _GROWTH_MAX_S)
    down = lim.slew_down_nm_per_s * dt_s
    last = s.torque_nm
    sign = 1.0 if last > 0.0 or (last == 0.0 and torque > 0.0) else -1.0
    wanted, size = sign * torque, sign * last
    if wanted > size + up:
        s.reason = _SLEW_UP
        return sign * (size + up)
    least = max(size - down, 0.0)
    if wanted < least:
        s.reason = _SLEW_DOWN
        return sign * least
    return torque
