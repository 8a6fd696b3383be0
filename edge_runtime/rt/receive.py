"""What the firmware said since the last cycle: checked, counted, and taken into the loop's state."""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from edge_runtime.rt.libc import as_pointer, libc_read
from edge_runtime.rt.torque import JOINT_COUNT, Torque
from firmware_bridge import e2e, wire
from firmware_bridge.clock import clock_update
from firmware_bridge.e2e import check_status
from firmware_bridge.table import MUX
from firmware_bridge.wire import frame_id, unpack_joint_state, unpack_state

_READS_MAX: Final = 16  # frames taken per cycle: five times what the firmware sends
_MUX_CLOCK: Final = MUX["CLOCK"]
_MUX_PROTOCOL: Final = MUX["PROTOCOL_HASH"]
_MUX_PROFILE: Final = MUX["PROFILE_HASH"]


@njit(cache=True, nogil=True)
def receive(torque: Torque, now_ns: int) -> None:
    """Take what the firmware sent since the last cycle, at most _READS_MAX frames."""
    config, state = torque.config[0], torque.state[0]
    size = torque.rx.size
    for _ in range(_READS_MAX):
        if libc_read(np.int32(config.bus_fd), as_pointer(torque.rx.ctypes.data), size) != size:
            return
        can_id = frame_id(torque.rx)
        stream = -1
        for joint in range(JOINT_COUNT):
            if can_id == config.joint_id[joint]:
                stream = joint
        if can_id == config.governor_state_id:
            stream = JOINT_COUNT
        if stream < 0:
            state.rejected += 1
            continue
        status = check_status(torque.rx[8:], can_id, torque.receivers[stream], config.max_delta, torque.crc_table)
        if status > e2e.SOME_LOST:
            state.rejected += 1
            continue
        state.received += 1
        if stream < JOINT_COUNT:
            unpack_joint_state(torque.rx, torque.joint_values)
            state.position[stream] = torque.joint_values[wire.JS_POSITION_RAD]
            state.velocity[stream] = torque.joint_values[wire.JS_VELOCITY_RADPS]
            state.measured[stream] = torque.joint_values[wire.JS_TORQUE_NM]
            state.joint_ns[stream] = now_ns
        else:
            _governor_state(torque, now_ns)


@njit(cache=True, nogil=True)
def _governor_state(torque: Torque, now_ns: int) -> None:
    """State, reason, hashes and clock of the firmware."""
    state, values = torque.state[0], torque.state_values
    unpack_state(torque.rx, values)
    state.governor_state = values[wire.ST_STATE]
    state.governor_reason = values[wire.ST_REASON]
    state.governor_ns = now_ns
    mux, payload = values[wire.ST_MUX], values[wire.ST_PAYLOAD]
    if _MUX_PROTOCOL <= mux <= _MUX_PROFILE:
        bit = 1 << (mux - _MUX_PROTOCOL)
        state.hash_heard |= bit
        state.hash_firmware[mux - _MUX_PROTOCOL] = payload
        if payload == torque.config[0].hashes[mux - _MUX_PROTOCOL]:
            state.hash_differs &= ~bit
        else:
            state.hash_differs |= bit
    if mux == _MUX_CLOCK:
        clock_update(torque.clock, payload, now_ns)
