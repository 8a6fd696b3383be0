"""The watch on encoders, on motion of our own: what it must see, what it must not, and where it begins to."""

from __future__ import annotations

from collections.abc import Callable
from math import radians
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.biomech.encoder import EncoderModel
from edge_runtime.encoder_watch import APART_RAD, JUMP_RAD, LATE_S, EncoderWatch
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.types import F64

STIFF = EncoderModel(np.zeros(2), np.zeros(2), np.full(2, 1e9), np.full(2, 1e9), np.zeros(2))
COLUMN = {name: i for i, name in enumerate(CYCLE_FIELDS)}
FRAME_MS, BATCH_MS, DELAY_MS = 17, 50, 30
Curve = Callable[[F64], F64]


def gait(t_s: F64) -> F64:
    """One knee in walking: 60 deg of flexion, 320 deg/s at most."""
    return np.radians(30.0 - 30.0 * np.cos(2.0 * np.pi * 1.0 * t_s) + 8.0 * np.sin(4.0 * np.pi * t_s))


def rows_of(right: F64, left: F64, first_ms: int = 1000) -> F64:
    """Rows of the loop, one per millisecond, as JOINT_STATE shows these angles (0.01 deg)."""
    rows = np.zeros((len(right), len(CYCLE_FIELDS)))
    rows[:, COLUMN["t_ns"]] = (first_ms + np.arange(len(right))) * 1e6
    rows[:, COLUMN["received"]] = 2.0 * np.arange(len(right))
    for side, angle in (("r", right), ("l", left)):
        rows[:, COLUMN[f"position_rad_{side}"]] = np.radians(np.round(np.degrees(angle), 2))
        rows[:, COLUMN[f"velocity_radps_{side}"]] = np.gradient(angle, 1e-3)
    return rows


def watch_over(rows: F64, seen: Curve | None, sd_deg: float = 5.0, lag_s: float = 0.0) -> list[tuple[int, str]]:
    """What the watch says after each batch of rows: (ms, words), where it says anything."""
    watch = EncoderWatch(STIFF, lag_s)
    first_ms = round(rows[0, 0] * 1e-6)
    said = []
    for k in range(0, len(rows), BATCH_MS):
        watch.see_cycles(rows[k : k + BATCH_MS])
        for ms in range(k, k + BATCH_MS):
            if seen is not None and ms % FRAME_MS == 0 and ms >= DELAY_MS:
                at_s = np.full(2, (ms - DELAY_MS) * 1e-3)
                watch.see_knees((first_ms + ms - DELAY_MS) * 1_000_000, seen(at_s), np.full(2, radians(sd_deg)))
        if words := watch.problem(round(rows[min(k + BATCH_MS, len(rows)) - 1, 0])):
            said.append((k + BATCH_MS, words))
    return said


def walk(seconds: float = 6.0) -> F64:
    return gait(np.arange(round(seconds * 1e3), dtype=np.float64) * 1e-3)


def test_a_walk_seen_well_is_believed() -> None:
    assert watch_over(rows_of(walk(), walk()), gait) == []


def test_nobody_in_sight_and_nobody_moving_is_no_fault() -> None:
    still = np.full(5000, 0.3)
    assert watch_over(rows_of(still, still), None) == []
    assert watch_over(rows_of(still, still), lambda t: np.full(len(t), 0.3)) == []


@settings(deadline=None, max_examples=15)
@given(st.floats(-8.0, 8.0), st.floats(0.85, 1.15), st.floats(-0.02, 0.02), st.floats(0.0, 0.01), st.integers(0, 2**31))
def test_a_camera_as_wrong_as_cameras_are_raises_nothing(
    constant_deg: float, gain: float, lag_s: float, noise_rad: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    angle = walk()
    rows = rows_of(angle + rng.normal(0.0, noise_rad, len(angle)), angle)

    def seen(t_s: F64) -> F64:
        return gain * gait(t_s - lag_s) + radians(constant_deg) + rng.normal(0.0, radians(2.0), len(t_s))

    assert watch_over(rows, seen) == []


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("at_ms", [1000, 2250, 2613])
def test_a_jump_is_seen_within_two_batches_also_where_the_velocity_follows_it(sign: float, at_ms: int) -> None:
    angle = walk(4.0)
    angle[at_ms:] += sign * 1.6 * JUMP_RAD
    said = watch_over(rows_of(walk(4.0), angle), None)
    assert said and "left encoder jumped" in said[0][1]
    assert at_ms < said[0][0] <= at_ms + 2 * BATCH_MS
    assert said[-1][0] < at_ms + 1200  # and is forgotten: nothing tells that it is still wrong


@pytest.mark.parametrize("share", [0.6, -0.6])
def test_a_jump_below_the_bound_is_not(share: float) -> None:
    angle = walk(3.0)
    angle[1500:] += share * JUMP_RAD
    assert watch_over(rows_of(angle, walk(3.0)), gait) == []


def test_an_angle_after_a_gap_is_no_jump() -> None:
    """Frames were lost, or the loop stood still: the next angle is elsewhere, and right."""
    angle = walk(3.0)
    rows = rows_of(angle, angle)
    lost = rows.copy()
    lost[1300:1400, COLUMN["position_rad_r"]] = lost[1299, COLUMN["position_rad_r"]]
    lost[1300:, COLUMN["received"]] -= np.minimum(np.arange(1.0, 1701.0) * 2.0, 200.0)
    assert abs(lost[1400, COLUMN["position_rad_r"]] - lost[1399, COLUMN["position_rad_r"]]) > 3.0 * JUMP_RAD
    assert watch_over(lost, None) == []
    stood = np.concatenate((rows[:1300], rows[1400:]))
    assert watch_over(stood, None) == []


@pytest.mark.parametrize("count", ["e2e_lost", "e2e_gaps", "e2e_repeats", "e2e_crc"])
def test_an_angle_after_frames_that_were_late_or_lost_is_no_jump(count: str) -> None:
    """Some come in each cycle, but not the next one: a delay of the bus that ends skips a part of the motion."""
    angle = walk(3.0)
    angle[1500:] += 2.0 * JUMP_RAD
    rows = rows_of(angle, angle)
    assert watch_over(rows, None)
    rows[1500:, COLUMN[count]] += 1.0
    assert watch_over(rows, None) == []


@pytest.mark.parametrize("at_ms", [1000, 1250, 1333, 1500, 1750])
def test_an_encoder_that_stands_still_is_seen_once_the_knee_has_moved(at_ms: int) -> None:
    angle = walk(4.0)
    angle[at_ms:] = angle[at_ms]
    rows = rows_of(angle, walk(4.0))
    said = watch_over(rows, gait)
    assert said and "right encoder" in said[0][1]
    assert said[0][0] <= at_ms + 700


def test_one_that_is_not_heard_does_not_stand_still() -> None:
    """Its messages are lost, or broken: that is the governor's and the loop's to see."""
    angle = walk(3.0)
    rows = rows_of(angle, angle)
    rows[1000:1400, COLUMN["position_rad_r"]] = rows[999, COLUMN["position_rad_r"]]
    rows[1000:, COLUMN["received"]] -= np.minimum(np.arange(1.0, 2001.0), 400.0)
    assert watch_over(rows, gait) == []


def test_an_encoder_that_flickers_by_a_digit_stands_still_too() -> None:
    angle = walk(3.0)
    angle[1000:] = angle[1000] + radians(0.01) * (np.arange(2000) % 2)
    assert watch_over(rows_of(walk(3.0), angle), gait)


@pytest.mark.parametrize(("share", "found"), [(0.8, False), (1.2, True)])
def test_a_lasting_distance_is_seen_beyond_its_bound(share: float, found: bool) -> None:
    angle = walk() + share * APART_RAD
    said = watch_over(rows_of(angle, walk()), gait)
    assert bool(said) is found
    assert not found or "right encoder and camera are" in said[0][1]


def test_a_camera_that_is_unsure_needs_a_larger_distance() -> None:
    angle = walk() + 1.2 * APART_RAD
    assert watch_over(rows_of(angle, walk()), gait, sd_deg=9.0) == []


@pytest.mark.parametrize(("delay_s", "found"), [(0.5 * LATE_S, False), (1.5 * LATE_S, True), (0.2, True)])
def test_lateness_is_seen_beyond_its_bound(delay_s: float, found: bool) -> None:
    t_s = np.arange(6000, dtype=np.float64) * 1e-3
    said = watch_over(rows_of(gait(t_s - delay_s), gait(t_s)), gait)
    assert bool(said) is found
    assert not found or "right encoder" in said[0][1]


def test_a_wearer_known_to_follow_the_picture_is_not_late() -> None:
    t_s = np.arange(6000, dtype=np.float64) * 1e-3
    rows = rows_of(gait(t_s - 0.1), gait(t_s - 0.1))
    assert watch_over(rows, gait, lag_s=0.1) == []
    assert watch_over(rows, gait)


def test_a_soft_interface_is_taken_into_account() -> None:
    soft = EncoderModel(np.zeros(2), np.zeros(2), np.full(2, 20.0), np.full(2, 20.0), np.zeros(2))
    watch = EncoderWatch(soft)
    rows = rows_of(walk() + 10.0 / 20.0, walk())
    rows[:, COLUMN["measured_nm_r"]] = 10.0
    for k in range(0, len(rows), BATCH_MS):
        watch.see_cycles(rows[k : k + BATCH_MS])
        watch.see_knees((1000 + k) * 1_000_000, gait(np.full(2, k * 1e-3)), np.full(2, radians(5.0)))
    assert watch.problem(round(rows[-1, 0])) == ""


def test_what_the_camera_saw_can_be_forgotten() -> None:
    angle = walk() + 1.5 * APART_RAD
    rows = rows_of(angle, angle)
    watch = EncoderWatch(STIFF)
    for k in range(0, len(rows), BATCH_MS):
        watch.see_cycles(rows[k : k + BATCH_MS])
        for ms in range(k, k + BATCH_MS, 25):
            watch.see_knees((1000 + ms) * 1_000_000, gait(np.full(2, ms * 1e-3)), np.full(2, radians(5.0)))
    assert "apart" in watch.problem(round(rows[-1, 0]))
    watch.forget_camera()
    assert watch.problem(round(rows[-1, 0])) == ""


def test_the_page_names_the_bounds() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs/reasons/encoder_implausible.md").read_text(encoding="utf-8")
    assert "`encoder_implausible`" in page
    for words in (f"{np.degrees(JUMP_RAD):.0f}°", f"{np.degrees(APART_RAD):.0f}°", f"{LATE_S * 1e3:.0f} ms"):
        assert words in page
