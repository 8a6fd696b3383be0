"""What crosses between the parts of the estimator: each estimate with its capture stamp, deviation and validity."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]

SIDES: Final = ("r", "l")
"""Order of the legs wherever an array has a side axis."""

COORDINATES: Final = (
    "pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz",
    "hip_flexion_r", "hip_adduction_r", "hip_rotation_r", "knee_angle_r", "ankle_angle_r",
    "hip_flexion_l", "hip_adduction_l", "hip_rotation_l", "knee_angle_l", "ankle_angle_l",
)  # fmt: skip
"""OpenSim coordinate names, in the order of every `q`; rad and m; knee flexion positive (Rajagopal 2016)."""

Q_INDEX: Final = {name: i for i, name in enumerate(COORDINATES)}


@dataclass(frozen=True, slots=True)
class Frame:
    """One camera frame: `rgb` uint8 [H, W, 3]; `cut` marks the first frame after a break in the scene; `fault` says
    why nothing may be estimated from it (edge_runtime.cameras.faults), "" where it may."""

    rgb: U8
    t_capture_ns: int
    index: int
    cut: bool
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Pose:
    """33 BlazePose landmarks of the wearer.

    `xy_px` [33, 2] in image pixels, `visibility` [33] 0..1, `world_m` [33, 3] hip-centred metres
    (x right of the image, y down, z away), `score` presence 0..1, `sharpness` [33] 0..1 peak of the landmark's
    heatmap, `size_px` width and height of the frame. `reason` is "" where `valid`.
    """

    t_capture_ns: int
    valid: bool
    reason: str
    xy_px: F64
    visibility: F64
    world_m: F64
    score: float
    sharpness: F64 = field(default_factory=lambda: np.ones(33))
    size_px: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Kinematics:
    """Generalized coordinates in `COORDINATES` order.

    `q` [16] rad or m, `qd` [16] per s, `qdd` [16] per s², `sd` [16] standard deviation of `q`,
    `observed` [16] bool: seen by the camera now; `inferred` [16]: not seen, but filled from what was
    (biomech.occlusion); the rest holds a neutral value. Axes: x forward (walking direction), y up, z to the wearer's
    right. `camera_knee` [2, 2]: angle and rate of each knee as the camera alone sees them, in which no encoder has a
    part; `encoder` [2] codes of biomech.knee_fusion.ENCODER_STATES, `encoder_rad` [2] what they said, NaN: nothing.
    """

    t_capture_ns: int
    valid: bool
    reason: str
    q: F64
    qd: F64
    qdd: F64
    sd: F64
    observed: npt.NDArray[np.bool_]
    inferred: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(len(COORDINATES), dtype=np.bool_))
    camera_knee: F64 = field(default_factory=lambda: np.full((len(SIDES), 2), np.nan))
    encoder: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(SIDES), np.int64))
    encoder_rad: F64 = field(default_factory=lambda: np.full(len(SIDES), np.nan))


@dataclass(frozen=True, slots=True)
class Grf:
    """Ground reaction of both feet, sides in `SIDES` order, axes x forward, y up, z right.

    `force_n` [2, 3] N; `cop_ankle_m` [2, 3] centre of pressure minus ankle joint centre, m;
    `contact` [2] probability 0..1; `sd_n` [2, 3] standard deviation of the force.
    """

    t_capture_ns: int
    valid: bool
    reason: str
    force_n: F64
    cop_ankle_m: F64
    contact: F64
    sd_n: F64


SOLVED_DOFS: Final = tuple(
    f"{name}_{side}"
    for side in SIDES
    for name in ("hip_flexion", "hip_adduction", "hip_rotation", "knee_angle", "ankle_angle", "subtalar_angle")
)
"""The 12 coordinates that the muscles of the legs balance; the toe joints are left out (a neutral toe carries no
estimate)."""


@dataclass(frozen=True, slots=True)
class Muscles:
    """Result of the muscle solve for n muscles and m coordinates.

    `activation` [n] 0..1, `force_n` [n], `reserve_nm` [m] what the muscles leave over, `gradient_nm` largest violation
    of the optimality conditions, `iterations`, `saturated` [n] at full activation; not `converged`: the last good
    activation, `capped` where the iterations ran out, else because the input was not finite.
    """

    converged: bool
    activation: F64
    force_n: F64
    reserve_nm: F64
    gradient_nm: float
    iterations: int
    saturated: npt.NDArray[np.bool_]
    capped: bool


@dataclass(frozen=True, slots=True)
class KneeLoad:
    """Knee contact, sides in `SIDES` order: `moment_nm` [2] net knee flexion-extension moment (flexion positive);
    `medial_n`, `lateral_n`, `total_n` [2] compressive contact force."""

    moment_nm: F64
    medial_n: F64
    lateral_n: F64
    total_n: F64
