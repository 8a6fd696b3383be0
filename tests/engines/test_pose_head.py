"""The pose head: what its features do not depend on, and how its engine behaves around missing frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.pose.head import Geometry, PoseHead
from engines.pose.head.engine import GAP_S, SETTLE_FRAMES, ZOO_PATH, both_views, deviation, read_metadata
from engines.pose.head.features import (
    COORDINATES,
    F32,
    F64,
    FEATURES,
    MIRROR_SIGN,
    MIRRORED,
    OTHER_LEG,
    POINTS,
    frame_features,
)
from engines.pose.result import PoseResult, no_pose
from engines.training.people.gaits import HELD_OUT
from tests.conftest import unavailable

SIZE = (640, 480)
FRAME_NS = 16_666_667


def standing(seed: int = 0) -> PoseResult:
    """A person with plausible, slightly random landmarks, facing right."""
    random = np.random.default_rng(seed)
    xy, world = np.full((33, 2), 300.0), np.zeros((33, 3))
    heights = {0: -0.65, 7: -0.62, 11: -0.5, 13: -0.25, 15: 0.0, 23: 0.0, 25: 0.4, 27: 0.8, 29: 0.85, 31: 0.86}
    for left, y in heights.items():
        for k, point in enumerate((left, left + 1)):
            world[point] = [0.12 if left in (0, 31) else 0.0, y, 0.08 - 0.16 * k]  # the right side is nearer
            xy[point] = [300.0 + 200.0 * (world[point, 0] + 0.05 * k), 240.0 + 200.0 * y]
    xy += random.normal(0.0, 1.0, xy.shape)
    return PoseResult(0, True, "", xy, np.full(33, 0.9), world, 1.0, np.full(33, 0.8), SIZE)


def features(pose: PoseResult, geometry: Geometry) -> F32:
    at = list(POINTS)
    return frame_features(
        pose.xy_px[at],
        pose.world_m[at],
        pose.visibility[at],
        pose.sharpness[at],
        np.array(0.02),
        pose.size_px,
        geometry,
    )


@settings(max_examples=30, deadline=None)
@given(zoom=st.floats(0.3, 3.0))
def test_a_zoomed_picture_of_a_calibrated_camera_says_the_same(zoom: float) -> None:
    pose = standing()
    larger = replace(pose, xy_px=pose.xy_px * zoom, size_px=(round(640 * zoom), round(480 * zoom)))
    ours, theirs = features(pose, Geometry(500.0)), features(larger, Geometry(500.0 * zoom))
    np.testing.assert_allclose(ours, theirs, atol=5e-3)


def test_features_fill_their_vector_and_a_missing_point_changes_only_what_it_touches() -> None:
    pose = standing()
    whole = features(pose, Geometry())
    assert whole.shape == (FEATURES,)
    assert np.isfinite(whole).all()
    xy = pose.xy_px.copy()
    xy[31] = np.nan  # left toes
    part = features(replace(pose, xy_px=xy), Geometry())
    assert np.isfinite(part).all()
    place = POINTS.index(31)
    assert part[5 * len(POINTS) + place] == 0.0  # its visibility
    assert part[2 * place] == part[2 * place + 1] == 0.0
    others = [i for i in range(2 * len(POINTS)) if i // 2 != place]
    np.testing.assert_array_equal(part[others], whole[others])


def test_mirroring_exchanges_the_sides() -> None:
    assert [POINTS[i] for i in MIRRORED[1:]] == [p + 1 if p % 2 else p - 1 for p in POINTS[1:]]
    assert MIRRORED[0] == 0


@pytest.fixture
def head() -> PoseHead:
    if not ZOO_PATH.is_file():
        unavailable(f"{ZOO_PATH.name} is not in the zoo")
    return PoseHead(Geometry())


def played(head: PoseHead, frames: int, start: int = 0) -> list[F64]:
    poses = [replace(standing(i), t_capture_ns=1 + i * FRAME_NS) for i in range(start, start + frames)]
    return [head.step(pose).q_rad for pose in poses]


def test_the_same_frames_give_the_same_angles_after_reset(head: PoseHead) -> None:
    first = played(head, 12)
    assert np.abs(played(head, 12, 12)[-1] - first[-1]).max() > 0.0  # it remembers
    head.reset()
    np.testing.assert_array_equal(played(head, 12), first)


def test_a_mirrored_wearer_gets_mirrored_angles(head: PoseHead) -> None:
    """Exactly: nothing favours a side."""
    flip = np.arange(33)
    for left in (7, *range(11, 33, 2)):
        flip[[left, left + 1]] = left + 1, left
    ours = played(head, 8)[-1]
    head.reset()
    for i in range(8):
        pose = replace(standing(i), t_capture_ns=1 + i * FRAME_NS)
        xy, world = pose.xy_px[flip].copy(), pose.world_m[flip].copy()
        xy[:, 0], world[:, 0] = SIZE[0] - xy[:, 0], -world[:, 0]
        theirs = head.step(replace(pose, xy_px=xy, world_m=world)).q_rad
    np.testing.assert_allclose(theirs[list(OTHER_LEG)] * MIRROR_SIGN, ours, atol=1e-5)


def test_settles_then_is_valid(head: PoseHead) -> None:
    reasons = [head.step(replace(standing(), t_capture_ns=1 + i * FRAME_NS)).reason for i in range(SETTLE_FRAMES + 2)]
    assert reasons == ["settling"] * SETTLE_FRAMES + ["", ""]


def test_unseen_frames_hold_the_angles_and_widen_the_deviation(head: PoseHead) -> None:
    last = [head.step(replace(standing(), t_capture_ns=1 + i * FRAME_NS)) for i in range(10)][-1]
    unseen = [head.step(no_pose(1 + i * FRAME_NS, "lost", 0.2)) for i in range(10, 14)]
    assert not any(one.valid for one in unseen)
    assert unseen[0].reason == "lost"
    np.testing.assert_array_equal(unseen[-1].q_rad, last.q_rad)
    widths = np.array([last.sd_rad, *(one.sd_rad for one in unseen)])
    assert (np.diff(widths, axis=0) > 0.0).all()


def test_a_long_gap_begins_anew(head: PoseHead) -> None:
    played(head, 20)
    after = head.step(replace(standing(), t_capture_ns=1 + 20 * FRAME_NS + round(1.2 * GAP_S * 1e9)))
    assert after.reason == "settling"
    head.reset()
    fresh = head.step(replace(standing(), t_capture_ns=1))
    np.testing.assert_allclose(after.q_rad, fresh.q_rad, atol=1e-6)


def test_no_held_out_person_trained_the_weights(head: PoseHead) -> None:
    del head
    said = read_metadata(ZOO_PATH)
    assert set(said["held_out"]) == set(HELD_OUT)
    assert not set(said["trained"]) & set(HELD_OUT)
    assert len(said["sd_scale"]) == len(COORDINATES)


def test_wrong_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="is missing"):
        PoseHead(Geometry(), tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    with pytest.raises(EngineError, match=r"broken\.onnx cannot be read"):
        PoseHead(Geometry(), broken)


def test_deviation_grows_by_what_the_two_views_contradict() -> None:
    random = np.random.default_rng(4)
    q, told = random.normal(0.0, 0.5, 13), random.uniform(0.02, 0.2, 13)
    other, knee = list(OTHER_LEG), COORDINATES.index("knee_angle_l")
    agreed = np.stack([q, q[other] * MIRROR_SIGN])
    both = np.stack([told, told[other]])
    np.testing.assert_allclose(both_views(agreed), q)
    np.testing.assert_allclose(deviation(agreed, both), told)
    doubtful = agreed.copy()
    doubtful[0, knee] += 0.6
    grown = deviation(doubtful, both)
    assert grown[knee] > 0.6
    np.testing.assert_allclose(np.delete(grown, knee), np.delete(told, knee))
