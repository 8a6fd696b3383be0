"""The peers: their output is read right, and those that can run here run for a moment."""

from __future__ import annotations

import os

import numpy as np
import pytest

from edge_runtime.benchmarks import cyclictest, opensourceleg, python_loop
from edge_runtime.benchmarks.slices import Slot
from edge_runtime.benchmarks.variants import BUSY, VARIANTS, chosen
from edge_runtime.errors import UserError
from tests.conftest import unavailable

ORDINARY = Slot(core=min(os.sched_getaffinity(0)), priority=0)
HISTOGRAM = """# /dev/cpu_dma_latency set to 0us
# Histogram
000000 000000
000007 000002
000008 000001
000009 000000
# Total: 000000003
# Min Latencies: 00007
# Avg Latencies: 00008
# Max Latencies: 23456
# Histogram Overflows: 00002
# Histogram Overflow at cycle number:
# Thread 0: 01717 01746
"""


def test_histogram_is_read_and_spread_over_its_bins() -> None:
    late_us = cyclictest.parse(HISTOGRAM)
    assert late_us.tolist() == [7.25, 7.75, 8.5, 23456.0, 23456.0]


def test_other_output_is_an_error_in_one_line() -> None:
    with pytest.raises(UserError, match="no histogram"):
        cyclictest.parse("T: 0 ( 1234) P:80 I:1000 C: 100 Min: 8\n")


def test_cyclictest_runs() -> None:
    if problem := cyclictest.absent():
        unavailable(problem)
    found = cyclictest.run(ORDINARY, 0.2)
    assert len(found.late_us) == 200
    assert (found.late_us >= 0.0).all()


def test_a_busy_interpreter_is_late_and_does_not_run_late_periods_twice() -> None:
    found = python_loop.run(ORDINARY, 0.5)
    assert len(found.late_us) + found.missed >= 499  # the last wake-up may lie past the end
    assert len(found.late_us) < 500
    assert found.missed > 0
    assert np.quantile(found.late_us, 0.99) > 1000.0


def test_opensourceleg_modes_are_measured_by_what_they_promise() -> None:
    stamps = np.array([[10.0, 10.0], [10.0011, 10.001], [10.0032, 10.002]])
    default, phase = opensourceleg.read("default", stamps), opensourceleg.read("phase", stamps)
    assert default.late_us == pytest.approx([100.0, 1100.0])
    assert phase.late_us == pytest.approx([0.0, 100.0, 1200.0])
    assert (default.missed, phase.missed, phase.periods) == (1, 1, 2)


def test_variants_follow_from_peers() -> None:
    assert chosen((), ()) == ["ours"]
    assert chosen(("cyclictest",), BUSY) == ["ours", "ours_busy", "cyclictest", "cyclictest_busy"]
    assert chosen(("python",), BUSY) == ["ours", "ours_busy", "python_busy"]
    assert set(chosen(("cyclictest", "opensourceleg", "python"), BUSY)) == set(VARIANTS)
