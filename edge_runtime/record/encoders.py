"""What the encoders had to do with the knees of a record, and how near both were to the simulated wearer's knee."""

from __future__ import annotations

import numpy as np

from edge_runtime.biomech.knee_fusion import ENCODER_STATES
from edge_runtime.record.names import count_by_name
from edge_runtime.record.reader import Record
from edge_runtime.stats import quantiles
from edge_runtime.types import F64


def encoder_summary(record: Record, side: str) -> dict[str, object]:
    """One side: frames by state of its encoder, deviation that the knee's angle claims (deg), and root mean square
    errors (deg) of the estimated knee and of the encoder's against the simulated knee; None on hardware, where nobody
    knows it."""
    e, cycles = record.estimates, record.cycles
    valid = e["valid"] == 1.0
    true = np.full(valid.shape, np.nan)
    if np.isfinite(cycles[f"knee_rad_{side}"]).any():
        known = np.isfinite(cycles[f"knee_rad_{side}"])
        true = np.interp(e["t_capture_ns"], cycles["t_ns"][known], cycles[f"knee_rad_{side}"][known])
    return {
        "frames": count_by_name(e[f"encoder_{side}"], ENCODER_STATES),
        "knee_sd_deg": quantiles(np.degrees(e[f"knee_sd_rad_{side}"][valid])),
        "knee_rmse_deg": _rms_deg((e[f"knee_angle_{side}"] - true)[valid]),
        "encoder_rmse_deg": _rms_deg(e[f"encoder_rad_{side}"] - true),
    }


def _rms_deg(error_rad: F64) -> float | None:
    error = error_rad[np.isfinite(error_rad)]
    return float(np.degrees(np.sqrt(np.mean(error**2)))) if error.size else None
