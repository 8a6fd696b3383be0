"""The governor's rules that look back over seconds: opposing wearer and heat, against plain arithmetic."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_bridge.codegen import joint_integers
from firmware_bridge.table import TABLE
from tests.firmware_bridge.harness import Governor

JOINT = TABLE.joints["knee_r"]
LIMIT = joint_integers(JOINT)
LIMITS = (ctypes.c_int32 * len(LIMIT))(*LIMIT.values())
SIGNS = pytest.mark.parametrize("sign", [1, -1])


class Rules:
    """The rules as functions."""

    def __init__(self, library: Path) -> None:
        lib = ctypes.CDLL(str(library))
        self.heat_of = lib.rule_heat
        self.heat_of.restype = ctypes.c_int64
        self.heat_of.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32, ctypes.c_int32]
        self.hot = lib.rule_too_hot
        self.hot.argtypes = [ctypes.c_void_p, ctypes.c_int64]
        self.opposed = lib.rule_opposed
        self.opposed.argtypes = [ctypes.c_void_p, *[ctypes.c_int32] * 4]

    def seconds_until_hot(self, torque_cnm: int, most_s: int) -> float | None:
        """How long a torque may be held from cold; None where so many seconds do not suffice."""
        heat = 0
        for k in range(most_s * 1000):
            heat = self.heat_of(LIMITS, heat, torque_cnm, 1000)
            if self.hot(LIMITS, heat):
                return (k + 1) * 1e-3
        return None


@pytest.fixture(scope="module")
def rules(library: Path) -> Rules:
    return Rules(library)


@SIGNS
def test_the_rated_torque_may_be_held_for_ever_and_one_step_more_may_not(rules: Rules, sign: int) -> None:
    rated, tau_s = LIMIT["i2t_cnm"], JOINT.i2t_s
    assert rules.seconds_until_hot(sign * rated, 400) is None
    found = rules.seconds_until_hot(sign * (rated + 1), 400)
    assert found == pytest.approx(-tau_s * math.log(1.0 - (rated / (rated + 1)) ** 2), rel=1e-3)


def test_full_torque_lasts_as_long_as_the_filter_says(rules: Rules) -> None:
    expected = -JOINT.i2t_s * math.log(1.0 - (JOINT.i2t_nm / JOINT.torque_nm) ** 2)
    assert rules.seconds_until_hot(LIMIT["torque_cnm"], 20) == pytest.approx(expected, rel=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-2000, 2000), st.integers(0, 2000), st.integers(1, 400)), max_size=20))
def test_heat_follows_a_filter_in_floating_point(rules: Rules, path: list[tuple[int, int, int]]) -> None:
    heat, expected = 0, 0.0
    for torque, dt_us, steps in path:
        for _ in range(steps):
            heat = rules.heat_of(LIMITS, heat, torque, dt_us)
            expected += (torque**2 - expected) * dt_us / LIMIT["i2t_us"]
    assert heat / LIMIT["i2t_us"] == pytest.approx(expected, abs=1.0)
    assert heat >= 0


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 302_000), st.integers(-2000, 2000), st.integers(-32768, 32767), st.integers(0, 2000))
def test_time_against_the_wearer_goes_up_or_down_by_the_step(
    rules: Rules, before: int, torque: int, velocity: int, dt_us: int
) -> None:
    against = abs(torque) > LIMIT["opposing_cnm"] and abs(velocity) > LIMIT["opposing_ddegps"] and torque * velocity < 0
    expected = before + dt_us if against else max(before - dt_us, 0)
    assert rules.opposed(LIMITS, before, torque, velocity, dt_us) == expected


@SIGNS
@pytest.mark.parametrize("joint", [0, 1])
def test_opposing_trips_either_joint_either_way(armed: Governor, sign: int, joint: int) -> None:
    armed.raise_to(sign * 600)
    armed.measured[joint].velocity_ddegps = -sign * 1000
    armed.tick(sign * 600, steps=round(JOINT.opposing_ms))
    assert armed.state == "ENGAGED"
    armed.tick(sign * 600)
    assert (armed.state, armed.reason) == ("SAFE", "opposing")


def test_moving_along_with_the_torque_counts_back(armed: Governor) -> None:
    armed.raise_to(600)
    for _ in range(10):
        armed.measured[0].velocity_ddegps = -1000
        armed.tick(600, steps=250)
        armed.measured[0].velocity_ddegps = 500
        armed.tick(600, steps=250)
    assert armed.state == "ENGAGED"


def warm_up(g: Governor) -> int:
    """1900 until the governor calls it too hot; returns the milliseconds at that torque."""
    g.raise_to(1000)
    g.tick(1000, steps=270)
    for value in range(1000, 1900, 14):
        g.tick(value)
    for held in range(20_000):
        g.tick(1900)
        if g.state == "SAFE":
            return held
    return 0


def test_heat_trips_and_outlives_a_clear(make_armed: Callable[[], Governor]) -> None:
    g = make_armed()
    first_ms = warm_up(g)
    assert g.reason == "i2t"
    expected_s = -JOINT.i2t_s * math.log(1.0 - (JOINT.i2t_nm / 19.0) ** 2)
    assert first_ms == pytest.approx(expected_s * 1e3, rel=0.05)
    g.host_state, g.host_reason = "READY", 0
    g.tick(0, "ZERO", steps=600)
    g.host_reason = 255
    g.tick(0, "ZERO", steps=60)
    g.host_reason = 0
    g.tick(0, "ZERO", steps=100)
    assert g.state == "READY"
    g.host_state, g.host_due = "ARMED", 0
    g.tick(0, "ZERO", steps=3)
    g.host_state, g.host_due = "ENGAGED", 0
    assert 0 < warm_up(g) < first_ms / 2
