"""What motion asks of the ground: against MuJoCo's own recursion and momentum, and against plain mechanics."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from edge_runtime.biomech.inverse_dynamics import full_forces, net_moments
from edge_runtime.biomech.model import DOF_INDEX, GRAVITY_MPS2, LegModel
from edge_runtime.biomech.whole_body import BODY_COORDINATES, WholeBody, body_segments
from edge_runtime.types import COORDINATES, F64

MASS_KG = 70.0


@pytest.fixture(scope="module")
def leg() -> LegModel:
    return LegModel(1.75, MASS_KG)


@pytest.fixture(scope="module")
def body(leg: LegModel) -> WholeBody:
    return WholeBody(body_segments(leg))


def motion(rng: np.random.Generator) -> F64:
    """A random posture with gait-like rates; knees straight, as the segments' knees do not slide."""
    out = np.zeros((3, len(BODY_COORDINATES)))
    out[:, : len(COORDINATES)] = rng.normal(size=(3, len(COORDINATES))) * np.array([[0.3], [2.0], [20.0]])
    for name in ("knee_angle_r", "knee_angle_l"):
        out[:, COORDINATES.index(name)] = 0.0
    return out


def place(leg: LegModel, state: F64) -> None:
    full = np.zeros((3, len(leg.dofs)))
    full[:, [DOF_INDEX[name] for name in COORDINATES]] = state[:, : len(COORDINATES)]
    leg.set_state(*full)


def test_mass_is_the_persons(body: WholeBody) -> None:
    assert body.body.total_kg == pytest.approx(MASS_KG)


def test_standing_asks_for_the_weight_under_the_centre(body: WholeBody) -> None:
    body.step(np.zeros((3, len(BODY_COORDINATES))))
    assert body.wrench == pytest.approx([0, MASS_KG * GRAVITY_MPS2, 0, 0, 0, 0], abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_force_and_centre_are_those_of_mujocos_recursion(leg: LegModel, body: WholeBody, seed: int) -> None:
    state = motion(np.random.default_rng(seed))
    body.step(state)
    place(leg, state)
    nothing = np.zeros((2, 3))
    asked = net_moments(leg, full_forces(leg, nothing, nothing))[3:6]
    assert body.wrench[:3] == pytest.approx(asked, abs=0.004 * np.abs(asked).max())
    assert body.centre_m == pytest.approx(leg.data.subtree_com[0], abs=1e-3)
    ankles = [leg.data.xpos[bodies.talus] for bodies in leg.legs]
    assert np.abs(body.ankles_m - ankles).max() < 2e-3


@pytest.mark.parametrize("seed", range(5))
def test_moment_is_the_rate_of_mujocos_angular_momentum(leg: LegModel, body: WholeBody, seed: int) -> None:
    state, step_s = motion(np.random.default_rng(seed)), 1e-5
    momentum = []
    for t in (-step_s, step_s):
        q = state[0] + t * state[1] + 0.5 * t * t * state[2]
        place(leg, np.array([q, state[1] + t * state[2], state[2]]))
        mujoco.mj_comVel(leg.model, leg.data)
        mujoco.mj_subtreeVel(leg.model, leg.data)
        momentum.append(leg.data.subtree_angmom[0].copy())
    body.step(state)
    rate = (momentum[1] - momentum[0]) / (2 * step_s)
    assert body.wrench[3:] == pytest.approx(rate, abs=0.01 * np.abs(rate).max())


def test_a_fall_asks_for_nothing(body: WholeBody) -> None:
    state = np.zeros((3, len(BODY_COORDINATES)))
    state[2, COORDINATES.index("pelvis_ty")] = -GRAVITY_MPS2
    body.step(state)
    assert body.wrench == pytest.approx(np.zeros(6), abs=1e-9)


def test_a_steady_belt_changes_nothing(body: WholeBody) -> None:
    state = motion(np.random.default_rng(9))
    body.step(state)
    overground = body.wrench.copy()
    state[0, COORDINATES.index("pelvis_tx")] += 5.0
    state[1, COORDINATES.index("pelvis_tx")] -= 1.4
    body.step(state)
    assert body.wrench == pytest.approx(overground, abs=1e-9)


def test_a_trunk_that_turns_forward_moves_the_centre_forward(body: WholeBody) -> None:
    state = np.zeros((3, len(BODY_COORDINATES)))
    body.step(state)
    upright = body.centre_m.copy()
    state[0, BODY_COORDINATES.index("lumbar_extension")] = -0.3
    body.step(state)
    trunk = body.body
    arm = np.hypot(*trunk.com_m[1, :2])
    assert body.centre_m[0] > upright[0] + 0.8 * np.sin(0.3) * arm * trunk.mass_kg[1] / trunk.total_kg
