"""Inverse dynamics: net joint moments of the 20 independent coordinates from motion and ground reaction."""

from __future__ import annotations

from typing import Final

import mujoco
import numpy as np

from edge_runtime.biomech.model import DOF_INDEX, LegModel
from edge_runtime.types import F64, SIDES

KNEE_DOFS: Final = tuple(DOF_INDEX[f"knee_angle_{side}"] for side in SIDES)


_NO_FREE_MOMENT: Final = np.zeros((2, 3))


def full_forces(leg: LegModel, force_n: F64, cop_ankle_m: F64, free_nm: F64 = _NO_FREE_MOMENT) -> F64:
    """Generalized forces [36] on all coordinates of the model that carry its present motion:
    M q'' + bias - sum J_foot' F.

    `force_n` [2, 3] ground reaction and `cop_ankle_m` [2, 3] centre of pressure minus ankle centre, x
    forward, y up, z right (N, m), `free_nm` [2, 3] free moment; they act on the hind foot (calcaneus). Recursive
    Newton-Euler without contact, constraint, actuation, armature or passive forces. State: `LegModel.set_state`.
    """
    model, data = leg.model, leg.data
    mujoco.mj_comVel(model, data)
    full = np.zeros(model.nv)
    mujoco.mj_rne(model, data, 1, full)
    jacobian, turning = np.zeros((3, model.nv)), np.zeros((3, model.nv))
    for side, bodies in enumerate(leg.legs):
        point = data.xpos[bodies.talus] + cop_ankle_m[side]
        mujoco.mj_jac(model, data, jacobian, turning, point, bodies.calcn)
        full -= jacobian.T @ force_n[side] + turning.T @ free_nm[side]
    return full


def net_moments(leg: LegModel, full: F64) -> F64:
    """Net joint moments [20] in `DOFS` order from `full_forces` (J_c' f).

    First 6: residual at the pelvis (Nm, N), which a perfectly measured person would not need; then moments
    in Nm, positive along their coordinate.
    """
    moments: F64 = leg.jacobian.T @ full
    return moments


def human_moments(net_nm: F64, exo_knee_nm: F64) -> F64:
    """What the person's own tissues provide [20]: net moments minus the exoskeleton's knee torque [2] (Nm,
    flexion positive, sides in `SIDES` order). The device pushes thigh and shank with a pure couple."""
    moments: F64 = net_nm.copy()
    moments[list(KNEE_DOFS)] -= exo_knee_nm
    return moments
