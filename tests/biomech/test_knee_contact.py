"""Knee contact: balance rules, statics of a single shank, and plausible loads on a measured walk."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.biomech.inverse_dynamics import full_forces
from edge_runtime.biomech.knee_contact import knee_load, knee_wrench, two_point_balance
from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2, PLATEAU_CENTRE_M, LegModel
from edge_runtime.biomech.outcome import MyoHow, of_myolegs
from edge_runtime.biomech.pipeline import legs_of
from edge_runtime.biomech.sizing import size_of
from edge_runtime.biomech.trials import read_trial
from edge_runtime.types import COORDINATES, SIDES, Grf, Kinematics
from tests.biomech.conftest import MASS_KG, STATURE_M, Trial

newtons = st.floats(-5e3, 5e3)


@settings(deadline=None)  # the first call compiles
@given(axial=newtons, frontal=st.floats(-200, 200))
def test_balance_never_pulls_and_keeps_the_total(axial: float, frontal: float) -> None:
    medial, lateral = two_point_balance(axial, frontal, -0.02, 0.02)
    assert medial >= 0.0
    assert lateral >= 0.0
    assert medial + lateral == pytest.approx(max(axial, 0.0))
    if medial > 0.0 and lateral > 0.0:
        assert 0.02 * (lateral - medial) == pytest.approx(frontal, abs=1e-6)


def test_moment_beyond_the_plateau_lifts_one_side_off() -> None:
    assert two_point_balance(1000.0, -50.0, -0.02, 0.02) == (1000.0, 0.0)
    assert two_point_balance(1000.0, 50.0, -0.02, 0.02) == (0.0, 1000.0)


def test_standing_on_one_leg_without_muscles(leg: LegModel) -> None:
    leg.set_state(*np.zeros((3, len(DOFS))))
    weight = leg.mass_kg * GRAVITY_MPS2
    knee, ankle = leg.data.xpos[leg.legs[0].tibia], leg.data.xpos[leg.legs[0].talus]
    cop = np.array([[knee[0] - ankle[0], -0.08, -0.02 + knee[2] - ankle[2]], [0, 0, 0]])
    full = full_forces(leg, np.array([[0.0, weight, 0.0], [0, 0, 0]]), cop)
    load = knee_load(leg, full, np.zeros(leg.model.nv))
    below = sum(leg.model.body_mass[leg.model.body(f"{n}_r").id] for n in ("tibia", "talus", "calcn", "toes"))
    assert load.total_n[0] == pytest.approx(weight - below * GRAVITY_MPS2, rel=1e-6)
    assert load.medial_n[0] > load.lateral_n[0]  # pressed 20 mm to the inner side
    assert load.total_n[1] == 0.0  # the other leg hangs


def test_wrench_is_turned_into_tibia_axes(leg: LegModel) -> None:
    q = np.zeros(len(DOFS))
    q[DOFS.index("hip_flexion_r")] = q[DOFS.index("knee_angle_r")] = np.pi / 2  # shank vertical, thigh level
    leg.set_state(q, np.zeros(len(DOFS)), np.zeros(len(DOFS)))
    full = full_forces(leg, np.zeros((2, 3)), np.zeros((2, 3)))
    force, _ = knee_wrench(leg, 0, full)
    below = sum(leg.model.body_mass[leg.model.body(f"{n}_r").id] for n in ("tibia", "talus", "calcn", "toes"))
    assert np.linalg.norm(force) == pytest.approx(below * GRAVITY_MPS2, rel=1e-9)
    assert force[1] == pytest.approx(below * GRAVITY_MPS2, rel=2e-2)


def test_moment_is_taken_about_the_plateau(leg: LegModel) -> None:
    """A push at the foot from the side reaches the plateau's centre with the lever of plain geometry."""
    q = np.zeros(len(DOFS))
    q[DOFS.index("hip_flexion_l")], q[DOFS.index("knee_angle_l")] = 0.2, 0.6
    leg.set_state(q, np.zeros(len(DOFS)), np.zeros(len(DOFS)))
    push, bodies = np.array([30.0, 600.0, -80.0]), leg.legs[1]
    cop = np.array([[0.0, 0.0, 0.0], [0.06, -0.07, 0.02]])
    free, loaded = (full_forces(leg, np.array([[0, 0, 0], f]), cop) for f in (np.zeros(3), push))
    force, moment = knee_wrench(leg, 1, loaded - free)
    axes = leg.data.xmat[bodies.tibia].reshape(3, 3)
    plateau = leg.data.xpos[bodies.tibia] + axes @ np.array(PLATEAU_CENTRE_M) * leg.length_scale
    lever = leg.data.xpos[bodies.talus] + cop[1] - plateau
    assert force == pytest.approx(-push @ axes, rel=1e-9)
    assert moment == pytest.approx(-np.cross(lever, push) @ axes, rel=1e-9)


@pytest.mark.shared
def test_walking_loads_are_plausible(leg: LegModel, trial: Trial) -> None:
    """Instrumented knees carry 2-3 BW in walking; static optimization on generic models gives up to 4-5."""
    bio, n = legs_of(STATURE_M, MASS_KG), 800
    columns = [DOFS.index(name) for name in COORDINATES]
    total, medial = np.zeros((n, 2)), np.zeros((n, 2))
    for k in range(n):
        leg.set_state(trial.q[k], trial.qd[k], trial.qdd[k])
        ankles = np.array([leg.data.xpos[bodies.talus] for bodies in leg.legs])
        q, qd, qdd = (v[k, columns] for v in (trial.q, trial.qd, trial.qdd))
        kin = Kinematics(k, True, "", q, qd, qdd, np.zeros(16), np.ones(16, dtype=np.bool_))
        grf = Grf(k, True, "", trial.force_n[k], trial.cop_m[k] - ankles, np.ones(2), np.zeros((2, 3)))
        muscles = bio.muscles(bio.moments(kin, grf, np.zeros(2)))
        assert muscles.converged
        load = bio.knee(muscles)
        total[k], medial[k] = load.total_n, load.medial_n
    weight, stance = MASS_KG * GRAVITY_MPS2, trial.force_n[:n, :, 1] > 30.0
    for side in (0, 1):
        on, bw = stance[:, side], total[:, side] / weight
        starts = np.flatnonzero(np.diff(on.astype(int)) == 1)
        peaks = [bw[a:b].max() for a, b in pairwise(starts)]
        share = medial[on, side].sum() / total[on, side].sum()
        swing = float(np.percentile(bw[~on], 95))
        print(f"side {side}: peak {np.median(peaks):.2f} BW, swing p95 {swing:.2f} BW, medial {share:.2f}")
        assert 2.0 < min(peaks) <= max(peaks) < 5.0
        assert swing < 1.6
        assert 0.45 < share < 0.85
        assert np.mean(medial[on, side] > 0.5 * total[on, side]) > 0.5


@pytest.mark.shared
def test_running_loads_are_what_models_of_runners_give(shared_data: Path) -> None:
    """With MyoLegs' own knee axis, abductors, psoas and narrow force-length curve this runner had 14 body weights."""
    trial = read_trial(shared_data / "rbds_run" / "RBDS001_T25.npz")
    size = size_of(trial)
    outcome = of_myolegs(size.leg_model(), trial, MyoHow(2, "off", 6.0), 0.04)
    inner = slice(50, -50)
    for side in SIDES:
        peak = float(np.percentile(outcome.knee_n[side][inner], 99.5)) / (size.mass_kg * GRAVITY_MPS2)
        print(f"{side}: {peak:.1f} BW")
        assert 6.0 < peak < 13.0
