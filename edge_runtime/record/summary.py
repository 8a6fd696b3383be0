"""Sums up a record: latency, deadlines, torque, knee contact force and why things were limited."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.doubt import CAUSES
from edge_runtime.record.encoders import encoder_summary
from edge_runtime.record.names import Names, count_by_name, is_state
from edge_runtime.record.reader import Record
from edge_runtime.record.tissue import tissue_summary
from edge_runtime.record.violations import TorqueLimits, limit_violations
from edge_runtime.record.wire_counts import wire_counts
from edge_runtime.stats import jsonable, quantiles
from edge_runtime.telemetry import BUS_STATES, STAGES
from edge_runtime.types import F64, SIDES

STANDARD_GRAVITY_MPS2: Final = 9.80665
"""CGPM 1901."""

LATENCY_BUDGET_MS: Final = 16.6
"""Capture to acting torque: one frame at 60 Hz (docs/architecture, "The life of one frame")."""

WORST_MISSES: Final = 20
NEWTON_PARTS: Final = ("before", "left", "after")
FRAME_AXES: Final = ("tilt", "list", "turn")
KCF_PARTS: Final = ("medial", "lateral", "total")


def summarize(
    record: Record, names: Names, mass_kg: float | None, limits: TorqueLimits | None = None
) -> dict[str, object]:
    """The content of summary.json: strict JSON (None for what was not measured), units in the keys.

    `mass_kg` of the wearer turns forces into body weights; `limits` adds the check of what went on the wire.
    """
    valid = record.estimates["valid"] == 1.0
    summary: dict[str, object] = {
        "record": _record_block(record),
        **_latency(record),
        **_loop(record, names),
        "valid_share": _share(valid),
        "invalid_reasons": count_by_name(record.estimates["reason"][~valid], names.estimate_reasons),
        "solve": _solve(record, valid),
        "ground": _ground(record, valid),
        "encoders": {side: encoder_summary(record, side) for side in SIDES},
        "torque": {side: _torque(record, side, names.states) for side in SIDES},
        "kcf": {side: _kcf(record, side, mass_kg) for side in SIDES},
        "limiter_counts": {
            side: count_by_name(record.cycles[f"limiter_{side}"], names.limiter_reasons) for side in SIDES
        },
        "tissue": tissue_summary(record.tissue),
        "misses": _misses(record),
        "events": _events(record),
    }
    if limits is not None:
        found = limit_violations(record, limits)
        summary["limit_violations"] = found.total
        summary["limit_check"] = {
            "torque": found.torque, "slew_up": found.slew_up, "slew_down": found.slew_down,
            "worst_torque_nm": found.worst_torque_nm, "limit_torque_nm": limits.torque_nm,
            "worst_up_nm_per_s": found.worst_up_nm_per_s, "limit_up_nm_per_s": limits.slew_up_nm_per_s,
            "worst_down_nm_per_s": found.worst_down_nm_per_s,
            "limit_down_nm_per_s": limits.slew_down_nm_per_s,
        }  # fmt: skip
    result = jsonable(summary)
    assert isinstance(result, dict)
    return result


def first_setpoints(record: Record) -> tuple[F64, F64, npt.NDArray[np.bool_]]:
    """For each intent that reached the wire, each [n]: time of its first setpoint in ns, latency from capture
    in ms, and whether the person detector ran for that frame."""
    cycles = record.cycles
    first = cycles["intent_first"] == 1.0
    sent_ns = cycles["t_ns"][first] + cycles["compute_us"][first] * 1e3
    captured_ns = cycles["intent_capture_ns"][first]
    with_detector = record.estimates["t_capture_ns"][record.estimates["detector"] == 1.0]
    return sent_ns, (sent_ns - captured_ns) / 1e6, np.isin(captured_ns, with_detector)


def _record_block(record: Record) -> dict[str, object]:
    return {
        "complete": record.complete,
        "duration_s": record.duration_s,
        "cycles": record.cycles["t_ns"].size,
        "estimates": record.estimates["t_ready_ns"].size,
        **record.metadata,
    }


def _latency(record: Record) -> dict[str, object]:
    _, latency_ms, detector = first_setpoints(record)
    estimates = record.estimates
    return {
        "capture_to_setpoint_ms": quantiles(latency_ms),
        "capture_to_setpoint_without_detector_ms": quantiles(latency_ms[~detector]),
        "budget_ms": LATENCY_BUDGET_MS,
        "over_budget_share": _share(latency_ms > LATENCY_BUDGET_MS),
        "capture_to_intent_ms": quantiles((estimates["t_ready_ns"] - estimates["t_capture_ns"]) / 1e6),
        "detector_frames": int(np.sum(estimates["detector"] == 1.0)),
        "stages_ms": {stage: quantiles(estimates[f"{stage}_ms"]) for stage in STAGES},
    }


def _loop(record: Record, names: Names) -> dict[str, object]:
    cycles = record.cycles
    state = cycles["governor_state"]
    counts = count_by_name(state, names.states)
    total = sum(counts.values())
    return {
        "wake_us": quantiles(cycles["wake_us"]),
        "compute_us": quantiles(cycles["compute_us"]),
        "missed_deadlines": _last(cycles["missed"]),
        "frames_sent": _last(cycles["sent"]),
        "frames_received": _last(cycles["received"]),
        "frames_rejected": _last(cycles["rejected"]),
        "frames_refused": _last(cycles["tx_full"]),
        "frames_dropped": _last(cycles["rx_dropped"]),
        "wire": wire_counts(record),
        "bus_states": count_by_name(cycles["bus_state"], BUS_STATES),
        "state_share": {name: count / total for name, count in counts.items()},
        "governor_reasons": count_by_name(cycles["governor_reason"], names.governor_reasons),
    }


def _solve(record: Record, valid: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Flags of the muscle solve, and doubt: frames by cause, and the mean share of help it would take away per leg."""
    e = record.estimates
    late = e["solve_late"] == 1.0
    return {
        "solved": int(np.sum(np.isfinite(e["solve_gradient_nm"]))),
        "late": int(late.sum()),
        "late_in_a_row": _longest(late),
        "capped": int(np.sum(e["solve_capped"] == 1.0)),
        "saturated": int(np.sum(e["saturated"] > 0.0)),
        "iterations": quantiles(e["solve_iterations"]),
        "gradient_nm": _peak(e["solve_gradient_nm"]),
        "reserve_rms_nm": quantiles(e["reserve_rms_nm"][valid]),
        "doubt_causes": count_by_name(e["doubt_cause"][e["doubt_cause"] > 0.0], CAUSES),
        "doubt_share": {side: _mean(e[f"doubt_{side}"][valid]) for side in SIDES},
    }


def _ground(record: Record, valid: npt.NDArray[np.bool_]) -> dict[str, object]:
    """Newton residuals of the ground reaction in % of body weight, gait events and strides of each leg, and the last
    verdict on the coordinates' frame (degrees; None where there was none)."""
    e = record.estimates
    events = {side: e[f"gait_event_{side}"] for side in SIDES}
    return {
        **{f"newton_{part}_pct_bw": quantiles(100.0 * e[f"newton_{part}_bw"][valid]) for part in NEWTON_PARTS},
        "heel_strikes": {side: int(np.sum(events[side] == 1.0)) for side in SIDES},
        "toe_offs": {side: int(np.sum(events[side] == -1.0)) for side in SIDES},
        "stride_s": {side: quantiles(e[f"stride_s_{side}"][events[side] == 1.0]) for side in SIDES},
        "frame_deg": {axis: _final(e[f"frame_{axis}_deg"]) for axis in FRAME_AXES},
    }


def _torque(record: Record, side: str, states: tuple[str, ...]) -> dict[str, object]:
    cycles = record.cycles
    desired, delivered = cycles[f"desired_nm_{side}"], cycles[f"knee_nm_{side}"]
    engaged = is_state(cycles["governor_state"], states, "ENGAGED")
    rmse_nm, r = tracking(desired[engaged], delivered[engaged])
    return {
        "peak_asked_nm": _peak(desired),
        "peak_compensated_nm": _peak(cycles[f"compensated_nm_{side}"]),
        "peak_limited_nm": _peak(cycles[f"limited_nm_{side}"]),
        "peak_measured_nm": _peak(cycles[f"measured_nm_{side}"]),
        "peak_delivered_nm": _peak(delivered),
        "delivered_rmse_nm": rmse_nm,
        "delivered_r": r,
    }


def tracking(desired: F64, delivered: F64) -> tuple[float | None, float | None]:
    """RMSE (same unit) and Pearson correlation of two series [n], over the samples where both are finite.

    None where there is no sample, or for the correlation where one of them does not vary.
    """
    both = np.isfinite(desired) & np.isfinite(delivered)
    a, b = desired[both], delivered[both]
    if a.size == 0:
        return None, None
    rmse = float(np.sqrt(np.mean((a - b) ** 2)))
    if a.size < 2 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return rmse, None
    return rmse, float(np.corrcoef(a, b)[0, 1])


def _kcf(record: Record, side: str, mass_kg: float | None) -> dict[str, object]:
    valid = record.estimates["valid"] == 1.0
    block: dict[str, object] = {}
    for part in KCF_PARTS:
        peak_n = _peak(record.estimates[f"kcf_{part}_n_{side}"][valid])
        block[f"peak_{part}_n"] = peak_n
        weight_n = mass_kg * STANDARD_GRAVITY_MPS2 if mass_kg else None
        block[f"peak_{part}_bw"] = peak_n / weight_n if peak_n is not None and weight_n else None
    return block


def _events(record: Record) -> list[dict[str, object]]:
    t0_ns = record.t0_ns
    return [
        {"t_s": (event.t_ns - t0_ns) / 1e9, "level": event.level, "code": event.code, "text": event.text}
        for event in record.events
    ]


def _misses(record: Record) -> list[dict[str, object]]:
    """The worst stalls of the loop, longest first, each with its evidence and cause."""
    worst = sorted(record.misses, key=lambda miss: (-miss.periods, miss.t_ns))[:WORST_MISSES]
    return [{"t_s": (miss.t_ns - record.t0_ns) / 1e9, **asdict(miss)} for miss in worst]


def _peak(values: F64) -> float | None:
    """Largest absolute value, None without a finite one."""
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else None


def _mean(values: F64) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def _longest(flags: npt.NDArray[np.bool_]) -> int:
    """Length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int64), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _final(values: F64) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite[-1]) if finite.size else None


def _last(counter: F64) -> int | None:
    finite = counter[np.isfinite(counter)]
    return int(finite[-1]) if finite.size else None


def _share(flags: npt.NDArray[np.bool_]) -> float | None:
    return float(np.mean(flags)) if flags.size else None
