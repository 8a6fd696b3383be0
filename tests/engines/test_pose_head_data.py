"""What the pose head is trained on: mirroring, spoiling, sketches with borrowed errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.pose.head.features import COORDINATES, FEATURES, POINTS
from engines.training.people.casting import Cast
from engines.training.people.extract import FRAMES
from engines.training.people.gaits import Gait
from engines.training.people.skeleton import TRUTH
from engines.training.people.sketch import Errors, sketch
from engines.training.pose_head_data import Sequence, batch, features_of, load_takes, mirrored, spoiled
from tests.engines.stick_body import stick_body

N = 30


def sequence(seed: int = 0) -> Sequence:
    random = np.random.default_rng(seed)
    return Sequence(
        t_s=np.arange(N) / 60.0,
        xy_px=random.uniform(50.0, 400.0, (N, 19, 2)),
        world_m=random.normal(0.0, 0.4, (N, 19, 3)),
        sure=random.uniform(0.0, 1.0, (2, N, 19)),
        truth=random.normal(0.0, 0.5, (N, 13)),
        size_px=(640, 480),
        focal_px=500.0,
        lengths=(0.24, 0.25, 0.09),
        subject="somebody",
    )


def test_mirroring_twice_changes_nothing_and_once_exchanges_the_knees() -> None:
    one = sequence()
    twice, once = mirrored(mirrored(one)), mirrored(one)
    for name in ("xy_px", "world_m", "sure", "truth"):
        np.testing.assert_allclose(getattr(twice, name), getattr(one, name))
    right, left = COORDINATES.index("knee_angle_r"), COORDINATES.index("knee_angle_l")
    np.testing.assert_allclose(once.truth[:, right], one.truth[:, left])
    np.testing.assert_allclose(once.truth[:, 1], -one.truth[:, 1])  # list
    knee_l, knee_r = POINTS.index(25), POINTS.index(26)
    np.testing.assert_allclose(once.xy_px[:, knee_l, 0], 640.0 - one.xy_px[:, knee_r, 0])


def test_spoiling_leaves_the_take_itself_alone() -> None:
    one = sequence()
    before = one.xy_px.copy()
    for seed in range(12):
        other = spoiled(one, np.random.default_rng(seed))
        assert len(other.t_s) == len(other.truth) == len(other.xy_px) <= N
        assert (np.diff(other.t_s) > 0.0).all()
        assert np.isfinite(features_of(other, (True, True))).all()
    np.testing.assert_array_equal(one.xy_px, before)


def test_a_batch_is_masked_where_a_take_has_ended() -> None:
    short = replace(sequence(), t_s=np.arange(10) / 60.0)
    for name in ("xy_px", "world_m", "truth"):
        short = replace(short, **{name: getattr(short, name)[:10]})
    short = replace(short, sure=short.sure[:, :10])
    x, y, mask = batch([sequence(), short], N, np.random.default_rng(4))
    assert x.shape == (2, N, FEATURES)
    assert y.shape == (2, N, 13)
    assert mask[1].sum() <= 10
    assert not x[1, 10:].any()


def standing_gait() -> Gait:
    q = np.zeros((4 * FRAMES, len(TRUTH)))
    q[:, TRUTH.index("knee_angle_r")] = np.linspace(0.1, 1.2, 4 * FRAMES)
    return Gait("somebody", "standing", 60.0, q, np.zeros((4 * FRAMES, 3)), np.zeros((4 * FRAMES, 3)), False)


def no_errors(yaw_deg: float) -> Errors:
    return Errors(yaw_deg, np.arange(20) / 60.0, np.zeros((20, 19, 2)), np.zeros((20, 19, 3)), np.ones((2, 20, 19)))


@pytest.mark.parametrize("seed", range(4))
def test_a_sketch_without_errors_shows_the_angles_it_tells(seed: int) -> None:
    cast = Cast([standing_gait()], [standing_gait()])
    made = sketch(cast, [stick_body()], [no_errors(80.0)], np.random.default_rng(seed))
    hip, knee, ankle = (made["world_m"][:, point] for point in (24, 26, 28))
    thigh, shank = knee - hip, ankle - knee
    along = (thigh * shank).sum(axis=1) / np.linalg.norm(thigh, axis=1) / np.linalg.norm(shank, axis=1)
    bend = np.arccos(np.clip(along, -1.0, 1.0))
    np.testing.assert_allclose(bend, np.abs(made["q"][:, TRUTH.index("knee_angle_r")]), atol=2e-3)
    assert np.isnan(made["xy_px"][:, 1]).all()  # a landmark that the head does not use
    assert np.isfinite(made["xy_px"][:, list(POINTS)]).all()


def test_an_empty_folder_of_takes_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="too few takes"):
        load_takes(tmp_path)
