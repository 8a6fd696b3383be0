"""Every limit of the governor at its boundary: the last legal value passes, one wire step more trips."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from firmware_bridge.codegen import joint_integers
from firmware_bridge.table import TABLE
from tests.firmware_bridge.harness import STEP_US, Governor

LIMIT = joint_integers(TABLE.joints["knee_r"])
UP_PER_MS = LIMIT["slew_up_cnm_per_s"] // 1000
DOWN_PER_MS = LIMIT["slew_down_cnm_per_s"] // 1000
TOLERANCE_UP = UP_PER_MS * LIMIT["slew_tolerance_us"] // 1000
TOLERANCE_DOWN = DOWN_PER_MS * LIMIT["slew_tolerance_us"] // 1000
RAMP_STEPS = round(TABLE.safe.ramp_ms)
SIGNS = pytest.mark.parametrize("sign", [1, -1])


def climb(g: Governor, cnm: int) -> None:
    """Up beyond the window limit: part way, wait until the window has forgotten, then the rest."""
    sign = 1 if cnm > 0 else -1
    middle = sign * min(abs(cnm), 1000)
    g.raise_to(middle)
    g.tick(middle, steps=270)
    while abs(middle) < abs(cnm):
        middle = sign * min(abs(middle) + 14, abs(cnm))
        g.tick(middle)
    g.tick(cnm, steps=3)


@SIGNS
def test_torque_limit(armed: Governor, sign: int) -> None:
    climb(armed, sign * 2000)
    assert armed.torque == (sign * 2000, sign * 2000)
    armed.tick(sign * 2001)
    assert (armed.state, armed.reason) == ("SAFE", "torque")


@SIGNS
def test_profile_tightens_but_never_loosens(library: Path, sign: int) -> None:
    tight = Governor(library, torque_cnm=500)
    tight.arm()
    tight.raise_to(sign * 500)
    tight.tick(sign * 501)
    assert tight.reason == "torque"
    loose = Governor(library, torque_cnm=9000)
    loose.arm()
    climb(loose, sign * 2000)
    loose.tick(sign * 2001)
    assert loose.reason == "torque"


@SIGNS
def test_slew_up_boundary(make_armed: Callable[[], Governor], sign: int) -> None:
    allowed = UP_PER_MS + TOLERANCE_UP
    legal = make_armed()
    legal.tick(sign * allowed)
    assert legal.state == "ENGAGED"
    illegal = make_armed()
    illegal.tick(sign * (allowed + 1))
    assert (illegal.state, illegal.reason) == ("SAFE", "slew_up")


@SIGNS
def test_slew_tolerance_does_not_add_up(armed: Governor, sign: int) -> None:
    first = UP_PER_MS + TOLERANCE_UP
    armed.tick(sign * first)
    armed.tick(sign * (first + UP_PER_MS))
    assert armed.state == "ENGAGED"
    armed.tick(sign * (first + 2 * UP_PER_MS + 1))
    assert (armed.state, armed.reason) == ("SAFE", "slew_up")


@SIGNS
def test_slew_down_boundary(make_armed: Callable[[], Governor], sign: int) -> None:
    allowed = DOWN_PER_MS + TOLERANCE_DOWN
    legal, illegal = make_armed(), make_armed()
    for g in (legal, illegal):
        g.raise_to(sign * 1000)
    legal.tick(sign * (1000 - allowed))
    assert legal.state == "ENGAGED"
    illegal.tick(sign * (1000 - allowed - 1))
    assert (illegal.state, illegal.reason) == ("SAFE", "slew_down")


def test_slew_through_zero_counts_both_ways(make_armed: Callable[[], Governor]) -> None:
    legal, illegal = make_armed(), make_armed()
    left_us = STEP_US + LIMIT["slew_tolerance_us"] - 1000 * 30 // DOWN_PER_MS
    other_side = UP_PER_MS * left_us // 1000
    for g in (legal, illegal):
        g.raise_to(30)
    legal.tick(-other_side)
    assert legal.state == "ENGAGED"
    illegal.tick(-other_side - 1)
    assert (illegal.state, illegal.reason) == ("SAFE", "slew_up")


def test_slew_counts_the_stamps_of_lost_frames(make_armed: Callable[[], Governor]) -> None:
    legal, illegal = make_armed(), make_armed()
    for g in (legal, illegal):
        g.raise_to(100)
        for _ in range(3):
            for joint in range(2):
                g.setpoint_data(joint, 0, "TORQUE")
            g.step()
    allowed = 100 + 4 * UP_PER_MS + TOLERANCE_UP
    legal.tick(allowed)
    assert legal.state == "ENGAGED"
    illegal.tick(allowed + 1)
    assert illegal.reason == "slew_up"


@SIGNS
def test_window_boundary(make_armed: Callable[[], Governor], sign: int) -> None:
    legal, illegal = make_armed(), make_armed()
    for g in (legal, illegal):
        g.raise_to(sign * (LIMIT["window_cnm"] - 10))
    legal.tick(sign * LIMIT["window_cnm"])
    assert legal.state == "ENGAGED"
    illegal.tick(sign * (LIMIT["window_cnm"] + 1))
    assert (illegal.state, illegal.reason) == ("SAFE", "window")


def test_window_forgets_after_its_length(make_armed: Callable[[], Governor]) -> None:
    for held_ms, expected in ((230, "window"), (270, "none")):
        g = make_armed()
        g.raise_to(1400)
        g.tick(1400, steps=held_ms - 100)
        for value in range(1400, 1600, 14):
            g.tick(value)
        assert g.reason == expected


def test_window_lets_torque_go_to_zero(armed: Governor) -> None:
    climb(armed, 1900)
    for value in range(1900, -1, -50):
        armed.tick(value)
    armed.tick(0)
    assert armed.state in ("ENGAGED", "ARMED")
    armed.tick(-10)
    assert (armed.state, armed.reason) == ("SAFE", "window")


@pytest.mark.parametrize(("joint", "other"), [(0, 1), (1, 0)])
def test_lease_at_the_microsecond(make_armed: Callable[[], Governor], joint: int, other: int) -> None:
    for late_us, expected in ((0, "ENGAGED"), (1, "SAFE")):
        g = make_armed()
        g.raise_to(300)
        g.setpoint(joint, 300, "TORQUE", lease=20)
        for _ in range(19):
            g.keep_host()
            g.step()
            g.setpoint(other, 300, "TORQUE")
        g.step(STEP_US + late_us)
        g.setpoint(other, 300, "TORQUE")
        assert g.state == expected
    assert g.reason == "lease"


@pytest.mark.parametrize("lease", [20, 21])
def test_lease_range(armed: Governor, lease: int) -> None:
    armed.tick(10, lease=lease)
    assert armed.state == ("ENGAGED" if lease == 20 else "SAFE")
    assert armed.reason == ("none" if lease == 20 else "lease_range")


def test_one_lost_frame_changes_nothing(armed: Governor) -> None:
    armed.raise_to(1000)
    for joint in range(2):
        armed.setpoint_data(joint, 1000, "TORQUE")
    armed.step()
    armed.tick(1000, steps=5)
    assert (armed.state, armed.torque) == ("ENGAGED", (1000, 1000))


@pytest.mark.parametrize("age", [20, 21, 40, 56, 57, 255])
def test_age_boundary(make_armed: Callable[[], Governor], age: int) -> None:
    span = TABLE.age.zero_ms - TABLE.age.full_ms
    share = min(1.0, max(0.0, (TABLE.age.zero_ms - age) / span))
    allowed = int(round(2000 * share, 6))
    start = min(allowed, 1400)
    legal, illegal = make_armed(), make_armed()
    if start > 0:
        legal.raise_to(start)
    legal.tick(start, age=age)
    assert legal.state in ("ENGAGED", "ARMED")
    if allowed < 1400:
        illegal.raise_to(allowed + 1)
        illegal.tick(allowed + 1, age=age)
        assert (illegal.state, illegal.reason) == ("SAFE", "age")


@pytest.mark.parametrize(("ahead", "legal"), [(50, True), (51, False), (-100, True), (-101, False)])
def test_apply_at_range(armed: Governor, ahead: int, legal: bool) -> None:
    armed.tick(0, steps=4, ahead=ahead)
    assert armed.state == "ENGAGED" if legal else armed.state == "ARMED"
    armed.tick(0, steps=1, ahead=ahead)
    assert (armed.reason == "none") == legal
    assert legal or (armed.state, armed.reason) == ("SAFE", "apply_at")


def test_torque_acts_at_its_stamp(armed: Governor) -> None:
    armed.tick(0, steps=5, ahead=30)
    armed.tick(15, ahead=30)
    delays = []
    for _ in range(5):
        delays.append(armed.torque[0])
        armed.tick(15, ahead=30)
    assert delays == [0, 0, 15, 15, 15]


@pytest.mark.parametrize(
    ("field", "value", "torque", "reason"),
    [
        ("position_cdeg", LIMIT["position_max_cdeg"], 100, "soft_stop"),
        ("position_cdeg", LIMIT["position_min_cdeg"], -100, "soft_stop"),
        ("velocity_ddegps", LIMIT["velocity_max_ddegps"], 0, "velocity"),
        ("velocity_ddegps", -LIMIT["velocity_max_ddegps"], 0, "velocity"),
        ("velocity_ddegps", LIMIT["power_raw"] // 1000, 1000, "power"),
    ],
)
def test_measured_limits(make_armed: Callable[[], Governor], field: str, value: int, torque: int, reason: str) -> None:
    outward = 1 if value > 0 else -1
    trips_us = LIMIT["persist_us" if reason == "velocity" else "yield_us"]
    for beyond, patience in ((0, 100), (1, trips_us // 1000)):
        g = make_armed()
        if torque:
            g.raise_to(torque)
        setattr(g.measured[1], field, value + beyond * outward)
        g.tick(torque, steps=patience)
        assert g.state == "ENGAGED", g.reason
        g.tick(torque)
        assert (g.state, g.reason) == (("SAFE", reason) if beyond else ("ENGAGED", "none"))


def test_soft_stop_allows_torque_back_inward(armed: Governor) -> None:
    armed.raise_to(-300)
    armed.measured[0].position_cdeg = LIMIT["position_max_cdeg"] + 500
    armed.tick(-300, steps=50)
    assert armed.state == "ENGAGED"


@pytest.mark.parametrize("beyond", [0, 1])
def test_tracking(armed: Governor, beyond: int) -> None:
    armed.raise_to(300)
    armed.tracks = False
    armed.measured[0].torque_cnm = 300 - LIMIT["tracking_cnm"] - beyond
    armed.tick(300, steps=LIMIT["persist_us"] // 1000 + 1)
    assert (armed.state, armed.reason) == (("SAFE", "tracking") if beyond else ("ENGAGED", "none"))


@SIGNS
def test_safe_ramp_is_straight_and_short(armed: Governor, sign: int) -> None:
    armed.raise_to(sign * 1200)
    armed.tick(sign * 1200, mode="SAFE")
    torques = [armed.torque[0]]
    for _ in range(RAMP_STEPS):
        armed.step()
        torques.append(armed.torque[0])
    steps = [abs(a - b) for a, b in pairwise(torques)]
    assert torques[-1] == 0
    assert max(steps) <= 1200 // RAMP_STEPS + 1
    assert all(abs(b) <= abs(a) for a, b in pairwise(torques))


@pytest.mark.parametrize("velocity", [-3000, -400, 0, 400, 3000])
def test_safe_only_damps(armed: Governor, velocity: int) -> None:
    armed.raise_to(300)
    armed.tick(300, mode="SAFE")
    armed.measured[0].velocity_ddegps = velocity
    armed.listen(150)
    damping = -TABLE.safe.damping_nm_s_per_rad * velocity * 0.1 * 3.14159265 / 180
    bounded = max(-TABLE.safe.damping_max_nm, min(TABLE.safe.damping_max_nm, damping))
    assert armed.torque[0] == pytest.approx(100 * bounded, abs=1.01)
    assert armed.torque[0] * velocity <= 0
