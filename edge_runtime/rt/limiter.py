"""Host limiter: the governor's rules at 0.95 of its limits; it clamps and explains where the governor rejects.

The values come from `Table.host_limits`. One call per joint and cycle, compiled, allocation-free. Growth means a torque
going away from zero; towards zero is always allowed at the (faster) release rate, so that no rule can hold torque on
the wearer.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from firmware_bridge.schema import JointLimits
from firmware_bridge.table import LIMITER_REASONS

WINDOW_ROWS: Final = 320  # setpoints remembered for the window rule: more than its time, also where cycles come early
_GROWTH_MAX_S: Final = 0.002  # a late cycle may not use the time it lost to grow; it must use it to release

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
    ]
)
STATE = np.dtype(
    [
        ("torque_nm", np.float64),  # last setpoint
        ("t_ns", np.int64),
        ("reason", np.int64),
        ("head", np.int64),
        ("past_ns", np.int64, (WINDOW_ROWS,)),  # when each setpoint was replaced
        ("past_nm", np.float64, (WINDOW_ROWS,)),
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
    )
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
    torque = _tracking_rule(lim, s, torque, measured_nm)
    ceiling = lim.torque_nm * gain  # compensation may not give back what age took
    bounded = min(max(torque, -ceiling), ceiling)
    if bounded != torque:
        s.reason = _TORQUE if gain == 1.0 else _AGE
    s.past_ns[s.head] = now_ns  # the last setpoint was held until now
    torque = _window_rule(lim, s, bounded, now_ns)
    torque = _slew_rule(lim, s, torque, max((now_ns - s.t_ns) * 1e-9, 0.0))
    s.head = (s.head + 1) % WINDOW_ROWS
    s.past_ns[s.head] = now_ns
    s.past_nm[s.head] = torque
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
    low = s.torque_nm
    high = s.torque_nm
    for i in range(WINDOW_ROWS):
        if now_ns - s.past_ns[i] <= lim.window_ns:
            low = min(low, s.past_nm[i])
            high = max(high, s.past_nm[i])
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
    if wanted < size - down:
        s.reason = _SLEW_DOWN
        return sign * (size - down) if size > down else 0.0
    if wanted < 0.0 < size:
        s.reason = _SLEW_DOWN
        return 0.0
    return torque
