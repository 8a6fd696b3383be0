"""Constant latency at its boundary values: an intent acts at capture + L; full until 4 ms late, none from 40 ms on."""

from __future__ import annotations

import pytest

from firmware_bridge.table import TABLE
from tests.rt.test_cycle import DEVICE, FRAME_NS, LATENCY_NS, MS, START_NS, Bench, bench, column

__all__ = ["bench"]
ASKED_NM = 12.0
DELAY_NS = round(DEVICE.actuator_delay_ms * MS)
DUE_NS = START_NS + LATENCY_NS + FRAME_NS  # when the intent after this one acts: from here on it is late
HALF_NS = MS // 2


def assisting(bench: Bench) -> None:
    """Full torque from an intent captured at START_NS, up to just before it is late."""
    bench.engage()
    bench.now_ns = START_NS - 400 * MS
    for k in range(40):
        bench.ask(ASKED_NM, bench.now_ns - LATENCY_NS, sequence=k + 1)
        bench.step(10)
    bench.ask(ASKED_NM, START_NS, sequence=100)
    bench.now_ns = START_NS
    rows = bench.step(30)
    assert column(rows, "intent_seq")[-1] == 100


def desired_when(bench: Bench, acts_ns: int) -> float:
    bench.now_ns = acts_ns - DELAY_NS
    return float(column(bench.step(), "desired_nm_r")[0])


@pytest.mark.parametrize(
    ("late_ns", "share"),
    [
        (0, 1.0),
        (4 * MS, 1.0),
        (4 * MS + 1, 1.0 - 1 / (36 * MS)),
        (13 * MS, 0.75),
        (22 * MS, 0.5),
        (31 * MS, 0.25),
        (40 * MS - 1, 1 / (36 * MS)),
        (40 * MS, 0.0),
        (40 * MS + 1, 0.0),
        (10_000 * MS, 0.0),
    ],
)
def test_the_share_of_torque_at_each_lateness(bench: Bench, late_ns: int, share: float) -> None:
    assisting(bench)
    assert desired_when(bench, DUE_NS + late_ns) == pytest.approx(share * ASKED_NM, rel=1e-12, abs=1e-12)


def test_the_fade_goes_through_the_limiter_and_is_the_same_at_any_rate_of_cycles(bench: Bench) -> None:
    assisting(bench)
    host = TABLE.host_limits("knee_r")
    last = float(bench.torque.limiter[0]["torque_nm"])
    assert last > 5.0
    for late_us in (4_000, 5_000, 6_500, 9_000, 9_900, 11_000, 14_000, 20_000, 26_000, 33_000, 39_000, 40_000):
        before_ns = bench.now_ns - MS
        desired = desired_when(bench, DUE_NS + late_us * 1_000)
        limited = float(bench.torque.limiter[0]["torque_nm"])
        share = min(1.0, (40_000 - late_us) / 36_000)
        assert desired == pytest.approx(share * ASKED_NM, abs=1e-9)
        assert limited <= share * host.torque_nm + 1e-9
        assert last - limited <= host.slew_down_nm_per_s * (bench.now_ns - MS - before_ns) * 1e-9 + 1e-9
        last = limited
    assert last == 0.0


@pytest.mark.parametrize(("early_ns", "acts"), [(HALF_NS + 1, False), (HALF_NS, True), (0, True)])
def test_it_acts_in_the_cycle_nearest_to_capture_plus_l(bench: Bench, early_ns: int, acts: bool) -> None:
    bench.engage()
    bench.ask(ASKED_NM, START_NS)
    bench.now_ns = START_NS + LATENCY_NS - DELAY_NS - early_ns
    assert column(bench.step(), "intent_first")[0] == acts
