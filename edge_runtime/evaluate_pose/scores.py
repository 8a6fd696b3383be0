"""Errors of joint angles: size, bias, swaps, lag, jitter, coverage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import numpy as np

from edge_runtime.evaluate_pose.stream import Mask, Streamed
from edge_runtime.types import F64
from engines.grf.engine import GAP_S, WARM_UP_S
from engines.pose.head.features import COORDINATES

SCORED: Final = ("knee_angle", "hip_flexion", "ankle_angle")
Z_90: Final = 1.6449  # half-width of the central 90 % of a normal distribution
_SWAP_DEG: Final = 40.0
"""A frame counts as swapped where both knees together would be nearer to the truth by this much if exchanged; crossing
legs gave 40 to 60° spikes."""
_LONGEST_LAG_S: Final = 0.12

_INDEX: Final = {name: i for i, name in enumerate(COORDINATES)}
_KNEES: Final = [_INDEX["knee_angle_r"], _INDEX["knee_angle_l"]]


def near_side(run: Streamed) -> int:
    """0 where the right leg is nearer to the camera, 1 the left: as the trial says, else as the head saw it."""
    if run.trial.near is not None:
        return run.trial.near
    return 0 if float(np.median(run.facing_rad[run.scored])) >= 0.0 else 1


def errors_deg(run: Streamed, way: str, coordinate: str, which: str) -> F64:
    """Errors by one of `WAYS` in one coordinate of the "near" or "far" leg, in the scored frames that have a truth."""
    near = near_side(run)
    side = ("r", "l")[near if which == "near" else 1 - near]
    column = _INDEX[f"{coordinate}_{side}"]
    error = np.degrees(run.q[way][run.scored, column] - run.truth[run.scored, column])
    return np.asarray(error[np.isfinite(error)])


def table(runs: Sequence[Streamed], way: str) -> dict[str, Any]:
    """{coordinate: {near, far: {rmse_deg, bias_deg, rmse_debiased_deg}}}, pooled; the bias is taken off per trial."""
    found: dict[str, Any] = {}
    for coordinate in SCORED:
        found[coordinate] = {}
        for which in ("near", "far"):
            parts = [errors_deg(run, way, coordinate, which) for run in runs]
            found[coordinate][which] = _spread([part for part in parts if len(part)])
    return found


def _spread(parts: list[F64]) -> dict[str, float | None]:
    if not parts:
        return {"rmse_deg": None, "bias_deg": None, "rmse_debiased_deg": None}
    every = np.concatenate(parts)
    centred = np.concatenate([part - part.mean() for part in parts])
    return {
        "rmse_deg": float(np.sqrt(np.mean(every**2))),
        "bias_deg": float(every.mean()),
        "rmse_debiased_deg": float(np.sqrt(np.mean(centred**2))),
    }


def pelvis_table(runs: Sequence[Streamed]) -> dict[str, float | None]:
    """RMSE (deg) of the other coordinates of the head, both sides together, where the truth has them."""
    found: dict[str, float | None] = {}
    for name in ("pelvis_tilt", "pelvis_list", "pelvis_rotation", "hip_adduction", "hip_rotation"):
        columns = [i for i, own in enumerate(COORDINATES) if own.startswith(name)]
        error = np.concatenate([(run.q["fused"] - run.truth)[run.scored][:, columns].ravel() for run in runs])
        error = np.degrees(error[np.isfinite(error)])
        found[name] = float(np.sqrt(np.mean(error**2))) if len(error) else None
    return found


def world_table(runs: Sequence[Streamed]) -> dict[str, Any] | None:
    """Middle of the hips (cm): RMSE to the right, upwards, towards the camera and in space; `path_rmse_cm` with each
    trial's mean error taken off; share within the predicted 90 % interval. None where no trial knows the truth."""
    errors = [(run.world_m - run.hips_m)[run.scored] for run in runs]
    errors = [error[np.isfinite(error).all(axis=1)] for error in errors]
    if not any(len(error) for error in errors):
        return None
    every = 100.0 * np.concatenate(errors)
    path = 100.0 * np.concatenate([error - error.mean(axis=0) for error in errors if len(error)])
    z = np.concatenate([((run.world_m - run.hips_m) / run.world_sd_m)[run.scored].ravel() for run in runs])
    axes = dict(zip(("right", "up", "towards"), np.sqrt(np.mean(every**2, axis=0)).tolist(), strict=True))
    return {
        "rmse_cm": axes | {"space": float(np.sqrt(np.mean((every**2).sum(axis=1))))},
        "path_rmse_cm": float(np.sqrt(np.mean((path**2).sum(axis=1)))),
        "coverage_90": float(np.mean(np.abs(z[np.isfinite(z)]) <= Z_90)),
    }


def swap_rate(runs: Sequence[Streamed], frames: Callable[[Streamed], Mask] = attrgetter("scored")) -> float:
    """Share of `frames` [N] (the scored ones) in which the output has the legs exchanged."""
    swapped = total = 0
    for run in runs:
        q, truth = (np.degrees(angles[frames(run)][:, _KNEES]) for angles in (run.q["fused"], run.truth))
        direct = np.abs(q - truth).sum(axis=1)
        exchanged = np.abs(q[:, ::-1] - truth).sum(axis=1)
        swapped += int(np.count_nonzero(direct - exchanged > _SWAP_DEG))
        total += len(q)
    return swapped / max(1, total)


def acted_on(run: Streamed) -> Mask:
    """Scored frames [N] on which torque may rest: in a run the force network needs `WARM_UP_S` of motion first, anew
    after every gap of `GAP_S`, and no help is given before."""
    at = np.flatnonzero(run.seen)
    t_s = run.t_s[at]
    begun_s = np.maximum.accumulate(np.where(np.diff(t_s, prepend=-np.inf) > GAP_S, t_s, -np.inf))
    moved = np.zeros(len(run.t_s), np.bool_)
    moved[at] = t_s - begun_s >= WARM_UP_S
    return moved & run.scored


def coverage(runs: Sequence[Streamed]) -> dict[str, float | None]:
    """Share of frames within the predicted 90 % interval, of each of `SCORED` and of "all" of them."""
    found: dict[str, float | None] = {}
    for name in (*SCORED, ""):
        columns = [_INDEX[f"{part}_{side}"] for part in SCORED for side in ("r", "l") if part.startswith(name)]
        error = np.concatenate([(run.q["fused"] - run.truth)[run.scored][:, columns].ravel() for run in runs])
        sd = np.concatenate([run.sd["fused"][run.scored][:, columns].ravel() for run in runs])
        good = np.isfinite(error)
        inside = np.abs(error[good]) <= Z_90 * sd[good]
        found[name or "all"] = float(inside.mean()) if len(inside) else None
    return found


def lag_ms(run: Streamed) -> float | None:
    """How late the knees come (ms, negative: early): the shift at which estimate and truth agree best, mean of both."""
    lags = [_lag_s(run.t_s[run.scored], run.q["fused"][run.scored, k], run.truth[run.scored, k]) for k in _KNEES]
    known = [lag for lag in lags if lag is not None]
    return 1e3 * float(np.mean(known)) if known else None


def _lag_s(t_s: F64, estimate: F64, truth: F64) -> float | None:
    if len(t_s) < 30 or np.ptp(truth) < np.radians(15.0):
        return None
    steps = np.arange(-_LONGEST_LAG_S, _LONGEST_LAG_S + 1e-9, 0.004)
    inner = (t_s > t_s[0] + _LONGEST_LAG_S) & (t_s < t_s[-1] - _LONGEST_LAG_S)
    misses = np.array([np.std(estimate[inner] - np.interp(t_s[inner] - lag, t_s, truth)) for lag in steps])
    best = int(np.argmin(misses))
    if not 0 < best < len(steps) - 1:
        return float(steps[best])
    before, at, after = misses[best - 1 : best + 2] ** 2
    return float(steps[best] + 0.004 * 0.5 * (before - after) / max(before - 2 * at + after, 1e-12))


def jitter_deg(runs: Sequence[Streamed]) -> float:
    """RMS change of the knees' error from one frame to the next."""
    moved = [np.diff(np.degrees(run.q["fused"] - run.truth)[run.scored][:, _KNEES], axis=0).ravel() for run in runs]
    return float(np.sqrt(np.mean(np.concatenate(moved) ** 2)))
