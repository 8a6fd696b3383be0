"""Leg model: axes, scaling, couplings, and what its constants claim about the unscaled MyoLegs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.biomech.kinematics import PELVIS_FROM_HIPS_M
from edge_runtime.biomech.knee_contact import LATERAL_M, MEDIAL_M
from edge_runtime.biomech.model import (
    DOF_INDEX,
    DOFS,
    PLATEAU_CENTRE_M,
    UNSCALED_STATURE_M,
    LegModel,
    load_unscaled,
)
from edge_runtime.errors import UserError
from edge_runtime.types import F64


def mesh_points(model: Any, data: Any, body: str) -> F64:
    """World positions of all mesh vertices of a body."""
    points = []
    for geom in np.flatnonzero(model.geom_bodyid == model.body(body).id):
        if model.geom_type[geom] == mujoco.mjtGeom.mjGEOM_MESH:
            mesh = model.geom_dataid[geom]
            first = model.mesh_vertadr[mesh]
            vertices = model.mesh_vert[first : first + model.mesh_vertnum[mesh]]
            points.append(vertices @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom])
    return np.concatenate(points)


@pytest.fixture(scope="module")
def neutral(unscaled: Any) -> Any:
    data = mujoco.MjData(unscaled)
    mujoco.mj_kinematics(unscaled, data)
    return data


def test_constants_match_the_unscaled_model(unscaled: Any, neutral: Any) -> None:
    sole = min(mesh_points(unscaled, neutral, f"{b}_r")[:, 1].min() for b in ("calcn", "toes"))
    crown = mesh_points(unscaled, neutral, "head")[:, 1].max()
    assert crown - sole == pytest.approx(UNSCALED_STATURE_M, abs=1e-3)
    hip = neutral.xpos[unscaled.body("femur_r").id] - neutral.xpos[unscaled.body("pelvis").id]
    assert (-hip[0], -hip[1]) == pytest.approx(PELVIS_FROM_HIPS_M, abs=1e-4)
    femur = mesh_points(unscaled, neutral, "femur_r") - neutral.xpos[unscaled.body("tibia_r").id]
    condyles = femur[femur[:, 1] < 0.05]
    inner, outer = (c[c[:, 1].argmin()] for c in (condyles[condyles[:, 2] < -0.01], condyles[condyles[:, 2] > 0.01]))
    assert (-inner[2], outer[2]) == pytest.approx((MEDIAL_M, LATERAL_M), abs=2e-3)
    assert inner[1] == pytest.approx(PLATEAU_CENTRE_M[1], abs=1e-3)


def moved(leg: LegModel, dof: str, body: str) -> F64:
    """How far `body` goes when one coordinate turns by 0.3 rad from neutral."""
    places = []
    for angle in (0.0, 0.3):
        q = np.zeros(len(DOFS))
        q[DOF_INDEX[dof]] = angle
        leg.set_state(q, np.zeros(len(DOFS)), np.zeros(len(DOFS)))
        places.append(leg.data.xpos[leg.model.body(body).id].copy())
    shift: F64 = places[1] - places[0]
    return shift


@pytest.mark.parametrize(
    ("dof", "body", "axis", "sign"),
    [
        ("pelvis_tilt", "head", 0, -1),
        ("hip_flexion_r", "tibia_r", 0, 1),
        ("hip_flexion_l", "tibia_l", 0, 1),
        ("hip_adduction_r", "tibia_r", 2, -1),
        ("hip_adduction_l", "tibia_l", 2, 1),
        ("knee_angle_r", "talus_r", 0, -1),
        ("knee_angle_l", "talus_l", 0, -1),
        ("ankle_angle_r", "toes_r", 1, 1),
        ("ankle_angle_l", "toes_l", 1, 1),
        ("pelvis_tx", "pelvis", 0, 1),
    ],
)
def test_signs_follow_opensim(leg: LegModel, dof: str, body: str, axis: int, sign: int) -> None:
    assert sign * moved(leg, dof, body)[axis] > 0.01


def test_stands_upright_in_opensim_axes(leg: LegModel) -> None:
    leg.set_state(*np.zeros((3, len(DOFS))))
    place = {name: leg.data.xpos[leg.model.body(name).id] for name in ("talus_r", "toes_r", "talus_l", "head")}
    assert place["toes_r"][0] > place["talus_r"][0] + 0.1
    assert place["talus_r"][2] > 0.05 > -0.05 > place["talus_l"][2]
    assert place["talus_r"][1] < -0.8 < 0.5 < place["head"][1]


def test_scaling_follows_stature_and_mass(unscaled: Any, leg: LegModel) -> None:
    length, mass = leg.height_m / UNSCALED_STATURE_M, leg.mass_kg / unscaled.body_mass.sum()
    assert leg.model.body_mass.sum() == pytest.approx(leg.mass_kg)
    assert leg.model.tendon_length0 == pytest.approx(unscaled.tendon_length0 * length, rel=1e-9)
    assert leg.model.actuator_lengthrange == pytest.approx(unscaled.actuator_lengthrange * length)
    assert leg.model.body_inertia == pytest.approx(unscaled.body_inertia * mass * length**2)
    assert leg.model.actuator_gainprm[:, 2] == pytest.approx(unscaled.actuator_gainprm[:, 2] * mass ** (2 / 3))


@given(angle=st.floats(-0.1, 2.0), speed=st.floats(-8, 8), acceleration=st.floats(-100, 100))
def test_couplings_and_their_derivatives(leg: LegModel, angle: float, speed: float, acceleration: float) -> None:
    h, full = 1e-4, []
    q, qd, qdd = np.zeros((3, len(DOFS)))
    knee = DOF_INDEX["knee_angle_l"]
    for t in (-h, 0.0, h):
        q[knee] = angle + speed * t + 0.5 * acceleration * t * t
        qd[knee], qdd[knee] = speed + acceleration * t, acceleration
        leg.set_state(q, qd, qdd)
        full.append((leg.data.qpos.copy(), leg.data.qvel.copy(), leg.data.qacc.copy()))
        assert leg.jacobian @ qd == pytest.approx(leg.data.qvel, abs=1e-12)
    (before, v0, _), (_, now_v, now_a), (after, v1, _) = full
    assert (after - before) / (2 * h) == pytest.approx(now_v, abs=1e-4)
    assert (v1 - v0) / (2 * h) == pytest.approx(now_a, abs=2e-2)


def test_equality_constraints_hold(leg: LegModel) -> None:
    q = np.zeros(len(DOFS))
    q[DOF_INDEX["knee_angle_r"]] = 1.1
    leg.set_state(q, np.zeros(len(DOFS)), np.zeros(len(DOFS)))
    data = mujoco.MjData(leg.model)
    data.qpos[:] = leg.data.qpos
    mujoco.mj_forward(leg.model, data)
    assert np.abs(data.efc_pos[: data.ne]).max() < 1e-12


def test_other_mujoco_series_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mujoco, "__version__", "3.3.1")
    with pytest.raises(UserError, match=r"MuJoCo 3\.3\.1 .* needs 4\.0; install"):
        load_unscaled()


def test_loading_prints_and_logs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    load_unscaled()
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("height_m", "mass_kg"), [(0.5, 70), (1.7, 5), (float("nan"), 70)])
def test_absurd_person_is_a_programmer_error(height_m: float, mass_kg: float) -> None:
    with pytest.raises(ValueError, match="give a"):
        LegModel(height_m, mass_kg)
