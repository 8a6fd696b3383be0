"""Scoring the GRF engine: only people it has not seen, only what a plate measured, one line for a bad folder."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines.errors import EngineError
from engines.grf.context import context
from engines.grf.engine import GrfEngine
from engines.grf.evaluate import evaluate, run_trial
from engines.grf.fair import FairEngines
from engines.grf.features import (
    COORDINATES,
    HISTORY,
    RECENT,
    SIDES,
    base_channels,
    features,
    mask_from,
    outward,
    seen_from,
)
from engines.grf.trials import GRAVITY, find_trials, read_trial
from engines.grf.weights import ZOO_PATH, fold_path, read_split
from engines.grf.window import foot_heading, from_foot, on_grid
from engines.training.grf_batches import Sampler
from engines.training.grf_data import FOLDS, fold_of, load_trials
from tests.engines.test_grf_engine import gait

ALL = np.ones(len(COORDINATES), dtype=np.bool_)
MASS_KG = 70.0


def write_trial(folder: Path, name: str = "a_1", subject: str = "somebody new", **changes: Any) -> Path:
    """A made-up trial of 1 s with the right foot loaded throughout, in the data convention."""
    t_s = np.arange(100) * 0.01
    q = np.stack([gait(t) for t in t_s])
    angles = [not c.startswith("pelvis_t") or c == "pelvis_tilt" for c in COORDINATES]
    q[:, angles] = np.degrees(q[:, angles])
    force = np.tile([0.0, MASS_KG * GRAVITY, 0.0], (100, 1))
    arrays: dict[str, Any] = {
        "t": t_s, "q": q, "q_names": np.array(COORDINATES), "mass_kg": MASS_KG, "subject": subject,
        "grf_r": force, "grf_l": 0.0 * force, "cop_r": np.zeros((100, 3)), "cop_l": np.full((100, 3), np.nan),
    }  # fmt: skip
    path = folder / f"{name}.npz"
    np.savez(path, **{key: value for key, value in (arrays | changes).items() if value is not None})
    return path


def test_trial_comes_out_in_the_engines_units(tmp_path: Path) -> None:
    trial = read_trial(write_trial(tmp_path))
    assert trial.q[7] == pytest.approx(gait(0.07))
    assert trial.force_bw[:, 0, 1] == pytest.approx(np.ones(100))
    assert trial.valid.all()
    assert np.isfinite(trial.cop_ankle_m[:, 0]).all() and np.isnan(trial.cop_ankle_m[:, 1]).all()


def test_what_no_plate_saw_does_not_count(tmp_path: Path) -> None:
    seen = np.ones(100, dtype=np.bool_)
    seen[40:] = False
    wild = np.tile([0.0, MASS_KG * GRAVITY, 0.0], (100, 1))
    wild[40:] = 1e6
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()  # type: ignore[func-returns-value]
    write_trial(tmp_path / "a", valid_r=seen)
    write_trial(tmp_path / "b", valid_r=seen, grf_r=wild)
    first, second = evaluate(tmp_path / "a"), evaluate(tmp_path / "b")
    assert first["overall"] == second["overall"]
    assert first["overall"]["samples"] < 200 - 60


def test_a_training_person_is_scored_by_weights_that_have_not_seen_them(tmp_path: Path) -> None:
    known = read_split(fold_path(2)).held_out[0]
    assert known in read_split(ZOO_PATH).trained
    engines = FairEngines()
    assert engines.by_fold(known) and not engines.seen(known) and not engines.by_fold("somebody new")
    write_trial(tmp_path, "a_1", known)
    write_trial(tmp_path, "b_1")
    result = evaluate(tmp_path)
    assert (result["scored_by_fold"], result["seen_in_training"]) == ([known], [])
    assert result["subjects"] == sorted([known, "somebody new"])


def test_without_such_weights_training_people_are_scored_only_when_named(tmp_path: Path) -> None:
    trained = read_split(ZOO_PATH).trained[0]
    (tmp_path / "zoo").mkdir(), (tmp_path / "data").mkdir()  # type: ignore[func-returns-value]
    alone = tmp_path / "zoo" / "grf_gait.onnx"
    shutil.copy(ZOO_PATH, alone)
    write_trial(tmp_path / "data", "a_1", trained)
    with pytest.raises(EngineError, match="only people the network was trained on"):
        evaluate(tmp_path / "data", None, alone)
    write_trial(tmp_path / "data", "b_1")
    result = evaluate(tmp_path / "data", None, alone)
    assert (result["subjects"], result["left_out"], result["seen_in_training"]) == (["somebody new"], [trained], [])
    assert evaluate(tmp_path / "data", [trained], alone)["seen_in_training"] == [trained]
    with pytest.raises(EngineError, match="nobody"):
        evaluate(tmp_path / "data", ["nobody"], alone)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"grf_l": None}, "grf_l"),
        ({"q_names": np.array([f"x{c}" for c in COORDINATES])}, "knee_angle_r"),
        ({"grf_r": np.zeros((7, 3))}, "grf_r"),
        ({"t": np.zeros(100)}, "t must rise"),
        ({"mass_kg": 0.0}, "mass_kg"),
    ],
)
def test_a_trial_that_breaks_the_convention_is_one_line(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    path = write_trial(tmp_path, **changes)
    with pytest.raises(EngineError, match=named) as caught:
        evaluate(tmp_path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_missing_empty_and_damaged_folders_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such folder"):
        evaluate(tmp_path / "absent")
    with pytest.raises(EngineError, match=r"no \.npz trial"):
        evaluate(tmp_path)
    whole = write_trial(tmp_path).read_bytes()
    (tmp_path / "a_1.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineError, match="copy the file again"):
        evaluate(tmp_path)


def test_files_without_joint_coordinates_are_listed_not_scored(tmp_path: Path) -> None:
    write_trial(tmp_path)
    np.savez(tmp_path / "markers.npz", markers=np.zeros((3, 3)))
    result = evaluate(tmp_path)
    assert result["trials"] == 1
    assert list(result["skipped"]) == [str(tmp_path / "markers.npz")]


@pytest.mark.shared
def test_stream_equals_the_same_windows_at_once(shared_data: Path) -> None:
    import onnxruntime as ort

    trial = read_trial(find_trials(shared_data / "schreiber2019_walk")[0][0])
    run = run_trial(GrfEngine(), trial, ALL)
    session = ort.InferenceSession(str(ZOO_PATH), providers=["CPUExecutionProvider"])
    base = base_channels(trial.q)
    ages_s = np.arange(1 - HISTORY, 1) * 0.01
    sign = np.stack([outward(side) for side in SIDES])
    for i in range(60, len(trial.t_s), 7):
        value, mask = on_grid(
            trial.t_s[: i + 1], base[: i + 1], np.ones(base[: i + 1].shape, bool), trial.t_s[i] + ages_s
        )
        recent = np.s_[:, -RECENT:]
        window = np.stack([features(seen_from(side, value[recent]), mask_from(side, mask[recent])) for side in SIDES])
        told = context(value, mask, 1)[:, 0]
        force, cop = session.run(["force_bw", "cop_m"], {"window": window, "context": told})
        now = [foot_heading(seen_from(s, value[:, -1:]), mask_from(s, mask[:, -1:]))[0] for s in SIDES]
        assert run.cop_m[i] == pytest.approx(from_foot(cop, np.array(now)) * sign, abs=1e-4)
        around = np.sort(force * sign[:, None], axis=1)  # read somewhere between 10 ms ago and 10 ms ahead
        assert np.all((run.force_bw[i] > around[:, 0] - 0.02) & (run.force_bw[i] < around[:, -1] + 0.02))


@pytest.mark.shared
def test_no_person_is_on_both_sides_of_a_split(shared_data: Path) -> None:
    trials = load_trials(shared_data)
    people, folds = {trial.subject for trial in trials}, fold_of(trials)
    assert set(read_split(ZOO_PATH).trained) == people
    assert sorted(set(folds.values())) == list(range(FOLDS))
    for fold in range(FOLDS):
        split = read_split(fold_path(fold))
        assert not set(split.trained) & set(split.held_out)
        assert people == set(split.trained) | set(split.held_out)
        assert set(split.held_out) == {person for person, of in folds.items() if of == fold}


@pytest.mark.shared
def test_training_batches_score_only_what_was_measured(shared_data: Path) -> None:
    trials = [t for t in load_trials(shared_data) if t.data_set == "schreiber2019_walk"]
    for trial in trials:
        trial.force_bw[~trial.valid] = 1e6
    batch = Sampler(trials, np.random.default_rng(0), 100).batch(20)
    assert np.isfinite(batch.x).all()
    assert 0.2 < batch.scored.mean() < 0.9
    assert np.abs(batch.force_bw[batch.scored > 0]).max() < 3.0


@pytest.mark.shared
def test_error_on_unseen_people(shared_data: Path) -> None:
    result = evaluate(shared_data, ["RBDS002", "2014004"])
    assert result["scored_by_fold"] == ["2014004", "RBDS002"]
    assert result["by_set"]["rbds_run"]["vertical"]["rmse_pct_bw"] < 9.9
    assert result["by_set"]["schreiber2019_walk"]["vertical"]["rmse_pct_bw"] < 10.4
    assert result["overall"]["scored_share"] > 0.8
    assert 0.8 < result["overall"]["coverage_90"] < 0.97
