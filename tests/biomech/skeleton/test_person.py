"""A person standing on hand-made legs: solve, contact, normalized moments, flags, all against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.biomech.skeleton.contact import Plateau
from edge_runtime.biomech.skeleton.format import Compiled
from edge_runtime.biomech.skeleton.loads import Push
from edge_runtime.biomech.skeleton.person import Options, Person, PersonFrame
from edge_runtime.errors import UserError
from edge_runtime.types import COORDINATES as LIVE
from edge_runtime.types import F64, Grf, Kinematics
from tests.biomech.skeleton.handmade import (
    ARM_M,
    COORDINATES,
    HIP_M,
    MASS,
    MUSCLES,
    SHANK_M,
    TENSION_N,
    THIGH_M,
    G,
    handmade,
)

PLATEAU = Plateau(0.02, 0.025, 0.0)
HEIGHT_M = 1.6
KNEE = COORDINATES.index("knee_angle_r")
TOTAL_KG = float(handmade().skeleton.tree.mass.sum())
FOOT_Y = -(THIGH_M + SHANK_M)


def person(**options: object) -> Person:
    return Person(handmade(), HEIGHT_M, Options(plateau=PLATEAU, **options))  # type: ignore[arg-type]


def on_right_foot(x: float = 0.0, z: float = HIP_M, force: float = TOTAL_KG * G) -> Push:
    """All weight on the right foot, at (x, z) on the floor."""
    force_n, point = np.zeros((2, 3)), np.zeros((2, 3))
    force_n[0, 1], point[0] = force, (x, FOOT_Y, z)
    return Push(force_n, point, np.zeros((2, 3)), np.zeros(2))


def stand(who: Person, outside: Push) -> PersonFrame:
    rest = np.zeros(len(COORDINATES))
    return who.step(rest, rest, rest, outside)


def test_straight_standing_loads_the_knee_with_what_is_above_it() -> None:
    frame = stand(person(min_activation=0.0), on_right_foot())
    above = (TOTAL_KG - MASS["tibia"] - MASS["calcn"]) * G
    assert -frame.knees.force_n[0, 1] == pytest.approx(above)
    assert frame.knees.medial_n[0] == pytest.approx(above * 0.025 / 0.045)
    assert frame.knees.lateral_n[0] == pytest.approx(above * 0.02 / 0.045)
    assert frame.moment_nm[:6] == pytest.approx([0, HIP_M * TOTAL_KG * G, 0, 0, 0, 0], abs=1e-9)
    assert np.abs(frame.activation).max() < 1e-12


def test_the_free_leg_pulls_its_knee_apart_and_contact_reports_it() -> None:
    frame = stand(person(min_activation=0.0), on_right_foot())
    assert frame.knees.medial_n[1] == frame.knees.lateral_n[1] == 0.0
    assert frame.knees.lift_n[1] == pytest.approx((MASS["tibia"] + MASS["calcn"]) * G)


def test_a_force_behind_the_knee_is_held_by_the_extensor_which_adds_its_pull_to_contact() -> None:
    back = -0.05
    frame = stand(person(min_activation=0.0), on_right_foot(x=back))
    moment = TOTAL_KG * G * back  # internal, flexion positive: extensors work
    assert frame.moment_nm[KNEE] == pytest.approx(moment)
    i = MUSCLES.index("extensor_r")
    assert frame.tension_n[i] == pytest.approx(-moment / ARM_M["extensor"], rel=1e-3)
    assert frame.activation[i] == pytest.approx(frame.tension_n[i] / TENSION_N)
    above = (TOTAL_KG - MASS["tibia"] - MASS["calcn"]) * G
    assert -frame.knees.force_n[0, 1] == pytest.approx(above + frame.tension_n[i])
    assert frame.knees.kem[0] == pytest.approx(-moment / (TOTAL_KG * HEIGHT_M))
    assert frame.knees.cocontraction[0] == 0.0
    assert frame.converged
    assert not frame.saturated


def test_beyond_the_muscles_strength_the_reserve_takes_over_and_the_frame_says_so() -> None:
    frame = stand(person(), on_right_foot(x=-0.4))
    assert frame.saturated
    assert frame.converged
    strongest = TENSION_N * (ARM_M["extensor"] + 0.01 * ARM_M["flexor"])
    assert frame.reserve_nm[0] == pytest.approx(frame.moment_nm[KNEE] + strongest, rel=1e-6)


@pytest.mark.parametrize(("side", "inwards"), [(0, -1.0), (1, 1.0)])
def test_a_force_inside_the_knee_adducts_it_on_both_sides(side: int, inwards: float) -> None:
    z = HIP_M * (1.0 if side == 0 else -1.0)
    force_n, point = np.zeros((2, 3)), np.zeros((2, 3))
    force_n[side, 1], point[side] = 400.0, (0.0, FOOT_Y, z + inwards * 0.01)
    frame = stand(person(min_activation=0.0), Push(force_n, point, np.zeros((2, 3)), np.zeros(2)))
    assert frame.knees.kam[side] == pytest.approx(4.0 / (TOTAL_KG * HEIGHT_M), rel=1e-6)
    assert frame.knees.medial_n[side] > frame.knees.lateral_n[side]
    assert frame.knees.tilt_nm[side] == pytest.approx(0.0, abs=1e-9)


def test_a_force_far_inside_lifts_the_outer_side_off_and_leaves_the_rest_to_ligaments() -> None:
    frame = stand(person(min_activation=0.0), on_right_foot(z=HIP_M - 0.06))
    total = -frame.knees.force_n[0, 1]
    assert frame.knees.lateral_n[0] == 0.0
    assert frame.knees.medial_n[0] == pytest.approx(total)
    assert abs(frame.knees.tilt_nm[0]) == pytest.approx(TOTAL_KG * G * 0.06 - total * 0.02)


def test_the_exoskeleton_takes_its_torque_off_the_muscles_but_not_off_the_knee_moment() -> None:
    alone = stand(person(min_activation=0.0), on_right_foot(x=-0.05))
    helped = stand(person(min_activation=0.0), on_right_foot(x=-0.05)._replace(exo_nm=np.array([-8.0, 0.0])))
    assert helped.moment_nm[KNEE] == pytest.approx(alone.moment_nm[KNEE] + 8.0)
    assert helped.moment_nm[6] == pytest.approx(alone.moment_nm[6])  # a couple between thigh and shank
    assert helped.knees.kem[0] == pytest.approx(alone.knees.kem[0])
    assert helped.tension_n[0] < alone.tension_n[0]


def test_muscle_speed_is_the_rate_of_its_length() -> None:
    qd = np.zeros(len(COORDINATES))
    qd[KNEE] = 2.0
    rest = np.zeros(len(COORDINATES))
    frame = person().step(rest, qd, rest, on_right_foot())
    i = MUSCLES.index("extensor_r")
    assert frame.velocity_mps[i] == pytest.approx(ARM_M["extensor"] * 2.0)
    assert frame.length_m[i] == pytest.approx(0.3)


def test_live_coordinates_and_a_centre_of_pressure_from_the_ankle_give_the_same_frame() -> None:
    q = np.zeros(len(LIVE))
    q[LIVE.index("knee_angle_r")], q[LIVE.index("pelvis_ty")] = 0.3, 0.9
    kin = Kinematics(0, True, "", q, np.zeros(16), np.zeros(16), np.zeros(16), np.ones(16, np.bool_))
    force, cop = np.zeros((2, 3)), np.zeros((2, 3))
    force[0], cop[0] = (20.0, 600.0, 0.0), (0.05, 0.0, 0.0)
    live = person().step_live(kin, Grf(0, True, "", force, cop, np.ones(2), np.zeros((2, 3))), np.zeros(2))
    own, rest = np.zeros(len(COORDINATES)), np.zeros(len(COORDINATES))
    own[COORDINATES.index("knee_angle_r")], own[COORDINATES.index("pelvis_ty")] = 0.3, 0.9
    ankle = np.array([-SHANK_M * np.sin(0.3), 0.9 - THIGH_M - SHANK_M * np.cos(0.3), HIP_M])
    point = np.stack([ankle + cop[0], np.zeros(3)])
    direct = person().step(own, rest, rest, Push(force, point, np.zeros((2, 3)), np.zeros(2)))
    assert live.moment_nm == pytest.approx(direct.moment_nm, abs=1e-9)
    assert live.knees.force_n == pytest.approx(direct.knees.force_n, abs=1e-9)


def test_non_finite_input_is_not_solved_and_says_so() -> None:
    who, rest = person(), np.zeros(len(COORDINATES))
    stand(who, on_right_foot(x=-0.05))
    bad: F64 = rest.copy()
    bad[KNEE] = np.nan
    assert not who.step(bad, rest, rest, on_right_foot()).converged
    assert stand(who, on_right_foot(x=-0.05)).converged


def test_results_are_the_frames_own() -> None:
    who = person()
    first = stand(who, on_right_foot(x=-0.05))
    kept = first.moment_nm.copy(), first.knees.force_n.copy()
    stand(who, on_right_foot(x=0.05))
    assert (first.moment_nm == kept[0]).all()
    assert (first.knees.force_n == kept[1]).all()


@pytest.mark.parametrize("lacking", ["calcn_l", "tibia_r"])
def test_a_model_without_a_leg_is_refused_by_name(lacking: str) -> None:
    model = handmade()
    bodies = tuple("stump" if body == lacking else body for body in model.names.bodies)
    with pytest.raises(UserError, match=lacking):
        Person(Compiled(model.skeleton, model.names._replace(bodies=bodies), ""), HEIGHT_M)
