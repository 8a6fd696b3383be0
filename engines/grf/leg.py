"""Where the ankles are: forward kinematics of the legs, scaled so that the standing foot meets the ground."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.grf.features import COORDINATES, F64, SIDES

# Unscaled Rajagopal 2016 full-body model, m: offsets of the scaled .osim files of the OpenSim project and of
# Uhlrich et al. 2022 divided by their scale factors (pelvis → hip, hip → knee, knee → ankle; z outward).
_HIP_M: Final = np.array([-0.0563, -0.0785, 0.0773])
_KNEE_M: Final = np.array([-0.0081, -0.4080, 0.0])
_ANKLE_M: Final = np.array([-0.0019, -0.3965, 0.0])
ANKLE_HEIGHT_M: Final = 0.075  # 0.042 m talus → calcaneus origin in the same model, and flesh and shoe below
_STANCE_BW: Final = 0.5
_I: Final = {name: i for i, name in enumerate(COORDINATES)}


def _rotation(axis: int, angle: F64) -> F64:
    """Rotation matrices [N, 3, 3] about coordinate axis 0, 1 or 2 by `angle` [N] rad."""
    c, s = np.cos(angle), np.sin(angle)
    out = np.zeros((len(angle), 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1.0
    out[:, i, i] = out[:, j, j] = c
    out[:, i, j], out[:, j, i] = -s, s
    return out


def pelvis_to_ankle(q: F64, side: str) -> F64:
    """Vector from pelvis origin to ankle joint centre, world axes, [N, 3] m, of the unscaled model at `q` [N, 16]."""
    out = 1.0 if side == "r" else -1.0
    pelvis = _rotation(2, q[:, 0]) @ _rotation(0, q[:, 1]) @ _rotation(1, q[:, 2])
    thigh = (
        pelvis
        @ _rotation(2, q[:, _I[f"hip_flexion_{side}"]])
        @ _rotation(0, out * q[:, _I[f"hip_adduction_{side}"]])
        @ _rotation(1, out * q[:, _I[f"hip_rotation_{side}"]])
    )
    shank = thigh @ _rotation(2, -q[:, _I[f"knee_angle_{side}"]])
    return pelvis @ (_HIP_M * [1.0, 1.0, out]) + thigh @ _KNEE_M + shank @ _ANKLE_M


def leg_scale(q: F64, vertical_bw: F64) -> float:
    """Factor on the model's lengths that puts the loaded ankle at its height over the ground (y = 0).

    `q` [N, 16], `vertical_bw` [N, 2] vertical force in body weights; NaN where no foot carries half the weight.
    """
    scales = []
    for i, side in enumerate(SIDES):
        loaded = vertical_bw[:, i] > _STANCE_BW
        drop = -pelvis_to_ankle(q[loaded], side)[:, 1]
        scales.append(q[loaded, _I["pelvis_ty"]] / (drop + ANKLE_HEIGHT_M))
    both = np.concatenate(scales)
    return float(np.median(both)) if len(both) else float("nan")


def ankles(q: F64, scale: float) -> F64:
    """Ankle joint centres [N, 2, 3] m in the lab, sides r and l, at `q` [N, 16] with lengths times `scale`."""
    pelvis = q[:, [_I["pelvis_tx"], _I["pelvis_ty"], _I["pelvis_tz"]]]
    return np.stack([pelvis + scale * pelvis_to_ankle(q, side) for side in SIDES], axis=1)
