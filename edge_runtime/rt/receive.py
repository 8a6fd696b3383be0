"""What the firmware said since the last cycle: checked, counted, and taken into the loop's state."""

from __future__ import annotations

from typing import Any, Final

from numba import njit

from edge_runtime.rt.bus_state import hear_error_frame, hear_failed_read, hear_good_frame, is_error_frame
from edge_runtime.rt.frames import DROPPED, STAMP_NS, Inbox, read_message, read_plain
from edge_runtime.rt.libc import NS_PER_S, errno, now_ns, real_ns
from edge_runtime.rt.torque import Torque
from firmware_bridge import e2e, wire
from firmware_bridge.clock import clock_update
from firmware_bridge.e2e import check_status
from firmware_bridge.table import MUX
from firmware_bridge.wire import frame_id, unpack_joint_state, unpack_state

_READS_MAX: Final = 16  # frames taken per cycle: five times what the firmware sends
_FRAME_NS: Final = 125_000  # 8 data bytes at 1 Mbit/s: 111 bits and up to 24 stuffed ones, ISO 11898-1
_MUX_CLOCK: Final = MUX["CLOCK"]
_MUX_PROTOCOL: Final = MUX["PROTOCOL_HASH"]
_MUX_PROFILE: Final = MUX["PROFILE_HASH"]
_MUX_COUNTERS: Final = MUX["COUNTERS"]


@njit(cache=True, nogil=True)
def receive(torque: Torque, woke_ns: int) -> None:
    """Take what the firmware sent since the last cycle, at most _READS_MAX frames."""
    config, state, box, bus = torque.config[0], torque.state[0], torque.inbox, torque.bus[0]
    rx, joints = box.rx, torque.joints.size
    for _ in range(_READS_MAX):
        if not _next_frame(config.bus_fd, config.is_can, box, bus):
            return
        if is_error_frame(rx):
            hear_error_frame(bus, rx)
            continue
        can_id = frame_id(rx)
        stream = -1
        for index in range(joints):
            if can_id == torque.joints[index].state_id:
                stream = index
        if can_id == config.governor_state_id:
            stream = joints
        if stream < 0:
            state.rejected += 1
            continue
        status = check_status(rx[8:], can_id, torque.receivers[stream], config.max_delta, torque.crc_table)
        if status > e2e.SOME_LOST:
            state.rejected += 1
            continue
        state.received += 1
        hear_good_frame(bus)
        if stream < joints:
            joint = torque.joints[stream]
            unpack_joint_state(rx, torque.joint_values)
            joint.position = torque.joint_values[wire.JS_POSITION_RAD]
            joint.velocity = torque.joint_values[wire.JS_VELOCITY_RADPS]
            joint.measured = torque.joint_values[wire.JS_TORQUE_NM]
            joint.heard_ns = woke_ns
        else:
            _governor_state(torque, woke_ns)


@njit(cache=True, nogil=True)
def _next_frame(fd: int, is_can: int, box: Inbox, bus: Any) -> bool:
    """The next waiting frame into the inbox; a dead interface and a full queue are noted, not raised."""
    if is_can == 0:
        return read_plain(fd, box)
    if not read_message(fd, box):
        hear_failed_read(bus, errno())
        return False
    bus.dropped = box.notes[DROPPED]
    return True


@njit(cache=True, nogil=True)
def _received_ns(torque: Torque, woke_ns: int) -> int:
    """When the newest frame left: by the kernel's receive stamp where it has one, else when this cycle looked.

    Never before the last cycle, which saw no such frame: CLOCK_REALTIME may have been set since the stamp.
    """
    stamp = torque.inbox.notes[STAMP_NS]
    if torque.config[0].is_can == 0 or stamp == 0:
        return woke_ns
    age = real_ns(torque.timespec) - stamp
    if not 0 <= age < NS_PER_S:
        return woke_ns
    return max(now_ns(torque.timespec) - age - _FRAME_NS, torque.state[0].last_ns)


@njit(cache=True, nogil=True)
def _governor_state(torque: Torque, woke_ns: int) -> None:
    """State, reason, hashes and clock of the firmware."""
    state, values = torque.state[0], torque.state_values
    unpack_state(torque.inbox.rx, values)
    state.governor_state = values[wire.ST_STATE]
    state.governor_reason = values[wire.ST_REASON]
    state.governor_ns = woke_ns
    mux, payload = values[wire.ST_MUX], values[wire.ST_PAYLOAD]
    if _MUX_PROTOCOL <= mux <= _MUX_PROFILE:
        bit = 1 << (mux - _MUX_PROTOCOL)
        state.hash_heard |= bit
        state.hash_firmware[mux - _MUX_PROTOCOL] = payload
        if payload == torque.config[0].hashes[mux - _MUX_PROTOCOL]:
            state.hash_differs &= ~bit
        else:
            state.hash_differs |= bit
    if mux == _MUX_COUNTERS:
        state.governor_counts = payload
    if mux == _MUX_CLOCK:
        clock_update(torque.clock, payload, _received_ns(torque, woke_ns))
