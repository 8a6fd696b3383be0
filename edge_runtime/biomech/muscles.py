"""Muscle layer: moment arms and Hill-type force of the 80 muscles in the leg model's present state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import mujoco
import numpy as np
from numba import njit

from edge_runtime.biomech.model import DOF_INDEX, LegModel
from edge_runtime.types import F64, SIDES

SOLVED_DOFS: Final = tuple(
    f"{name}_{side}"
    for side in SIDES
    for name in (
        "hip_flexion",
        "hip_adduction",
        "hip_rotation",
        "knee_angle",
        "ankle_angle",
        "subtalar_angle",
    )
)
"""The 12 coordinates that the muscles balance; the toe joints are left out (a neutral toe carries no
estimate)."""
SOLVED_INDEX: Final = np.array([DOF_INDEX[name] for name in SOLVED_DOFS])

PassiveForce = Literal["off", "stock"]
"""`off` is the default: fibre lengths of stock MyoLegs drift from anatomy, and with them its passive
forces."""

_MIN_WIDTH: Final = 1e-15  # MuJoCo's mjMINVAL


@dataclass(frozen=True, slots=True)
class MuscleState:
    """`arm_m` [12, n] moment arms (positive: tension acts along the coordinate); `active_n` [n] tension at
    full activation; `passive_n` [n] tension at rest; `full_arm` [36, n] the same arms on all of the model's
    coordinates."""

    arm_m: F64
    active_n: F64
    passive_n: F64
    full_arm: F64


@njit(cache=True, nogil=True)
def force_length(length: float, lmin: float, lmax: float) -> float:
    """Active force over optimal force at fibre length `length` (optimal lengths): MuJoCo's bump of four
    parabolas."""
    if length < lmin or length > lmax:
        return 0.0
    low, high = 0.5 * (lmin + 1.0), 0.5 * (1.0 + lmax)
    if length <= low:
        return 0.5 * ((length - lmin) / max(low - lmin, _MIN_WIDTH)) ** 2
    if length <= 1.0:
        return 1.0 - 0.5 * ((1.0 - length) / max(1.0 - low, _MIN_WIDTH)) ** 2
    if length <= high:
        return 1.0 - 0.5 * ((length - 1.0) / max(high - 1.0, _MIN_WIDTH)) ** 2
    return 0.5 * ((lmax - length) / max(lmax - high, _MIN_WIDTH)) ** 2


@njit(cache=True, nogil=True)
def force_velocity(velocity: float, fvmax: float) -> float:
    """Active force over isometric force; `velocity` in maximal shortening velocities, lengthening
    positive."""
    rise = fvmax - 1.0
    if velocity <= -1.0:
        return 0.0
    if velocity <= 0.0:
        return (velocity + 1.0) ** 2
    if velocity <= rise:
        return fvmax - (rise - velocity) ** 2 / max(rise, _MIN_WIDTH)
    return fvmax


@njit(cache=True, nogil=True)
def passive_force(length: float, lmax: float, fpmax: float) -> float:
    """Passive force over optimal force: MuJoCo's parabola from optimal length, then a line."""
    high = 0.5 * (1.0 + lmax)
    if length <= 1.0:
        return 0.0
    if length <= high:
        return fpmax * 0.5 * ((length - 1.0) / max(high - 1.0, _MIN_WIDTH)) ** 2
    return fpmax * (0.5 + (length - high) / max(high - 1.0, _MIN_WIDTH))


@njit(cache=True, nogil=True)
def tensions(length_m: F64, velocity_mps: F64, range_m: F64, prm: F64, out_n: F64) -> None:
    """Fill `out_n` [2, n], active at full activation and passive, from muscle-tendon length and velocity
    [n]; `range_m` [n, 2] is MuJoCo's actuator_lengthrange and `prm` [n, 9] its gain parameters: range (2),
    force, scale, lmin, lmax, vmax, fpmax, fvmax."""
    for i in range(length_m.shape[0]):
        optimal = (range_m[i, 1] - range_m[i, 0]) / max(prm[i, 1] - prm[i, 0], _MIN_WIDTH)
        length = prm[i, 0] + (length_m[i] - range_m[i, 0]) / max(optimal, _MIN_WIDTH)
        velocity = velocity_mps[i] / max(optimal * prm[i, 6], _MIN_WIDTH)
        active = force_length(length, prm[i, 4], prm[i, 5]) * force_velocity(velocity, prm[i, 8])
        out_n[0, i] = prm[i, 2] * active
        out_n[1, i] = prm[i, 2] * passive_force(length, prm[i, 5], prm[i, 7])


class MuscleModel:
    """Moment arms and forces of a `LegModel`'s muscles; buffers are reused, so a state is valid until the
    next."""

    def __init__(self, leg: LegModel, passive: PassiveForce = "off") -> None:
        self._leg, self._passive = leg, passive
        model: Any = leg.model
        self._prm: F64 = np.ascontiguousarray(model.actuator_gainprm[:, :9])
        self._range: F64 = model.actuator_lengthrange.copy()
        self._moment = np.zeros((model.nu, model.nv))
        self._tension = np.zeros((2, model.nu))
        self._zero = np.zeros(model.nu)

    def state(self) -> MuscleState:
        """Muscles in the pose and speed of the last `LegModel.set_state`. A muscle pulls, so its arm is
        -dL/dq."""
        model, data = self._leg.model, self._leg.data
        mujoco.mj_tendon(model, data)
        mujoco.mj_transmission(model, data)
        mujoco.mju_sparse2dense(
            self._moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        velocity = self._moment @ data.qvel
        tensions(data.actuator_length, velocity, self._range, self._prm, self._tension)
        full_arm = -self._moment.T
        arm = self._leg.jacobian[:, SOLVED_INDEX].T @ full_arm
        passive = self._tension[1] if self._passive == "stock" else self._zero
        return MuscleState(arm, self._tension[0], passive, full_arm)
