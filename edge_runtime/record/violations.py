"""Checks what went on the wire against the torque limits, cycle by cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.record.reader import Record
from edge_runtime.types import F64, SIDES

WIRE_STEP_NM: Final = 0.01
"""Resolution of the torque in TORQUE_SETPOINT: a step may be this much longer by rounding alone."""


@dataclass(frozen=True, slots=True)
class TorqueLimits:
    """What the wire must never exceed: |torque|, its growth (slew up) and its return to zero (slew down)."""

    torque_nm: float
    slew_up_nm_per_s: float
    slew_down_nm_per_s: float
    resolution_nm: float = WIRE_STEP_NM


@dataclass(frozen=True, slots=True)
class Violations:
    """How many cycles broke each limit, both legs together, and the worst values seen."""

    torque: int
    slew_up: int
    slew_down: int
    worst_torque_nm: float
    worst_up_nm_per_s: float
    worst_down_nm_per_s: float

    @property
    def total(self) -> int:
        """All violations; must be 0."""
        return self.torque + self.slew_up + self.slew_down


def limit_violations(record: Record, limits: TorqueLimits) -> Violations:
    """Check `limited_nm` of both legs over all cycles.

    A step through zero counts as a fall to zero followed by a rise on the other side, which share its time.
    Steps are taken between consecutive rows with their own time stamps, so a missed cycle is no excuse.
    """
    t_s = record.cycles["t_ns"] / 1e9
    sides = [_side(t_s, record.cycles[f"limited_nm_{side}"], limits) for side in SIDES]
    return Violations(
        torque=sum(v.torque for v in sides),
        slew_up=sum(v.slew_up for v in sides),
        slew_down=sum(v.slew_down for v in sides),
        worst_torque_nm=max(v.worst_torque_nm for v in sides),
        worst_up_nm_per_s=max(v.worst_up_nm_per_s for v in sides),
        worst_down_nm_per_s=max(v.worst_down_nm_per_s for v in sides),
    )


def _side(t_s: F64, torque_nm: F64, limits: TorqueLimits) -> Violations:
    seen = np.isfinite(torque_nm) & np.isfinite(t_s)
    torque, dt = torque_nm[seen], np.diff(t_s[seen])
    before, after = torque[:-1], torque[1:]
    crosses = before * after < 0.0
    up_nm = np.where(crosses, np.abs(after), np.maximum(np.abs(after) - np.abs(before), 0.0))
    down_nm = np.where(crosses, np.abs(before), np.maximum(np.abs(before) - np.abs(after), 0.0))
    down_needs_s = np.maximum(down_nm - limits.resolution_nm, 0.0) / limits.slew_down_nm_per_s
    up_needs_s = np.maximum(up_nm - limits.resolution_nm, 0.0) / limits.slew_up_nm_per_s
    too_fast = down_needs_s + up_needs_s > dt * (1.0 + 1e-9)
    rising = up_needs_s >= down_needs_s
    safe_dt = np.maximum(dt, 1e-9)
    return Violations(
        torque=int(np.sum(np.abs(torque) > limits.torque_nm + 0.5 * limits.resolution_nm)),
        slew_up=int(np.sum(too_fast & rising)),
        slew_down=int(np.sum(too_fast & ~rising)),
        worst_torque_nm=float(np.max(np.abs(torque), initial=0.0)),
        worst_up_nm_per_s=float(np.max(up_nm / safe_dt, initial=0.0)),
        worst_down_nm_per_s=float(np.max(down_nm / safe_dt, initial=0.0)),
    )
