"""What the observer reads of /proc and makes of it: rivals, stolen time, waiting, and one sentence of cause."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from edge_runtime.misses import Miss, explain
from edge_runtime.observer import Look, Observer, Thread, look, miss_of, with_evidence
from edge_runtime.rt.libc import load_relaxed
from edge_runtime.shared import MISS_FIELDS

LOOP, MS = 100, 1_000_000
MISS = Miss(
    t_ns=5_000 * MS, periods=9, wake_ms=9.0, overrun_ms=0.0, minor_faults=0, major_faults=0, voluntary=3,
    involuntary=0, cpu_ms=0.5, since_ms=30.0,
)  # fmt: skip


def seen(ran: dict[int, tuple[float, int]], waited_ms: float = 0.0, steal_ms: float = 0.0, t_ms: int = 0) -> Look:
    """A look at threads: id -> (ran ms, core)."""
    threads = {
        tid: Thread(f"name{tid}", ms, waited_ms if tid == LOOP else 0.0, core) for tid, (ms, core) in ran.items()
    }
    return Look(t_ms * MS, threads, {0: steal_ms, 1: 0.0})


def test_the_thread_that_ran_most_on_the_loops_core_is_named() -> None:
    before = seen({LOOP: (10, 0), 7: (100, 0), 8: (500, 1), 9: (50, 0)}, t_ms=0)
    after = seen({LOOP: (11, 0), 7: (103, 0), 8: (600, 1), 9: (62, 1), 11: (4, 0)}, waited_ms=9.0, t_ms=400)
    told = with_evidence(MISS, before, after, LOOP)
    assert (told.rival, told.rival_ms) == ("name9 (9)", 12.0)  # it left the core, but was on it
    assert (told.run_delay_ms, told.steal_ms, told.interval_ms) == (9.0, 0.0, 400.0)
    assert told.cause == "ready to run, but without its core for 9.0 ms; name9 (9) ran 12.0 ms on it"


def test_nobody_else_on_the_core_is_said_so() -> None:
    before = seen({LOOP: (10, 0), 8: (500, 1)})
    told = with_evidence(MISS, before, seen({LOOP: (11, 0), 8: (600, 1)}, waited_ms=9.0), LOOP)
    assert told.rival == ""
    assert told.cause == "ready to run, but without its core for 9.0 ms"


@pytest.mark.parametrize("before", [None, seen({8: (1, 0)})])
def test_without_a_baseline_nothing_is_claimed(before: Look | None) -> None:
    told = with_evidence(MISS, before, seen({LOOP: (11, 0)}), LOOP)
    assert (told.steal_ms, told.run_delay_ms, told.interval_ms, told.rival) == (-1.0, -1.0, -1.0, "")
    assert "woke too late" in told.cause


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"major_faults": 2, "steal_ms": 10.0}, "2 pages had to come from disk"),
        ({"steal_ms": 10.0, "run_delay_ms": 9.0}, "hypervisor gave the core to somebody else for 10 ms"),
        ({"steal_ms": 0.0, "run_delay_ms": 5.0}, "without its core for 5.0 ms"),
        ({"steal_ms": 0.0, "run_delay_ms": 4.0}, "woke too late without having waited for its core"),
        ({"wake_ms": 0.0, "overrun_ms": 3.0, "minor_faults": 4}, "its cycle met 4 page faults"),
        ({"wake_ms": 0.0, "overrun_ms": 3.0, "involuntary": 2}, "its cycle was interrupted 2 times"),
        ({"wake_ms": 0.02, "overrun_ms": 0.01, "run_delay_ms": 0.4}, "its cycle took too long without"),
        ({"wake_ms": 0.02, "overrun_ms": 0.01, "run_delay_ms": 0.6}, "without its core for 0.6 ms"),
        ({"wake_ms": 0.0, "overrun_ms": 3.0}, "its cycle took too long without being interrupted"),
    ],
)
def test_the_sentence_follows_the_evidence(changed: dict[str, float], words: str) -> None:
    assert words in explain(replace(MISS, **changed))  # type: ignore[arg-type]


def test_a_row_of_the_loop_is_read_by_name() -> None:
    row = np.arange(1.0, len(MISS_FIELDS) + 1) * 1000.0
    miss = miss_of(row)
    assert (miss.t_ns, miss.periods, miss.wake_ms, miss.overrun_ms) == (1000, 3000, 4.0, 5.0)
    assert (miss.minor_faults, miss.involuntary, miss.cpu_ms, miss.since_ms) == (6000, 9000, 10.0, 11.0)


def test_a_strange_proc_is_survived(tmp_path: Path) -> None:
    task = tmp_path / "12" / "task" / "12"
    task.mkdir(parents=True)
    (task / "stat").write_text("12 (odd) name) R " + " ".join(["1"] * 40))
    assert look(tmp_path).threads == {}
    (task / "schedstat").write_text("2000000 3000000 7\n")
    (tmp_path / "stat").write_text("cpu  1\ncpu1 0 0 0 0 0 0 0 5 0 0\ncpu0 short\n")
    found = look(tmp_path)
    assert found.threads == {12: Thread("odd) name", 2.0, 3.0, 1)}
    assert found.steal_ms == {1: 5 * 1000.0 / os.sysconf("SC_CLK_TCK")}


@njit(nogil=True)
def _burn(stop):  # type: ignore[no-untyped-def]
    total = 0.0
    while load_relaxed(stop, 0) == 0:  # a plain load would be hoisted out of the loop
        for i in range(1_000):
            total += i * 0.5
    return total


def test_a_real_thread_that_burns_the_core_is_found_out() -> None:
    """On this machine: the observed thread sleeps, another one runs on the same core."""
    stop = np.zeros(1, np.int64)
    _burn(np.ones(1, np.int64))

    def work() -> None:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        _burn(stop)

    core = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(core)})
    burner = threading.Thread(target=work)
    burner.start()
    told: list[Miss] = []
    try:
        own = threading.get_native_id()
        with Observer(lambda: own, told.append) as observer:
            time.sleep(0.3)
            row = np.zeros((1, len(MISS_FIELDS)))
            row[0, MISS_FIELDS.index("t_ns")], row[0, MISS_FIELDS.index("periods")] = time.monotonic_ns(), 1
            observer.see(row)
    finally:
        stop[0] = 1
        burner.join()
        os.sched_setaffinity(0, core)
    assert told[0].interval_ms > 250.0
    assert told[0].rival_ms > 20.0  # another program of a busy machine may have run longer still
