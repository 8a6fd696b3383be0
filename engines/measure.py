"""Measures a runner: how long calls take, what it adds to the bare call of its library, whether it allocates."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from engines.backends.base import Runner
from engines.beside import IDLE_S

F64 = npt.NDArray[np.float64]
_ALLOCATION_CALLS: Final = 100
_ROUNDS: Final = 5


def call_times_ms(call: Callable[[], Any], seconds: float, at_least: int) -> F64:
    """Duration of every call in `seconds`, and of `at_least` so many."""
    times: list[int] = []
    until_ns = time.perf_counter_ns() + round(seconds * 1e9)
    while len(times) < at_least or time.perf_counter_ns() < until_ns:
        began_ns = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - began_ns)
    return np.array(times) * 1e-6


def overhead_us(call: Callable[[], Any], bare: Callable[[], Any], pairs: int) -> float:
    """Median of what `call` takes more than `bare`, one after the other, in alternating order."""
    apart = np.empty(pairs)
    for i in range(pairs):
        first, second = (call, bare) if i % 2 else (bare, call)
        began_ns = time.perf_counter_ns()
        first()
        between_ns = time.perf_counter_ns()
        second()
        difference_ns = (between_ns - began_ns) - (time.perf_counter_ns() - between_ns)
        apart[i] = difference_ns if i % 2 else -difference_ns
    return float(np.median(apart)) * 1e-3


def allocations(call: Callable[[], Any]) -> dict[str, int]:
    """Bytes that calls leave behind for good, and the most that one holds while it runs.

    numpy's arrays and Python's objects, by tracemalloc. A few hundred bytes of the second are the call's own frames.
    """
    tracemalloc.start()
    try:
        nothing = min(_held(lambda: None) for _ in range(_ROUNDS))
        held = min(_held(call) for _ in range(_ROUNDS)) - nothing  # the least: other threads allocate too
        peaks = []
        for _ in range(_ALLOCATION_CALLS):
            start = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            call()
            peaks.append(tracemalloc.get_traced_memory()[1] - start)
    finally:
        tracemalloc.stop()
    return {"held_bytes": max(0, held), "peak_bytes": min(peaks)}


def _held(call: Callable[[], Any]) -> int:
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(_ALLOCATION_CALLS):
        call()
    return tracemalloc.get_traced_memory()[0] - before


def first_after_idle_ms(runners: Sequence[Runner], idle_s: float, ticks: bool) -> list[float]:
    """Duration of each runner's first call after `idle_s` of rest; with `ticks` it is kept warm meanwhile."""
    until = time.monotonic() + idle_s
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(IDLE_S, left))
        if ticks and left > IDLE_S:
            for runner in runners:
                runner.infer()
    return [float(call_times_ms(runner.infer, 0.0, 1)[0]) for runner in runners]


def quantile_block(values: F64) -> dict[str, float | int]:
    """`{"n", "p50", "p90", "p99", "p99_9", "max"}` of `values` [n], n at least 1."""
    p50, p90, p99, p99_9 = np.quantile(values, (0.5, 0.9, 0.99, 0.999)).tolist()
    return {"n": len(values), "p50": p50, "p90": p90, "p99": p99, "p99_9": p99_9, "max": float(values.max())}
