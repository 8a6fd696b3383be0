"""Scores of joint angles on streams whose errors are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_runtime.errors import UserError
from edge_runtime.evaluate_pose import scores
from edge_runtime.evaluate_pose.encoders import SimulatedEncoders
from edge_runtime.evaluate_pose.stream import WAYS, Streamed
from edge_runtime.evaluate_pose.trials import PoseTrial, find_trials
from edge_runtime.types import F64
from engines.pose.head.features import COORDINATES

FPS = 60.0
KNEES = [COORDINATES.index("knee_angle_r"), COORDINATES.index("knee_angle_l")]


def walk(t_s: F64) -> F64:
    """Angles [N, 13] of a walk: knees 5 to 65°, half a stride apart."""
    q = np.zeros((len(t_s), len(COORDINATES)))
    for k, column in enumerate(KNEES):
        q[:, column] = np.radians(35.0 - 30.0 * np.cos(2 * np.pi * (t_s + 0.5 * k)))
    return q


def streamed(estimate: F64, truth: F64, t_s: F64, near: int | None = 0, sd_deg: float = 3.0) -> Streamed:
    n = len(t_s)
    trial = PoseTrial("one", Path("one"), t_s, truth, near, None, None, None, None)
    sd = np.full((n, len(COORDINATES)), np.radians(sd_deg))
    yes, seen = np.ones((2, n), np.bool_)
    ways = {way: (estimate, sd) for way in WAYS}
    q, deviation = ({way: pair[k] for way, pair in ways.items()} for k in (0, 1))
    unknown = np.full((3, n, 3), np.nan)
    return Streamed(trial, t_s, truth, q, deviation, yes, seen, np.full(n, -1.0), np.full(n, 5.0), *unknown)


T = np.arange(180) / FPS


def test_error_and_bias_of_each_leg() -> None:
    estimate = walk(T)
    estimate[:, KNEES[0]] += np.radians(3.0)
    estimate[:, KNEES[1]] += np.radians(4.0) * np.where(np.arange(len(T)) % 2, 1.0, -1.0)
    found = scores.table([streamed(estimate, walk(T), T)], "fused")["knee_angle"]
    assert found["near"] == {
        "rmse_deg": pytest.approx(3.0),
        "bias_deg": pytest.approx(3.0),
        "rmse_debiased_deg": pytest.approx(0.0, abs=1e-9),
    }
    assert found["far"]["rmse_deg"] == pytest.approx(4.0)
    assert found["far"]["bias_deg"] == pytest.approx(0.0, abs=1e-9)


def test_near_side_comes_from_the_trial_else_from_the_head() -> None:
    assert scores.near_side(streamed(walk(T), walk(T), T, near=0)) == 0
    assert scores.near_side(streamed(walk(T), walk(T), T, near=None)) == 1  # the head saw the left side


@pytest.mark.parametrize("late_ms", [-20.0, 0.0, 12.0, 50.0])
def test_lag_is_found(late_ms: float) -> None:
    found = scores.lag_ms(streamed(walk(T - 1e-3 * late_ms), walk(T), T))
    assert found == pytest.approx(late_ms, abs=1.0)


def test_exchanged_legs_are_counted() -> None:
    estimate = walk(T)
    apart = np.abs(np.degrees(estimate[:, KNEES[0]] - estimate[:, KNEES[1]]))
    swapped = np.flatnonzero(apart > 25.0)[:9]
    right, left = estimate[swapped, KNEES[0]], estimate[swapped, KNEES[1]]
    estimate[swapped, KNEES[0]], estimate[swapped, KNEES[1]] = left, right
    assert scores.swap_rate([streamed(estimate, walk(T), T)]) == pytest.approx(9 / len(T))
    assert scores.swap_rate([streamed(walk(T), walk(T), T)]) == 0.0


def test_torque_rests_on_frames_after_time_in_sight() -> None:
    """Not on the first 0.3 s, nor on those after a gap over 0.2 s; a shorter one costs its own frames alone."""
    run = streamed(walk(T), walk(T), T)
    run.seen[60:66] = False  # 0.1 s
    run.seen[100:115] = False  # 0.25 s
    expected = np.ones(len(T), np.bool_)
    expected[:18] = expected[60:66] = expected[100 : 115 + 18] = False
    np.testing.assert_array_equal(scores.acted_on(run), expected)


def test_coverage_and_jitter_of_normal_errors() -> None:
    random = np.random.default_rng(0)
    estimate = walk(T) + np.radians(3.0) * random.normal(size=(len(T), len(COORDINATES)))
    run = streamed(estimate, walk(T), T)
    assert scores.coverage([run])["all"] == pytest.approx(0.9, abs=0.03)
    assert scores.jitter_deg([run]) == pytest.approx(3.0 * np.sqrt(2.0), rel=0.1)


def test_a_coordinate_without_truth_is_not_scored() -> None:
    truth = walk(T)
    truth[:, [i for i, name in enumerate(COORDINATES) if name.startswith("ankle")]] = np.nan
    found = scores.table([streamed(walk(T), truth, T)], "fused")
    assert found["ankle_angle"]["near"]["rmse_deg"] is None
    assert found["knee_angle"]["near"]["rmse_deg"] == pytest.approx(0.0)


def test_simulated_encoders_err_as_they_say() -> None:
    errors, deviations = [], []
    for k in range(60):
        encoders = SimulatedEncoders(f"trial {k}")
        for t in np.arange(0.0, 2.0, 0.1):
            true = np.radians([35.0 - 30.0 * np.cos(2 * np.pi * t), 20.0])
            read = encoders.read(float(t), true)
            assert read.valid.all()
            errors.append(read.knee_rad - true)
            deviations.append(read.sd_rad)
    inside = np.abs(np.array(errors)) <= scores.Z_90 * np.array(deviations)
    assert 0.82 < inside.mean() < 0.97


def write(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True)
    arrays = {"t": T, "q": np.zeros((len(T), 2)), "q_names": np.array(["knee_angle_r", "knee_angle_l"])} | changes
    np.savez(folder / "truth.npz", **arrays)  # type: ignore[arg-type]
    np.savez(folder / "frames.npz", rgb=np.zeros((5, 8, 8, 3), np.uint8), fs=np.array(60.0))
    return folder


def test_frames_of_another_rate_than_the_truth_keep_their_own_times(tmp_path: Path) -> None:
    write(tmp_path / "a", near_side=np.array("left"), camera=np.diag([500.0, 500.0, 1.0]))
    trial = find_trials(tmp_path)[0]
    assert trial.near == 1
    assert trial.focal_px == 500.0
    times = [t_s for t_s, _ in trial.frames()]
    np.testing.assert_allclose(times, np.arange(5) / 60.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"q_names": np.array(["knee_angle_r", "hip"])}, "q_names lacks knee_angle_r, knee_angle_l"),
        ({"q": np.zeros((3, 2))}, "must have a row per t"),
        ({"t": T[::-1]}, "rising"),
    ],
)
def test_a_broken_truth_is_one_line(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    write(tmp_path / "a", **changes)
    with pytest.raises(UserError, match=message) as caught:
        find_trials(tmp_path)
    assert "\n" not in str(caught.value)
    assert "truth.npz" in str(caught.value)


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no trial folder"):
        find_trials(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        find_trials(tmp_path / "nowhere")
