"""Errors of filled gaps, pooled by length and by way of filling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engines.grf.features import F64, Mask
from engines.inpaint.gaps import SIMPLE, STREAMED, Gap

ROWS: Final = ("known", "masked", *SIMPLE, *STREAMED)
_Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution


@dataclass(frozen=True)
class Scored:
    """One gap: error of the joints [n, 3] rad and of the force [n, 2, 3] BW by row of the table, and deviations.

    `sd` [n, 3] rad is the engine's; `force_sd` [n, 2, 3] BW, `force_sd_bw_per_rad` [3] what filled joints add to it;
    `valid` [n, 2] where a plate and the engine were.
    """

    gap: Gap
    joints: dict[str, F64]
    force: dict[str, F64]
    force_sd: dict[str, F64]
    sd: F64
    valid: Mask
    fill_ms: F64
    force_sd_bw_per_rad: F64


def table(runs: list[Scored]) -> dict[str, Any]:
    """By gap length in s, by way of filling: mean |error| of the joints, deg, and of the force, % BW.

    `increase_pct` of the vertical force's mean error over that with the leg known; `coverage_90` of the engine's
    intervals, joints and (widened) force.
    """
    lengths = sorted({run.gap.length_s for run in runs})
    return {f"{s:g}": _block([r for r in runs if r.gap.length_s == s]) for s in lengths}


def _block(runs: list[Scored]) -> dict[str, Any]:
    out: dict[str, Any] = {"gaps": len(runs), "samples": int(sum(run.valid.sum() for run in runs)), "rows": {}}
    known = np.nan
    for name in ROWS:
        joints = np.concatenate([run.joints[name] for run in runs])
        force = np.concatenate([run.force[name][run.valid] for run in runs])
        vertical = 100.0 * float(np.abs(force[:, 1]).mean()) if len(force) else np.nan
        known = vertical if name == "known" else known
        out["rows"][name] = {
            "joint_mae_deg": _mean_deg(joints),
            "vertical_mae_pct_bw": vertical,
            "fore_aft_mae_pct_bw": 100.0 * float(np.abs(force[:, 0]).mean()) if len(force) else np.nan,
            "increase_pct": 100.0 * (vertical / known - 1.0),
        }
    error, sd = (np.concatenate(parts) for parts in zip(*[(r.joints["beside"], r.sd) for r in runs], strict=True))
    there = np.isfinite(error) & np.isfinite(sd)
    out["coverage_90_joints"] = float((np.abs(error) <= _Z_90 * sd)[there].mean()) if there.any() else None
    inside = [
        (np.abs(r.force["beside"]) <= _Z_90 * widened(r.force_sd["beside"], r.sd, r.force_sd_bw_per_rad))[r.valid]
        for r in runs
    ]
    out["coverage_90_force"] = float(np.concatenate(inside).mean()) if sum(map(len, inside)) else None
    return out


def widened(force_sd: F64, joint_sd: F64, per_rad: F64) -> F64:
    """Deviation of the force [n, 2, 3] with what the filled joints [n, 3] (rad) add to it."""
    filled = np.nanmean(joint_sd, axis=1)
    return np.hypot(force_sd, filled[:, None, None] * per_rad)


def _mean_deg(joints: F64) -> float | None:
    finite = np.isfinite(joints)
    return float(np.degrees(np.abs(joints[finite]).mean())) if finite.any() else None


def quantiles(values: F64) -> dict[str, float | int]:
    """Number, quantiles and largest of `values`."""
    names = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99_9": 0.999, "max": 1.0}
    return {"n": len(values), **{name: float(np.quantile(values, at)) for name, at in names.items()}}
