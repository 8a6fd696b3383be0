"""Segment-wise scaling of MyoLegs: lengths, masses, muscle paths, and the moments of the person that it makes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from edge_runtime.biomech.inverse_dynamics import full_forces, net_moments
from edge_runtime.biomech.model import DOF_INDEX, DOFS, UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.scaling import Inertial, Segments, stretched
from edge_runtime.biomech.trials import find_trials, read_trial
from edge_runtime.biomech.zero_phase import derivatives, low_pass
from edge_runtime.types import F64, SIDES

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


def _person(plain: LegModel, path: Path) -> Segments:
    """The factors that make MyoLegs the person of a scaled Rajagopal model: joint centres, knee axis, masses."""
    from edge_runtime.biomech.skeleton.store import compiled_model
    from edge_runtime.biomech.skeleton.tree import couple, new_motion, place

    compiled = compiled_model(path)
    tree, motion, q = compiled.skeleton.tree, new_motion(compiled.skeleton.tree), compiled.skeleton.tree.neutral.copy()
    rest = np.zeros_like(q)
    couple(tree, compiled.skeleton.functions, q, rest, rest.copy())
    place(tree, compiled.skeleton.functions, q, rest, rest, motion)
    bodies = compiled.names.bodies

    def ratio(start: str, end: str) -> F64:
        theirs = motion.origin[bodies.index(end) + 1] - motion.origin[bodies.index(start) + 1]
        return theirs / (plain.data.xpos[plain.model.body(end).id] - plain.data.xpos[plain.model.body(start).id])

    def uniform(start: str, end: str) -> tuple[float, float, float]:
        along = float(ratio(start, end)[1])
        return (1.0, along, 1.0)

    x, y, z = ratio("pelvis", "femur_r")
    feet = [(ratio(f"calcn_{s}", f"toes_{s}")[0], *ratio(f"talus_{s}", f"calcn_{s}")[1:]) for s in SIDES]
    knees = [tree.child_position[bodies.index(f"tibia_{s}")] for s in SIDES]
    inertial = {
        name: Inertial(float(tree.mass[j]), tree.com[j], tree.inertia[j])
        for j, name in enumerate(bodies)
        if name != "torso"
    }
    return Segments(
        MASS_KG, pelvis=(float(x), float(y), float(z)),
        thigh=(uniform("femur_r", "tibia_r"), uniform("femur_l", "tibia_l")),
        shank=(uniform("tibia_r", "talus_r"), uniform("tibia_l", "talus_l")),
        foot=(tuple(map(float, feet[0])), tuple(map(float, feet[1]))),  # type: ignore[arg-type]
        knee_axis_m=(tuple(map(float, knees[0])), tuple(map(float, knees[1]))),  # type: ignore[arg-type]
        inertial=inertial,
    )  # fmt: skip


RMSE_NM = {"hip_flexion": 1.5, "hip_adduction": 1.5, "ankle_angle": 1.5, "subtalar_angle": 1.5, "knee_angle": 3.0}


@pytest.mark.shared
@pytest.mark.osim
def test_moments_of_a_walk_agree_with_opensim(plain: LegModel, shared_data: Path, opensim: Any) -> None:
    trial = read_trial(find_trials(shared_data / "treadmill_walk_60s")[0])
    assert trial.model is not None
    leg = LegModel(UNSCALED_STATURE_M, MASS_KG, _person(plain, trial.model))
    q = low_pass(np.stack([trial.q[:, trial.coordinates.index(name)] for name in DOFS], axis=1), trial.rate_hz)
    qd, qdd = derivatives(q, trial.rate_hz)
    frames = range(100, len(q) - 100, 7)
    moments = np.zeros((len(frames), len(DOFS)))
    for row, k in enumerate(frames):
        leg.set_state(q[k], qd[k], qdd[k])
        ankles = np.array([leg.data.xpos[bodies.talus] for bodies in leg.legs])
        full = full_forces(leg, trial.force_n[k], trial.cop_m[k] - ankles, trial.free_nm[k])
        moments[row] = net_moments(leg, full)
    for name, most in RMSE_NM.items():
        for side in SIDES:
            coordinate = f"{name}_{side}"
            error = moments[:, DOF_INDEX[coordinate]] - trial.references.moment_nm[coordinate][list(frames)]
            rmse = float(np.sqrt(np.mean(error**2)))
            print(f"{coordinate}: RMSE {rmse:.2f} Nm")
            assert rmse < most, coordinate
