"""The measuring itself: quantiles, overhead, allocations and idleness against what is known beforehand."""

from __future__ import annotations

import time

import numpy as np
import pytest

from engines.backends.base import Buffers
from engines.backends.ort_cpu import OrtCpuRunner
from engines.certify import turned
from engines.grf.weights import ZOO_PATH
from engines.measure import allocations, call_times_ms, first_after_idle_ms, overhead_us, quantile_block


def spin(us: float) -> None:
    until = time.perf_counter_ns() + us * 1e3
    while time.perf_counter_ns() < until:
        pass


def test_overhead_is_the_difference_whichever_comes_first() -> None:
    assert overhead_us(lambda: spin(80.0), lambda: spin(30.0), 400) == pytest.approx(50.0, abs=5.0)
    assert overhead_us(lambda: spin(30.0), lambda: spin(80.0), 400) == pytest.approx(-50.0, abs=5.0)


def test_an_array_per_call_is_seen_whether_kept_or_not() -> None:
    kept: list[np.ndarray] = []
    assert allocations(lambda: kept.append(np.zeros(1000)))["held_bytes"] > 8000 * 100
    passing = allocations(lambda: np.zeros(1000).sum())
    assert passing["held_bytes"] < 1000 and passing["peak_bytes"] >= 8000


def test_the_runner_of_the_product_allocates_no_array_and_keeps_nothing() -> None:
    runner = OrtCpuRunner(ZOO_PATH)
    runner.warm()
    found = allocations(runner.infer)
    assert found["held_bytes"] == 0
    assert found["peak_bytes"] < 500


def test_quantiles_and_times() -> None:
    assert quantile_block(np.arange(1001.0)) == {
        "n": 1001,
        "p50": 500,
        "p90": 900,
        "p99": 990,
        "p99_9": 999,
        "max": 1000,
    }
    times = call_times_ms(lambda: spin(1000.0), 0.0, 5)
    assert len(times) == 5 and times.min() >= 1.0


class Counting:
    """A runner that counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.inputs: Buffers = {}

    def warm(self) -> None:
        pass

    def infer(self) -> Buffers:
        self.calls += 1
        return {}

    def close(self) -> None:
        pass


@pytest.mark.parametrize(("ticks", "calls"), [(True, 3), (False, 1)])
def test_idle_runners_are_kept_warm_only_where_asked(ticks: bool, calls: int) -> None:
    runners = [Counting(), Counting()]
    assert len(first_after_idle_ms(runners, 2.5, ticks)) == 2
    assert [runner.calls for runner in runners] == [calls, calls]


def test_turning_and_turning_back() -> None:
    assert turned([1, 2, 3], 1) == [2, 3, 1]
    assert turned(turned([1, 2, 3], 2), -2) == [1, 2, 3]
