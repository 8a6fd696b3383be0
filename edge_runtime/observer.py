"""Watches from outside what the operating system did to the torque loop: an ordinary thread that reads /proc.

It takes a baseline twice a second. When the loop reports a stall, what happened since the baseline before it is the
evidence: a span of 50 ms to a second, so that a short stall shares it with much else. Only threads that were seen on
the loop's core count as rivals; one that came and went between two looks is not seen at all.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from edge_runtime.misses import Miss, explain
from edge_runtime.shared import MISS_FIELDS
from edge_runtime.types import F64

BASELINE_S: Final = 0.5
_PROC: Final = Path("/proc")
_TICK_MS: Final = 1000.0 / os.sysconf("SC_CLK_TCK")
_STEAL_FIELD: Final = 8  # proc(5), /proc/stat: user nice system idle iowait irq softirq steal
_PROCESSOR_FIELD: Final = 36  # proc(5), /proc/PID/stat: field 39, counted from the one after the name
_FIELD: Final = {name: i for i, name in enumerate(MISS_FIELDS)}


@dataclass(frozen=True, slots=True)
class Thread:
    """One thread: its name, how long it has run and waited for a core in ms, and the core it was last on."""

    name: str
    ran_ms: float
    waited_ms: float
    core: int


@dataclass(frozen=True, slots=True)
class Look:
    """All threads at one moment, by id, and the time stolen per core in ms."""

    t_ns: int
    threads: dict[int, Thread]
    steal_ms: dict[int, float]


def look(proc: Path = _PROC) -> Look:
    """Read every thread; one that ends meanwhile is left out."""
    t_ns = time.monotonic_ns()
    threads: dict[int, Thread] = {}
    for process in proc.iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                for task in (process / "task").iterdir():
                    if found := _thread(task):
                        threads[int(task.name)] = found
    return Look(t_ns, threads, _steal(proc))


def _thread(task: Path) -> Thread | None:
    try:
        head, _, tail = (task / "stat").read_text().rpartition(")")
        ran_ns, waited_ns = (task / "schedstat").read_text().split()[:2]
        core = int(tail.split()[_PROCESSOR_FIELD])
    except (OSError, ValueError, IndexError):
        return None
    return Thread(head.partition("(")[2], int(ran_ns) * 1e-6, int(waited_ns) * 1e-6, core)


def _steal(proc: Path) -> dict[int, float]:
    try:
        rows = [line.split() for line in (proc / "stat").read_text().splitlines()]
    except OSError:
        return {}
    cores = [row for row in rows if row and row[0][:3] == "cpu" and row[0][3:].isdigit() and len(row) > _STEAL_FIELD]
    return {int(row[0][3:]): int(row[_STEAL_FIELD]) * _TICK_MS for row in cores}


def miss_of(row: F64) -> Miss:
    """A row of MISS_FIELDS as the loop pushed it."""

    def value(name: str) -> float:
        return float(row[_FIELD[name]])

    return Miss(
        t_ns=int(value("t_ns")),
        periods=int(value("periods")),
        wake_ms=value("wake_us") * 1e-3,
        overrun_ms=value("overrun_us") * 1e-3,
        minor_faults=int(value("minor_faults")),
        major_faults=int(value("major_faults")),
        voluntary=int(value("voluntary")),
        involuntary=int(value("involuntary")),
        cpu_ms=value("cpu_us") * 1e-3,
        since_ms=value("since_us") * 1e-3,
    )


def with_evidence(miss: Miss, before: Look | None, after: Look, loop_thread: int) -> Miss:
    """The miss with what happened between two looks, and its cause."""
    own = after.threads.get(loop_thread)
    if before is None or own is None or loop_thread not in before.threads:
        return replace(miss, cause=explain(miss))
    rival = _rival(before, after, loop_thread, own.core)
    seen = replace(
        miss,
        steal_ms=after.steal_ms.get(own.core, -1.0) - before.steal_ms.get(own.core, 0.0),
        run_delay_ms=own.waited_ms - before.threads[loop_thread].waited_ms,
        rival="" if rival is None else rival.name,
        rival_ms=-1.0 if rival is None else rival.ran_ms,
        interval_ms=(after.t_ns - before.t_ns) * 1e-6,
    )
    return replace(seen, cause=explain(seen))


def _rival(before: Look, after: Look, loop_thread: int, core: int) -> Thread | None:
    """The thread that ran most on `core` between two looks, its `ran_ms` only that time; None where none did."""
    found: Thread | None = None
    for tid, thread in after.threads.items():
        old = before.threads.get(tid)
        if tid == loop_thread or core not in (thread.core, old.core if old else -1):
            continue
        ran_ms = thread.ran_ms - (old.ran_ms if old else 0.0)
        if ran_ms > (found.ran_ms if found else 0.0):
            found = replace(thread, name=f"{thread.name} ({tid})", ran_ms=ran_ms)
    return found


class Observer:
    """Turns the loop's rows into misses with evidence, in a thread of its own; a context manager.

    `loop_thread` says which thread the loop is (0: not known yet); `sink` takes each Miss, in the observer's thread.
    """

    def __init__(self, loop_thread: Callable[[], int], sink: Callable[[Miss], None]) -> None:
        self._loop_thread = loop_thread
        self._sink = sink
        self._rows: queue.SimpleQueue[F64 | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)

    def see(self, rows: F64) -> None:
        """Rows [n, MISS_FIELDS] of the loop; returns at once."""
        self._rows.put(rows.copy())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.put(None)
        self._thread.join()

    def _run(self) -> None:
        looks: tuple[Look | None, Look] = (None, look())
        while True:
            try:
                rows = self._rows.get(timeout=BASELINE_S)
            except queue.Empty:
                looks = (looks[1], look())
                continue
            if rows is None:
                return
            now = look()
            for miss in map(miss_of, rows):
                before = looks[1] if looks[1].t_ns < miss.t_ns - round(1e6 * miss.periods) else looks[0]
                self._sink(with_evidence(miss, before, now, self._loop_thread()))
            if now.t_ns - looks[1].t_ns > BASELINE_S * 1e9:
                looks = (looks[1], now)
