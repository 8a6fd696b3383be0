"""The estimator killed and stopped for real: torque is gone in time, and an estimator that keeps on is not blamed."""

from __future__ import annotations

import signal

import pytest

from edge_runtime.benchmarks import kills
from edge_runtime.rt.forked import in_process
from firmware_bridge.table import TABLE


@pytest.mark.e2e
def test_torque_is_gone_in_time_after_every_death() -> None:
    deaths = kills.run(6, seed=5)
    summary = kills.summary(deaths)
    assert (summary["sigkill"], summary["sigstop"], summary["zero_in_time"]) == (3, 3, 6)
    assert summary["least_torque_at_signal_nm"] > 0.5
    assert summary["governor_trips"] == 0
    assert 20.0 < summary["worst_ms"] <= summary["bound_ms"] == 20.0 + 1.0 + TABLE.safe.ramp_ms


def _death_with_a_loop_that_does_not_fade() -> kills.Death:
    with kills.death_bench(5) as bench:
        bench.torque.config[0]["full_age_ns"] = bench.torque.config[0]["zero_age_ns"] = 10**9
        bench.engage()
        bench.torque_on()
        return bench.die(signal.SIGKILL)


@pytest.mark.e2e
def test_a_loop_that_holds_torque_is_found_out() -> None:
    """The power of the test above."""
    death = in_process(_death_with_a_loop_that_does_not_fade)
    assert death.zero_ms > kills.BOUND_MS
