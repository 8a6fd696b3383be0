"""Motion and ground reaction on one clock: how late the forces come, told by Newton's law, and the trial without it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2, UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.motion import from_trial
from edge_runtime.biomech.pipeline import Biomechanics
from edge_runtime.biomech.trials import Trial
from edge_runtime.biomech.zero_phase import low_pass
from edge_runtime.types import F64, SIDES

EDGE_S: Final = 0.25
"""Left out at both ends of a trial, where filter and splines see its mirror image."""
LONGEST_S: Final = 0.05
STEP_S: Final = 0.001
SMALLEST_S: Final = 0.010
"""Shorter lags are left alone: the trials that are in step come out at -3 to 6 ms (docs/muscles.md)."""
_GAIN: Final = 0.8  # the vertical residual has to fall below this share of what it was
_FRAMES: Final = 600
_FEWEST: Final = 30
_VERTICAL: Final = DOFS.index("pelvis_ty")
_LEAST_N: Final = 1.0  # below it a foot's force has no point


@dataclass(frozen=True, slots=True)
class Aligned:
    """A trial whose forces belong to its motion, and by how many ms they came later as recorded (0.0: left alone)."""

    trial: Trial
    lag_ms: float


def aligned(trial: Trial) -> Aligned:
    """The trial with its forces moved onto the motion's clock, where they come at least `SMALLEST_S` early or late."""
    lag = force_lag_s(trial)
    if lag is None or abs(lag) < SMALLEST_S:
        return Aligned(trial, 0.0)
    return Aligned(shifted(trial, lag), 1e3 * lag)


def force_lag_s(trial: Trial) -> float | None:
    """By how much the forces come later than the motion (s), or None where it cannot be told.

    Force less weight is mass times acceleration of the whole body's centre, at the same instant. The vertical
    direction tells best: arms and a bending trunk matter least there. Needs the pelvis' position and frames with both
    feet seen. 0.0 where another lag fits hardly better than none.
    """
    if "pelvis_ty" not in trial.coordinates:
        return None
    inner = np.abs(trial.time_s - trial.time_s.mean()) <= 0.5 * np.ptp(trial.time_s) - EDGE_S
    frames = np.flatnonzero(inner & trial.seen.all(axis=1))
    frames = frames[:: max(1, len(frames) // _FRAMES)]
    if len(frames) < _FEWEST:
        return None
    needed = _carrying_n(trial, frames)
    force = low_pass(trial.force_n.sum(axis=1), trial.rate_hz)[:, 1]
    lags = np.arange(-LONGEST_S, LONGEST_S + 0.5 * STEP_S, STEP_S)
    misfit = np.array([np.std(needed - np.interp(trial.time_s[frames] + lag, trial.time_s, force)) for lag in lags])
    best = int(np.argmin(misfit))
    if best in (0, len(lags) - 1):
        return None
    return float(lags[best]) if misfit[best] < _GAIN * misfit[len(lags) // 2] else 0.0


def _carrying_n(trial: Trial, frames: npt.NDArray[np.int64]) -> F64:
    """Vertical force [M] that the motion asks of the ground: the mass scales it, the size hardly matters."""
    stated = trial.mass_kg or trial.force_n[frames, :, 1].sum(axis=1).mean() / GRAVITY_MPS2
    leg = LegModel(UNSCALED_STATURE_M, float(np.clip(stated, 20.0, 250.0)))
    biomechanics, motion, nothing = Biomechanics(leg), from_trial(trial, DOFS), np.zeros((len(SIDES), 3))
    out = np.zeros(len(frames))
    for i, k in enumerate(frames):
        biomechanics.place(motion.q[k], motion.qd[k], motion.qdd[k])
        out[i] = biomechanics.moments_here(nothing, nothing, np.zeros(len(SIDES)))[_VERTICAL]
    return out


def shifted(trial: Trial, lag_s: float) -> Trial:
    """`trial` with forces, points and free moments of `lag_s` later, straight between samples.

    Points are weighed by their force, so that the moment between a loaded and an idle sample is straight, too.
    """
    at = np.clip(trial.time_s + lag_s, trial.time_s[0], trial.time_s[-1])
    force, free = _sampled(trial, trial.force_n, at), _sampled(trial, trial.free_nm, at)
    weight = trial.force_n[:, :, 1:2]
    total = _sampled(trial, weight, at)
    loaded = total > _LEAST_N
    cop = np.where(loaded, _sampled(trial, weight * trial.cop_m, at) / np.where(loaded, total, 1.0), 0.0)
    seen = trial.seen[np.clip(np.searchsorted(trial.time_s, at), 0, len(at) - 1)]
    force, free = np.where(loaded, force, 0.0), np.where(loaded, free, 0.0)
    return replace(trial, force_n=force, cop_m=cop, free_nm=free, seen=seen)


def _sampled(trial: Trial, values: F64, at: F64) -> F64:
    flat = values.reshape(len(values), -1)
    return np.stack([np.interp(at, trial.time_s, column) for column in flat.T], axis=1).reshape(values.shape)
