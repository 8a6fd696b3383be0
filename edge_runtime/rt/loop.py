"""The torque loop: the cycle on absolute deadlines in real time, or step by step on a virtual clock."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from edge_runtime.rt.borrow import borrowed
from edge_runtime.rt.cycle import COMPUTE_COLUMN, WAKE_COLUMN, cycle
from edge_runtime.rt.evidence import begin, watch
from edge_runtime.rt.libc import NS_PER_S, load_relaxed, now_ns, sleep_until, store_release
from edge_runtime.rt.mailbox import I64, push
from edge_runtime.rt.rig import TICK, WEARER, Rig, exchange
from edge_runtime.rt.torque import Torque
from edge_runtime.shared import (
    BUS_LOST,
    BUS_STATE,
    CYCLES,
    DEADLINES_LOST,
    HASH_DIFFERS,
    HASH_FIRMWARE,
    HASH_HEARD,
    HASH_HOST,
    HEARTBEAT_LOST,
    LOOP_READY,
    SILENCE_NS,
    STOP,
)

PERIOD_NS: Final = NS_PER_S // 1000  # 1 kHz, firmware_bridge/limits.toml setpoint_period_ms
PERIOD_S: Final = PERIOD_NS / NS_PER_S
_ORPHANED_NS: Final = 10 * NS_PER_S  # no heartbeat for so long: the supervisor is gone for good


@njit(cache=True, nogil=True)
def _report(torque: Torque, control: I64, rows: I64) -> None:
    """Telemetry and counters out; never waits."""
    state = torque.state[0]
    push(rows, torque.row_words)
    heard_ns = state.governor_ns
    for index in range(torque.joints.size):
        heard_ns = min(heard_ns, torque.joints[index].heard_ns)
    store_release(control, SILENCE_NS, state.last_ns - heard_ns)
    store_release(control, HEARTBEAT_LOST, state.heartbeat_lost)
    store_release(control, DEADLINES_LOST, torque.deadlines[0].lost)
    store_release(control, BUS_LOST, torque.bus[0].lost)
    store_release(control, BUS_STATE, torque.bus[0].state)
    for i in range(len(state.hash_firmware)):
        store_release(control, HASH_HOST + i, torque.config[0].hashes[i])
        store_release(control, HASH_FIRMWARE + i, state.hash_firmware[i])
    store_release(control, HASH_DIFFERS, state.hash_differs)
    store_release(control, HASH_HEARD, state.hash_heard)
    store_release(control, CYCLES, state.cycle)
    store_release(control, LOOP_READY, 1)


@njit(cache=True, nogil=True)
def run_realtime(torque: Torque, rig: Rig, control: I64, intent: I64, feedback: I64, rows: I64) -> int:
    """Cycle once per millisecond of CLOCK_MONOTONIC until asked to stop, or left alone; returns the cycles done.

    A period in which no cycle could begin is missed: skipped, counted and graded, never made up for in a hurry.
    """
    torque, rig = borrowed(torque), borrowed(rig)
    timespec = np.zeros(2, np.int64)
    state, deadlines = torque.state[0], torque.deadlines[0]
    deadline = now_ns(timespec) + 2 * PERIOD_NS
    served = last = done = deadline - PERIOD_NS
    begin(torque.evidence, control, last)
    state.heartbeat_ns = deadline
    while load_relaxed(control, STOP) == 0 and deadline - state.heartbeat_ns < _ORPHANED_NS:
        sleep_until(deadline, timespec)
        woke = now_ns(timespec)
        overrun_us = max(0, done - served - PERIOD_NS) * 1e-3
        period = deadline + (woke - deadline) // PERIOD_NS * PERIOD_NS
        deadlines.before = (period - served) // PERIOD_NS - 1
        deadlines.missed += deadlines.before
        cycle(torque, control, intent, feedback, woke)
        wake_us = (woke - deadline) * 1e-3
        torque.row[WAKE_COLUMN] = wake_us
        torque.row[COMPUTE_COLUMN] = (now_ns(timespec) - woke) * 1e-3
        exchange(rig, torque, WEARER, woke, (woke - last) * 1e-9)
        last = woke
        _report(torque, control, rows)
        watch(torque.evidence, control, state.cycle, deadlines.before, wake_us, overrun_us, woke)
        served, done = period, now_ns(timespec)
        deadline = period + ((done - period) // PERIOD_NS + 1) * PERIOD_NS
    return int(state.cycle)


@njit(cache=True, nogil=True)
def run_lockstep(
    torque: Torque, rig: Rig, control: I64, intent: I64, feedback: I64, rows: I64, first_ns: int, count: int
) -> int:
    """Run `count` cycles of virtual time from `first_ns`, each answered by the firmware; returns how many were."""
    for k in range(count):
        now = first_ns + k * PERIOD_NS
        cycle(torque, control, intent, feedback, now)
        if not exchange(rig, torque, TICK, now, PERIOD_S):
            return k
        _report(torque, control, rows)
    return count
