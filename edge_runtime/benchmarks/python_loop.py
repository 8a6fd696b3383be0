"""A 1 kHz loop in plain Python, its interpreter busy: what the torque loop would be without compiled code."""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from edge_runtime.benchmarks import busy
from edge_runtime.benchmarks.slices import PERIOD_US, RATE_HZ, Slice, Slot, missed_of
from edge_runtime.rt import rights
from edge_runtime.rt.forked import in_process

DEFINITION: Final = "after an absolute deadline"
_PERIOD_NS: Final = PERIOD_US * 1000


def run(slot: Slot, seconds: float) -> Slice:
    """One slice in a process of its own."""
    return in_process(_loop, slot, round(seconds * RATE_HZ))


def _loop(slot: Slot, periods: int) -> Slice:
    """Sleep to absolute deadlines; one that has passed is skipped, as in the torque loop."""
    busy.start()
    rights.claim(slot.core, slot.priority)
    late_ns = np.zeros(periods, np.int64)
    first = deadline = time.monotonic_ns() + 2 * _PERIOD_NS
    count, end = 0, deadline + periods * _PERIOD_NS
    woke = deadline
    while deadline < end:
        while (ahead := deadline - time.monotonic_ns()) > 0:
            time.sleep(ahead * 1e-9)
        woke = time.monotonic_ns()
        late_ns[count] = woke - deadline
        count += 1
        deadline += (1 + (time.monotonic_ns() - deadline) // _PERIOD_NS) * _PERIOD_NS
    late_us = late_ns[:count].astype(np.float64) * 1e-3
    return Slice(late_us, missed_of(late_us), (woke - first) * 1e-9, (deadline - first) // _PERIOD_NS - 1)
