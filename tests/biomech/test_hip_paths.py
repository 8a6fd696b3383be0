"""Moment arms of MyoLegs where it once differed from the OpenSim model it was made from: knee axis, hip paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.model import DOF_INDEX, KNEE_AXIS_M, UNSCALED_STATURE_M, LegModel, load_full_body
from edge_runtime.biomech.muscles import MuscleModel
from edge_runtime.biomech.segments import segments_of
from edge_runtime.biomech.skeleton.store import compiled_model
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES, SOLVED_DOFS
from tests.conftest import unavailable

ARM_M = 0.006


def arms(leg: LegModel, **degrees: float) -> dict[tuple[str, str], float]:
    """{(muscle, coordinate): m} of the right leg, in a pose of both legs."""
    q = np.zeros(len(leg.dofs))
    for name, value in degrees.items():
        for side in SIDES:
            q[DOF_INDEX[f"{name}_{side}"]] = np.radians(value)
    leg.set_state(q, np.zeros_like(q), np.zeros_like(q))
    arm: F64 = MuscleModel(leg).state().arm_m
    return {(m, c): arm[i, k] for i, m in enumerate(leg.muscle_names) for k, c in enumerate(SOLVED_DOFS)}


def test_the_knee_turns_where_rajagopals_does(leg: LegModel) -> None:
    for side, bodies in zip(SIDES, leg.legs, strict=True):
        place = leg.model.jnt_pos[leg.model.dof_jntid[bodies.knee]] / leg.length_scale
        mirror = 1.0 if side == "r" else -1.0
        assert place == pytest.approx(np.tile(np.array(KNEE_AXIS_M) * (1.0, 1.0, mirror), (6, 1)))


@pytest.mark.parametrize("hip_deg", [-30.0, -20.0, 0.0, 30.0])
def test_the_psoas_keeps_its_lever_in_hip_extension(leg: LegModel, hip_deg: float) -> None:
    """Without its wrap over the pelvis' brim it has 9 mm at -30 degrees, and other muscles must flex the hip."""
    found = arms(leg, hip_flexion=hip_deg)
    for side in SIDES:
        assert 0.024 < found[f"psoas_{side}", f"hip_flexion_{side}"] < 0.040


def test_both_sides_are_mirrored(leg: LegModel) -> None:
    for pose in ({"hip_flexion": -25.0}, {"hip_flexion": 50.0, "hip_adduction": -10.0, "knee_angle": 60.0}):
        found = arms(leg, **pose)
        for name in ("psoas", "glmax1", "glmed1", "glmed3", "glmin2", "tfl", "vaslat", "bflh"):
            for joint in ("hip_flexion", "hip_adduction", "knee_angle"):
                right, left = (found[f"{name}_{side}", f"{joint}_{side}"] for side in SIDES)
                assert right == pytest.approx(left, abs=2e-4), (name, joint)


def test_the_full_body_has_the_same_legs() -> None:
    try:
        unscaled = load_full_body()
    except UserError as error:
        unavailable(str(error))
    whole, legs = LegModel(1.75, 75.0, unscaled=unscaled), LegModel(1.75, 75.0)
    for pose in ({"hip_flexion": -25.0}, {"hip_flexion": 40.0, "knee_angle": 60.0}):
        theirs, ours = arms(whole, **pose), arms(legs, **pose)
        for name in ("psoas_r", "glmed2_r", "tfl_l", "vasmed_l"):
            key = (name, f"hip_flexion_{name[-1]}")
            assert theirs[key] == pytest.approx(ours[key], abs=1e-6)


@pytest.mark.osim
@pytest.mark.shared
def test_arms_agree_with_opensims_on_a_scaled_model(opensim: Any, shared_data: Any) -> None:
    path = next((shared_data / "opensim_core_walk").glob("*.osim"))
    model = opensim.Model(str(path))
    state = model.initSystem()
    leg = LegModel(UNSCALED_STATURE_M, 80.0, segments_of(compiled_model(path), "lengths"))
    worst: dict[tuple[str, str], float] = {}
    for pose in (
        {"hip_flexion": -20.0, "knee_angle": 10.0},
        {"hip_flexion": 0.0, "knee_angle": 20.0},
        {"hip_flexion": 25.0, "knee_angle": 45.0, "hip_adduction": 8.0},
    ):
        ours = arms(leg, **pose)
        angles = {"hip_adduction": 0.0} | pose | {"knee_angle_r_beta": pose["knee_angle"]}
        for name, degrees in angles.items():
            full = name if name.endswith("beta") else f"{name}_r"
            model.getCoordinateSet().get(full).setValue(state, float(np.radians(degrees)), False)
        model.realizePosition(state)
        for muscle, joint in (
            ("psoas_r", "hip_flexion_r"), ("glmax1_r", "hip_flexion_r"), ("glmed1_r", "hip_adduction_r"),
            ("glmed3_r", "hip_adduction_r"), ("glmin1_r", "hip_flexion_r"), ("vaslat_r", "knee_angle_r"),
            ("vasmed_r", "knee_angle_r"), ("bflh_r", "knee_angle_r"), ("semimem_r", "knee_angle_r"),
        ):  # fmt: skip
            theirs = model.getMuscles().get(muscle).computeMomentArm(state, model.getCoordinateSet().get(joint))
            worst[muscle, joint] = max(worst.get((muscle, joint), 0.0), abs(theirs - ours[muscle, joint]))
    assert max(worst.values()) < ARM_M, worst
