"""`bench frame`: the numbers of BENCH from the record of a real-time run, whole chain and firmware running."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_runtime.plan import Plan
from edge_runtime.record.reader import load
from edge_runtime.record.summary import first_setpoints
from edge_runtime.run import Outcome
from edge_runtime.stats import host_block, jsonable, quantiles
from edge_runtime.telemetry import STAGES


def measure_frame(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Latencies over frames for which the whole chain ran (a frame without the wearer is quick, and would flatter)."""
    record = load(outcome.folder)
    estimates = record.estimates
    whole = estimates["valid"] == 1.0
    _, latency_ms, with_detector = first_setpoints(record)
    result: dict[str, Any] = {
        "clip": plan.clip.path.name,
        "camera_rate_hz": plan.device.camera_rate_hz,
        "frames": outcome.summary["frames"],
        "dropped": outcome.summary["dropped"],
        "frames_whole_chain": int(np.sum(whole)),
        "stages_ms": {stage: quantiles(estimates[f"{stage}_ms"][whole]) for stage in STAGES},
        "capture_to_intent_ms": quantiles((estimates["t_ready_ns"] - estimates["t_capture_ns"])[whole] / 1e6),
        "capture_to_setpoint_ms": quantiles(latency_ms[~with_detector]),
        "capture_to_setpoint_with_detector_ms": quantiles(latency_ms[with_detector]),
        "detector_ms": quantiles(estimates["detector_ms"]),
        "missed_deadlines": int(record.cycles["missed"][-1]),
    }
    found = jsonable(result | host_block())
    assert isinstance(found, dict)
    return found
