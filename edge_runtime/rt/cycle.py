"""One cycle of the torque loop: replies in, newest intent, compensation, limiter, protected setpoints out.

Compiled, allocation-free, one code for the real-time loop and for lock-step. Nothing here waits: the file descriptor is
non-blocking, reads are bounded per cycle, a frame that cannot be sent is dropped (the next one is fresher).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from calibration.profile import Profile
from edge_runtime.config import Device
from edge_runtime.intent import at, lateness_gain, new_intent
from edge_runtime.rt import limiter
from edge_runtime.rt.libc import as_pointer, libc_read, libc_write, load_relaxed
from edge_runtime.rt.limiter import limit
from edge_runtime.rt.mailbox import I64, latest, publish
from edge_runtime.shared import CLEAR, FEEDBACK_WORDS, HEARTBEAT, HOST_STATE, MODE
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.tissue import reduced
from edge_runtime.tissue.reduced import compensate
from edge_runtime.types import F64, U8
from firmware_bridge import e2e, wire
from firmware_bridge.clock import clock, clock_offset_ns, clock_update
from firmware_bridge.e2e import check_status, next_counter
from firmware_bridge.schema import Table
from firmware_bridge.table import JOINTS, MODES, MUX, STATES
from firmware_bridge.wire import (
    apply_stamp,
    frame_id,
    pack_setpoint,
    pack_state,
    unpack_joint_state,
    unpack_state,
)

JOINT_COUNT: Final = 2
_STREAMS: Final = JOINT_COUNT + 1  # JOINT_STATE per joint, GOVERNOR_STATE
_READS_MAX: Final = 16  # frames taken per cycle: five times what the firmware sends
_HALF_CYCLE_NS: Final = 500_000
_HEARTBEAT_LIMIT_NS: Final = 500_000_000  # five missed ticks of the supervisor

_ARMED: Final = STATES["ARMED"]
_DEGRADED: Final = STATES["DEGRADED"]
_ZERO: Final = MODES["ZERO"]
_TORQUE: Final = MODES["TORQUE"]
_CLEAR_REASON: Final = 255
_MUX_CLOCK: Final = MUX["CLOCK"]
_MUX_PROTOCOL: Final = MUX["PROTOCOL_HASH"]
_MUX_PROFILE: Final = MUX["PROFILE_HASH"]

CONFIG = np.dtype(
    [
        ("bus_fd", np.int64),
        ("setpoint_id", np.int64, (JOINT_COUNT,)),
        ("joint_id", np.int64, (JOINT_COUNT,)),
        ("host_state_id", np.int64),
        ("governor_state_id", np.int64),
        ("max_delta", np.int64),
        ("state_every", np.int64),  # cycles between HOST_STATE frames
        ("actuator_delay_ns", np.int64),
        ("lease_ms", np.int64),
        ("frame_max_ns", np.int64),
        ("full_age_ns", np.int64),  # on top of the camera's period
        ("zero_age_ns", np.int64),
        ("hashes", np.int64, (3,)),  # protocol, limits, profile
    ]
)
STATE = np.dtype(
    [
        ("cycle", np.int64),
        ("last_ns", np.int64),
        ("sent", np.int64),
        ("received", np.int64),
        ("rejected", np.int64),
        ("missed", np.int64),
        ("setpoint_counter", np.int64, (JOINT_COUNT,)),
        ("state_counter", np.int64),
        ("state_mux", np.int64),
        ("position", np.float64, (JOINT_COUNT,)),
        ("velocity", np.float64, (JOINT_COUNT,)),
        ("measured", np.float64, (JOINT_COUNT,)),
        ("joint_ns", np.int64, (JOINT_COUNT,)),  # when the joint was last heard
        ("governor_state", np.int64),
        ("governor_reason", np.int64),
        ("governor_ns", np.int64),
        ("hash_heard", np.int64),  # bit per hash
        ("hash_differs", np.int64),
        ("heartbeat", np.int64),
        ("heartbeat_ns", np.int64),
        ("intent_first", np.int64),
    ]
)

_C: Final = {name: i for i, name in enumerate(CYCLE_FIELDS)}
_T_NS, _CYCLE, _INTENT_SEQ, _INTENT_CAPTURE = (
    _C["t_ns"],
    _C["cycle"],
    _C["intent_seq"],
    _C["intent_capture_ns"],
)
_INTENT_FIRST, _MODE_COLUMN, _MISSED, _SENT = _C["intent_first"], _C["mode"], _C["missed"], _C["sent"]
_RECEIVED, _REJECTED = _C["received"], _C["rejected"]
_GOVERNOR_STATE, _GOVERNOR_REASON = _C["governor_state"], _C["governor_reason"]
_JOINT0, _JOINT_STRIDE = _C["position_rad_r"], _C["position_rad_l"] - _C["position_rad_r"]
WAKE_COLUMN: Final = _C["wake_us"]
COMPUTE_COLUMN: Final = _C["compute_us"]
KNEE_NM_COLUMNS: Final = (_C["knee_nm_r"], _C["knee_nm_l"])
KNEE_RAD_COLUMNS: Final = (_C["knee_rad_r"], _C["knee_rad_l"])


class Torque(NamedTuple):
    """Everything the cycle reads and writes; arrays only, so that the compiled code takes it as it is."""

    config: npt.NDArray[Any]  # CONFIG [1]
    state: npt.NDArray[Any]  # STATE [1]
    limits: npt.NDArray[Any]  # limiter.LIMITS [2]
    limiter: npt.NDArray[Any]  # limiter.STATE [2]
    tissue: npt.NDArray[Any]  # reduced.INTERFACE [2]
    tissue_state: npt.NDArray[Any]  # reduced.STATE [2]
    intent: npt.NDArray[Any]  # INTENT [1] that acts now
    pending: npt.NDArray[Any]  # INTENT [1] that waits for its time
    newest: npt.NDArray[Any]  # INTENT [1] as read; torn where a read failed
    newest_words: I64  # the same memory, for the mailbox
    receivers: I64  # E2E receivers [_STREAMS, RX_SIZE]
    clock: I64  # firmware_bridge.clock: governor clock against ours
    tx: U8
    rx: U8
    joint_values: F64
    state_values: I64
    feedback: F64
    feedback_words: I64
    crc_table: U8
    row: F64  # telemetry, CYCLE_FIELDS
    row_words: I64


def new_torque(table: Table, profile: Profile, device: Device, bus_fd: int) -> Torque:
    """Allocate and fill everything one torque loop needs."""
    newest = new_intent()
    row = np.full(len(CYCLE_FIELDS), np.nan)
    feedback = np.zeros(FEEDBACK_WORDS)
    interfaces = [reduced.interface_params(p) for p in (profile.interface_r, profile.interface_l)]
    limits = [limiter.host_limits(table.host_limits(joint), profile.assist.ceiling_nm) for joint in JOINTS]
    return Torque(
        config=_config(table, profile, device, bus_fd),
        state=np.zeros(1, STATE),
        limits=np.concatenate(limits),
        limiter=np.zeros(JOINT_COUNT, limiter.STATE),
        tissue=np.concatenate(interfaces),
        tissue_state=np.zeros(JOINT_COUNT, reduced.STATE),
        intent=new_intent(),
        pending=new_intent(),
        newest=newest,
        newest_words=newest.view(np.int64),
        receivers=np.zeros((_STREAMS, e2e.RX_SIZE), np.int64),
        clock=clock(),
        tx=wire.frame(),
        rx=wire.frame(),
        joint_values=np.zeros(3),
        state_values=np.zeros(4, np.int64),
        feedback=feedback,
        feedback_words=feedback.view(np.int64),
        crc_table=e2e.CRC_TABLE,
        row=row,
        row_words=row.view(np.int64),
    )


def _config(table: Table, profile: Profile, device: Device, bus_fd: int) -> npt.NDArray[Any]:
    config = np.zeros(1, CONFIG)
    c = config[0]
    c["bus_fd"] = bus_fd
    c["setpoint_id"] = [table.messages["TORQUE_SETPOINT"].can_id[joint] for joint in JOINTS]
    c["joint_id"] = [table.messages["JOINT_STATE"].can_id[joint] for joint in JOINTS]
    c["host_state_id"] = table.messages["HOST_STATE"].can_id["all"]
    c["governor_state_id"] = table.messages["GOVERNOR_STATE"].can_id["all"]
    c["max_delta"] = table.protocol.max_delta_counter
    c["state_every"] = round(table.protocol.state_period_ms / table.protocol.setpoint_period_ms)
    c["actuator_delay_ns"] = round(device.actuator_delay_ms * 1e6)
    c["lease_ms"] = int(min(table.joints[joint].lease_ms for joint in JOINTS))
    c["frame_max_ns"] = round(table.age.frame_max_ms * 1e6)
    c["full_age_ns"] = round((table.age.latency_ms + table.age.late_full_ms) * 1e6)
    c["zero_age_ns"] = round((table.age.latency_ms + table.age.late_zero_ms) * 1e6)
    c["hashes"] = [table.protocol_hash, table.limits_hash, profile.hash32]
    return config


@njit(cache=True, nogil=True)
def cycle(torque: Torque, control: I64, intent_ring: I64, feedback_ring: I64, now_ns: int) -> None:
    """Run one cycle at `now_ns`; telemetry is left in `torque.row`, wake and compute times are the caller's."""
    config, state = torque.config[0], torque.state[0]
    state.cycle += 1
    _receive(torque, now_ns)
    _take_intent(torque, intent_ring, now_ns + config.actuator_delay_ns)
    mode = _mode(state, control, now_ns)
    if (state.cycle - 1) % config.state_every == 0:
        _send_host_state(torque, load_relaxed(control, HOST_STATE), load_relaxed(control, CLEAR), now_ns)
    dt_s = min(max((now_ns - state.last_ns) * 1e-9, 1e-4), 2e-3)
    for joint in range(JOINT_COUNT):
        _joint(torque, joint, mode, now_ns, dt_s)
        torque.feedback[joint] = state.measured[joint]
        torque.feedback[JOINT_COUNT + joint] = state.position[joint]
    publish(feedback_ring, torque.feedback_words)
    state.last_ns = now_ns
    _fill_row(torque, mode, now_ns)


@njit(cache=True, nogil=True)
def _mode(state: Any, control: I64, now_ns: int) -> int:
    """Wire mode the supervisor asks for; no torque where it stopped counting or the firmware is not armed."""
    beat = load_relaxed(control, HEARTBEAT)
    if beat != state.heartbeat:
        state.heartbeat = beat
        state.heartbeat_ns = now_ns
    mode = load_relaxed(control, MODE)
    armed = _ARMED <= state.governor_state <= _DEGRADED
    if mode == _TORQUE and (not armed or now_ns - state.heartbeat_ns > _HEARTBEAT_LIMIT_NS):
        return _ZERO
    return mode


@njit(cache=True, nogil=True)
def _take_intent(torque: Torque, ring: I64, acts_ns: int) -> None:
    """Constant latency: a valid intent waits until its time has come; an invalid one never replaces it.

    One that waits is not replaced by a newer one either: a fast camera would else push it out for ever.
    """
    torque.state[0].intent_first = 0
    if _adopt(torque, acts_ns) or _waits(torque):
        return
    if latest(ring, torque.newest_words) > 0:
        torque.pending[0] = torque.newest[0]
        _adopt(torque, acts_ns)


@njit(cache=True, nogil=True)
def _waits(torque: Torque) -> bool:
    """True where a valid intent is there that does not act yet."""
    return torque.pending[0].valid == 1 and torque.pending[0].sequence > torque.intent[0].sequence


@njit(cache=True, nogil=True)
def _adopt(torque: Torque, acts_ns: int) -> bool:
    """Make the waiting intent the acting one in the cycle nearest to its time."""
    if not _waits(torque) or acts_ns + _HALF_CYCLE_NS < torque.pending[0].t_act_ns:
        return False
    torque.intent[0] = torque.pending[0]
    torque.state[0].intent_first = 1
    return True


@njit(cache=True, nogil=True)
def _joint(torque: Torque, joint: int, mode: int, now_ns: int, dt_s: float) -> None:
    """Setpoint of one joint: interpolate, compensate, limit, pack, send, and explain in the row."""
    config, state, intent = torque.config[0], torque.state[0], torque.intent[0]
    limiter_state = torque.limiter[joint]
    acts_ns = now_ns + config.actuator_delay_ns
    age_ns = acts_ns - intent.t_capture_ns
    gain, wanted = 0.0, 0.0
    if intent.valid == 1:
        late_ns = age_ns - min(intent.frame_ns, config.frame_max_ns)
        gain = lateness_gain(late_ns, config.full_age_ns, config.zero_age_ns)
        wanted = gain * at(intent.torque_nm[joint], acts_ns - intent.t_act_ns)
    position, velocity = state.position[joint], state.velocity[joint]
    engaged = mode == _TORQUE and state.joint_ns[joint] > 0
    asked = compensate(torque.tissue[joint], torque.tissue_state[joint], wanted, position, velocity, dt_s)
    limited = limit(torque.limits[joint], limiter_state, asked, engaged, gain, position, velocity, now_ns)
    if limited != 0.0:
        mode = _TORQUE  # a torque that still ramps down is announced as torque
    counter = state.setpoint_counter[joint]
    known_ms = age_ns * 1e-6 if intent.valid == 1 else np.nan
    stamp = apply_stamp(acts_ns, clock_offset_ns(torque.clock))
    can_id = config.setpoint_id[joint]
    pack_setpoint(torque.tx, can_id, counter, limited, config.lease_ms, known_ms, stamp, mode, torque.crc_table)
    state.setpoint_counter[joint] = next_counter(counter)
    _send(torque)
    column = _JOINT0 + joint * _JOINT_STRIDE
    torque.row[column] = position
    torque.row[column + 1] = velocity
    torque.row[column + 2] = state.measured[joint]
    torque.row[column + 3] = wanted
    torque.row[column + 4] = asked
    torque.row[column + 5] = limited
    torque.row[column + 6] = limiter_state.reason
    torque.row[column + 7] = age_ns * 1e-6 if intent.valid == 1 else np.nan


@njit(cache=True, nogil=True)
def _send(torque: Torque) -> None:
    size = torque.tx.size
    if libc_write(np.int32(torque.config[0].bus_fd), as_pointer(torque.tx.ctypes.data), size) == size:
        torque.state[0].sent += 1


@njit(cache=True, nogil=True)
def _send_host_state(torque: Torque, host_state: int, clear: int, now_ns: int) -> None:
    """HOST_STATE in turn with our clock and the three hashes; asks to leave SAFE where `clear` is set."""
    config, state = torque.config[0], torque.state[0]
    mux = state.state_mux
    payload = now_ns // 100_000 if mux == _MUX_CLOCK else config.hashes[mux - _MUX_PROTOCOL]
    reason = _CLEAR_REASON if clear else 0
    can_id = config.host_state_id
    pack_state(torque.tx, can_id, state.state_counter, host_state, mux, reason, payload, torque.crc_table)
    state.state_counter = next_counter(state.state_counter)
    state.state_mux = 0 if mux == _MUX_PROFILE else mux + 1
    _send(torque)


@njit(cache=True, nogil=True)
def _receive(torque: Torque, now_ns: int) -> None:
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
        if payload == torque.config[0].hashes[mux - _MUX_PROTOCOL]:
            state.hash_differs &= ~bit
        else:
            state.hash_differs |= bit
    if mux == _MUX_CLOCK:
        clock_update(torque.clock, payload, now_ns)


@njit(cache=True, nogil=True)
def _fill_row(torque: Torque, mode: int, now_ns: int) -> None:
    row, state, intent = torque.row, torque.state[0], torque.intent[0]
    row[_T_NS] = now_ns
    row[_CYCLE] = state.cycle
    row[WAKE_COLUMN] = 0.0
    row[COMPUTE_COLUMN] = 0.0
    row[_INTENT_SEQ] = intent.sequence
    row[_INTENT_CAPTURE] = intent.t_capture_ns
    row[_INTENT_FIRST] = state.intent_first
    row[_MODE_COLUMN] = mode
    row[_MISSED] = state.missed
    row[_SENT] = state.sent
    row[_RECEIVED] = state.received
    row[_REJECTED] = state.rejected
    row[_GOVERNOR_STATE] = state.governor_state
    row[_GOVERNOR_REASON] = state.governor_reason
