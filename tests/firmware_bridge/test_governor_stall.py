"""The firmware itself stalls: what waited on the bus comes at once. Shorter than the lease it must not trip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware_bridge.codegen import joint_integers
from firmware_bridge.table import MUX, TABLE
from tests.firmware_bridge.harness import GOVERNOR_ID, JOINTS, SETPOINT_ID, STEP_US, Governor

LIMIT = joint_integers(TABLE.joints["knee_r"])
UP_PER_MS = LIMIT["slew_up_cnm_per_s"] // 1000
DOWN_PER_MS = LIMIT["slew_down_cnm_per_s"] // 1000
CATCH_UP_MS = 2  # a step moves the torque by at most this much time, however long the stall was
LEASE_MS = LIMIT["lease_ms"]
QUEUE = 8
AHEAD = pytest.mark.parametrize("ahead", [0, 10, 40])


def stall(g: Governor, torques: list[int], ahead: int = 0, late_us: int = 0) -> None:
    """One setpoint per ms on both joints, stamped when sent, all handed in at the last one's time; then a step."""
    waiting = []
    for cnm in torques:
        g.now_us += STEP_US
        waiting += [(joint, g.setpoint_data(joint, cnm, "TORQUE", ahead=ahead)) for joint in range(2)]
    g.now_us += late_us
    g.keep_host()
    for joint, data in waiting:
        g.frame(SETPOINT_ID[JOINTS[joint]], data)
    before = g.torque
    g.step(0)
    for was, now in zip(before, g.torque, strict=True):
        assert now - was <= UP_PER_MS * CATCH_UP_MS + 1
        assert was - now <= DOWN_PER_MS * CATCH_UP_MS + 1


def prompt(g: Governor, cnm: int, steps: int, ahead: int = 0) -> None:
    """The same stream without a stall."""
    for _ in range(steps):
        stall(g, [cnm], ahead)


def counters(g: Governor) -> list[int]:
    """CRC errors, gaps, repeats and rejected setpoints as the governor tells them next."""
    for _ in range(120):
        prompt(g, 0, 1)
        for can_id, data in g.frames:
            if can_id == GOVERNOR_ID and data[2] >> 4 == MUX["COUNTERS"]:
                return list(data[4:])
    raise AssertionError("no counters sent")


@AHEAD
@pytest.mark.parametrize("stall_ms", range(1, LEASE_MS + 1))
def test_a_stall_within_the_lease_goes_on(make_armed: Callable[[], Governor], stall_ms: int, ahead: int) -> None:
    held, rising, falling = make_armed(), make_armed(), make_armed()
    for g in (held, falling):
        g.raise_to(1200)
    prompt(rising, 0, 5, ahead)
    prompt(held, 1200, 5, ahead)
    prompt(falling, 1200, 5, ahead)
    ends = [(held, [1200] * stall_ms)]
    ends.append((rising, [14 * (i + 1) for i in range(stall_ms)]))
    ends.append((falling, [max(1200 - 57 * (i + 1), 0) for i in range(stall_ms)]))
    for g, torques in ends:
        stall(g, torques, ahead)
        assert (g.state, g.reason) == ("ENGAGED", "none")
        prompt(g, torques[-1], 30, ahead)
        assert (g.state, g.torque) == ("ENGAGED", (torques[-1], torques[-1]))


@pytest.mark.parametrize(("late_us", "expected"), [(0, ("ENGAGED", "none")), (1, ("SAFE", "lease"))])
def test_a_stall_beyond_the_lease_trips(armed: Governor, late_us: int, expected: tuple[str, str]) -> None:
    armed.raise_to(300)
    prompt(armed, 300, 5)
    stall(armed, [300] * LEASE_MS, late_us=late_us)
    assert (armed.state, armed.reason) == expected


@pytest.mark.parametrize("stall_ms", [21, 25, 60, 410])
def test_a_setpoint_does_not_take_up_a_lapsed_lease(armed: Governor, stall_ms: int) -> None:
    armed.raise_to(300)
    stall(armed, [300] * stall_ms)
    assert (armed.state, armed.reason) == ("SAFE", "lease")


def test_newest_due_setpoint_becomes_the_target(armed: Governor) -> None:
    prompt(armed, 0, 6, ahead=40)
    stall(armed, [*range(2, 32, 2)], ahead=40)
    torques = []
    for _ in range(5):
        torques.append(armed.torque[0])
        prompt(armed, 30, 1, ahead=40)
    assert torques == [22, 24, 26, 28, 30]


def test_newest_of_several_that_fall_due_between_two_steps(armed: Governor) -> None:
    prompt(armed, 0, 6, ahead=40)
    for cnm in (2, 4, 6, 8):
        prompt(armed, cnm, 1, ahead=40)
    armed.step(4 * STEP_US)
    assert armed.torque == (8, 8)


def test_counts_the_frames_that_came_too_late(armed: Governor) -> None:
    armed.raise_to(10)
    prompt(armed, 0, 5)
    stall(armed, [0] * 19)
    too_late = 19 - 1 - round(TABLE.protocol.late_max_ms)
    assert counters(armed) == [0, 0, 0, 2 * too_late]


@pytest.mark.parametrize(("waiting", "expected"), [(QUEUE, ("ENGAGED", "none")), (QUEUE + 1, ("SAFE", "apply_at"))])
def test_queue_holds_what_is_not_yet_due(armed: Governor, waiting: int, expected: tuple[str, str]) -> None:
    armed.keep_host()
    for _ in range(12):
        armed.setpoint(0, 0, "TORQUE")
    for _ in range(waiting):
        armed.setpoint(0, 0, "TORQUE", ahead=11)
    armed.setpoint(1, 0, "TORQUE")
    armed.step()
    assert (armed.state, armed.reason) == expected


@pytest.mark.parametrize(("steps", "expected"), [(4, "none"), (5, "apply_at")])
def test_wrong_stamps_count_once_per_step(armed: Governor, steps: int, expected: str) -> None:
    for _ in range(steps):
        for _ in range(3):
            armed.setpoint(0, 0, "TORQUE", ahead=400)
        armed.setpoint(1, 0, "TORQUE")
        armed.step()
    assert armed.reason == expected


def toward(last: int, goal: int) -> int:
    """The next setpoint of a host that keeps to 0.95 of the slew limits."""
    return min(goal, last + UP_PER_MS * 19 // 20) if goal > last else max(goal, last - DOWN_PER_MS * 19 // 20)


STALLS = st.lists(st.tuples(st.integers(1, LEASE_MS), st.integers(1, 5), st.integers(0, 1400)), min_size=1, max_size=25)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stalls=STALLS, ahead=st.integers(0, 50))
def test_no_pattern_of_short_stalls_trips(library: Path, stalls: list[tuple[int, int, int]], ahead: int) -> None:
    g = Governor(library)
    g.arm()
    prompt(g, 0, 5, ahead)
    last = 0
    for stall_ms, between, goal in stalls:
        path = []
        for _ in range(stall_ms):
            last = toward(last, goal)
            path.append(last)
        stall(g, path, ahead)
        prompt(g, last, between, ahead)
        assert g.state in ("ARMED", "ENGAGED"), g.reason
