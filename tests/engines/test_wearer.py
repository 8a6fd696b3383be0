"""Who is the wearer, on real people of the demo clip put into each other's way, and on points made up for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.beside import Inline
from engines.errors import EngineError
from engines.pose import PoseResult, PoseTracker
from engines.pose.appearance import LENGTH, looks, unlike
from engines.pose.identity import Identity, Sighting
from engines.pose.prompt import Anybody, InBox, InMask, NearSpot, Prompt, load_mask
from tests.engines.composed import MAN_BOX, Scene

F64 = npt.NDArray[np.float64]
FRAME_NS = 33_333_333
HIPS = [23, 24]
HER_BOX = (560, 200, 300, 280)
HIS_BOX = (MAN_BOX[0] // 2, MAN_BOX[1] // 2, MAN_BOX[2] // 2, MAN_BOX[3] // 2)
RADIUS_PX = 100
"""Of the circle around her body in the halved clip."""


def follow(runners: Any, frames: npt.NDArray[np.uint8], prompt: Prompt) -> list[PoseResult]:
    detector, landmarks = runners
    pose = PoseTracker(detector, landmarks, None, Inline, prompt=prompt)
    return [pose.step(np.ascontiguousarray(frame), k * FRAME_NS) for k, frame in enumerate(frames)]


def hips(results: list[PoseResult]) -> F64:
    return np.array([r.xy_px[HIPS].mean(axis=0) for r in results])


@pytest.fixture(scope="module")
def alone(runners: Any, scene: Scene) -> F64:
    """Where her hips are when nobody is in the way."""
    results = follow(runners, scene.frames, InBox(HER_BOX))
    assert sum(r.valid for r in results) >= len(results) - 4
    return hips(results)


def off_px(results: list[PoseResult], alone: F64) -> F64:
    """How far valid results are from her."""
    valid = np.array([r.valid for r in results]) & np.isfinite(alone).all(axis=1)
    return np.hypot(*(hips(results) - alone)[valid].T)


@pytest.mark.assets
@pytest.mark.parametrize("crossing", ["mirrored_in_front", "mirrored_behind", "man_crosses"])
def test_identity_survives_a_crossing_and_nobody_else_is_ever_followed(
    runners: Any, scene: Scene, alone: F64, crossing: str
) -> None:
    results = follow(runners, getattr(scene, crossing)(), InBox(HER_BOX))
    assert off_px(results, alone).max() < 0.2 * RADIUS_PX
    assert all(r.valid for r in results[-20:])
    assert sum(r.valid for r in results) > 0.75 * len(results)
    assert {r.reason for r in results} <= {"", "searching", "lost", "wearer_lost"}


@pytest.mark.assets
def test_two_seconds_behind_a_wall(runners: Any, scene: Scene, alone: F64) -> None:
    results = follow(runners, scene.wall(250, 330), InBox(HER_BOX))
    valid = np.array([r.valid for r in results])
    gone = np.flatnonzero(~valid[10:])
    assert (gone[-1] - gone[0]) * FRAME_NS > 2e9 and valid[-15:].all()
    assert off_px(results, alone).max() < 0.25 * RADIUS_PX


@pytest.mark.assets
def test_behind_the_wall_somebody_else_stays_somebody_else(runners: Any, scene: Scene) -> None:
    """She goes behind a wall and does not come out; the man comes along instead."""
    frames = np.concatenate([scene.wall(0, 580)[:40], scene.man_crosses()[:60]])
    with_wall = scene.wall(0, 1)
    frames[40:, :, :580] = np.where(scene.woman[:60, :, :580, None], with_wall[:60, :, :1], frames[40:, :, :580])
    frames[40:] = np.where(scene.woman[:60, ..., None], scene.empty, frames[40:])
    results = follow(runners, frames, InBox(HER_BOX))
    assert any(r.valid for r in results[:20])
    assert not any(r.valid for r in results[45:])


@pytest.mark.assets
@pytest.mark.parametrize("who", ["her", "him"])
@pytest.mark.parametrize("kind", ["box", "mask", "spot"])
def test_the_prompt_says_who_it_is(runners: Any, scene: Scene, who: str, kind: str) -> None:
    x, y, width, height = HER_BOX if who == "her" else HIS_BOX
    mask = np.zeros(scene.frames.shape[1:3], np.uint8)
    mask[y : y + height, x : x + width] = 255
    prompts: dict[str, Prompt] = {
        "box": InBox((x, y, width, height)),
        "mask": InMask(mask),
        "spot": NearSpot((x + width / 2, y + height / 2), 0.6 * max(width, height)),
    }
    results = follow(runners, scene.frames[:12], prompts[kind])
    found = hips(results)[-1]
    assert results[-1].valid and x <= found[0] <= x + width and y <= found[1] <= y + height


@pytest.mark.assets
@pytest.mark.parametrize(("height_m", "found"), [(1.65, True), (1.3, False), (2.1, False)])
def test_at_a_spot_of_known_scale_the_body_height_of_the_profile_must_fit(
    runners: Any, scene: Scene, height_m: float, found: bool
) -> None:
    """She is 1.65 m tall (the clip's own configuration) and about 195 px of the halved picture."""
    detector, landmarks = runners
    prompt = InBox(HER_BOX)
    pose = PoseTracker(detector, landmarks, None, Inline, prompt=prompt, stature_px=195 / 1.65 * height_m)
    results = [pose.step(frame, k * FRAME_NS) for k, frame in enumerate(scene.frames[:12])]
    assert any(r.valid for r in results) == found


@pytest.mark.assets
def test_where_nobody_is_prompted_nobody_is_followed(runners: Any, scene: Scene) -> None:
    results = follow(runners, scene.frames[:15], InBox((10, 380, 60, 60)))
    assert [r.reason for r in results] == ["searching"] * 15


@pytest.mark.assets
def test_her_look_is_nearer_to_itself_than_to_his(runners: Any, scene: Scene) -> None:
    her = [(f, r) for f, r in zip(scene.frames, follow(runners, scene.frames[:30], InBox(HER_BOX)), strict=False)]
    him = [(f, r) for f, r in zip(scene.frames, follow(runners, scene.frames[:20], InBox(HIS_BOX)), strict=False)]
    hers = [looks(f, r.xy_px) for f, r in her if r.valid]
    his = [looks(f, r.xy_px) for f, r in him if r.valid]
    mean = np.mean(hers[:5], axis=0)
    assert max(unlike(mean, look) for look in hers) < min(unlike(mean, look) for look in his)


def person(x: float, look: int, radius: float = 100.0, y: float = 300.0) -> Sighting:
    histogram = np.zeros((4, LENGTH))
    histogram[:, [0, 6 + look]] = 1.0
    return Sighting(np.array([x, y]), radius, histogram)


def walked(speed_px_s: float = 120.0, seconds: float = 1.0) -> tuple[Identity, int, float]:
    """Somebody with look 0 who walked from x = 0 until now."""
    identity, t_ns = Identity(), 0
    for t_ns in range(0, round(seconds * 1e9), FRAME_NS):
        identity.accept(person(speed_px_s * t_ns * 1e-9, 0), t_ns, looked=True)
    return identity, t_ns, speed_px_s * t_ns * 1e-9


def test_expects_them_to_go_on_and_stop_after_a_while() -> None:
    identity, t_ns, x = walked()
    for later_s, ahead_s in ((0.1, 0.1), (2.0, 2.0), (9.0, 2.5)):
        at = identity.expected_px(t_ns + round(later_s * 1e9))
        np.testing.assert_allclose(at, [x + 120 * ahead_s, 300], atol=0.5)


@given(step=st.floats(-200, 200), frames=st.integers(1, 3))
def test_a_step_aside_is_noticed_uniform_motion_never(step: float, frames: int) -> None:
    identity, t_ns, x = walked()
    t_ns += frames * FRAME_NS
    moved = person(x + 120 * frames * FRAME_NS * 1e-9 + step, 0)
    if abs(step) < 9:
        assert not identity.moves_otherwise(moved, t_ns)
    if abs(step) > 11:
        assert identity.moves_otherwise(moved, t_ns)


def test_sliding_over_to_somebody_slowly_is_noticed() -> None:
    identity, t_ns, x = walked()
    for k in range(1, 40):
        seen = person(x - 150 * k * FRAME_NS * 1e-9, 0)
        if identity.moves_otherwise(seen, t_ns + k * FRAME_NS):
            assert k * FRAME_NS < 250e6
            return
        identity.accept(seen, t_ns + k * FRAME_NS, looked=True)
    raise AssertionError("never noticed")


def test_choice_needs_evidence() -> None:
    identity, t_ns, x = walked()
    later = t_ns + 1_000_000_000
    near, far = person(x + 130, 0), person(x + 130 + 90, 0)
    stranger = person(x + 120, 30)
    assert identity.choose([], later) is None
    assert identity.choose([stranger], later) is None
    assert identity.choose([stranger, near], later) == 1
    assert identity.choose([far, near], later) == 1  # alike, but one is where she must be
    assert identity.choose([near, person(x + 130 + 40, 0)], later) is None  # alike, and as near
    assert identity.choose([person(x + 600, 0)], later) is None  # nobody runs that fast
    assert identity.choose([person(x + 130, 0, radius=150)], later) is None  # half as tall again


def test_looks_of_a_flat_picture_are_alike_whatever_its_light() -> None:
    points = np.zeros((33, 2))
    points[[11, 12]], points[HIPS] = [[90, 40], [110, 40]], [[92, 100], [108, 100]]
    points[[25, 26]], points[[27, 28]], points[[7, 8]] = [[92, 140], [108, 140]], [[92, 180], [108, 180]], [100, 25]
    dark, light = (np.full((200, 200, 3), v, np.uint8) for v in ((60, 40, 30), (180, 120, 90)))
    other = np.full((200, 200, 3), (30, 40, 60), np.uint8)
    other[:90] = (90, 20, 20)
    assert unlike(looks(dark, points), looks(light, points)) < 0.15
    assert unlike(looks(dark, points), looks(other, points)) > 0.6


def test_prompts_rank_and_refuse() -> None:
    shoulders = np.array([0.0, -50.0])

    def at(x: float, y: float) -> tuple[F64, F64]:
        return np.array([x, y]), np.array([x, y]) + shoulders

    assert Anybody().rank(*at(1, 2)) == 0.0
    box = InBox((10, 10, 100, 200))
    assert box.rank(*at(60, 110)) == 0.0 and box.rank(*at(111, 110)) is None
    spot = NearSpot((50.0, 50.0), 30.0)
    assert spot.rank(*at(50, 60)) == pytest.approx(10) and spot.rank(*at(50, 81)) is None
    mask = np.zeros((200, 200), np.uint8)
    mask[:, 100:] = 255
    assert InMask(mask).rank(*at(150, 100)) == 0.0
    assert InMask(mask).rank(*at(50, 100)) is None and InMask(mask).rank(*at(500, 500)) is None


def test_a_mask_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    with pytest.raises(EngineError, match="no picture that can be read"):
        load_mask(path, (64, 48), None)
    mask = np.zeros((48, 64), np.uint8)
    mask[10:20, 30:40] = 255
    cv2.imwrite(str(path), mask)
    with pytest.raises(EngineError, match="is 64 x 48 px, the picture 640 x 480"):
        load_mask(path, (640, 480), None)
    with pytest.raises(EngineError, match="nothing white"):
        load_mask(path, (64, 48), (0, 0, 20, 20))
    assert load_mask(path, (64, 48), (25, 5, 30, 30)).rank(np.array([10.0, 12.0]), np.array([10.0, 6.0])) is not None
