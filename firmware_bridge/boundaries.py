"""Text of boundaries.json: per rule the last legal and the first illegal raw value, for the tests of both guards.

Values are in wire units. The governor rejects or trips from `illegal` on; the host limiter leaves `legal` as it is and
changes `illegal`. Rules on measurements, where the host compares fractions, give the whole values on either side.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Final

from firmware_bridge.schema import JointLimits, Table

PATH: Final = "firmware_bridge/boundaries.json"
Boundary = dict[str, int | str]
_CNM, _CNM_PER_MS, _DDEGPS, _CDEG = "0.01 Nm", "0.01 Nm per 1 ms", "0.1 deg/s", "0.01 deg"

POWER_AT_CNM: Final = 1000
"""Torque at which the power rule's boundary is given, as a velocity."""


def render(table: Table, note: str) -> str:
    """JSON text; the keys of `joints` are the table's."""
    joints = {
        name: {"governor": _governor(table, joint), "host": _host(table.host_limits(name))}
        for name, joint in table.joints.items()
    }
    content = {"note": note, "limits_hash": f"0x{table.limits_hash:08X}", "protocol": _protocol(table)}
    return json.dumps({**content, "joints": joints}, indent=1) + "\n"


def _at(legal: int, unit: str, outward: int = 1) -> Boundary:
    """The boundary after a last legal value: one more in the `outward` direction (1 or -1) is illegal."""
    return {"legal": legal, "illegal": legal + outward, "unit": unit}


def _cut(value: float) -> int:
    return math.trunc(value + math.copysign(1e-6, value))


def _protocol(table: Table) -> dict[str, Boundary]:
    p, safe = table.protocol, table.safe
    return {
        "counter_step": _at(p.max_delta_counter, "frames"),
        "broken_in_a_row": _at(p.consecutive_errors_max - 1, "frames"),
        "ahead": _at(_cut(p.ahead_max_ms * 10.0), "0.1 ms"),
        "late": _at(-_cut(p.late_max_ms * 10.0), "0.1 ms", -1),
        "host_silence": _at(_cut(p.host_timeout_ms * 1e3), "us"),
        "mode": _at(max(table.modes.values()), "code"),
        "clear_velocity": _at(_cut(safe.clear_velocity_degps * 10.0), _DDEGPS),
    }


def _governor(table: Table, joint: JointLimits) -> dict[str, Boundary]:
    step_ms = table.protocol.setpoint_period_ms + joint.slew_tolerance_ms
    velocity = _cut(joint.power_w / (0.01 * math.radians(0.1))) // POWER_AT_CNM
    return {
        **_setpoint_values(joint),
        "slew_up": _at(_cut(joint.slew_up_nm_per_s * step_ms * 0.1), _CNM_PER_MS),
        "slew_down": _at(_cut(joint.slew_down_nm_per_s * step_ms * 0.1), _CNM_PER_MS),
        "lease_range": _at(_cut(joint.lease_ms), "ms"),
        "lease": _at(_cut(joint.lease_ms * 1e3), "us"),
        "age_at_full_torque": _oldest(table, joint.torque_nm),
        "age_at_least_torque": _oldest(table, 0.01),
        "power": {**_at(velocity, _DDEGPS), "torque_cnm": POWER_AT_CNM},
        "velocity": _at(_cut(joint.velocity_max_degps * 10.0), _DDEGPS),
        "position_max": _at(_cut(joint.position_max_deg * 100.0), _CDEG),
        "position_min": _at(_cut(joint.position_min_deg * 100.0), _CDEG, -1),
        "opposing_velocity": _at(_cut(joint.opposing_velocity_degps * 10.0), _DDEGPS),
        "opposing_time": _at(_cut(joint.opposing_ms), "ms"),
        "yield": _at(_cut(joint.yield_ms) - 1, "ms"),
        "persist": _at(_cut(joint.persist_ms) - 1, "ms"),
    }


def _host(host: JointLimits) -> dict[str, Boundary]:
    power = math.floor(host.power_w / (POWER_AT_CNM * 0.01 * math.radians(0.1)))
    return {
        **_setpoint_values(host),
        "slew_up": _at(_cut(host.slew_up_nm_per_s * 0.1), _CNM_PER_MS),
        "slew_down": _at(_cut(host.slew_down_nm_per_s * 0.1), _CNM_PER_MS),
        "power": {**_at(power, _DDEGPS), "torque_cnm": POWER_AT_CNM},
        "velocity": _around(host.velocity_max_degps * 10.0, _DDEGPS),
        "position_max": _around(host.position_max_deg * 100.0, _CDEG),
        "position_min": _around(host.position_min_deg * 100.0, _CDEG, -1),
        "opposing_velocity": _around(host.opposing_velocity_degps * 10.0, _DDEGPS),
    }


def _setpoint_values(limits: JointLimits) -> dict[str, Boundary]:
    """Rules on a torque by itself: the same for both guards, each with its own limits."""
    torques: Mapping[str, Callable[[JointLimits], float]] = {
        "torque": lambda j: j.torque_nm,
        "window": lambda j: j.window_nm,
        "tracking": lambda j: j.tracking_nm,
        "opposing_torque": lambda j: j.opposing_nm,
        "i2t": lambda j: j.i2t_nm,
    }
    return {name: _at(_cut(torque(limits) * 100.0), _CNM) for name, torque in torques.items()}


def _around(limit: float, unit: str, outward: int = 1) -> Boundary:
    """Whole values on either side of a limit that rounding may move; the limit itself is left out where it is whole."""
    size = outward * limit
    legal, illegal = math.ceil(size - 1e-6) - 1, math.floor(size + 1e-6) + 1
    return {"legal": outward * legal, "illegal": outward * illegal, "unit": unit}


def _oldest(table: Table, torque_nm: float) -> Boundary:
    """Whole ms up to which a torque of this size is legal."""
    age, peak_nm = table.age, min(joint.torque_nm for joint in table.joints.values())
    oldest_ms = age.zero_ms - (age.zero_ms - age.full_ms) * torque_nm / peak_nm
    return {**_at(_cut(oldest_ms), "ms"), "torque_cnm": _cut(torque_nm * 100.0)}
