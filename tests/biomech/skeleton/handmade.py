"""A compiled model written by hand: two straight legs of hinges, and muscles whose arms are known numbers."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.biomech.skeleton.format import (
    NONE,
    Basis,
    Compiled,
    Functions,
    Muscles,
    Names,
    Rows,
    Skeleton,
    Tree,
)
from edge_runtime.types import F64

G: Final = 9.81
MASS: Final = {"pelvis": 20.0, "femur": 8.0, "tibia": 4.0, "calcn": 1.0}
THIGH_M, SHANK_M, HIP_M = 0.4, 0.45, 0.1
ARM_M: Final = {"extensor": 0.04, "flexor": -0.03}  # -dL/dq: the extensor's sign is against flexion, see `SIGN`
TENSION_N: Final = 1000.0
BODIES: Final = ("pelvis", *(f"{name}_{side}" for side in "rl" for name in ("femur", "tibia", "talus", "calcn")))
COORDINATES: Final = (
    "pelvis_tilt", "pelvis_list", "pelvis_rotation", "pelvis_tx", "pelvis_ty", "pelvis_tz",
    *(f"{name}_{side}" for side in "rl" for name in ("hip_flexion", "knee_angle", "ankle_angle")),
)  # fmt: skip
MUSCLES: Final = tuple(f"{name}_{side}" for side in "rl" for name in ("extensor", "flexor"))
_LINE, _ONE, _ZERO = 0, 1, 2


def _functions() -> Functions:
    return Functions(np.array([0, 1, 2, 3]), np.zeros(3), np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]]))


def _tree() -> Tree:
    joints = len(BODIES)
    axis, coordinate = np.zeros((joints, 6, 3)), np.full((joints, 6), NONE)
    parent, position = np.zeros(joints, np.int64), np.zeros((joints, 3))
    axis[0] = [[0, 0, 1], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    coordinate[0] = range(6)
    for side, name in enumerate("rl"):
        hip = BODIES.index(f"femur_{name}")
        parent[hip : hip + 4] = [1, hip + 1, hip + 2, hip + 3]
        position[hip : hip + 4] = np.array(
            [[0, 0, HIP_M * (1 - 2 * side)], [0, -THIGH_M, 0], [0, -SHANK_M, 0], [0, 0, 0]]
        )
        for k, turn in enumerate((1.0, -1.0, 1.0)):  # knee flexion turns the shank backwards
            axis[hip + k, 0] = [0, 0, turn]
            coordinate[hip + k, 0] = 6 + 3 * side + k
    function = np.where(coordinate == NONE, NONE, _LINE)
    mass = np.array([MASS.get(body.split("_")[0], 0.0) for body in BODIES])
    com = np.zeros((joints, 3))
    for j, body in enumerate(BODIES):
        com[j, 1] = {"femur": -0.5 * THIGH_M, "tibia": -0.5 * SHANK_M}.get(body.split("_")[0], 0.0)
    inertia = mass[:, None, None] * np.diag([0.02, 0.01, 0.02])
    turned = np.tile(np.eye(3), (joints, 1, 1))
    nothing = np.zeros(0, np.int64)
    return Tree(
        parent, turned, position, turned.copy(), np.zeros((joints, 3)), axis, coordinate, function, mass, com, inertia,
        np.array([0.0, -G, 0.0]), nothing, nothing, nothing, np.zeros(len(COORDINATES), np.int64),
        np.zeros(len(COORDINATES)),
    )  # fmt: skip


def _paths() -> tuple[Basis, Rows, Rows, F64]:
    """Per leg one group over the knee: length 0.3 m - arm · q, a constant pull of 1 N along the shank."""
    span = np.array([[7], [10]])
    basis = Basis(
        np.array([1, 1]), span, np.array([0, 2, 4]), np.array([[0], [1], [0], [1]]), np.full(len(COORDINATES), 0.5),
        np.ones(len(COORDINATES)),
    )  # fmt: skip
    lengths, pulls = [], []
    for name in MUSCLES:
        arm = -ARM_M[name.split("_")[0]]  # flexion positive: the extensor's tension acts against it
        lengths += [0.3 - arm * 0.5, -arm]
        for part in [0.0, 1.0, 0.0, 0.0, 0.0, -arm]:
            pulls += [part, 0.0]
    rows = Rows(np.array([0, 2, 4]), np.arange(4), 2 * np.arange(4), np.array(lengths))
    across = Rows(np.array([0, 12, 24]), np.repeat(np.arange(4), 6), 2 * np.arange(24), np.array(pulls))
    knees = np.array([BODIES.index("tibia_r")] * 2 + [BODIES.index("tibia_l")] * 2)
    return basis, rows, across, knees


def handmade() -> Compiled:
    """36 kg... of segments `MASS`; every muscle gives `TENSION_N` at full activation and nothing at rest."""
    n = len(MUSCLES)
    basis, lengths, pulls, knees = _paths()
    muscles = Muscles(
        np.full(n, TENSION_N), np.full(n, 0.1), np.full(n, 0.2), np.zeros(n), np.full(n, 10.0), np.full(n, _ONE),
        np.full(n, _ZERO), np.full(n, _ONE),
    )  # fmt: skip
    skeleton = Skeleton(_tree(), _functions(), basis, lengths, pulls, np.asarray(knees, np.int64), muscles)
    names = Names(BODIES, tuple(f"joint_{body}" for body in BODIES), COORDINATES, MUSCLES)
    return Compiled(skeleton, names, "by hand")
