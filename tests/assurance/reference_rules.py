"""Rules of the reference governor, written from docs/wire.md and limits.toml, not from the C code.

Integers in wire units: 0.01 Nm (cnm), 0.1 deg/s, 0.01 deg, microseconds; torque in motion in 1e-6 of 0.01 Nm (ucnm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from firmware_bridge.schema import JointLimits
from firmware_bridge.table import TABLE

UCNM: Final = 1_000_000
BUCKETS: Final = 25  # stretches that make up the window; the one being filled comes on top
AGE_FULL_US: Final = round(TABLE.age.full_ms * 1000)
AGE_ZERO_US: Final = round(TABLE.age.zero_ms * 1000)


@dataclass(frozen=True, slots=True)
class Limits:
    """One joint's limits in wire units."""

    torque: int
    up: int
    down: int
    tolerance_us: int
    window: int
    bucket_us: int
    lease_ms: int
    power_raw: float
    velocity: int
    lowest: int
    highest: int
    tracking: int
    persist_us: int
    yield_us: int
    opposing: int
    opposing_velocity: int
    opposing_us: int
    i2t: int
    i2t_us: int


def limits_of(joint: JointLimits, profile_cnm: int) -> Limits:
    """The table's limits of a joint, its torque tightened by the profile."""
    return Limits(
        torque=max(0, min(round(joint.torque_nm * 100), profile_cnm)),
        up=round(joint.slew_up_nm_per_s * 100),
        down=round(joint.slew_down_nm_per_s * 100),
        tolerance_us=round(joint.slew_tolerance_ms * 1000),
        window=round(joint.window_nm * 100),
        bucket_us=round(joint.window_ms * 1000) // BUCKETS,
        lease_ms=round(joint.lease_ms),
        power_raw=joint.power_w / (0.01 * math.radians(0.1)),
        velocity=round(joint.velocity_max_degps * 10),
        lowest=round(joint.position_min_deg * 100),
        highest=round(joint.position_max_deg * 100),
        tracking=round(joint.tracking_nm * 100),
        persist_us=round(joint.persist_ms * 1000),
        yield_us=round(joint.yield_ms * 1000),
        opposing=round(joint.opposing_nm * 100),
        opposing_velocity=round(joint.opposing_velocity_degps * 10),
        opposing_us=round(joint.opposing_ms * 1000),
        i2t=round(joint.i2t_nm * 100),
        i2t_us=round(joint.i2t_s * 1e6),
    )


def toward_zero(value: int, divisor: int) -> int:
    """Quotient cut toward zero; divisor > 0."""
    return value // divisor if value >= 0 else -(-value // divisor)


def age_allows(limit: int, cnm: int, age_ms: int) -> bool:
    """|torque| under the limit faded by the age: full, then straight down to none."""
    late = age_ms * 1000 - AGE_FULL_US
    span = AGE_ZERO_US - AGE_FULL_US
    share = min(max(span - late, 0), span)
    return abs(cnm) * span <= limit * share


def moved(limits: Limits, start: int, goal: int, dt_us: int) -> int:
    """Where a torque in ucnm is after dt: down to zero fast, away from it slowly."""
    if start < 0 or (start == 0 and goal < 0):
        return -moved(limits, -start, -goal, dt_us)
    if goal >= start:
        return min(goal, start + limits.up * dt_us)
    if goal >= 0 or start > limits.down * dt_us:
        return max(goal, start - limits.down * dt_us, 0)
    left_us = dt_us - math.ceil(start / limits.down)
    return max(goal, -limits.up * max(left_us, 0))


def slew_fault(limits: Limits, start: int, goal: int, dt_us: int) -> str:
    """ "" where the change takes no longer than dt, else whether the way down or the way up is too fast."""
    if start * goal >= 0 and abs(goal) >= abs(start):
        return "" if abs(goal - start) <= limits.up * dt_us else "slew_up"
    rest = abs(goal) if start * goal > 0 else 0
    if abs(start) - rest > limits.down * dt_us:
        return "slew_down"
    if start * goal >= 0:
        return ""
    left_us = dt_us - -(-abs(start) // limits.down)
    if left_us <= 0:
        return "slew_down"
    return "" if abs(goal) <= limits.up * left_us else "slew_up"


@dataclass(slots=True)
class Window:
    """Extremes of the accepted torque per stretch of time, newest last: [number, low, high, last]."""

    parts: list[list[int]] = field(default_factory=lambda: [[0, 0, 0, 0]])

    def allows(self, limits: Limits, cnm: int, at_us: int) -> bool:
        """No torque may grow further than the window's limit away from any that was held inside it."""
        newest = max(at_us // limits.bucket_us, self.parts[-1][0])
        inside = [part for part in self.parts if part[0] >= newest - BUCKETS]
        before = [part for part in self.parts if part[0] < newest - BUCKETS]
        low = [part[1] for part in inside] + [part[3] for part in before[-1:]]
        high = [part[2] for part in inside] + [part[3] for part in before[-1:]]
        if cnm > 0:
            return cnm - min(low) <= limits.window
        return cnm == 0 or max(high) - cnm <= limits.window

    def add(self, limits: Limits, cnm: int, at_us: int) -> None:
        """An accepted torque."""
        newest = at_us // limits.bucket_us
        last = self.parts[-1]
        if newest > last[0]:
            held = last[3]
            last = [newest, held, held, held]
            kept = [i for i, part in enumerate(self.parts) if part[0] >= newest - BUCKETS]
            self.parts = self.parts[max(kept[0] - 1, 0) if kept else -1 :]
            self.parts.append(last)
        last[1], last[2], last[3] = min(last[1], cnm), max(last[2], cnm), cnm

    def hold(self, cnm: int) -> None:
        """The newest torque is forgotten: this one is held from now on."""
        self.parts[-1][3] = cnm
