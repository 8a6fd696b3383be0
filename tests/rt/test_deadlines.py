"""Missed deadlines: each grade at its boundary, the fade in time, the latch, and a loop that only just misses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime import shared
from edge_runtime.rt.deadlines import FADE, FINE, HOLD, LOST, fresh, grade, hold, rules
from firmware_bridge.table import LIMITER_REASONS, MODES, TABLE
from tests.rt.test_cycle import LATENCY_NS, MS, Bench, bench, column

__all__ = ["bench"]
RULES = rules(TABLE.host, TABLE.protocol.setpoint_period_ms)[0]


class Grader:
    """Feeds the grading with how many periods were missed before each cycle."""

    def __init__(self) -> None:
        self.state = fresh()[0]

    def cycle(self, before: int = 0, live: bool = True) -> int:
        self.state["before"] = before
        return grade(RULES, self.state, live, (1 + before) * MS)

    def gain(self) -> float:
        return float(self.state["gain"])


def test_a_loop_on_time_is_left_alone() -> None:
    grader = Grader()
    assert {grader.cycle() for _ in range(10_000)} == {FINE}
    assert grader.gain() == 1.0


@pytest.mark.parametrize(("before", "expected"), [(1, HOLD), (2, HOLD), (3, FADE), (9, FADE), (10, LOST), (500, LOST)])
def test_each_grade_at_its_boundary(before: int, expected: int) -> None:
    assert Grader().cycle(before) == expected


def test_a_single_miss_holds_for_one_cycle() -> None:
    grader = Grader()
    assert [grader.cycle(before) for before in (0, 1, 0, 2, 0)] == [FINE, HOLD, FINE, HOLD, FINE]
    assert grader.gain() == 1.0


def test_the_fade_is_linear_in_time_however_often_the_loop_runs() -> None:
    every, second = Grader(), Grader()
    for grader in (every, second):
        grader.cycle(3)
    for _ in range(4):
        every.cycle()
        every.cycle()
        second.cycle(1)
        assert every.gain() == pytest.approx(second.gain(), abs=1e-12)
    assert every.gain() == pytest.approx(1.0 - 12 / TABLE.host.missed_fade_ms, abs=1e-12)


def test_torque_comes_back_after_its_time_on_time_at_the_rate_of_engagement() -> None:
    grader = Grader()
    grader.cycle(3)
    for _ in range(round(TABLE.host.missed_recover_ms) - 1):
        grader.cycle()
    low = grader.gain()
    grader.cycle()
    assert grader.gain() == pytest.approx(low + 1.0 / TABLE.host.engage_ms)
    for _ in range(round((1.0 - low) * TABLE.host.engage_ms)):
        assert grader.cycle() in (FADE, FINE)
    assert (grader.gain(), grader.cycle()) == (1.0, FINE)


def test_every_second_period_missed_counts_as_in_a_row() -> None:
    grader = Grader()
    assert [grader.cycle(1) for _ in range(10)] == [HOLD, HOLD, *[FADE] * 7, LOST]


def test_the_latch_stays_until_it_is_released_and_never_closes_on_a_loop_that_is_not_armed() -> None:
    grader = Grader()
    assert grader.cycle(50, live=False) == FADE
    grader.cycle()
    assert grader.cycle(10) == LOST
    assert {grader.cycle() for _ in range(5_000)} == {LOST}


@given(st.lists(st.integers(0, 12), max_size=60))
def test_the_gain_stays_a_share_and_never_grows_while_misses_go_on(befores: list[int]) -> None:
    grader = Grader()
    for before in befores:
        last = grader.gain()
        grader.cycle(before)
        assert 0.0 <= grader.gain() <= 1.0
        if grader.state["run"] >= TABLE.host.missed_fade:
            assert grader.gain() <= last


@given(st.floats(-40, 40), st.floats(-20, 20), st.floats(0, 1))
def test_hold_never_grows_and_never_takes_longer_to_let_go(asked: float, last: float, keep: float) -> None:
    assert hold(asked, last, -1.0) == asked
    last, held = last * keep, hold(asked, last, keep)
    assert abs(held) <= abs(last)
    assert held * last >= 0.0
    if asked * last >= 0.0 and abs(asked) <= abs(last):
        assert held == asked


def test_no_number_stays_none() -> None:
    assert np.isnan(hold(float("nan"), 3.0, 1.0))


def walking(bench: Bench) -> float:
    """Assisting with a torque that still grows; the setpoint in Nm."""
    bench.engage()
    for k in range(3):
        bench.ask(15.0, bench.now_ns - LATENCY_NS, sequence=k + 1)
        rows = bench.step(5)
    return float(column(rows, "limited_nm_r")[-1])


def late(bench: Bench, before: int) -> np.ndarray:
    """One cycle with so many missed periods before it."""
    bench.now_ns += before * MS
    bench.torque.deadlines[0]["before"] = before
    row = bench.step()
    bench.torque.deadlines[0]["before"] = 0
    return row


def test_a_missed_period_repeats_the_setpoint_and_says_why(bench: Bench) -> None:
    before_nm = walking(bench)
    row = late(bench, 1)
    assert column(row, "limited_nm_r")[0] == before_nm > 0.5
    assert column(row, "limiter_r")[0] == LIMITER_REASONS.index("missed")
    assert column(row, "grade")[0] == HOLD
    assert column(bench.step(), "limited_nm_r")[0] > before_nm


def test_three_missed_periods_fade_the_torque_on_the_wire(bench: Bench) -> None:
    before_nm = walking(bench)
    begun_ns = bench.now_ns - MS
    late(bench, 3)
    for k in range(16):
        bench.ask(15.0, bench.now_ns - LATENCY_NS, sequence=k + 10)
        row = late(bench, 1) if k % 8 == 7 else bench.step()
        share = 1.0 - (column(row, "t_ns")[0] - begun_ns) / (TABLE.host.missed_fade_ms * MS)
        assert column(row, "limited_nm_r")[0] == pytest.approx(share * before_nm)
        assert column(row, "limiter_r")[0] == LIMITER_REASONS.index("missed")


def test_ten_missed_periods_ask_for_safe_at_once_and_until_the_clear(bench: Bench) -> None:
    walking(bench)
    row = late(bench, 10)
    assert column(row, "grade")[0] == LOST
    for k in range(30):
        bench.ask(15.0, bench.now_ns - LATENCY_NS, sequence=k + 10)
        rows = bench.step(10)
    assert not column(rows, "limited_nm_r").any()
    assert set(column(rows, "mode")) == {MODES["SAFE"]}
    modes = {f.values["mode"] for f in bench.sent()[-10:] if f.message == "TORQUE_SETPOINT"}
    assert modes == {MODES["SAFE"]}
    bench.rings.control[shared.CLEARS] += 1
    assert set(column(bench.step(5), "mode")) == {MODES["TORQUE"]}


def test_the_rules_are_those_of_the_table() -> None:
    slow = rules(replace(TABLE.host, missed_fade=4, missed_safe=7, missed_fade_ms=10.0), 1.0)[0]
    assert (slow["fade_run"], slow["safe_run"], slow["fade_ns"]) == (4, 7, 10 * MS)
