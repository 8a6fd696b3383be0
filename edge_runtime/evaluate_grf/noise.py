"""Noise like that of video pose on joint coordinates: simulated, seeded."""

from __future__ import annotations

import dataclasses
from typing import Final

import numpy as np

from edge_runtime.evaluate_grf.stream import Case
from edge_runtime.types import COORDINATES, F64

SLOW_SHARE: Final = 0.5
"""Share of the variance that changes slowly: landmark networks are off by much the same on neighbouring frames."""
SLOW_S: Final = 0.15
LEVER_M: Final = 0.15
"""Noise of the pelvis' position over that of the angles, as the kinematics filter has it: 4 mm beside 1.1 to 1.9°."""
_LENGTHS: Final = [name in ("pelvis_tx", "pelvis_ty", "pelvis_tz") for name in COORDINATES]


def noisy(case: Case, noise_deg: float, rng: np.random.Generator) -> Case:
    """`case` with normal noise of standard deviation `noise_deg` on every angle and as much at `LEVER_M` on the pelvis'
    position: half of the variance white, half of it correlated over `SLOW_S`."""
    sd = np.where(_LENGTHS, LEVER_M, 1.0) * np.radians(noise_deg)
    noise = sd * (np.sqrt(1.0 - SLOW_SHARE) * rng.normal(size=case.q.shape) + np.sqrt(SLOW_SHARE) * _slow(case, rng))
    noise_rad = float(np.hypot(case.noise_rad, np.radians(noise_deg)))
    return dataclasses.replace(case, q=case.q + noise, sd=np.hypot(case.sd, sd), noise_rad=noise_rad)


def _slow(case: Case, rng: np.random.Generator) -> F64:
    keep = np.exp(-np.diff(case.trial.t_s, prepend=case.trial.t_s[0]) / SLOW_S)
    out = rng.normal(size=case.q.shape)
    for i in range(1, len(out)):
        out[i] = keep[i] * out[i - 1] + np.sqrt(1.0 - keep[i] ** 2) * out[i]
    return out
