"""Made-up standing: still postures with flat feet, whose forces follow from weight alone; no data set has any."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.grf.features import COORDINATES, F64, GRID_S, SIDES
from engines.grf.leg import pelvis_to_ankle
from engines.grf.trials import GRAVITY, Trial, make_trial
from engines.training.grf_data import STAND

COUNT: Final = 60
_SAMPLES: Final = 400
_MASS_KG: Final = 70.0  # of no effect: forces are learned in body weights
_DEG: Final = np.pi / 180.0
_ANKLE_HEIGHT_M: Final = 0.075  # as in engines.grf.leg
_UNEVEN: Final = 0.05
"""Assumed standard deviation of a foot's share of the weight: who stands still does not stand quite evenly."""


def standing_trials(rng: np.random.Generator) -> list[Trial]:
    """`COUNT` trials of somebody who stands still with knees bent by 0 to 30 degrees and sways a little.

    At rest the ground carries the weight (Newton); how it is shared between the feet and where it acts is not known,
    so the share is drawn and the centre of pressure is NaN, which training does not score.
    """
    return [_trial(rng, i) for i in range(COUNT)]


def _trial(rng: np.random.Generator, number: int) -> Trial:
    t_s: F64 = np.arange(_SAMPLES, dtype=np.float64) * GRID_S
    q: F64 = np.tile(_posture(rng), (_SAMPLES, 1)) + _sway(rng)
    size = rng.uniform(0.85, 1.2)
    drops = [-pelvis_to_ankle(q, side)[:, 1] for side in SIDES]
    q[:, COORDINATES.index("pelvis_ty")] = size * (np.maximum(*drops) + _ANKLE_HEIGHT_M)
    share = float(np.clip(0.5 + _UNEVEN * rng.normal(), 0.3, 0.7))
    force = np.zeros((_SAMPLES, 2, 3))
    force[:, 0, 1], force[:, 1, 1] = share, 1.0 - share
    unknown = np.full((_SAMPLES, 2, 3), np.nan)
    seen = np.ones((_SAMPLES, 2), dtype=np.bool_)
    name = f"standing{number}"
    return make_trial(STAND, name, name, _MASS_KG, t_s, q, force * _MASS_KG * GRAVITY, unknown, seen)


def _posture(rng: np.random.Generator) -> F64:
    q = np.zeros(len(COORDINATES))
    tilt = rng.normal() * 8.0 * _DEG
    q[COORDINATES.index("pelvis_tilt")] = tilt
    bend = rng.uniform(0.0, 30.0) * _DEG * rng.random()
    for side in SIDES:
        knee = bend + rng.normal() * 1.5 * _DEG
        thigh = 0.5 * bend + rng.normal() * 1.5 * _DEG
        angles = {
            "hip_flexion": thigh - tilt,
            "knee_angle": knee,
            "ankle_angle": knee - thigh + rng.normal() * 2.0 * _DEG,  # foot flat
            "hip_adduction": rng.normal(-2.0, 3.0) * _DEG,
            "hip_rotation": rng.normal(-5.0, 6.0) * _DEG,
        }
        for name, angle in angles.items():
            q[COORDINATES.index(f"{name}_{side}")] = angle
    return q


def _sway(rng: np.random.Generator) -> F64:
    """Slow small movement of every angle [samples, 16], rad: 0.3 degrees, knots half a second apart."""
    knots = np.arange(0, _SAMPLES + 50, 50)
    sway = np.stack(
        [np.interp(np.arange(_SAMPLES), knots, row) for row in rng.normal(size=(len(COORDINATES), len(knots)))], axis=1
    )
    sway[:, [COORDINATES.index(f"pelvis_{axis}") for axis in ("tx", "ty", "tz")]] = 0.0
    moved: F64 = 0.3 * _DEG * sway
    return moved
