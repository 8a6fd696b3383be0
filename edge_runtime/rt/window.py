"""The least of the setpoints of the last while, without looking at all of them: a monotonic queue.

A setpoint lasts until the next one replaces it. One that is not smaller than a later one can never be the least again,
so it is dropped; those that stay rise from the oldest to the newest, and the oldest is the answer. The greatest is the
least of the negated. One call each per joint and cycle, compiled, allocation-free.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

ROWS: Final = 512
"""Setpoints a queue can hold (a power of two): twice its time at 1 kHz, also where cycles come early."""

_MASK: Final = ROWS - 1

QUEUE = np.dtype(
    [
        ("first", np.int64),  # number of the oldest setpoint kept
        ("last", np.int64),  # number of the newest
        ("until_ns", np.int64, (ROWS,)),  # when each was replaced
        ("nm", np.float64, (ROWS,)),
    ]
)
"""State of one queue; zeroed, it has seen a setpoint of 0 that ended at time 0."""


@njit(cache=True, nogil=True)
def least(queue: Any, now_ns: int, window_ns: int) -> float:
    """Least setpoint in force within the last `window_ns`; the newest is held until now."""
    queue.until_ns[queue.last & _MASK] = now_ns
    while now_ns - queue.until_ns[queue.first & _MASK] > window_ns:  # the newest, held until now, ends it
        queue.first += 1
    return float(queue.nm[queue.first & _MASK])


@njit(cache=True, nogil=True)
def add(queue: Any, setpoint_nm: float) -> None:
    """A new setpoint from the time of the last `least` on.

    Where the queue is full the newest stays in force instead: it is the smaller.
    """
    while queue.first <= queue.last and queue.nm[queue.last & _MASK] >= setpoint_nm:
        queue.last -= 1
    if queue.last - queue.first + 1 < ROWS:
        queue.last += 1
        queue.nm[queue.last & _MASK] = setpoint_nm
