"""Two cameras: exact geometry comes back, and every contradiction is an event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.cameras.stereo import View, fuse, load_views, triangulate
from edge_runtime.cameras.stereo_pose import StereoPose
from edge_runtime.errors import UserError
from edge_runtime.types import F64, Frame
from engines.pose import PoseResult

MS = 1_000_000
PAIR = """
[first]
focal_px = [900.0, 905.0]
centre_px = [640.0, 360.0]
distortion = [-0.1, 0.02, 0.001, -0.0005, 0.0]
rotation_rad = [0.0, 0.0, 0.0]
shift_m = [0.0, 0.0, 0.0]

[second]
focal_px = [1100.0, 1100.0]
centre_px = [650.0, 350.0]
distortion = [0.05, 0.0, 0.0, 0.0, 0.0]
rotation_rad = [0.02, -0.9, 0.01]
shift_m = [2.3, 0.05, 0.9]
"""


@pytest.fixture
def views(tmp_path: Path) -> tuple[View, View]:
    path = tmp_path / "pair.toml"
    path.write_text(PAIR)
    return load_views(path)


def body(seed: int = 0) -> F64:
    """33 points of somebody 3 m away, m, axes of the first camera."""
    points = np.random.default_rng(seed).uniform([-0.4, -0.9, -0.3], [0.4, 0.9, 0.3], (33, 3))
    return np.asarray(points + np.array([0.1, 0.1, 3.0]))


def seen(views: tuple[View, View], points_m: F64) -> F64:
    """The oracle: OpenCV's own projection."""
    out = []
    for view in views:
        turn, _ = cv2.Rodrigues(view.rotation)
        out.append(cv2.projectPoints(points_m, turn, view.shift_m, view.matrix, view.distortion)[0].reshape(-1, 2))
    return np.array(out)


CLEAR = np.full((2, 33), 0.9)


def test_exact_points_come_back(views: tuple[View, View]) -> None:
    points = body()
    np.testing.assert_allclose(triangulate(views, seen(views, points), CLEAR), points, atol=1e-5)
    fused = fuse(views, seen(views, points), CLEAR, 0)
    hips = points[[23, 24]].mean(axis=0)
    np.testing.assert_allclose(fused.world_m, points - hips, atol=1e-5)
    assert fused.event == "" and fused.error_px < 0.01


def test_noise_of_two_pixels_is_a_centimetre_and_no_event(views: tuple[View, View]) -> None:
    points, rng = body(), np.random.default_rng(3)
    fused = fuse(views, seen(views, points) + rng.normal(0, 2, (2, 33, 2)), CLEAR, 4 * MS)
    off_m = np.hypot(*(fused.world_m - points + points[[23, 24]].mean(axis=0))[:, :2].T)
    assert fused.event == "" and np.median(off_m) < 0.015


def test_a_point_that_one_camera_hardly_sees_counts_little(views: tuple[View, View]) -> None:
    points = body()
    picture = seen(views, points)
    picture[1, 5] += 8
    even, uneven = CLEAR.copy(), CLEAR.copy()
    uneven[1, 5] = 0.5
    errors = [np.hypot(*(views[0].project(triangulate(views, picture, w))[5] - picture[0, 5])) for w in (even, uneven)]
    assert errors[1] < errors[0]
    uneven[1, 5] = 0.4
    world = fuse(views, picture, uneven, 0).world_m
    assert np.isnan(world[5]).all() and np.isfinite(world[6]).all()


@settings(max_examples=50)
@given(apart_ms=st.floats(-20, 20))
def test_more_than_five_milliseconds_apart_is_an_event(apart_ms: float) -> None:
    pair = (_plain(0.0), _plain(0.8))
    fused = fuse(pair, seen(pair, body()), CLEAR, round(apart_ms * MS))
    assert (fused.event == "stereo_sync") == (abs(round(apart_ms * MS)) > 5 * MS)
    assert np.isnan(fused.world_m).all() == (fused.event != "")


def _plain(sideways_m: float) -> View:
    matrix = np.array([[900.0, 0, 640], [0, 900, 360], [0, 0, 1]])
    return View(matrix, np.zeros(5), np.eye(3), np.array([-sideways_m, 0.0, 0.0]))


@pytest.mark.parametrize(("turned_deg", "event"), [(0.05, ""), (1.0, "stereo_reprojection")])
def test_a_camera_knocked_since_calibration_is_an_event(
    views: tuple[View, View], turned_deg: float, event: str
) -> None:
    knock, _ = cv2.Rodrigues(np.array([np.radians(turned_deg), 0.0, 0.0]))
    knocked = (views[0], View(views[1].matrix, views[1].distortion, knock @ views[1].rotation, views[1].shift_m))
    fused = fuse(views, seen(knocked, body()), CLEAR, 0)
    assert fused.event == event
    if event:
        assert fused.amount > 3.0 and np.isnan(fused.world_m).all()


def test_too_few_common_points_is_one_camera_and_no_event(views: tuple[View, View]) -> None:
    sight = CLEAR.copy()
    sight[1, :28] = 0.1
    fused = fuse(views, seen(views, body()), sight, 0)
    assert fused.event == "" and np.isnan(fused.error_px)


class Tracker:
    """Sees the points it is given; nothing where None."""

    detector_ran, detector_ms = False, 0.0

    def __init__(self, points_px: F64) -> None:
        self.points_px: F64 | None = points_px

    def reset(self) -> None: ...

    def step(self, rgb: Any, t_ns: int) -> PoseResult:
        there = self.points_px is not None
        points = self.points_px if self.points_px is not None else np.full((33, 2), np.nan)
        return PoseResult(t_ns, there, "" if there else "lost", points, CLEAR[0], np.ones((33, 3)), 0.9)


def test_the_pair_is_fused_while_both_see_and_agree_and_goes_on_with_one(views: tuple[View, View]) -> None:
    points = body()
    picture = seen(views, points)
    trackers: Any = (Tracker(picture[0]), Tracker(picture[1]))
    blank, events = np.zeros((4, 4, 3), np.uint8), list[tuple[str, int]]()
    newest: list[Frame | None] = [None]
    pose = StereoPose(
        trackers, views, lambda _: newest.pop() if newest else None, lambda n, t, a: events.append((n, t))
    )
    assert pose.step(blank, 0).world_m[0, 0] == 1.0  # no second frame yet
    newest.append(Frame(blank, 34 * MS, 0, cut=False))
    fused = pose.step(blank, 33 * MS)
    np.testing.assert_allclose(fused.world_m, points - points[[23, 24]].mean(axis=0), atol=1e-5)
    for k in range(2, 62):  # the second camera has stopped: its last frame grows old
        assert pose.step(blank, k * 33 * MS).world_m[0, 0] == 1.0
    assert [name for name, _ in events] == ["stereo_sync"] * 2 and events[1][1] - events[0][1] >= 1000 * MS
    newest.append(Frame(blank, 2100 * MS, 1, cut=False, fault="camera_black"))
    assert pose.step(blank, 2100 * MS).world_m[0, 0] == 1.0
    assert (pose.counts.fused, pose.counts.stereo_sync) == (1, 60)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[second]", "[other]", "table [second] must hold"),
        ("focal_px = [900.0, 905.0]", "focal_px = [900.0]", "`first.focal_px` must be 2 numbers"),
        ("focal_px = [900.0, 905.0]", "focal_px = [900.0, -1.0]", "above 0"),
        ("shift_m = [2.3,", 'shift_m = ["a",', "`second.shift_m` must be 3 numbers"),
        ("[first]", "[first", "not valid TOML"),
    ],
)
def test_a_wrong_calibration_is_one_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "pair.toml"
    path.write_text(PAIR.replace(old, new, 1))
    with pytest.raises(UserError) as error:
        load_views(path)
    assert says in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)
