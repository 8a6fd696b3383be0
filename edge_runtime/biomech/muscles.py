"""Muscle layer: moment arms and Hill-type force of the leg model's muscles in its present state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import mujoco
import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.biomech import hill, stock_muscles
from edge_runtime.biomech.model import DOF_INDEX, DOFS, FORCE_MASS_EXPONENT, NONE, LegModel
from edge_runtime.types import F64, SOLVED_DOFS

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

SOLVED_INDEX: Final = np.array([DOF_INDEX[name] for name in SOLVED_DOFS])


def solved_index(leg: LegModel) -> npt.NDArray[np.int64]:
    """Coordinates of `leg.dofs` that its muscles balance: `SOLVED_DOFS`, then arms and trunk where it has them.

    From the fingers to the trunk, which couples all limbs: in this order the solver's factors keep limbs apart.
    """
    return np.append(SOLVED_INDEX, np.arange(len(leg.dofs) - 1, len(DOFS) - 1, -1))


Layer = Literal["anatomical", "stock"]
"""`anatomical`: `hill` with fibre and tendon lengths from anatomy. `stock`: MyoLegs as published, whose fibre lengths
drift from anatomy by up to 30 times; for comparison, and for the trunk and arms of the full body."""
PassiveForce = Literal["off", "on"]


@dataclass(frozen=True, slots=True)
class MuscleState:
    """n muscles on m solved coordinates.

    `arm_m` [n, m] moment arms (positive: tension acts along the coordinate); `active_n` [n] tension at full
    activation; `passive_n` [n] tension at rest.
    """

    arm_m: F64
    active_n: F64
    passive_n: F64


@njit(cache=True, nogil=True)
def _arms(
    value: F64, count: I32, first: I32, column: I32, driver: I64, slope: F64, place: I64, qvel: F64, arm: F64,
    velocity: F64,
) -> None:  # fmt: skip
    """Fill `arm` [n, m] and `velocity` [n] from MuJoCo's sparse dL/dq (rows: muscles).

    Full coordinate j moves with `slope[j]` of independent one `driver[j]`, which is number `place[...]` of the solved.
    """
    arm[:] = 0.0
    for i in range(arm.shape[0]):
        rate = 0.0
        for e in range(first[i], first[i] + count[i]):
            j = column[e]
            rate += value[e] * qvel[j]
            if driver[j] != NONE and place[driver[j]] != NONE:
                arm[i, place[driver[j]]] -= value[e] * slope[j]
        velocity[i] = rate


@njit(cache=True, nogil=True)
def _pull(value: F64, count: I32, first: I32, column: I32, force: F64, out: F64) -> None:
    out[:] = 0.0
    for i in range(force.shape[0]):
        for e in range(first[i], first[i] + count[i]):
            out[column[e]] -= value[e] * force[i]


class MuscleModel:
    """Moment arms and forces of a `LegModel`'s muscles; buffers are reused, so a state is valid until the next."""

    def __init__(self, leg: LegModel, passive: PassiveForce = "off", layer: Layer = "anatomical") -> None:
        self._leg, self._passive, self._layer = leg, passive, layer
        model: Any = leg.model
        self._prm: F64 = np.ascontiguousarray(model.actuator_gainprm[:, :9])
        self._range: F64 = model.actuator_lengthrange.copy()
        solved = solved_index(leg)
        self._place = np.full(len(leg.dofs), NONE)
        self._place[solved] = np.arange(len(solved))
        neutral = model.tendon_length0[model.actuator_trnid[:, 0]]
        force_scale = (leg.mass_kg / hill.SOURCE_MASS_KG) ** FORCE_MASS_EXPONENT
        self._known, self._hill = hill.anatomical(leg.muscle_names, neutral, force_scale)
        self._arm, self._velocity = np.zeros((model.nu, len(solved))), np.zeros(model.nu)
        self._tension = np.zeros((2, model.nu))
        self._zero = np.zeros(model.nu)

    def state(self) -> MuscleState:
        """Muscles in the pose and speed of the last `LegModel.set_state`. A muscle pulls, so its arm is -dL/dq."""
        model, leg, data = self._leg.model, self._leg, self._leg.data
        mujoco.mj_tendon(model, data)
        mujoco.mj_transmission(model, data)
        _arms(*self._sparse(), leg.driver, leg.slope, self._place, data.qvel, self._arm, self._velocity)
        if self._layer == "stock" or len(self._known) < model.nu:
            stock_muscles.tensions(data.actuator_length, self._velocity, self._range, self._prm, self._tension)
        if self._layer == "anatomical":
            hill.tensions(data.actuator_length, self._velocity, self._known, self._hill, self._tension)
        passive = self._tension[1] if self._passive == "on" else self._zero
        return MuscleState(self._arm, self._tension[0], passive)

    def pull(self, force_n: F64) -> F64:
        """What tensions [n] (N) do on all of the model's coordinates [nv] in the last `state`."""
        out = np.empty(self._leg.model.nv)
        _pull(*self._sparse(), force_n, out)
        return out

    def _sparse(self) -> tuple[F64, I32, I32, I32]:
        data = self._leg.data
        return data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
