"""Segment-wise scaling of MyoLegs: lengths, masses, muscle paths, and the moments of the person that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from edge_runtime.biomech.model import DOFS, UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.scaling import Inertial, Segments, stretched
from edge_runtime.biomech.segments import segments_of
from edge_runtime.biomech.skeleton.evaluate import Plan, evaluate_myolegs
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES
from tests.biomech.skeleton.handmade import handmade

MASS_KG = 86.04


def scaled(**changes: Any) -> LegModel:
    return LegModel(UNSCALED_STATURE_M, MASS_KG, Segments(MASS_KG, **changes))


def neutral(leg: LegModel) -> LegModel:
    leg.set_state(np.zeros(len(DOFS)), np.zeros(len(DOFS)), np.zeros(len(DOFS)))
    return leg


@pytest.fixture(scope="module")
def plain() -> LegModel:
    return neutral(LegModel(UNSCALED_STATURE_M, MASS_KG))


def test_factors_of_one_are_the_unscaled_model(plain: LegModel) -> None:
    same = scaled()
    for field in ("body_pos", "body_mass", "site_pos", "tendon_length0", "actuator_lengthrange", "eq_data"):
        assert getattr(same.model, field) == pytest.approx(getattr(plain.model, field), rel=1e-6, abs=1e-9), field
    principal = np.sort(same.model.body_inertia, axis=1)  # axes may come in another order
    assert principal == pytest.approx(np.sort(plain.model.body_inertia, axis=1), rel=1e-6, abs=1e-9)


def test_each_segment_grows_alone(plain: LegModel) -> None:
    one, shank = (1.0, 1.0, 1.0), (1.1, 1.2, 1.1)
    leg = neutral(scaled(shank=(shank, one), pelvis=(1.0, 1.0, 1.3)))

    def span(model: LegModel, start: str, end: str) -> F64:
        return model.data.xpos[model.model.body(end).id] - model.data.xpos[model.model.body(start).id]

    assert span(leg, "tibia_r", "talus_r") == pytest.approx(span(plain, "tibia_r", "talus_r") * shank, abs=1e-8)
    assert span(leg, "tibia_l", "talus_l") == pytest.approx(span(plain, "tibia_l", "talus_l"), abs=1e-8)
    assert span(leg, "femur_r", "tibia_r") == pytest.approx(span(plain, "femur_r", "tibia_r"), abs=1e-8)
    assert span(leg, "femur_l", "femur_r") == pytest.approx(1.3 * span(plain, "femur_l", "femur_r"), abs=1e-8)


def test_mass_is_kept_and_muscles_follow_their_paths(plain: LegModel) -> None:
    leg = scaled(shank=((1.2, 1.2, 1.2), (1.0, 1.0, 1.0)))
    assert leg.model.body_mass.sum() == pytest.approx(MASS_KG)
    soleus = leg.muscle_names.index("soleus_r")
    tendon = leg.model.actuator_trnid[soleus, 0]
    ratio = leg.model.tendon_length0[tendon] / plain.model.tendon_length0[tendon]
    assert 1.1 < ratio < 1.2
    assert leg.model.actuator_lengthrange[soleus] == pytest.approx(ratio * plain.model.actuator_lengthrange[soleus])


def test_own_inertial_properties_are_taken_as_given() -> None:
    inertia = np.array([[0.2, 0.01, 0.0], [0.01, 0.05, 0.0], [0.0, 0.0, 0.21]])
    leg = scaled(inertial={"femur_r": Inertial(11.0, np.array([0.0, -0.2, 0.01]), inertia)})
    body = leg.model.body("femur_r").id
    axes = np.zeros(9)
    mujoco.mju_quat2Mat(axes, leg.model.body_iquat[body])
    turn = axes.reshape(3, 3)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    assert turn @ np.diag(leg.model.body_inertia[body]) @ turn.T == pytest.approx(inertia)
    assert leg.model.body_ipos[body] == pytest.approx([0.0, -0.2, 0.01])
    assert leg.model.body_mass.sum() == pytest.approx(MASS_KG)


def test_a_stretched_box_has_the_inertia_of_the_longer_box() -> None:
    def box(a: float, b: float, c: float) -> F64:
        return np.diag([b * b + c * c, a * a + c * c, a * a + b * b]) / 12.0

    assert stretched(box(0.1, 0.4, 0.2), np.array([2.0, 1.5, 1.0])) == pytest.approx(box(0.2, 0.6, 0.2))


RMSE_NM = {"hip_flexion": 1.5, "hip_adduction": 1.5, "ankle_angle": 1.5, "subtalar_angle": 1.5, "knee_angle": 3.0}


@pytest.mark.shared
@pytest.mark.osim
def test_moments_of_a_walk_agree_with_opensim(shared_data: Path, opensim: Any) -> None:
    result = evaluate_myolegs(Plan(shared_data / "treadmill_walk_60s"), "inertia", lambda done, count: None)
    for name, most in RMSE_NM.items():
        for side in SIDES:
            assert result["moment_rmse_nm"][f"{name}_{side}"] < most, name


def test_a_model_without_feet_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="toes_l"):
        segments_of(handmade())
