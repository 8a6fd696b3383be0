"""The host limiter's table: what it keeps to, from the firmware's limits and `host_factor`.

Generated from firmware_bridge/limits.toml by `exo-edge can generate`; do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from firmware_bridge.schema import JointLimits

HOST_HASH: Final = 0x19668BE9
HOST_LIMITS: Final[Mapping[str, JointLimits]] = {
    "knee_r": JointLimits(
        torque_nm=19.0,
        slew_up_nm_per_s=142.5,
        slew_down_nm_per_s=570.0,
        slew_tolerance_ms=0.2,
        window_nm=14.25,
        window_ms=263.157894737,
        lease_ms=20.0,
        power_w=57.0,
        velocity_max_degps=665.0,
        position_min_deg=-2.125,
        position_max_deg=107.125,
        tracking_nm=4.75,
        persist_ms=20.0,
        yield_ms=60.0,
        opposing_nm=2.85,
        opposing_velocity_degps=57.0,
        opposing_ms=266.0,
        i2t_nm=9.5,
        i2t_s=20.0,
    ),
    "knee_l": JointLimits(
        torque_nm=19.0,
        slew_up_nm_per_s=142.5,
        slew_down_nm_per_s=570.0,
        slew_tolerance_ms=0.2,
        window_nm=14.25,
        window_ms=263.157894737,
        lease_ms=20.0,
        power_w=57.0,
        velocity_max_degps=665.0,
        position_min_deg=-2.125,
        position_max_deg=107.125,
        tracking_nm=4.75,
        persist_ms=20.0,
        yield_ms=60.0,
        opposing_nm=2.85,
        opposing_velocity_degps=57.0,
        opposing_ms=266.0,
        i2t_nm=9.5,
        i2t_s=20.0,
    ),
}
