"""What the pose head is trained on: mirroring, spoiling, sketches with borrowed errors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.errors import EngineError
from engines.pose.head.features import COORDINATES, FEATURES, POINTS
from engines.training.people.bodies import F64
from engines.training.people.casting import Cast
from engines.training.people.errors import ErrorModel, Errors, errors_of
from engines.training.people.gaits import Gait
from engines.training.people.skeleton import TRUTH
from engines.training.people.sketch import FRAMES, sketches
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


def no_errors(
    marks_px: F64, marks_m: F64, yaw_deg: float, t_s: F64, random: np.random.Generator
) -> tuple[F64, F64, F64]:
    return marks_px, marks_m, np.ones((2, len(t_s), 19))


@pytest.mark.parametrize("seed", range(4))
def test_sketches_without_errors_show_the_angles_they_tell(seed: int) -> None:
    cast = Cast([standing_gait()], [standing_gait()])
    for made in sketches(cast, [stick_body()], no_errors, np.random.default_rng(seed)):
        hip, knee, ankle = (made["world_m"][:, point] for point in (24, 26, 28))
        thigh, shank = knee - hip, ankle - knee
        along = (thigh * shank).sum(axis=1) / np.linalg.norm(thigh, axis=1) / np.linalg.norm(shank, axis=1)
        bend = np.arccos(np.clip(along, -1.0, 1.0))
        np.testing.assert_allclose(bend, np.abs(made["q"][:, TRUTH.index("knee_angle_r")]), atol=2e-3)
        assert np.isnan(made["xy_px"][:, 1]).all()  # a landmark that the head does not use
        assert np.isfinite(made["xy_px"][:, list(POINTS)]).all()


def film(path: Path, yaw_deg: float, random: np.random.Generator) -> None:
    """A filmed take whose network shortens depth by half, shifts the image by 1 % of the height, and takes the ankles
    for each other in a tenth of the frames."""
    marks_m = random.normal(0.0, 0.3, (40, 19, 3)) + np.linspace(0.9, -0.9, 19)[:, None] * (0.0, 1.0, 0.0)
    marks_px = 300.0 + 200.0 * marks_m[..., :2]
    tall_px = np.ptp(marks_px[..., 1], axis=1).mean()
    xy, world = np.full((40, 33, 2), np.nan), np.full((40, 33, 3), np.nan)
    xy[:, list(POINTS)], world[:, list(POINTS)] = marks_px + 0.01 * tall_px, marks_m * (1.0, 1.0, 0.5)
    xy[20:24, [27, 28]], world[20:24, [27, 28]] = xy[20:24, [28, 27]], world[20:24, [28, 27]]
    sure = np.full((40, 33), 0.7)
    np.savez(
        path, valid=np.ones(40, np.bool_), marks_px=marks_px, marks_m=marks_m, xy_px=xy, world_m=world,
        visibility=sure, sharpness=sure, t_s=np.arange(40) / 30.0, yaw_deg=yaw_deg,
    )  # fmt: skip


@pytest.fixture
def filmed(tmp_path: Path) -> list[Errors]:
    """Twelve of them."""
    random = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.npz" for i in range(12)]
    for path in paths:
        film(path, random.choice((-90.0, 90.0)), random)
    return [one for path in paths if (one := errors_of(path)) is not None]


def test_errors_that_follow_from_the_posture_are_learnt(filmed: list[Errors]) -> None:
    random = np.random.default_rng(1)
    scene, t_s = filmed[0].scene, np.arange(40) / 60.0
    marks_px, marks_m = 500.0 * scene[..., :2], scene[..., 2:]
    model = ErrorModel(filmed, random)
    assert model.explained[1][4] < 0.5 * model.explained[0][4]  # depth
    xy, world, sure = model.draw(marks_px, marks_m, 80.0, t_s, random)
    shift = np.abs(xy - marks_px) / np.ptp(marks_px[..., 1], axis=1).mean()
    assert np.median(shift) == pytest.approx(0.01, abs=0.005)
    deep = np.polyfit(marks_m[..., 2].ravel(), world[..., 2].ravel(), 1)[0]
    assert deep == pytest.approx(0.5, abs=0.2)
    assert sure.shape == (2, 40, 19)
    np.testing.assert_allclose(sure, 0.7, atol=0.05)


def test_ankles_taken_for_each_other_in_films_are_so_in_sketches_wherever_these_stand(filmed: list[Errors]) -> None:
    random = np.random.default_rng(2)
    model = ErrorModel(filmed, random)
    marks_m = np.zeros((40, 19, 3))
    marks_m[..., 1] = np.linspace(-0.8, 0.9, 19)
    ankles, hips = [13, 14], [9, 10]
    marks_m[:, ankles, 0] = (-0.5, 0.5)  # a metre apart
    marks_px = 300.0 + 200.0 * marks_m[..., :2]
    exchanged = []
    for _ in range(40):
        xy, _, _ = model.draw(marks_px, marks_m, 80.0, np.arange(40) / 30.0, random)
        exchanged.append((xy[:, ankles[0], 0] > 300.0) & (xy[:, ankles[1], 0] < 300.0))
        assert np.abs(xy[:, hips, 0] - 300.0).max() < 60.0
    assert np.mean(exchanged) == pytest.approx(0.1, abs=0.05)


def test_too_few_filmed_takes_are_named() -> None:
    with pytest.raises(EngineError, match=r"0 filmed takes.*people\.extract"):
        ErrorModel([], np.random.default_rng(0))


def test_an_empty_folder_of_takes_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="too few takes"):
        load_takes(tmp_path)
