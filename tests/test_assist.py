"""Assist policy: a share of the wearer's own moment, never above the ceiling, never from nothing to all at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.profile import Assist
from edge_runtime.assist import ENGAGE_S, FADE_S, AssistPolicy, KneeCeiling, knee_ceiling
from edge_runtime.doubt import Doubt
from edge_runtime.intent import KNOT_SPACING_NS, KNOTS
from edge_runtime.types import COORDINATES, Q_INDEX, Kinematics, KneeLoad
from firmware_bridge.table import TABLE

LATENCY_NS = 16_600_000
FRAME_NS = 16_666_667
CEILING = KneeCeiling(full_n=2000.0, zero_n=3000.0)


def kinematics(k: int, valid: bool = True, knee_rad: float = 0.5, rate: float = 0.0) -> Kinematics:
    q, qd = np.zeros(len(COORDINATES)), np.zeros(len(COORDINATES))
    for side in "rl":
        q[Q_INDEX[f"knee_angle_{side}"]], qd[Q_INDEX[f"knee_angle_{side}"]] = knee_rad, rate
    zeros = np.zeros(len(COORDINATES))
    return Kinematics(k * FRAME_NS, valid, "", q, qd, zeros, zeros, zeros > -1)


def load(right_nm: float, left_nm: float, force_n: tuple[float, float] = (0.0, 0.0)) -> KneeLoad:
    total_n = np.array(force_n)
    return KneeLoad(np.array([right_nm, left_nm]), total_n / 2, total_n / 2, total_n)


def policy(share: float = 0.2, ceiling_nm: float = 15.0) -> AssistPolicy:
    return AssistPolicy(Assist(share, ceiling_nm), CEILING, LATENCY_NS, FRAME_NS)


def test_a_steady_moment_gets_its_share_with_its_sign() -> None:
    assist = policy()
    for k in range(120):
        intent = assist.step(kinematics(k), load(40.0, -20.0))
    assert intent[0]["torque_nm"][0] == pytest.approx(8.0, rel=1e-3)
    assert intent[0]["torque_nm"][1] == pytest.approx(-4.0, rel=1e-3)
    assert intent[0]["t_act_ns"] - intent[0]["t_capture_ns"] == LATENCY_NS


def test_it_begins_from_nothing_and_takes_its_time() -> None:
    assist = policy()
    peaks = [np.abs(assist.step(kinematics(k), load(40.0, 40.0))[0]["torque_nm"]).max() for k in range(60)]
    assert peaks[1] < 1.5
    engaged = round(ENGAGE_S * 1e9 / FRAME_NS)
    assert peaks[engaged // 3] < 0.6 * 8.0
    assert peaks[-1] == pytest.approx(8.0, rel=0.02)


def test_an_invalid_frame_asks_for_nothing_and_starts_over() -> None:
    assist = policy()
    for k in range(60):
        assist.step(kinematics(k), load(40.0, 40.0))
    intent = assist.step(kinematics(60), None)
    assert intent[0]["valid"] == 0
    assert not intent[0]["torque_nm"].any()
    again = assist.step(kinematics(61), load(40.0, 40.0))
    assert np.abs(again[0]["torque_nm"]).max() < 1.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), min_size=1, max_size=40))
def test_the_ceiling_holds_for_any_moments(moments: list[tuple[float, float]]) -> None:
    assist = policy(share=0.5, ceiling_nm=9.0)
    for k, pair in enumerate(moments):
        torque = assist.step(kinematics(k), load(*pair))[0]["torque_nm"]
        assert np.isfinite(torque).all()
        assert np.abs(torque).max() <= 9.0


def test_the_knee_is_predicted_ahead_but_not_far() -> None:
    knees = policy().step(kinematics(0, rate=4.0), load(0.0, 0.0))[0]["knee_rad"]
    assert knees[0, 0] == pytest.approx(0.5 + 4.0 * 0.0166, abs=0.01)
    assert np.diff(knees[0]).min() > 0.0
    assert knees[0, -1] < 0.5 + 4.0 * 0.05


def torque_under(assist: AssistPolicy, force_n: tuple[float, float], first: int, frames: int) -> np.ndarray:
    path = []
    for k in range(first, first + frames):
        intent = assist.step(kinematics(k), load(40.0, 40.0, force_n))
        path.append(intent[0]["torque_nm"][:, 0].copy())
    return np.array(path)


def test_a_loaded_knee_gets_less_and_an_overloaded_one_nothing() -> None:
    assist = policy()
    assert torque_under(assist, (2000.0, 2000.0), 0, 120)[-1] == pytest.approx([8.0, 8.0], rel=1e-3)
    assert torque_under(assist, (2250.0, 3000.0), 120, 1)[-1] == pytest.approx([6.0, 0.0], rel=1e-3)
    assert torque_under(assist, (2250.0, 9000.0), 121, 60)[-1] == pytest.approx([6.0, 0.0], rel=1e-3)


def test_help_comes_back_no_faster_than_it_begins() -> None:
    assist = policy()
    torque_under(assist, (3500.0, 0.0), 0, 120)
    path = torque_under(assist, (0.0, 0.0), 120, 30)[:, 0]
    assert np.diff(path).max() <= 8.0 * FRAME_NS * 1e-9 / ENGAGE_S + 1e-6
    assert path[round(ENGAGE_S * 1e9 / FRAME_NS)] == pytest.approx(8.0, rel=1e-2)


def test_a_force_that_is_no_number_takes_all() -> None:
    assert torque_under(policy(), (float("nan"), 0.0), 0, 60)[-1][0] == 0.0


def test_the_intent_tells_what_was_taken() -> None:
    intent = policy().step(kinematics(0), load(40.0, 40.0, (2500.0, 100.0)))
    assert intent[0]["kcf_relief"] == pytest.approx([0.5, 0.0])


def test_the_table_counts_in_body_weights() -> None:
    ceiling = knee_ceiling(TABLE.host, mass_kg=100.0)
    assert ceiling.zero_n == pytest.approx(TABLE.host.kcf_zero_bw * 980.665)
    assert ceiling.full_n == pytest.approx(TABLE.host.kcf_full_bw * 980.665)


def at_times(intents: list[np.ndarray], t_ns: np.ndarray) -> np.ndarray:
    """What the loop makes of intents [2, KNOTS]: each acts from its frame on, until the next."""
    k = np.minimum(t_ns // FRAME_NS, len(intents) - 1)
    lead = (t_ns - k * FRAME_NS) / KNOT_SPACING_NS
    return np.array([np.interp(x, np.arange(KNOTS), intents[i][0]) for i, x in zip(k, lead, strict=True)])


def doubted(assist: AssistPolicy, shares: list[float]) -> list[np.ndarray]:
    found = []
    for k, share in enumerate(shares):
        doubt = Doubt(np.array([share, 0.0]), 1)
        found.append(assist.step(kinematics(k), load(40.0, 40.0), doubt)[0]["torque_nm"].copy())
    return found


def test_doubt_fades_one_leg_without_a_step_and_gives_back_as_it_began() -> None:
    shares = [0.0] * 60 + [1.0] * 12 + [0.0] * 40
    intents = doubted(policy(), shares)
    t_ns = np.arange(50 * FRAME_NS, 72 * FRAME_NS, 1_000_000)
    torque = at_times(intents, t_ns)
    assert torque[0] == pytest.approx(8.0, rel=0.01)
    assert np.abs(np.diff(torque)).max() <= 8.0 * 1e-3 / FADE_S * 1.02
    assert torque[-1] == pytest.approx(0.0, abs=1e-4)
    since_s = (t_ns - 60 * FRAME_NS) * 1e-9
    assert torque[since_s < 0.5 * FADE_S].min() == pytest.approx(4.0, rel=0.05)
    assert torque[since_s > FADE_S].max() < 0.05 * 8.0  # the knots round the corner off
    assert intents[71][1] == pytest.approx(np.full(KNOTS, 8.0), rel=0.01)  # the other leg keeps its help
    back = np.array([intent[0, 0] for intent in intents[72:]])
    assert np.diff(back).max() <= 8.0 * FRAME_NS * 1e-9 / ENGAGE_S + 1e-6
    assert back[-1] == pytest.approx(8.0, rel=0.01)


def test_half_a_doubt_takes_half() -> None:
    assert doubted(policy(), [0.5] * 120)[-1][0] == pytest.approx(np.full(KNOTS, 4.0), rel=0.01)


def test_a_doubt_from_the_beginning_never_helps() -> None:
    assert not np.array(doubted(policy(), [1.0] * 60))[:, 0].any()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=60))
def test_no_doubt_ever_makes_torque_fall_in_a_step(shares: list[float]) -> None:
    assist = policy()
    for k in range(60):
        assist.step(kinematics(k), load(40.0, 40.0))
    intents = []
    for k, share in enumerate(shares):
        doubt = Doubt(np.array([share, share]), 1)
        intents.append(assist.step(kinematics(60 + k), load(40.0, 40.0), doubt)[0]["torque_nm"].copy())
    torque = at_times(intents, np.arange(0, len(shares) * FRAME_NS, 1_000_000))
    assert np.diff(torque).min() >= -8.0 * 1e-3 / FADE_S * 1.02
    assert torque.max() <= 8.0 * 1.01


def test_doubt_that_is_no_number_takes_help_away_and_is_not_kept() -> None:
    assist, nan = policy(), Doubt(np.array([float("nan"), 0.0]), 0)
    for k in range(120):
        assist.step(kinematics(k), load(40.0, 40.0))
    for k in range(120, 150):
        torque = assist.step(kinematics(k), load(40.0, 40.0), nan)[0]["torque_nm"].copy()
        assert np.isfinite(torque).all()
    assert np.abs(torque[0]).max() < 1e-4 < np.abs(torque[1]).min()
    for k in range(150, 220):
        torque = assist.step(kinematics(k), load(40.0, 40.0))[0]["torque_nm"]
    assert torque[0, 0] == pytest.approx(8.0, rel=1e-3)
