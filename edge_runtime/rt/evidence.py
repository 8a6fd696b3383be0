"""What the loop itself notes about a missed deadline: how late, and what its thread met since the last look.

Faults and switches are those of the whole span `since_us`, at most _MARK_EVERY cycles and the stall itself.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from edge_runtime.rt.libc import USAGE_WORDS, store_release, thread_usage
from edge_runtime.rt.mailbox import I64, push, stream_words
from edge_runtime.shared import MAJOR_FAULTS, MINOR_FAULTS, MISS_FIELDS, MISS_ROWS, WARM_FAULTS
from edge_runtime.types import F64

WARM_CYCLES: Final = 1024
"""After so many cycles the loop reports how many minor faults it met: none, where all was warm before."""

_MARK_EVERY: Final = 64  # cycles between two looks in normal life; one costs 0.3 us
_USER_S, _USER_US, _SYSTEM_S, _SYSTEM_US = range(4)  # words of struct rusage
_MINOR, _MAJOR, _VOLUNTARY, _INVOLUNTARY = 8, 9, 16, 17


class Evidence(NamedTuple):
    """Buffers of the evidence; `ring` takes one row of MISS_FIELDS per stall."""

    usage: I64
    before: I64
    first: I64
    marked_ns: I64  # [1]
    row: F64
    row_words: I64
    ring: I64


def evidence() -> Evidence:
    """Buffers with a ring of their own; a process replaces it by the shared one."""
    row = np.zeros(len(MISS_FIELDS))
    usage, before, first = np.zeros((3, USAGE_WORDS), np.int64)
    ring = np.zeros(stream_words(MISS_ROWS, len(MISS_FIELDS)), np.int64)
    return Evidence(usage, before, first, np.zeros(1, np.int64), row, row.view(np.int64), ring)


@njit(cache=True, nogil=True)
def begin(e: Evidence, control: I64, now_ns: int) -> None:
    """First look, when the loop starts."""
    thread_usage(e.before)
    e.first[:] = e.before
    e.marked_ns[0] = now_ns
    store_release(control, WARM_FAULTS, -1)


@njit(cache=True, nogil=True)
def watch(e: Evidence, control: I64, cycle: int, periods: int, wake_us: float, overrun_us: float, now_ns: int) -> None:
    """Once per cycle: a row where `periods` were missed before it, a look every _MARK_EVERY cycles, else nothing."""
    if periods == 0 and cycle % _MARK_EVERY != 0:
        return
    usage, before = e.usage, e.before
    thread_usage(usage)
    if periods > 0:
        e.row[0] = now_ns
        e.row[1] = cycle
        e.row[2] = periods
        e.row[3] = wake_us
        e.row[4] = overrun_us
        e.row[5] = usage[_MINOR] - before[_MINOR]
        e.row[6] = usage[_MAJOR] - before[_MAJOR]
        e.row[7] = usage[_VOLUNTARY] - before[_VOLUNTARY]
        e.row[8] = usage[_INVOLUNTARY] - before[_INVOLUNTARY]
        e.row[9] = _cpu_us(usage) - _cpu_us(before)
        e.row[10] = (now_ns - e.marked_ns[0]) * 1e-3
        push(e.ring, e.row_words)
    before[:] = usage
    e.marked_ns[0] = now_ns
    store_release(control, MINOR_FAULTS, usage[_MINOR] - e.first[_MINOR])
    store_release(control, MAJOR_FAULTS, usage[_MAJOR] - e.first[_MAJOR])
    if cycle == WARM_CYCLES:
        store_release(control, WARM_FAULTS, usage[_MINOR] - e.first[_MINOR])


@njit(cache=True, nogil=True)
def _cpu_us(usage: I64) -> int:
    return (usage[_USER_S] + usage[_SYSTEM_S]) * 1_000_000 + usage[_USER_US] + usage[_SYSTEM_US]
