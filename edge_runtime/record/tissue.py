"""Sums up what the tissue observer saw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge_runtime.types import F64, SIDES


def tissue_summary(tissue: Mapping[str, F64]) -> dict[str, object] | None:
    """For summary.json: what the observer saw of each leg; None without it."""
    if not len(tissue.get("t_ns", ())):
        return None
    legs: dict[str, object] = {}
    for side in SIDES:
        legs[side] = {
            "thigh_p95_kpa": _largest(tissue[f"thigh_p95_pa_{side}"]) / 1e3,
            "shank_p95_kpa": _largest(tissue[f"shank_p95_pa_{side}"]) / 1e3,
            "loss_j": _middle(tissue[f"loss_j_{side}"]),
            "given_j": _middle(tissue[f"given_j_{side}"]),
            "gain": _middle(tissue[f"gain_{side}"]),
            "doubt": _largest(tissue[f"doubt_{side}"]),
            "reduced_share": float(np.mean(tissue[f"full_{side}"] == 0.0)),
        }
    return legs


def _largest(values: F64) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else float("nan")


def _middle(values: F64) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")
