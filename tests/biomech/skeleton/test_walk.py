"""A compiled Rajagopal model on 60 s of treadmill walking, against OpenSim and EMG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.skeleton.evaluate import Plan, evaluate
from edge_runtime.biomech.skeleton.format import Compiled
from edge_runtime.biomech.skeleton.paths import MAX_DEGREE, lengths_and_arms, monomials
from edge_runtime.biomech.skeleton.person import Person
from edge_runtime.biomech.skeleton.playback import play
from edge_runtime.biomech.skeleton.reference import ReferenceJob, run_reference
from edge_runtime.biomech.skeleton.store import compiled_model
from edge_runtime.biomech.skeleton.tree import couple
from edge_runtime.biomech.tables import read_table
from edge_runtime.biomech.trial_tables import find_ground_reaction
from edge_runtime.biomech.trials import Trial, find_trials, read_trial
from edge_runtime.types import SIDES

pytestmark = [pytest.mark.osim, pytest.mark.shared]
MOMENT_NM, ARM_M, EMG_R = 1.0, 1e-3, 0.75
KNEE_N, KNEE_R = 60.0, 0.99
SPLIT_N = 60.0


@pytest.fixture(scope="module")
def walk(shared_data: Path) -> Trial:
    return read_trial(find_trials(shared_data / "treadmill_walk_60s")[0])


@pytest.fixture(scope="module")
def compiled(opensim: Any, walk: Trial) -> Compiled:
    assert walk.model is not None
    return compiled_model(walk.model)  # kept in the user's cache


@pytest.fixture(scope="module")
def reference(opensim: Any, walk: Trial, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenSim's own optimization of a quarter of a second of stance and push-off."""
    path = find_trials(shared_data / "treadmill_walk_60s")[0]
    forces, feet = find_ground_reaction(path)
    assert walk.model is not None
    out = tmp_path_factory.mktemp("reference")
    run_reference(ReferenceJob(walk.model, path, forces, feet, (10.0, 10.24)), out)
    return out


def test_moments_activations_and_knee_forces_reach_their_bars(
    compiled: Compiled, reference: Path, shared_data: Path
) -> None:
    plan = Plan(shared_data / "treadmill_walk_60s", references=reference)
    result = evaluate(plan, lambda done, count: None)
    assert max(result["moment_rmse_nm"].values()) < MOMENT_NM
    assert result["emg_r_median"] > EMG_R
    assert result["knee_force_rmse_n"] < KNEE_N
    assert result["knee_force_r"] > KNEE_R
    assert result["per_trial"][0]["not_converged"] == 0


def test_both_compartments_are_the_statics_of_opensims_reaction(
    compiled: Compiled, reference: Path, walk: Trial
) -> None:
    """OpenSim's force and moment on the tibia, balanced by two points by hand: the same medial and lateral forces."""
    table = read_table(reference / "exo_JointReaction_ReactionLoads.sto")
    person = Person(compiled, 1.75)
    played = play(person, walk)
    plateau, inner = person.plateau, {"r": -1.0, "l": 1.0}
    for side, name in enumerate(SIDES):
        force, moment = (
            np.stack(
                [table.columns[f"walker_knee_{name}_on_tibia_{name}_in_tibia_{name}_{part}{a}"] for a in "xyz"], axis=1
            )
            for part in ("f", "m")
        )
        frontal = moment[:, 0] + plateau.below_m * force[:, 2]
        axial = -force[:, 1]
        medial = (inner[name] * frontal + axial * plateau.lateral_m) / (plateau.medial_m + plateau.lateral_m)
        medial = np.clip(medial, 0.0, np.maximum(axial, 0.0))
        at = [int(np.argmin(np.abs(walk.time_s - t))) for t in table.time_s]
        ours = np.array([played.frames[k].knees.medial_n[side] for k in at])
        total = np.array([-played.frames[k].knees.force_n[side, 1] for k in at])
        assert np.sqrt(np.mean((total - axial) ** 2)) < KNEE_N
        assert np.sqrt(np.mean((ours - medial) ** 2)) < SPLIT_N


def test_every_frame_balances_and_its_share_is_a_walkers(compiled: Compiled, walk: Trial) -> None:
    """Force and frontal moment of each frame come back from the two points and what is left to ligaments."""
    person = Person(compiled, 1.75)
    played, plateau = play(person, walk), person.plateau
    knees = [frame.knees for frame in played.frames]
    medial, lateral = (np.array([getattr(k, f"{part}_n") for k in knees]) for part in ("medial", "lateral"))
    force, moment = np.array([k.force_n for k in knees]), np.array([k.moment_nm for k in knees])
    lift, tilt = np.array([k.lift_n for k in knees]), np.array([k.tilt_nm for k in knees])
    inner = np.array([-1.0, 1.0])
    assert medial + lateral - lift == pytest.approx(-force[:, :, 1], abs=1e-6)
    frontal = moment[:, :, 0] + plateau.below_m * force[:, :, 2]
    assert inner * (medial * plateau.medial_m - lateral * plateau.lateral_m) + tilt == pytest.approx(frontal, abs=1e-6)
    moments = np.array(
        [f.moment_nm[[person.names.coordinates.index(f"knee_angle_{s}") for s in SIDES]] for f in played.frames]
    )
    kem = np.array([k.kem for k in knees])
    assert kem * person.mass_kg * 1.75 == pytest.approx(-moments, abs=1e-9)
    stance = walk.force_n[:, :, 1] > 100.0
    share = medial[stance].sum() / (medial + lateral)[stance].sum()
    print(f"medial share in stance {share:.2f}")
    assert 0.5 < share < 0.9


def test_moment_arms_on_a_trial_that_the_fit_has_not_seen(opensim: Any, compiled: Compiled, walk: Trial) -> None:
    s, names = compiled.skeleton, compiled.names
    model = opensim.Model(str(walk.model))
    state = model.initSystem()
    coordinates = [model.getCoordinateSet().get(name) for name in names.coordinates]
    muscles = [model.getMuscles().get(name) for name in names.muscles]
    value, length = np.zeros(len(s.basis.exponent)), np.zeros(len(muscles))
    slope, arm = np.zeros((s.basis.span.shape[1], len(value))), np.zeros((len(muscles), len(coordinates)))
    powers = np.zeros((2, len(slope), MAX_DEGREE + 1))
    errors = []
    for coordinate in coordinates:
        coordinate.setLocked(state, False)
    for k in range(0, len(walk.q), 300):
        q = np.array([walk.q[k, walk.coordinates.index(name)] for name in names.coordinates])
        couple(s.tree, s.functions, q, np.zeros_like(q), np.zeros_like(q))
        for coordinate, angle in zip(coordinates, q, strict=True):
            coordinate.setValue(state, float(angle), False)
        model.realizePosition(state)
        monomials(s.basis, q, powers, value, slope)
        lengths_and_arms(s.basis, s.lengths, value, slope, length, arm)
        for g, dimension in enumerate(s.basis.dimension):
            for i in s.lengths.muscle[s.lengths.first[g] : s.lengths.first[g + 1]]:
                for c in s.basis.span[g, :dimension]:
                    errors.append(muscles[i].computeMomentArm(state, coordinates[c]) - arm[i, c])
    assert np.percentile(np.abs(errors), 95) < ARM_M
