"""Assist policy: a share of the wearer's own moment, never above the ceiling, never from nothing to all at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.profile import Assist
from edge_runtime.assist import ENGAGE_S, AssistPolicy
from edge_runtime.types import COORDINATES, Q_INDEX, Kinematics

LATENCY_NS = 16_600_000
FRAME_NS = 16_666_667


def kinematics(k: int, valid: bool = True, knee_rad: float = 0.5, rate: float = 0.0) -> Kinematics:
    q, qd = np.zeros(len(COORDINATES)), np.zeros(len(COORDINATES))
    for side in "rl":
        q[Q_INDEX[f"knee_angle_{side}"]], qd[Q_INDEX[f"knee_angle_{side}"]] = knee_rad, rate
    zeros = np.zeros(len(COORDINATES))
    return Kinematics(k * FRAME_NS, valid, "", q, qd, zeros, zeros, zeros > -1)


def policy(share: float = 0.2, ceiling_nm: float = 15.0) -> AssistPolicy:
    return AssistPolicy(Assist(share, ceiling_nm), LATENCY_NS, FRAME_NS)


def test_a_steady_moment_gets_its_share_with_its_sign() -> None:
    assist = policy()
    for k in range(120):
        intent = assist.step(kinematics(k), np.array([40.0, -20.0]))
    assert intent[0]["torque_nm"][0] == pytest.approx(8.0, rel=1e-3)
    assert intent[0]["torque_nm"][1] == pytest.approx(-4.0, rel=1e-3)
    assert intent[0]["t_act_ns"] - intent[0]["t_capture_ns"] == LATENCY_NS


def test_it_begins_from_nothing_and_takes_its_time() -> None:
    assist = policy()
    peaks = [np.abs(assist.step(kinematics(k), np.array([40.0, 40.0]))[0]["torque_nm"]).max() for k in range(60)]
    assert peaks[1] < 1.5
    engaged = round(ENGAGE_S * 1e9 / FRAME_NS)
    assert peaks[engaged // 3] < 0.6 * 8.0
    assert peaks[-1] == pytest.approx(8.0, rel=0.02)


def test_an_invalid_frame_asks_for_nothing_and_starts_over() -> None:
    assist = policy()
    for k in range(60):
        assist.step(kinematics(k), np.array([40.0, 40.0]))
    intent = assist.step(kinematics(60), None)
    assert intent[0]["valid"] == 0
    assert not intent[0]["torque_nm"].any()
    again = assist.step(kinematics(61), np.array([40.0, 40.0]))
    assert np.abs(again[0]["torque_nm"]).max() < 1.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=1, max_size=40))
def test_the_ceiling_holds_for_any_moments(moments: list[tuple[float, float]]) -> None:
    assist = policy(share=0.5, ceiling_nm=9.0)
    for k, pair in enumerate(moments):
        torque = assist.step(kinematics(k), np.array(pair))[0]["torque_nm"]
        assert np.isfinite(torque).all()
        assert np.abs(torque).max() <= 9.0


def test_the_knee_is_predicted_ahead_but_not_far() -> None:
    knees = policy().step(kinematics(0, rate=4.0), np.zeros(2))[0]["knee_rad"]
    assert knees[0, 0] == pytest.approx(0.5 + 4.0 * 0.0166, abs=0.01)
    assert np.diff(knees[0]).min() > 0.0
    assert knees[0, -1] < 0.5 + 4.0 * 0.05
