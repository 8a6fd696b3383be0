"""A compiled Rajagopal model on 60 s of treadmill walking, against OpenSim and EMG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.skeleton.evaluate import Plan, evaluate
from edge_runtime.biomech.skeleton.format import Compiled
from edge_runtime.biomech.skeleton.paths import MAX_DEGREE, lengths_and_arms, monomials
from edge_runtime.biomech.skeleton.reference import ReferenceJob, run_reference
from edge_runtime.biomech.skeleton.store import compiled_model
from edge_runtime.biomech.skeleton.tree import couple
from edge_runtime.biomech.trials import Trial, find_ground_reaction, find_trials, read_trial

pytestmark = [pytest.mark.osim, pytest.mark.shared]
MOMENT_NM, ARM_M, EMG_R = 1.0, 1e-3, 0.75
KNEE_N, KNEE_R = 60.0, 0.99


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
