"""The host limiter: no input, however wild, moves the setpoint beyond any rule; release is never blocked."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.rt.limiter import DISENGAGED, NONE, STATE, host_limits, limit, new_state
from firmware_bridge.table import EASE_FROM, LIMITER_REASONS, TABLE

JOINT = "knee_r"
HOST = TABLE.host_limits(JOINT)
LIMITS = host_limits(HOST, ceiling_nm=HOST.torque_nm)[0]
MS = 1_000_000
START_NS = 10_000 * MS


def fresh() -> np.void:
    state = np.zeros(1, STATE)[0]
    limit(LIMITS, state, 0.0, NONE, 1.0, 0.5, 0.0, 0.0, START_NS)
    return state


def run(state: np.void, asked: float, ms: int, first: int = 1, **motion: float) -> list[float]:
    position, velocity = motion.get("position", 0.5), motion.get("velocity", 0.0)
    path: list[float] = []
    for t in range(first, first + ms):
        measured = motion.get("measured", float(state["torque_nm"]))
        path.append(limit(LIMITS, state, asked, NONE, 1.0, position, velocity, measured, START_NS + t * MS))
    return path


def reason(state: np.void) -> str:
    return LIMITER_REASONS[int(state["reason"])]


def test_growth_follows_the_up_rate_exactly() -> None:
    state = fresh()
    steps = np.diff([0.0, *run(state, 10.0, 20)])
    assert steps == pytest.approx(np.full(20, HOST.slew_up_nm_per_s * 1e-3))
    assert reason(state) == "slew_up"


def test_release_follows_the_faster_rate_and_stops_at_zero() -> None:
    state = fresh()
    run(state, 10.0, 100)
    path = run(state, 0.0, 40, first=101)
    assert path[0] == pytest.approx(10.0 - HOST.slew_down_nm_per_s * 1e-3)
    assert path[-1] == 0.0
    assert min(path) == 0.0


def test_a_change_of_sign_passes_through_zero() -> None:
    state = fresh()
    run(state, 5.0, 100)
    path = run(state, -5.0, 60, first=101)
    crossing = next(i for i, value in enumerate(path) if value <= 0.0)
    assert path[crossing] == 0.0
    assert path[crossing + 1] == pytest.approx(-HOST.slew_up_nm_per_s * 1e-3)


def test_window_holds_growth_but_not_release() -> None:
    state = fresh()
    reached = run(state, HOST.torque_nm, 200)[-1]
    assert reached == pytest.approx(HOST.window_nm)
    assert reason(state) == "window"
    assert run(state, HOST.torque_nm, 300, first=201)[-1] == pytest.approx(HOST.torque_nm)
    assert run(state, 0.0, 60, first=501)[-1] == 0.0


def test_power_is_bounded_in_both_directions_of_flow() -> None:
    for velocity in (8.0, -8.0):
        state = fresh()
        torque = run(state, HOST.torque_nm, 150, velocity=velocity)[-1]
        assert abs(torque * velocity) <= HOST.power_w * (1 + 1e-9)
        assert reason(state) == "power"


def test_soft_stops_block_the_outward_torque_only() -> None:
    beyond = math.radians(HOST.position_max_deg) + 0.01
    outward, inward = fresh(), fresh()
    assert run(outward, 5.0, 50, position=beyond)[-1] == 0.0
    assert reason(outward) == "soft_stop"
    assert run(inward, -5.0, 50, position=beyond)[-1] == pytest.approx(-5.0)


def test_torque_stays_near_what_the_drive_delivers_but_may_always_let_go() -> None:
    state = fresh()
    assert run(state, 15.0, 300, measured=1.0)[-1] == pytest.approx(1.0 + HOST.tracking_nm)
    assert reason(state) == "tracking"
    assert run(state, 0.0, 60, first=301, measured=15.0)[-1] == 0.0


OPPOSING_MS = int(HOST.opposing_ms)
FAST = math.radians(HOST.opposing_velocity_degps) + 1e-6
WINDOW_OPEN_MS = 800  # so long a torque is held until the window has forgotten the way up


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_torque_against_the_wearer_is_let_down_smoothly(sign: float) -> None:
    state = fresh()
    run(state, sign * 9.0, WINDOW_OPEN_MS)
    path = np.abs(run(state, sign * 9.0, OPPOSING_MS + 20, first=WINDOW_OPEN_MS + 1, velocity=-sign * FAST))
    assert path[int(EASE_FROM * OPPOSING_MS) - 1] == pytest.approx(9.0)
    assert path[OPPOSING_MS + 1] == pytest.approx(HOST.opposing_nm)
    assert reason(state) == "opposing"
    assert np.diff(path).max() <= 0.0
    assert -np.diff(path).min() < HOST.slew_down_nm_per_s * 1e-3


@pytest.mark.parametrize(
    ("torque", "velocity"),
    [(HOST.opposing_nm, -2.0), (9.0, -math.radians(HOST.opposing_velocity_degps)), (6.0, 2.0), (-6.0, -2.0)],
)
def test_less_torque_slower_or_along_with_it_is_not_opposing(torque: float, velocity: float) -> None:
    state = fresh()
    assert run(state, torque, 3000, velocity=velocity)[-1] == pytest.approx(torque)
    assert state["opposed_ns"] == 0


def test_time_against_the_wearer_counts_back_as_fast_as_it_counts_up() -> None:
    state = fresh()
    run(state, 6.0, 200)
    run(state, 6.0, 100, first=201, velocity=-FAST)
    assert state["opposed_ns"] == 100 * MS
    run(state, 6.0, 60, first=301, velocity=FAST)
    assert state["opposed_ns"] == 40 * MS


def test_torque_still_given_counts_as_opposing_when_less_is_asked() -> None:
    state = fresh()
    run(state, 9.0, WINDOW_OPEN_MS)
    for t in range(1, 6):
        limit(LIMITS, state, 0.0, NONE, 1.0, 0.5, -FAST, 9.0, START_NS + (WINDOW_OPEN_MS + t) * MS)
    assert state["opposed_ns"] == 5 * MS


def test_a_late_cycle_forgets_no_more_than_two_milliseconds() -> None:
    state = fresh()
    run(state, 6.0, 200)
    run(state, 6.0, 100, first=201, velocity=-FAST)
    run(state, 6.0, 1, first=340)
    assert state["opposed_ns"] == 98 * MS


def test_heat_is_the_filtered_square_of_torque() -> None:
    state = fresh()
    run(state, 9.0, 10_000)
    assert state["heat_nm2"] == pytest.approx(81.0 * (1.0 - math.exp(-10.0 / HOST.i2t_s)), rel=0.01)


def test_a_hot_drive_gets_what_it_can_give_for_ever() -> None:
    state = fresh()
    run(state, HOST.torque_nm, 500)
    path = run(state, HOST.torque_nm, 60_000, first=501)
    assert path[-1] == pytest.approx(HOST.i2t_nm, rel=0.01)
    assert state["heat_nm2"] <= HOST.i2t_nm**2
    assert reason(state) == "i2t"
    assert -np.diff(path).min() < 0.01


def test_the_host_begins_as_if_the_drive_were_hot() -> None:
    limits = host_limits(HOST, ceiling_nm=HOST.torque_nm)
    state = new_state(limits)[0]
    limit(LIMITS, state, 0.0, NONE, 1.0, 0.5, 0.0, 0.0, START_NS)
    assert max(run(state, HOST.torque_nm, 300)) == pytest.approx(HOST.i2t_nm, rel=0.1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_not_a_number_means_zero(bad: float) -> None:
    state = fresh()
    run(state, 5.0, 100)
    assert run(state, bad, 40, first=101)[-1] == 0.0
    assert reason(state) == "invalid"


def test_not_engaged_means_zero() -> None:
    state = fresh()
    run(state, 5.0, 100)
    path = [limit(LIMITS, state, 5.0, DISENGAGED, 1.0, 0.5, 0.0, 5.0, START_NS + t * MS) for t in range(101, 140)]
    assert path[-1] == 0.0
    assert reason(state) == "disengaged"


def test_the_profile_can_only_tighten() -> None:
    assert host_limits(HOST, 5.0)[0]["torque_nm"] == 5.0
    assert host_limits(HOST, 50.0)[0]["torque_nm"] == HOST.torque_nm
    assert HOST.torque_nm == pytest.approx(TABLE.host_factor * TABLE.joints[JOINT].torque_nm)


cycles = st.lists(
    st.tuples(
        st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, 19.0, -19.0, 0.0])),
        st.booleans(),
        st.floats(-0.5, 2.5),
        st.floats(-20.0, 20.0),
        st.floats(-25.0, 25.0),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=120,
)


@settings(max_examples=150, deadline=None)
@given(cycles)
def test_no_input_breaks_a_rule(sequence: list[tuple[float, bool, float, float, float, int]]) -> None:
    state, now, path = fresh(), START_NS, [(START_NS, 0.0)]
    for asked, engaged, position, velocity, measured, gap_ms in sequence:
        now += gap_ms * MS
        withheld = NONE if engaged else DISENGAGED
        torque = limit(LIMITS, state, asked, withheld, 1.0, position, velocity, measured, now)
        assert math.isfinite(torque)
        assert abs(torque) <= HOST.torque_nm
        last_ns, last = path[-1]
        dt_s = (now - last_ns) * 1e-9
        growth = abs(torque) - (abs(last) if torque * last > 0 else 0.0)
        assert growth <= HOST.slew_up_nm_per_s * dt_s + 1e-9
        assert abs(torque - last) <= HOST.slew_down_nm_per_s * dt_s + 1e-9
        for t_ns, past in path:
            if now - t_ns <= HOST.window_ms * MS and abs(torque) > abs(past):
                assert abs(torque - past) <= HOST.window_nm + 1e-9 or torque * past < 0
        path.append((now, torque))
