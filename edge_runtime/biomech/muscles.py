"""Muscle layer: moment arms and Hill-type force of the leg model's muscles in its present state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import mujoco
import numpy as np
import numpy.typing as npt

from edge_runtime.biomech import hill, stock_muscles
from edge_runtime.biomech.model import DOF_INDEX, DOFS, FORCE_MASS_EXPONENT, LegModel
from edge_runtime.types import F64, SOLVED_DOFS

SOLVED_INDEX: Final = np.array([DOF_INDEX[name] for name in SOLVED_DOFS])


def solved_index(leg: LegModel) -> npt.NDArray[np.int64]:
    """Coordinates of `leg.dofs` that its muscles balance: `SOLVED_DOFS`, then trunk and arms where it has them."""
    return np.append(SOLVED_INDEX, np.arange(len(DOFS), len(leg.dofs)))


Layer = Literal["anatomical", "stock"]
"""`anatomical`: `hill` with fibre and tendon lengths from anatomy. `stock`: MyoLegs as published, whose fibre lengths
drift from anatomy by up to 30 times; for comparison, and for the trunk and arms of the full body."""
PassiveForce = Literal["off", "on"]


@dataclass(frozen=True, slots=True)
class MuscleState:
    """`arm_m` [m, n] moment arms on the solved coordinates (positive: tension acts along the coordinate); `active_n` [n] tension at
    full activation; `passive_n` [n] tension at rest; `full_arm` [nv, n] the same arms on all of the model's
    coordinates."""

    arm_m: F64
    active_n: F64
    passive_n: F64
    full_arm: F64


class MuscleModel:
    """Moment arms and forces of a `LegModel`'s muscles; buffers are reused, so a state is valid until the next."""

    def __init__(self, leg: LegModel, passive: PassiveForce = "off", layer: Layer = "anatomical") -> None:
        self._leg, self._passive, self._layer = leg, passive, layer
        model: Any = leg.model
        self._prm: F64 = np.ascontiguousarray(model.actuator_gainprm[:, :9])
        self._range: F64 = model.actuator_lengthrange.copy()
        self._solved = solved_index(leg)
        neutral = model.tendon_length0[model.actuator_trnid[:, 0]]
        force_scale = (leg.mass_kg / hill.SOURCE_MASS_KG) ** FORCE_MASS_EXPONENT
        self._known, self._hill = hill.anatomical(leg.muscle_names, neutral, force_scale)
        self._moment = np.zeros((model.nu, model.nv))
        self._tension = np.zeros((2, model.nu))
        self._zero = np.zeros(model.nu)

    def state(self) -> MuscleState:
        """Muscles in the pose and speed of the last `LegModel.set_state`. A muscle pulls, so its arm is -dL/dq."""
        model, data = self._leg.model, self._leg.data
        mujoco.mj_tendon(model, data)
        mujoco.mj_transmission(model, data)
        mujoco.mju_sparse2dense(
            self._moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        velocity = self._moment @ data.qvel
        if self._layer == "stock" or len(self._known) < model.nu:
            stock_muscles.tensions(data.actuator_length, velocity, self._range, self._prm, self._tension)
        if self._layer == "anatomical":
            hill.tensions(data.actuator_length, velocity, self._known, self._hill, self._tension)
        full_arm = -self._moment.T
        arm = self._leg.jacobian[:, self._solved].T @ full_arm
        passive = self._tension[1] if self._passive == "on" else self._zero
        return MuscleState(arm, self._tension[0], passive, full_arm)
