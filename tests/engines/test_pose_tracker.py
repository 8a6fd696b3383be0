"""Finding, following, losing and finding again; the detector beside the tick."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edge_runtime.camera import ClipSource, ClipSpec
from engines.backends.ort_cpu import OrtCpuRunner
from engines.beside import Beside, Inline, Reply, Threaded
from engines.pose import PoseResult, PoseTracker
from engines.pose.detector import U8, Detection, View
from tests.engines.test_pose_parts import FixedNet, raw_people

HIP, KNEE, ANKLE = 23, 25, 27
"""Left leg (the near one in the demo clip), BlazePose numbering."""

FRAME_NS = 33_333_333
BLACK = np.zeros((400, 400, 3), np.uint8)


class StandingNet:
    """A landmark net that sees a person standing in the middle of every crop, with a settable presence."""

    def __init__(self) -> None:
        self.inputs: Mapping[str, npt.NDArray[Any]] = {"input_1": np.zeros((1, 3, 256, 256), np.float32)}
        points = np.zeros((39, 5), np.float32)
        points[:, :2] = 128
        points[34, 1] = 128 - 128 / 1.25
        self.points = points
        self.presence = 0.9

    def warm(self) -> None: ...

    def infer(self) -> Mapping[str, npt.NDArray[Any]]:
        return {
            "Identity": self.points.reshape(1, 195),
            "Identity_1": np.array([[self.presence]], np.float32),
            "Identity_3": np.full((1, 39, 64, 64), -30, np.float32),
            "Identity_4": np.ones((1, 117), np.float32),
        }

    def close(self) -> None: ...


def tracker(net: StandingNet, centre: tuple[float, float] = (0.5, 0.5), logit: float = 2.0) -> PoseTracker:
    return PoseTracker(FixedNet(*raw_people([(centre, logit)])), net, None, Inline)


def reasons(pose: PoseTracker, steps: int, start: int = 0) -> list[str]:
    return [pose.step(BLACK, (start + k) * FRAME_NS).reason for k in range(steps)]


def test_searches_then_follows() -> None:
    pose = tracker(StandingNet(), centre=(0.6, 0.5))
    assert math.isnan(pose.detector_ms) and not pose.detector_ran
    ran, results = [], []
    for k in range(4):
        results.append(pose.step(BLACK, k * FRAME_NS))
        ran.append(pose.detector_ran)
    assert [r.reason for r in results] == ["searching", "searching", "", ""]
    assert ran == [False, False, True, False]
    assert pose.detector_ms >= 0
    np.testing.assert_allclose(results[2].xy_px[0], [240, 200], atol=1e-3)
    assert results[3].valid and results[3].score == pytest.approx(0.9)
    assert np.isnan(results[0].xy_px).all() and not results[0].valid


def test_keeps_searching_while_nobody_is_there() -> None:
    assert reasons(tracker(StandingNet(), logit=-1.0), 9) == ["searching"] * 9


@pytest.mark.parametrize("damage", ["presence", "collapsed", "nan"])
def test_lost_then_found_again(damage: str) -> None:
    net = StandingNet()
    pose, good = tracker(net), net.points.copy()
    reasons(pose, 4)
    if damage == "presence":
        net.presence = 0.499
    else:
        net.points[33:35, :2] = 128 if damage == "collapsed" else np.nan
    lost = pose.step(BLACK, 4 * FRAME_NS)
    assert (lost.valid, lost.reason) == (False, "lost")
    net.presence, net.points = 0.9, good
    assert reasons(pose, 3, start=5) == ["searching", "", ""]


def test_smoothing_starts_anew_after_a_loss() -> None:
    net = StandingNet()
    pose = tracker(net)
    reasons(pose, 30)
    net.presence = 0.0
    reasons(pose, 1, start=30)
    net.presence = 0.9
    net.points[33:35, 0] += 30  # the person stands to the right of the region now
    reasons(pose, 2, start=31)
    # Unsmoothed, the region moves all the way twice (looked at closely, then followed): 30 crop px of 256 on 200 px.
    moved = pose.step(BLACK, 33 * FRAME_NS).xy_px[0, 0]
    assert moved == pytest.approx(200 + 2 * 30 * 200 / 256, abs=0.1)


def test_reset_drops_the_person_and_the_request_under_way() -> None:
    pose = tracker(StandingNet())
    reasons(pose, 1)
    pose.reset()
    assert reasons(pose, 3, start=1) == ["searching", "searching", ""]
    pose.reset()
    assert reasons(pose, 2, start=4) == ["searching", "searching"]


@pytest.mark.parametrize("delay", [1, 2, 5])
def test_inline_delivers_after_a_fixed_number_of_polls(delay: int) -> None:
    executor: Inline[U8, None] = Inline(lambda rgb: None, delay)
    assert executor.poll() is None
    ticket = executor.submit(BLACK)
    replies = [executor.poll() for _ in range(delay + 1)]
    assert [r is not None for r in replies] == [False] * (delay - 1) + [True, False]
    delivered = replies[delay - 1]
    assert delivered is not None and delivered.ticket == ticket


class ManualDetector:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.tickets = 0
        self.reply: Reply[list[Detection]] | None = None

    def submit(self, view: View) -> int:
        self.tickets += 1
        return self.tickets

    def poll(self) -> Reply[list[Detection]] | None:
        reply, self.reply = self.reply, None
        return reply

    def close(self) -> None: ...


def test_an_answer_from_before_a_reset_is_not_used() -> None:
    executor = ManualDetector()
    pose = PoseTracker(FixedNet(*raw_people([])), StandingNet(), None, lambda detect, ticks: executor)
    person = Detection(np.array([[200.0, 200.0], [200.0, 120.0]]), np.array([200.0, 160.0]), 0.9)
    reasons(pose, 1)
    pose.reset()
    reasons(pose, 1, start=1)
    executor.reply = Reply(1, [person], 5.0)
    assert pose.step(BLACK, 2 * FRAME_NS).reason == "searching"
    assert pose.detector_ran and pose.detector_ms == 5.0
    executor.reply = Reply(2, [person], 6.0)
    assert pose.step(BLACK, 3 * FRAME_NS).valid


def wait_for(executor: Beside[U8, Detection | None], ticket: int) -> Detection | None:
    for _ in range(500):
        reply = executor.poll()
        if reply is not None and reply.ticket == ticket:
            return reply.answer
        threading.Event().wait(0.01)
    raise AssertionError("no reply within 5 s")


def test_thread_never_blocks_the_tick_and_takes_only_the_newest_frame() -> None:
    gate, seen = threading.Event(), list[int]()

    def detect(rgb: U8) -> Detection | None:
        seen.append(int(rgb[0, 0, 0]))
        assert gate.wait(5)
        return Detection(np.full((2, 2), float(rgb[0, 0, 0])), np.zeros(2), 1.0)

    executor = Threaded(detect, 1)
    executor.submit(np.full((1, 1, 3), 1, np.uint8))
    while not seen:
        threading.Event().wait(0.001)
    assert executor.poll() is None
    tickets = [executor.submit(np.full((1, 1, 3), value, np.uint8)) for value in (2, 3, 4)]
    gate.set()
    found = wait_for(executor, tickets[-1])
    assert found is not None and found.points_px[0, 0] == 4
    assert seen == [1, 4]
    executor.close()
    executor.close()


def test_thread_hands_its_error_to_the_caller() -> None:
    def detect(rgb: U8) -> Detection | None:
        raise ValueError("broken net")

    executor = Threaded(detect, 1)
    executor.submit(BLACK)
    with pytest.raises(ValueError, match="broken net"):
        wait_for(executor, 1)
    executor.close()


@pytest.fixture(scope="module")
def clip(assets: dict[str, Path]) -> ClipSource:
    return ClipSource(ClipSpec.demo(assets["demo_clip"]))


def track(
    runners: tuple[OrtCpuRunner, OrtCpuRunner], clip: ClipSource, turn: Callable[[U8], U8] = np.asarray
) -> list[PoseResult]:
    pose = PoseTracker(*runners, None, Inline)
    frames = [clip.frame_at(k, FRAME_NS, 0) for k in range(len(clip))]
    return [pose.step(turn(f.rgb), f.t_capture_ns) for f in frames]


def knee_deg(result: PoseResult) -> float:
    thigh, shank = result.xy_px[KNEE] - result.xy_px[HIP], result.xy_px[ANKLE] - result.xy_px[KNEE]
    cosine = thigh @ shank / (np.hypot(*thigh) * np.hypot(*shank))
    return math.degrees(math.acos(cosine))


@pytest.mark.assets
def test_follows_the_walker_of_the_demo_clip(runners: Any, clip: ClipSource) -> None:
    results = track(runners, clip)
    valid = [r.valid for r in results]
    first = valid.index(True)
    assert first <= 8 and all(valid[first:])
    hips = np.array([r.xy_px[HIP] for r in results[first:]])
    assert hips[0, 0] > 1000 and hips[-1, 0] < 150  # right to left
    assert np.ptp(hips[:, 1]) < 60
    knees = np.array([knee_deg(r) for r in results[first:]])
    # Swing flexion of the near knee in each of three steps, an almost straight knee between them.
    assert 55 < np.percentile(knees, 95) < 85 and np.percentile(knees, 10) < 15
    assert np.median(np.abs(np.diff(knees))) < 8


@pytest.mark.assets
def test_lock_step_is_deterministic(runners: Any, clip: ClipSource) -> None:
    for one, other in zip(track(runners, clip)[:40], track(runners, clip)[:40], strict=True):
        np.testing.assert_array_equal(one.xy_px, other.xy_px)
        np.testing.assert_array_equal(one.world_m, other.world_m)


@pytest.mark.assets
def test_a_turned_camera_turns_the_pose(runners: Any, clip: ClipSource) -> None:
    upright = track(runners, clip)[60]
    turned = track(runners, clip, lambda rgb: np.ascontiguousarray(np.rot90(rgb, -1)))[60]  # clockwise
    height = clip.frames.shape[1]
    expected = np.stack([height - upright.xy_px[:, 1], upright.xy_px[:, 0]], axis=1)
    assert np.median(np.abs(turned.xy_px - expected)) < 6
    rotated = np.stack([-upright.world_m[:, 1], upright.world_m[:, 0], upright.world_m[:, 2]], axis=1)
    assert np.median(np.abs(turned.world_m[:, :2] - rotated[:, :2])) < 0.03
