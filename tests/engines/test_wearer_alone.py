"""The wearer alone in the picture: half outside it at first, coming nearer, gone and back, or somebody else instead."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from engines.beside import Inline
from engines.pose import PoseTracker
from engines.pose.alone import ALONE_NS, Alone
from engines.pose.appearance import PARTS, looks, unlike
from engines.pose.detector import Detection, View
from engines.pose.identity import SETTLE_NS, Identity
from engines.pose.prompt import Anybody, InBox
from tests.engines.composed import Scene
from tests.engines.test_pose_parts import FixedNet, raw_people
from tests.engines.test_pose_tracker import StandingNet, reasons
from tests.engines.test_wearer import FRAME_NS, HER_BOX, HIPS, follow, person, walked

F64 = npt.NDArray[np.float64]
U8 = npt.NDArray[np.uint8]
LOOK_NS = 60_000_000


def without_man(scene: Scene) -> U8:
    """She alone: the wall above her band as it is once the man has left."""
    return np.where(scene.woman[..., None], scene.frames, scene.empty)


def man_alone(scene: Scene, first: int, last: int) -> U8:
    """The man walks through, she is not there."""
    crossing = scene.man_crosses()[first:last].copy()
    her = scene.woman[first:last, ..., None]
    return np.where(her, scene.empty, crossing)


@pytest.mark.assets
@pytest.mark.parametrize("edge_px", [640, 680])
def test_who_comes_in_at_the_edge_is_followed_all_the_way(runners: Any, scene: Scene, edge_px: int) -> None:
    results = follow(runners, without_man(scene)[:, :, :edge_px], Anybody())
    assert sum(r.valid for r in results) >= len(results) - 12


@pytest.mark.assets
def test_back_at_another_place_alone_she_is_taken_up_after_a_while(runners: Any, scene: Scene) -> None:
    """She is seen, is gone for a third of a second, and stands 0.9 m farther than she can have walked."""
    alone, away = without_man(scene), np.repeat(scene.empty[None], 10, axis=0)
    results = follow(runners, np.concatenate([alone[:25], away, alone[70:]]), InBox(HER_BOX))
    valid = np.array([r.valid for r in results])
    assert valid[5:24].all() and not valid[26 : 35 + ALONE_NS // FRAME_NS].any()
    assert valid[-8:].all()


@pytest.mark.assets
def test_somebody_else_alone_is_not_taken_up(runners: Any, scene: Scene) -> None:
    away = np.repeat(scene.empty[None], 10, axis=0)
    frames = np.concatenate([without_man(scene)[:25], away, man_alone(scene, 25, 85)])
    results = follow(runners, frames, InBox(HER_BOX))
    assert all(r.valid for r in results[5:24]) and not any(r.valid for r in results[26:])
    assert "wearer_lost" in {r.reason for r in results[50:]}


def test_one_person_is_taken_up_only_after_several_looks_alike() -> None:
    alone = Alone()
    taken = []
    for k in range(10):
        alone.count(1)
        taken.append(alone.is_wearer(person(500 + 5 * k, 0), 1.6, 0.3, k * LOOK_NS))
    assert taken.index(True) == math.ceil(ALONE_NS / LOOK_NS) and all(taken[taken.index(True) :])


@pytest.mark.parametrize(
    ("size", "unlike_them", "step_px"),
    [(2.1, 0.3, 5), (0.45, 0.3, 5), (1.0, 0.49, 5), (1.0, math.nan, 5), (1.0, 0.3, 80)],
    ids=["too tall", "too small", "looks otherwise", "look unknown", "each time elsewhere"],
)
def test_alone_is_no_evidence_for(size: float, unlike_them: float, step_px: float) -> None:
    alone = Alone()
    for k in range(40):
        alone.count(1)
        assert not alone.is_wearer(person(step_px * k, 0), size, unlike_them, k * LOOK_NS)


def test_once_others_are_about_nobody_is_alone_until_the_wearer_is_followed_again() -> None:
    alone = Alone()
    alone.count(2)
    for k in range(40):
        alone.count(1)
        assert not alone.is_wearer(person(500, 0), 1.0, 0.1, k * LOOK_NS)
    alone.reset()
    assert [alone.is_wearer(person(500, 0), 1.0, 0.1, k * LOOK_NS) for k in range(9)][-1]


def test_the_time_starts_anew_where_nobody_was_found() -> None:
    alone = Alone()
    for k in range(40):
        alone.count(1 if k % 4 else 0)
        assert not alone.is_wearer(person(500, 0), 1.0, 0.1, k * LOOK_NS)


def test_who_comes_nearer_stays_who_they_are() -> None:
    """Past a camera two metres away the size grows by 70 % a second."""
    identity = Identity()
    for k in range(60):
        seen = person(2.0 * k, 0, radius=100 * math.exp(0.7 * k * FRAME_NS * 1e-9))
        assert k == 0 or not identity.moves_otherwise(seen, k * FRAME_NS)
        identity.accept(seen, k * FRAME_NS, looked=True)
    assert identity.moves_otherwise(person(120, 0, radius=1.5 * seen.radius_px), 60 * FRAME_NS)


def test_what_is_distrusted_takes_the_size_back_too() -> None:
    identity, t_ns, x = walked()
    for k in range(1, 6):
        identity.accept(person(x, 0, radius=130), t_ns + k * FRAME_NS, looked=False)
    assert identity.radius_px > 105
    identity.distrust_recent()
    assert identity.radius_px == pytest.approx(100)


def standing(x: float) -> F64:
    points = np.zeros((33, 2))
    points[[11, 12]], points[HIPS] = [[x - 10, 40], [x + 10, 40]], [[x - 8, 100], [x + 8, 100]]
    points[[25, 26]], points[[27, 28]] = [[x - 8, 140], [x + 8, 140]], [[x - 8, 180], [x + 8, 180]]
    points[[7, 8]] = [x, 25]
    return points


def test_what_lies_outside_the_picture_has_no_look() -> None:
    rgb = np.full((200, 200, 3), (180, 120, 90), np.uint8)
    whole = looks(rgb, standing(100))
    below = looks(rgb[:150], standing(100))
    assert np.isfinite(whole).all()
    assert [name for name, part in zip(PARTS, below, strict=True) if np.isnan(part).all()] == ["shins"]
    assert unlike(whole, below) == pytest.approx(0.0, abs=1e-6)
    for x in (2, 198, -500):
        at_the_edge = looks(rgb, standing(x))
        assert np.isnan(at_the_edge[0]).all() and not unlike(whole, at_the_edge) > 0.01
    assert math.isnan(unlike(whole, looks(rgb, standing(-500))))


def test_a_part_that_comes_into_view_is_learned() -> None:
    identity, cut, later = Identity(), person(0, 0), person(0, 0)
    cut.looks[[0, 2]] = np.nan
    identity.accept(cut, 0, looked=True)
    assert identity.unlike(later) == pytest.approx(0.0)
    identity.accept(later, FRAME_NS, looked=True)
    stranger = person(0, 30)
    stranger.looks[[1, 3]] = np.nan
    assert identity.unlike(stranger) > 0.5
    identity.accept(cut, 2 * FRAME_NS, looked=True)
    assert identity.unlike(later) == pytest.approx(0.0)


def test_lost_before_they_were_followed_for_long_the_prompt_decides_again() -> None:
    """First sight is of something else, in the middle; then there is somebody of half the size at another place."""
    first, then = raw_people([((0.5, 0.5), 2.0)]), raw_people([((0.2, 0.5), 2.0)])
    for frames in (2, 2 + SETTLE_NS // FRAME_NS + 2):
        net, boxes = StandingNet(), FixedNet(*first)
        pose = PoseTracker(boxes, net, None, Inline)
        assert reasons(pose, 2 + frames)[-1] == ""
        net.presence = 0.1
        boxes.infer = FixedNet(*then).infer  # type: ignore[method-assign]
        reasons(pose, 1, start=2 + frames)
        net.presence = 0.9
        net.points[33:35, 1] = [128, 128 - 40]
        again = reasons(pose, 6, start=3 + frames)
        assert ("" in again) == (frames == 2)


def test_where_a_detection_held_nobody_the_detector_looks_closer() -> None:
    views: list[tuple[int, int, int, int] | None] = []

    def noting(detect: Callable[[View], list[Detection]], ticks: int) -> Inline[View, list[Detection]]:
        def noted(view: View) -> list[Detection]:
            views.append(view.box)
            return detect(view)

        return Inline(noted, ticks)

    net = StandingNet()
    net.presence = 0.1
    pose = PoseTracker(FixedNet(*raw_people([((0.3, 0.5), 2.0)])), net, None, noting)
    reasons(pose, 12)
    closer = [box for box in views if box is not None]
    assert views[0] is None and None in views[1:]
    assert closer and all(x <= 120 <= x + w and y <= 200 <= y + h for x, y, w, h in closer)
