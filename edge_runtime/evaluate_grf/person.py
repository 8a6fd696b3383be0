"""The person of a trial without a model: stature from the coordinates, trunk where it was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from edge_runtime.biomech.model import UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.whole_body import TRUNK_COORDINATES, BodySegments, body_segments
from edge_runtime.types import F64, Q_INDEX, SIDES
from engines.grf.leg import ANKLE_HEIGHT_M, pelvis_to_ankle
from engines.grf.trials import Trial

_POSSIBLE_M: Final = (1.2, 2.2)
_FLAT_SHARE: Final = 0.1  # of the frames, those where the pelvis stands lowest over the lower foot: it is flat then
_LEG: Final = [f"{part}_{side}" for side in SIDES for part in ("hip_flexion", "knee_angle")]
_NEEDED: Final = [Q_INDEX[name] for name in ("pelvis_ty", "pelvis_tilt", *_LEG)]

_segments: dict[tuple[int, int], BodySegments] = {}


def stature_m(trial: Trial) -> float:
    """Stature from how high the pelvis stands over the lower ankle, as if the ground were at y = 0.

    Uses no force. That of the unscaled model where heights, or a leg, were not measured or are not possible.
    """
    seen = trial.observed[:, _NEEDED].all(axis=1)
    if not seen.any():
        return UNSCALED_STATURE_M
    q = trial.q[seen]
    drop = np.max([-pelvis_to_ankle(q, side)[:, 1] for side in SIDES], axis=0)
    scale = float(np.quantile(q[:, Q_INDEX["pelvis_ty"]] / (drop + ANKLE_HEIGHT_M), _FLAT_SHARE))
    stature = scale * UNSCALED_STATURE_M
    return stature if _POSSIBLE_M[0] <= stature <= _POSSIBLE_M[1] else UNSCALED_STATURE_M


def segments_of(trial: Trial) -> BodySegments:
    """Body segments of the trial's person; to the centimetre and hundred grams the same person is built once."""
    key = round(100 * stature_m(trial)), round(10 * min(max(trial.mass_kg, 20.0), 250.0))
    if key not in _segments:
        _segments[key] = body_segments(LegModel(key[0] / 100, key[1] / 10))
    return _segments[key]


def read_trunk(path: Path) -> F64 | None:
    """Trunk angles [N, 3] (rad, `TRUNK_COORDINATES`) of the trial in `path`; None where they are not all there."""
    with np.load(path, allow_pickle=False) as file:
        names = [str(name) for name in file["q_names"]]
        if not set(TRUNK_COORDINATES) <= set(names):
            return None
        angles = np.radians(file["q"][:, [names.index(name) for name in TRUNK_COORDINATES]].astype(np.float64))
    return angles if np.isfinite(angles).all() else None
