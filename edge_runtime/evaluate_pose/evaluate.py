"""`evaluate`: every trial of a folder through landmark network and head, scored against the true angles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from edge_runtime.evaluate_pose import scores
from edge_runtime.evaluate_pose.stream import Streamed, stream
from edge_runtime.evaluate_pose.trials import find_trials
from edge_runtime.stats import quantiles
from engines.pose.engine import open_nets

_VIEWS: Final = {"side": (75.0, 105.0), "60": (45.0, 75.0), "30": (15.0, 45.0)}
"""Degrees off frontal; other views are pooled as "other"."""


def evaluate(data_dir: Path, engine: str, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Errors on the trials under `data_dir` with landmark network `engine`, by the keys of the benchmark table.

    UserError: no folder, no trial, a broken one. EngineError: the network is not there.
    """
    cv2.setNumThreads(1)  # as in a run
    trials = find_trials(data_dir)
    nets = open_nets(engine)
    runs: list[Streamed] = []
    for i, trial in enumerate(trials):
        progress(i, len(trials))
        runs.append(stream(trial, nets.tracker()))
    progress(len(trials), len(trials))
    views = {name: [run for run in runs if view_of(run) == name] for name in (*_VIEWS, "other")}
    return {
        "engine": engine,
        "trials": len(runs),
        **block(runs),
        "ms_per_frame": quantiles(np.concatenate([run.frame_ms[run.scored] for run in runs])),
        "by_view": {name: {"trials": len(some), **block(some)} for name, some in views.items() if some},
        "per_trial": [
            {"name": run.trial.name, "view": view_of(run), "near_side": "rl"[scores.near_side(run)], **block([run])}
            for run in runs
        ],
    }


def block(runs: list[Streamed]) -> dict[str, Any]:
    """Pooled scores of the kinematics filter on the head.

    `head_alone`: before the filter. `without_head`: the filter on angles read off the image. `with_encoder`: with
    simulated encoders. `seen_share`: frames, from the first angles on, in which the wearer was found; the others
    are invalid and not scored. `swap_rate_acted_on`: in those frames alone on which torque may rest.
    """
    runs = [run for run in runs if run.scored.any()]
    if not runs:
        return {"overall": None, "seen_share": 0.0}
    covered = scores.coverage(runs)
    lags = [lag for lag in (scores.lag_ms(run) for run in runs) if lag is not None]
    return {
        "overall": scores.table(runs, "fused"),
        "head_alone": scores.table(runs, "head"),
        "without_head": scores.table(runs, "plain"),
        "with_encoder": {"knee_angle": scores.table(runs, "encoder")["knee_angle"]},
        "pelvis_rmse_deg": scores.pelvis_table(runs),
        "world": scores.world_table(runs),
        "swap_rate": scores.swap_rate(runs),
        "swap_rate_acted_on": scores.swap_rate(runs, scores.acted_on),
        "coverage_90": covered.pop("all"),
        "coverage_90_by_coordinate": covered,
        "lag_ms": float(np.mean(lags)) if lags else None,
        "jitter_deg": scores.jitter_deg(runs),
        "seen_share": float(np.mean(np.concatenate([run.seen[run.usable] for run in runs]))),
    }


def view_of(run: Streamed) -> str:
    """Which of `_VIEWS` a trial shows: as it says itself, else as the head saw it."""
    said = run.trial.yaw_deg
    if said is None:
        said = float(np.degrees(np.median(run.facing_rad[run.usable]))) if run.usable.any() else 0.0
    for name, (low, high) in _VIEWS.items():
        if low <= abs(said) < high:
            return name
    return "other"
