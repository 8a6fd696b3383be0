"""Two runs of the same scenario beside each other, as simulation against rig: how far their traces are apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.record.reader import Record, load
from edge_runtime.types import F64, SIDES
from firmware_bridge.table import STATES

CHANNELS: Final = ("desired_nm", "limited_nm", "measured_nm", "knee_nm", "position_rad", "velocity_radps", "knee_rad")
"""Columns of the loop's rows that are compared, for each leg."""
_RANGE_MIN: Final = 1e-6


def compare(a: Path, b: Path) -> dict[str, Any]:
    """`channels`: {name: {`nrmse_pct`, `rmse`, `max`, `range`}} of `b` against `a`, over the time both have, which
    counts from their first assistance; None where one of them did not measure it. Raises UserError where a run is no
    record, never assisted, or is of another scenario."""
    first, second = load(a), load(b)
    names = [record.metadata.get("scenario", "") for record in (first, second)]
    if names[0] != names[1]:
        raise UserError(
            f"{a} is of scenario {names[0] or 'none'}, {b} of {names[1] or 'none'}; compare two of the same"
        )
    t_a, t_b = _seconds(first, a), _seconds(second, b)
    common = (t_a >= max(t_a[0], t_b[0])) & (t_a <= min(t_a[-1], t_b[-1]))
    channels = {}
    for channel in CHANNELS:
        for side in SIDES:
            name = f"{channel}_{side}"
            values = np.interp(t_a[common], t_b, second.cycles[name])
            channels[name] = _apart(first.cycles[name][common], values)
    return {"scenario": names[0], "seconds": float(common.sum()) * 1e-3, "channels": channels}


def _seconds(record: Record, path: Path) -> F64:
    """Time of each row from the first moment of assistance."""
    engaged = np.flatnonzero(record.cycles["governor_state"] == STATES["ENGAGED"])
    if not engaged.size:
        raise UserError(f"{path}: the governor never assisted; there is nothing to align")
    t_ns = record.cycles["t_ns"]
    return np.asarray((t_ns - t_ns[engaged[0]]) * 1e-9)


def _apart(a: F64, b: F64) -> dict[str, float] | None:
    both = np.isfinite(a) & np.isfinite(b)
    if not both.any():
        return None
    wrong, span = b[both] - a[both], float(np.ptp(a[both]))
    rmse = float(np.sqrt(np.mean(wrong**2)))
    nrmse = 100.0 * rmse / span if span > _RANGE_MIN else (0.0 if rmse == 0.0 else float("inf"))
    return {"nrmse_pct": nrmse, "rmse": rmse, "max": float(np.abs(wrong).max()), "range": span}
