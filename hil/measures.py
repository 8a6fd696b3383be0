"""What the bench measures on a record: limits on the wire, time to zero after SAFE, torque that arrived."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge_runtime.record.names import is_state
from edge_runtime.record.reader import Record
from edge_runtime.record.summary import tracking
from edge_runtime.record.violations import TorqueLimits, Violations, limit_violations
from edge_runtime.types import F64, SIDES


@dataclass(frozen=True, slots=True)
class SafeLimits:
    """How fast the drive must let go after SAFE.

    `time_to_zero_ms`: lease plus safe ramp. `zero_nm`: torque that counts as none (noise of the sensor).
    `damping_nms_per_rad`: the damping that the firmware may hold afterwards; |torque| up to
    `zero_nm` + damping x |velocity| counts as let go.
    """

    time_to_zero_ms: float
    zero_nm: float
    damping_nms_per_rad: float = 0.0


@dataclass(frozen=True, slots=True)
class Tracking:
    """One leg while ENGAGED: torque at the skeletal knee against the desired one.

    `transmitted`: delivered per commanded torque (least squares through zero); `rmse_nm`; `r` Pearson
    correlation. Each None where it was not measured.
    """

    side: str
    transmitted: float | None
    rmse_nm: float | None
    r: float | None


@dataclass(frozen=True, slots=True)
class Measures:
    """All measures of a record; `times_to_zero_ms`: one per entry into SAFE, infinite where torque stayed."""

    violations: Violations
    times_to_zero_ms: tuple[float, ...]
    tracking: tuple[Tracking, ...]
    missed: int | None
    engaged_share: float | None


def measure(record: Record, limits: TorqueLimits, safe: SafeLimits, states: tuple[str, ...]) -> Measures:
    """Measure a record; `states` names the codes of `governor_state`."""
    missed = record.cycles["missed"]
    finite = missed[np.isfinite(missed)]
    return Measures(
        violations=limit_violations(record, limits),
        times_to_zero_ms=times_to_zero_ms(record, safe, states),
        tracking=tuple(_tracking(record, side, states) for side in SIDES),
        missed=int(finite[-1]) if finite.size else None,
        engaged_share=_engaged_share(record, states),
    )


def _engaged_share(record: Record, states: tuple[str, ...]) -> float | None:
    engaged = is_state(record.cycles["governor_state"], states, "ENGAGED")
    return float(engaged.mean()) if engaged.size else None


def times_to_zero_ms(record: Record, safe: SafeLimits, states: tuple[str, ...]) -> tuple[float, ...]:
    """Per entry into SAFE: ms until both drives have let go for the rest of it; infinite if they never do."""
    in_safe = is_state(record.cycles["governor_state"], states, "SAFE").astype(np.int8)
    edges = np.diff(np.concatenate(([0], in_safe, [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    holding = _holding(record, safe)
    t_ms = record.cycles["t_ns"] / 1e6
    times = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        last = np.flatnonzero(holding[start:end])
        free = start + int(last[-1]) + 1 if last.size else start
        times.append(float(t_ms[free] - t_ms[start]) if free < end else float("inf"))
    return tuple(times)


def _holding(record: Record, safe: SafeLimits) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """[n] bool: some drive still holds torque; a torque that was not measured counts as held."""
    holding = np.zeros(record.cycles["t_ns"].size, dtype=np.bool_)
    for side in SIDES:
        torque, velocity = record.cycles[f"measured_nm_{side}"], record.cycles[f"velocity_radps_{side}"]
        allowed = safe.zero_nm + safe.damping_nms_per_rad * np.abs(np.nan_to_num(velocity))
        holding |= ~(np.abs(torque) <= allowed)
    return holding


def _tracking(record: Record, side: str, states: tuple[str, ...]) -> Tracking:
    cycles = record.cycles
    engaged = is_state(cycles["governor_state"], states, "ENGAGED")
    delivered = cycles[f"knee_nm_{side}"][engaged]
    rmse_nm, r = tracking(cycles[f"desired_nm_{side}"][engaged], delivered)
    return Tracking(side, _slope(cycles[f"limited_nm_{side}"][engaged], delivered), rmse_nm, r)


def _slope(commanded: F64, delivered: F64) -> float | None:
    both = np.isfinite(commanded) & np.isfinite(delivered)
    power = float(np.sum(commanded[both] ** 2))
    return float(np.sum(commanded[both] * delivered[both])) / power if power > 0.0 else None
