"""From slices to figures: schedule, quantiles, misses, rates and ratios against hand-made slices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.benchmarks.slices import Slice, all_ratios, missed_of, rate_error, ratios, schedule, variant_block


def of(*late_us: float, span_s: float = 0.0, periods: int = 0) -> Slice:
    late = np.array(late_us, np.float64)
    return Slice(late, missed_of(late), span_s, periods)


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 1000))
def test_every_variant_runs_once_per_round(variants: int, rounds: int, seed: int) -> None:
    names = [f"v{i}" for i in range(variants)]
    plan = schedule(names, rounds, seed)
    for k in range(rounds):
        assert sorted(name for number, name in plan if number == k) == names
    assert [number for number, _ in plan] == sorted(number for number, _ in plan)
    assert plan == schedule(names, rounds, seed)


def test_the_order_is_not_always_the_same() -> None:
    plan = [name for _, name in schedule(["a", "b", "c"], 20, 1)]
    assert len({tuple(plan[i : i + 3]) for i in range(0, 60, 3)}) > 3


def test_missed_counts_whole_periods() -> None:
    assert missed_of(np.array([-3.0, 0.0, 999.9, 1000.0, 2999.0])) == 3


def test_rate_error_is_that_of_the_grid_over_all_slices() -> None:
    assert rate_error([of(1.0, span_s=9.999, periods=10_000), of(1.0, span_s=10.0, periods=10_000)]) == pytest.approx(
        5e-5
    )
    assert rate_error([of(1.0)]) is None


def test_ratio_is_the_median_over_rounds_so_that_one_disturbed_slice_does_not_decide() -> None:
    ours = [of(*[10.0] * 100), of(*[12.0] * 100), of(*[500.0] * 100)]
    reference = [of(*[10.0] * 100)] * 3
    assert ratios(ours, reference) == pytest.approx(dict.fromkeys(("p50", "p90", "p99", "p99_9"), 1.2))


def test_no_ratio_without_the_reference() -> None:
    assert all_ratios({"ours": [of(1.0)]}, "cyclictest") == {}
    assert set(all_ratios({"ours": [of(1.0)], "cyclictest": [of(2.0)]}, "cyclictest")) == {"ours"}


def test_block_pools_all_slices() -> None:
    block = variant_block([of(1.0, 2.0), of(3.0, 5000.0)], "after a deadline")
    assert (block["wake_us"]["n"], block["wake_us"]["max"], block["missed"]) == (4, 5000.0, 5)
    assert (block["rate_error"], block["latency_is"]) == (None, "after a deadline")
