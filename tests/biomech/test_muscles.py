"""Muscle layer against MuJoCo's own muscle functions and against finite differences of tendon length."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from edge_runtime.biomech.model import DOF_INDEX, DOFS, LegModel
from edge_runtime.biomech.muscles import SOLVED_INDEX, MuscleModel
from edge_runtime.types import SOLVED_DOFS

WALKING = {
    "hip_flexion_r": 0.4, "knee_angle_r": 0.35, "ankle_angle_r": -0.1, "hip_adduction_r": -0.1,
    "hip_flexion_l": -0.2, "knee_angle_l": 0.9, "ankle_angle_l": 0.2, "hip_rotation_l": 0.1,
}  # fmt: skip


def place(leg: LegModel, **change: float) -> None:
    q, qd = np.zeros(len(DOFS)), np.zeros(len(DOFS))
    for name, value in WALKING.items():
        q[DOF_INDEX[name]] = value + change.get(name, 0.0)
        qd[DOF_INDEX[name]] = 3.0 * value
    leg.set_state(q, qd, np.zeros(len(DOFS)))


def test_stock_tension_is_mujocos(leg: LegModel) -> None:
    place(leg)
    state = MuscleModel(leg, "on", "stock").state()
    model, data = leg.model, leg.data
    dense = np.zeros((model.nu, model.nv))
    mujoco.mju_sparse2dense(dense, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind)
    for i in range(model.nu):
        length, velocity = data.actuator_length[i], dense[i] @ data.qvel
        prm, span = model.actuator_gainprm[i, :9], model.actuator_lengthrange[i]
        gain = mujoco.mju_muscleGain(length, velocity, span, model.actuator_acc0[i], prm)
        bias = mujoco.mju_muscleBias(length, span, model.actuator_acc0[i], prm)
        assert state.active_n[i] == pytest.approx(-gain, rel=1e-9, abs=1e-9)
        assert state.passive_n[i] == pytest.approx(-bias, rel=1e-9, abs=1e-9)


def test_passive_force_is_off_by_default(leg: LegModel) -> None:
    place(leg)
    assert np.all(MuscleModel(leg).state().passive_n == 0.0)
    assert MuscleModel(leg, "on").state().passive_n.max() > 1.0


def test_arms_are_the_dense_product(leg: LegModel) -> None:
    place(leg)
    muscles = MuscleModel(leg)
    state, model, data = muscles.state(), leg.model, leg.data
    dense = np.zeros((model.nu, model.nv))
    mujoco.mju_sparse2dense(dense, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind)
    assert state.arm_m == pytest.approx(-dense @ leg.jacobian[:, SOLVED_INDEX], abs=1e-12)
    force = np.linspace(0.0, 900.0, model.nu)
    assert muscles.pull(force) == pytest.approx(-dense.T @ force, abs=1e-9)
    full = np.linspace(-5.0, 5.0, model.nv)
    assert leg.reduce(full) == pytest.approx(leg.jacobian.T @ full, abs=1e-12)


@pytest.mark.parametrize("dof", ["hip_flexion_r", "hip_adduction_r", "knee_angle_r", "knee_angle_l", "ankle_angle_l"])
def test_arm_is_the_slope_of_length(leg: LegModel, dof: str) -> None:
    muscles, h, lengths = MuscleModel(leg), 1e-5, []
    for step in (h, -h, 0.0):
        place(leg, **{dof: step})
        arm = muscles.state().arm_m[:, SOLVED_DOFS.index(dof)].copy()
        lengths.append(leg.data.actuator_length.copy())
    slope = -(lengths[0] - lengths[1]) / (2 * h)
    assert arm == pytest.approx(slope, abs=2e-6)


@pytest.mark.parametrize(
    ("muscle", "dof", "sign"),
    [
        ("soleus_r", "ankle_angle_r", -1),
        ("tibant_l", "ankle_angle_l", 1),
        ("vaslat_r", "knee_angle_r", -1),
        ("semimem_l", "knee_angle_l", 1),
        ("psoas_r", "hip_flexion_r", 1),
        ("glmax1_l", "hip_flexion_l", -1),
        ("glmed1_l", "hip_adduction_l", -1),
    ],
)
def test_muscles_pull_the_way_anatomy_says(leg: LegModel, muscle: str, dof: str, sign: int) -> None:
    place(leg)
    arm = MuscleModel(leg).state().arm_m[leg.muscle_names.index(muscle), SOLVED_DOFS.index(dof)]
    assert 0.01 < sign * arm < 0.12
