"""No face leaves: faces of the demo clip are found before and not after; whatever fails, the picture is dropped."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.cameras.privacy import Circle, FaceBlur, YuNet, wearer_head
from edge_runtime.cameras.store import FrameStore, Picture
from edge_runtime.types import F64, U8
from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Inline
from engines.pose import PoseTracker
from engines.pose.prompt import InBox

HER_BOX = (1000, 400, 600, 560)


def standing() -> F64:
    """Landmarks of somebody 300 px tall, their face about (200, 60)."""
    points = np.zeros((33, 2))
    points[:11] = (200, 60)
    points[[11, 12]], points[[23, 24]] = [[180, 100], [220, 100]], [[190, 180], [210, 180]]
    return points


class Finder:
    """Finds the given circles, one list per call; the last again and again."""

    def __init__(self, *rounds: list[Circle]) -> None:
        self.rounds = list(rounds)

    def find(self, rgb: U8) -> list[Circle]:
        return self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]


class Broken:
    def find(self, rgb: U8) -> list[Circle]:
        raise cv2.error("no model")


PICTURE = np.random.default_rng(1).integers(0, 255, (400, 400, 3)).astype(np.uint8)


def changed(before: U8, after: U8 | None) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    assert after is not None
    return np.any(before != after, axis=2)


def test_the_wearer_is_blurred_by_landmarks_even_where_no_face_is_found() -> None:
    out = FaceBlur(Finder([])).blurred(PICTURE, standing())
    mask = changed(PICTURE, out)
    assert mask[60, 200] and mask[40:80, 185:215].mean() > 0.99
    assert not mask[100:, :].any() and not mask[:, :160].any()


def test_bystanders_are_blurred_where_they_are_found() -> None:
    out = FaceBlur(Finder([(320.0, 300.0, 20.0)], [])).blurred(PICTURE, standing())
    mask = changed(PICTURE, out)
    assert mask[295:306, 315:326].mean() > 0.99 and not mask[330:, :].any()


@pytest.mark.parametrize("wearer", [None, np.full((33, 2), np.nan)])
def test_without_the_wearer_no_picture(wearer: F64 | None) -> None:
    assert FaceBlur(Finder([])).blurred(PICTURE, wearer) is None


def test_a_detector_that_fails_drops_the_picture() -> None:
    assert FaceBlur(Broken()).blurred(PICTURE, standing()) is None


def test_a_face_that_stays_drops_the_picture_one_that_goes_does_not() -> None:
    face: list[Circle] = [(320.0, 300.0, 20.0)]
    assert FaceBlur(Finder(face)).blurred(PICTURE, standing()) is None
    assert FaceBlur(Finder(face, face, [])).blurred(PICTURE, standing()) is not None


def test_the_given_picture_is_not_touched_and_faces_at_the_edge_are_no_trouble() -> None:
    before = PICTURE.copy()
    points = standing() - (200, 60)
    assert FaceBlur(Finder([(399.0, 399.0, 50.0), (900.0, 900.0, 5.0)], [])).blurred(PICTURE, points) is not None
    np.testing.assert_array_equal(PICTURE, before)


def test_the_head_grows_with_the_trunk_where_the_face_is_seen_from_the_side() -> None:
    assert wearer_head(standing())[2] == pytest.approx(32)
    assert wearer_head(2 * standing())[2] == pytest.approx(64)


def test_stores_one_picture_a_second_and_counts_what_it_drops(tmp_path: Path) -> None:
    store = FrameStore(tmp_path / "pictures", lambda: FaceBlur(Finder([])), Inline)
    for k in range(90):
        t_ns = k * 33_333_333
        store.offer(Picture(PICTURE, standing() if k < 45 else None, t_ns))
    store.close()
    assert (store.stored, store.dropped) == (2, 1)
    assert len(list((tmp_path / "pictures").glob("*.jpg"))) == 2


@pytest.mark.assets
def test_faces_of_the_demo_clip_are_gone(assets: dict[str, Path]) -> None:
    """The woman walks, the man stands on the wall: both faces are found before, none after."""
    frames = ClipSource(ClipSpec(assets["demo_clip"], 75, 130)).frames
    detector, landmarks = OrtCpuRunner(assets["pose_detection"]), OrtCpuRunner(assets["pose_landmark"])
    pose = PoseTracker(detector, landmarks, None, Inline, prompt=InBox(HER_BOX))
    finder = YuNet(assets["face_detection_yunet"])
    blur, looked_at = FaceBlur(finder), 0
    for k, frame in enumerate(frames):
        found = pose.step(frame, k * 33_333_333)
        if k % 18 != 10 or not found.valid:
            continue
        looked_at += 1
        assert len([c for c in finder.find(frame) if c[2] > 20]) >= 2
        clean = blur.blurred(frame, found.xy_px)
        assert clean is not None and finder.find(clean) == []
        assert changed(frame, clean).mean() < 0.05  # the rest of the picture is as it was
        x, y, radius = wearer_head(found.xy_px)
        assert changed(frame, clean)[int(y - radius / 2) : int(y + radius / 2), int(x)].mean() > 0.9
    assert looked_at >= 2
