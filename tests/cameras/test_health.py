"""Camera faults made on the demo clip are named in time; the clip itself, and what is only a little worse, is not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_runtime.camera import ClipSource, ClipSpec
from edge_runtime.cameras.health import HOLD_NS, CameraHealth
from edge_runtime.cameras.mount import WINDOW_NS
from edge_runtime.cameras.reference import learn, load_reference, save_reference
from edge_runtime.errors import UserError
from edge_runtime.types import U8

FRAME_NS = 33_333_333
START = 20
"""Frames before the fault begins: the reference is learned."""

Fault = Callable[[U8], U8]


@pytest.fixture(scope="module")
def clip(assets: dict[str, Path]) -> U8:
    """A person of half the picture's height walks past."""
    return ClipSource(ClipSpec.demo(assets["demo_clip"])).frames


@pytest.fixture(scope="module")
def whole(assets: dict[str, Path]) -> U8:
    return ClipSource(ClipSpec(assets["demo_clip"], 0, 120)).frames


def brighter(gain: float) -> Fault:
    return lambda rgb: np.clip(rgb * np.float32(gain), 0, 255).astype(np.uint8)


def blurred(sigma_px: float) -> Fault:
    return lambda rgb: np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma_px), np.uint8)


def mounted(shift: float = 0.0, roll_deg: float = 0.0, zoom: float = 1.0) -> Fault:
    """The camera has turned by `shift` of the picture's width, rolled, or come nearer."""

    def apply(rgb: U8) -> U8:
        height, width = rgb.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll_deg, zoom)
        matrix[0, 2] += shift * width
        return np.asarray(cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)

    return apply


def judged(frames: U8, fault: Fault = np.asarray, seconds: float = 3.0) -> list[str]:
    """What the camera's health says of each frame; `fault` holds from START on."""
    health = CameraHealth()
    count = START + round(seconds * 1e9 / FRAME_NS)
    return [
        health.judge(frames[k] if k < START else fault(frames[k]), k * FRAME_NS) for k in range(min(count, len(frames)))
    ]


@pytest.mark.assets
def test_the_clip_itself_is_fine(clip: U8, whole: U8) -> None:
    assert set(judged(clip, seconds=9)) == {""}
    assert set(judged(whole, seconds=9)) == {""}


@pytest.mark.assets
@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (brighter(0.05), "camera_black"),
        (brighter(0.25), "camera_exposure"),
        (brighter(4.0), "camera_exposure"),
        (blurred(1.5), "camera_blurred"),
        (blurred(6.0), "camera_blurred"),
        (mounted(shift=0.01), "camera_moved"),
        (mounted(shift=0.2), "camera_moved"),
        (mounted(roll_deg=2.0), "camera_moved"),
        (mounted(roll_deg=15.0), "camera_moved"),
        (mounted(zoom=1.05), "camera_moved"),
    ],
)
def test_each_fault_is_named_in_time(clip: U8, fault: Fault, name: str) -> None:
    said = judged(clip, fault, 2.0)
    allowed_ns = HOLD_NS[name] + (WINDOW_NS if name == "camera_moved" else 0)
    late = START + 1 + -(-allowed_ns // FRAME_NS)
    assert set(said[:START]) == {""}
    assert set(said[late:]) == {name}


@pytest.mark.assets
@pytest.mark.parametrize(
    "harmless", [brighter(0.6), brighter(1.6), blurred(0.5), mounted(shift=0.001), mounted(roll_deg=0.2)]
)
def test_what_is_only_a_little_worse_is_no_fault(clip: U8, harmless: Fault) -> None:
    assert set(judged(clip, harmless, 2.0)) == {""}


@pytest.mark.assets
def test_a_frozen_camera_is_stalled_after_a_second_and_a_fault_ends_with_its_cause(clip: U8) -> None:
    health = CameraHealth()
    said = [health.judge(clip[min(k, 30)], k * FRAME_NS) for k in range(70)]
    assert set(said[:60]) == {""} and said[62:] == ["camera_stalled"] * 8
    assert health.judge(clip[40], 71 * FRAME_NS) == ""


@pytest.mark.assets
def test_a_stored_reference_tells_a_camera_that_was_moved_before_the_run(clip: U8, tmp_path: Path) -> None:
    path = tmp_path / "scene.npz"
    digest = save_reference(learn(list(clip[:20])), path)
    assert len(digest) == 64 and digest == save_reference(learn(list(clip[:20])), path)
    reference = load_reference(path)
    as_it_was, moved = CameraHealth(reference), CameraHealth(reference)
    turned = mounted(shift=0.02)
    said = [(as_it_was.judge(clip[k], k * FRAME_NS), moved.judge(turned(clip[k]), k * FRAME_NS)) for k in range(45)]
    assert {one for one, _ in said} == {""}
    assert {other for _, other in said[32:]} == {"camera_moved"}


def test_no_reference_from_a_covered_lens_or_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="camera_black"):
        learn([np.zeros((480, 640, 3), np.uint8)] * 20)
    with pytest.raises(UserError, match="3 usable pictures, 15 needed"):
        learn([np.full((480, 640, 3), 100 + k, np.uint8) for k in range(3)])
    path = tmp_path / "scene.npz"
    for content in (b"", b"walk", b"PK\3\4"):
        path.write_bytes(content)
        with pytest.raises(UserError, match="take it again"):
            load_reference(path)
    np.savez(path, thumb=np.zeros((2, 2)), sharpness=1.0)
    with pytest.raises(UserError, match="not of this version"):
        load_reference(path)


@pytest.mark.parametrize("shape", [(16, 16, 3), (96, 128, 3), (100, 1000, 3), (720, 1280, 3)])
def test_any_picture_size_is_judged(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(2)
    scene = cv2.resize(rng.integers(60, 200, (12, 16, 3)).astype(np.uint8), shape[1::-1])
    health = CameraHealth()
    noisy = [scene + rng.integers(0, 8, shape).astype(np.uint8) for _ in range(3)]
    said = {health.judge(noisy[k % 3], k * FRAME_NS) for k in range(60)}
    assert said == {""}


@pytest.mark.assets
def test_judging_is_cheap(clip: U8) -> None:
    """Processor time, so that other work on the machine does not count; a generous bound, `exo-edge camera check` says
    how much it is."""
    health = CameraHealth()
    spent = []
    for k in range(60):
        before = time.thread_time_ns()
        health.judge(clip[k], k * FRAME_NS)
        spent.append(time.thread_time_ns() - before)
    assert np.median(spent[20:]) < 5e6
