"""What one cycle of the torque loop takes, from wake-up to the last frame written, for two and for four joints."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np
from numba import njit

from edge_runtime import shared
from edge_runtime.benchmarks.intents import publish_intent
from edge_runtime.benchmarks.our_loop import bench_plan
from edge_runtime.benchmarks.slices import PERIOD_US, Slot
from edge_runtime.rt import rights
from edge_runtime.rt.cycle import cycle
from edge_runtime.rt.forked import in_process
from edge_runtime.rt.libc import now_ns
from edge_runtime.rt.mailbox import I64
from edge_runtime.rt.torque import Torque, new_torque
from edge_runtime.types import F64
from firmware_bridge import e2e, wire
from firmware_bridge.schema import Message, Table
from firmware_bridge.table import MODES, STATES, TABLE

_ROUNDS: Final = 5  # both in turn, so that a bad second of the machine does not decide which of the two is slower
_HIPS: Final = ("hip_r", "hip_l")
_FRAME_CYCLES: Final = 17  # a 60 Hz camera
_FRAME_NS: Final = 16_666_667
_WARM_CYCLES: Final = 600  # past the half second in which assistance grows: torque is full


def run(slot: Slot, cycles: int) -> dict[str, F64]:
    """Time of each of `cycles` cycles, us, with two and with four joints; in a process of its own with its rights."""
    rounds = [
        {name: in_process(_measure, slot, cycles // _ROUNDS, table) for name, table in tables().items()}
        for _ in range(_ROUNDS)
    ]
    return {name: np.concatenate([part[name] for part in rounds]) for name in rounds[0]}


def tables() -> dict[str, Table]:
    """The limits table as it is (knees), and with hips that have the knees' limits."""
    messages = dict(TABLE.messages)
    for name in ("TORQUE_SETPOINT", "JOINT_STATE"):
        messages[name] = _with_hips(messages[name])
    hips = {hip: TABLE.joints[f"knee_{hip[-1]}"] for hip in _HIPS}
    four = replace(TABLE, messages=messages, joints={**TABLE.joints, **hips})
    return {"joints_2": TABLE, "joints_4": four}


def _with_hips(message: Message) -> Message:
    last = max(message.can_id.values())
    ids: Mapping[str, int] = {**message.can_id, **{hip: last + 1 + i for i, hip in enumerate(_HIPS)}}
    return replace(message, can_id=ids)


@njit(cache=True, nogil=True)
def _timed(torque: Torque, control: I64, intent: I64, feedback: I64, timespec: I64) -> int:
    """One cycle now; how long it took, ns."""
    began = now_ns(timespec)
    cycle(torque, control, intent, feedback, began)
    return int(now_ns(timespec) - began)


def _measure(slot: Slot, cycles: int, table: Table) -> F64:
    plan, joints = bench_plan(slot), len(table.joints)
    rings = shared.local(1, joints)
    control, timespec = rings.control, np.zeros(2, np.int64)
    control[shared.MODE], control[shared.HOST_STATE] = MODES["TORQUE"], STATES["ENGAGED"]
    taken = np.zeros(_WARM_CYCLES + cycles)
    with _socket_pair() as (ours, theirs):
        torque = new_torque(table, plan.profile, plan.device, ours.fileno())
        firmware = _Firmware(table, theirs)
        rights.claim(slot.core, slot.priority)
        deadline_ns = time.monotonic_ns()
        for k in range(len(taken)):
            firmware.speak(k)
            control[shared.HEARTBEAT] = k + 1
            if k % _FRAME_CYCLES == 0:
                publish_intent(rings.intent, k // _FRAME_CYCLES + 1, deadline_ns - _FRAME_NS, _FRAME_NS, joints)
            deadline_ns += PERIOD_US * 1000  # at its real pace, so that the caches are as cold as in a run
            time.sleep(max(0.0, (deadline_ns - time.monotonic_ns()) * 1e-9))
            taken[k] = _timed(torque, control, rings.intent, rings.feedback, timespec) * 1e-3
            firmware.listen()
    return taken[_WARM_CYCLES:]


@contextmanager
def _socket_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        for end in (ours, theirs):
            os.set_blocking(end.fileno(), False)
        yield ours, theirs


class _Firmware:
    """An armed firmware's part on the bus: every joint each cycle, its state at 50 Hz."""

    def __init__(self, table: Table, bus: socket.socket) -> None:
        self._joint_ids = tuple(table.messages["JOINT_STATE"].can_id[name] for name in table.joints)
        self._state_id = table.messages["GOVERNOR_STATE"].can_id["all"]
        self._state_every = round(table.protocol.state_period_ms / table.protocol.setpoint_period_ms)
        self._counters = table.protocol.counter_max + 1
        self._bus = bus
        self._frame = wire.frame()

    def speak(self, k: int) -> None:
        """The frames of millisecond `k`."""
        for can_id in self._joint_ids:
            wire.pack_joint_state(self._frame, can_id, k % self._counters, 0.5, 0.1, 3.0, e2e.CRC_TABLE)
            self._bus.send(self._frame.tobytes())
        if k % self._state_every == 0:
            counter = k // self._state_every % self._counters
            state, clock = STATES["ENGAGED"], k * 10
            wire.pack_state(self._frame, self._state_id, counter, state, 0, 0, clock, e2e.CRC_TABLE)
            self._bus.send(self._frame.tobytes())

    def listen(self) -> None:
        """Take what the host sent."""
        while True:
            try:
                self._bus.recv(wire.frame().size)
            except BlockingIOError:
                return
