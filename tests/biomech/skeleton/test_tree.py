"""Rigid-body tree against closed forms: weight, free fall, pendulum, coupling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.biomech.skeleton.format import Functions, Tree
from edge_runtime.biomech.skeleton.functions import evaluate, hermite
from edge_runtime.biomech.skeleton.tree import carry, couple, gather, new_motion, place, push, reduce_coupled
from edge_runtime.types import F64
from tests.biomech.skeleton.handmade import COORDINATES, MASS, SHANK_M, THIGH_M, G, handmade

MODEL = handmade().skeleton
TOTAL_KG = float(MODEL.tree.mass.sum())
ANGLE = st.floats(-1.5, 1.5)


def forces(q: F64, qd: F64, qdd: F64, tree: Tree = MODEL.tree, f: Functions = MODEL.functions) -> F64:
    motion, tau = new_motion(tree), np.zeros(len(q))
    q, qd, qdd = q.copy(), qd.copy(), qdd.copy()
    couple(tree, f, q, qd, qdd)
    place(tree, f, q, qd, qdd, motion)
    carry(tree, motion)
    gather(tree, motion, tau)
    reduce_coupled(tree, f, q, tau)
    return tau


def at(**values: float) -> F64:
    q = np.zeros(len(COORDINATES))
    for name, value in values.items():
        q[COORDINATES.index(name)] = value
    return q


@settings(deadline=None)
@given(st.lists(ANGLE, min_size=12, max_size=12))
def test_at_rest_the_pelvis_carries_the_weight_and_nothing_sideways(angles: list[float]) -> None:
    q = np.array(angles)
    tau = forces(q, np.zeros(12), np.zeros(12))
    assert tau[3:6] == pytest.approx([0.0, TOTAL_KG * G, 0.0], abs=1e-9)


@settings(deadline=None)
@given(st.lists(ANGLE, min_size=12, max_size=12))
def test_free_fall_needs_no_force(angles: list[float]) -> None:
    assert np.abs(forces(np.array(angles), np.zeros(12), at(pelvis_ty=-G))).max() < 1e-9


@settings(deadline=None)
@given(ANGLE, ANGLE)
def test_hanging_leg_is_a_double_pendulum(hip: float, knee: float) -> None:
    tau = forces(at(hip_flexion_r=hip, knee_angle_r=knee), np.zeros(12), np.zeros(12))
    shank = (0.5 * MASS["tibia"] + MASS["calcn"]) * SHANK_M * np.sin(hip - knee)
    thigh = (0.5 * MASS["femur"] + MASS["tibia"] + MASS["calcn"]) * THIGH_M * np.sin(hip)
    assert tau[COORDINATES.index("hip_flexion_r")] == pytest.approx(G * (thigh + shank), abs=1e-9)
    assert tau[COORDINATES.index("knee_angle_r")] == pytest.approx(-G * shank, abs=1e-9)


def test_turning_leg_needs_its_inertia_and_pulls_outwards() -> None:
    rate, still = 3.0, forces(at(), np.zeros(12), np.zeros(12))
    tau = forces(at(), at(hip_flexion_r=rate), at(hip_flexion_r=2.0)) - still
    squares = MASS["femur"] * (0.02 + (0.5 * THIGH_M) ** 2) + MASS["tibia"] * (0.02 + (THIGH_M + 0.5 * SHANK_M) ** 2)
    squares += MASS["calcn"] * (0.02 + (THIGH_M + SHANK_M) ** 2)
    assert tau[COORDINATES.index("hip_flexion_r")] == pytest.approx(2.0 * squares, rel=1e-9)
    levers = MASS["femur"] * 0.5 * THIGH_M + MASS["tibia"] * (THIGH_M + 0.5 * SHANK_M)
    levers += MASS["calcn"] * (THIGH_M + SHANK_M)
    assert tau[4] == pytest.approx(rate**2 * levers, rel=1e-9)  # centripetal: upwards at the pelvis


@settings(deadline=None)
@given(st.lists(ANGLE, min_size=12, max_size=12), st.lists(ANGLE, min_size=12, max_size=12))
def test_power_is_the_change_of_energy(angles: list[float], rates: list[float]) -> None:
    q, qd, step = np.array(angles), np.array(rates), 1e-5
    qdd = np.cos(np.arange(12.0))

    def energy(q: F64, qd: F64) -> float:
        motion = new_motion(MODEL.tree)
        place(MODEL.tree, MODEL.functions, q, qd, np.zeros(12), motion)
        total = 0.0
        for j, mass in enumerate(MODEL.tree.mass):
            lever = motion.rotation[j + 1] @ MODEL.tree.com[j]
            turn = motion.turn[j + 1]
            back, ahead = (origin(q + sign * step * qd, j) for sign in (-1.0, 1.0))
            speed = (ahead - back) / (2 * step) + np.cross(turn, lever)
            local = motion.rotation[j + 1].T @ turn
            total += 0.5 * mass * speed @ speed + 0.5 * local @ MODEL.tree.inertia[j] @ local
            total += mass * G * (motion.origin[j + 1] + lever)[1]
        return total

    def origin(q: F64, j: int) -> F64:
        motion = new_motion(MODEL.tree)
        place(MODEL.tree, MODEL.functions, q, np.zeros(12), np.zeros(12), motion)
        return motion.origin[j + 1].copy()

    dt = 1e-4
    later = energy(q + dt * qd + 0.5 * dt**2 * qdd, qd + dt * qdd)
    sooner = energy(q - dt * qd + 0.5 * dt**2 * qdd, qd - dt * qdd)
    assert forces(q, qd, qdd) @ qd == pytest.approx((later - sooner) / (2 * dt), rel=1e-4, abs=1e-2)


def test_outside_force_acts_with_its_lever() -> None:
    motion, tau, q = new_motion(MODEL.tree), np.zeros(12), at()
    place(MODEL.tree, MODEL.functions, q, np.zeros(12), np.zeros(12), motion)
    foot = 5  # calcn_r
    push(motion, foot, np.array([0.0, 500.0, 0.0]), np.array([0.1, -0.9, 0.1]), np.array([0.0, 0.0, 7.0]))
    gather(MODEL.tree, motion, tau)
    assert tau[COORDINATES.index("hip_flexion_r")] == pytest.approx(-50.0 - 7.0)
    assert tau[4] == pytest.approx(-500.0)


def test_a_coupled_coordinate_gives_its_force_to_its_driver() -> None:
    tree = MODEL.tree
    ankle, knee = COORDINATES.index("ankle_angle_r"), COORDINATES.index("knee_angle_r")
    f = Functions(np.array([0, 1, 2, 3, 4]), np.zeros(4), np.vstack([MODEL.functions.coefficient, [0.1, 0.5]]))
    coupled = tree._replace(coupled=np.array([ankle]), driver=np.array([knee]), coupling=np.array([3]))
    q, qdd = at(hip_flexion_r=0.4, knee_angle_r=0.6), at(knee_angle_r=1.3)
    apart = forces(at(hip_flexion_r=0.4, knee_angle_r=0.6, ankle_angle_r=0.4), np.zeros(12),
                   at(knee_angle_r=1.3, ankle_angle_r=0.65))  # fmt: skip
    tau = forces(q, np.zeros(12), qdd, coupled, f)
    assert tau[ankle] == 0.0
    assert tau[knee] == pytest.approx(apart[knee] + 0.5 * apart[ankle], abs=1e-12)


def test_hermite_reproduces_a_cubic_and_is_straight_outside() -> None:
    x = np.linspace(-1.0, 2.0, 7)
    knots, coefficients = hermite(x, x**3 - x, 3 * x**2 - 1)
    f = Functions(np.array([0, len(knots)]), knots, coefficients)
    for at_x in np.linspace(-0.999, 1.999, 40):
        assert evaluate(f, 0, at_x) == pytest.approx([at_x**3 - at_x, 3 * at_x**2 - 1, 6 * at_x], abs=1e-9)
    assert evaluate(f, 0, -3.0) == pytest.approx([2.0 * -2.0, 2.0, 0.0])
    assert evaluate(f, 0, 4.0) == pytest.approx([6.0 + 11.0 * 2.0, 11.0, 0.0])
