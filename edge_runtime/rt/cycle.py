"""One cycle of the torque loop: replies in, newest intent, compensation, limiter, protected setpoints out.

Compiled, allocation-free, one code for the real-time loop and for lock-step. Nothing here waits: the file descriptor is
non-blocking, reads are bounded per cycle, a frame that cannot be sent is dropped (the next one is fresher).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.intent import HORIZON_NS, at, lateness_gain
from edge_runtime.rt.libc import as_pointer, libc_write, load_relaxed
from edge_runtime.rt.limiter import DISENGAGED, KCF, NONE, STALE, limit
from edge_runtime.rt.mailbox import I64, latest, publish
from edge_runtime.rt.receive import receive
from edge_runtime.rt.torque import JOINT_COUNT, Torque
from edge_runtime.shared import CLEAR, HEARTBEAT, HOST_STATE, MODE
from edge_runtime.telemetry import CYCLE_FIELDS
from edge_runtime.tissue.reduced import compensate
from firmware_bridge.clock import clock_offset_ns
from firmware_bridge.e2e import next_counter
from firmware_bridge.table import GOVERNOR_REASONS, MODES, MUX, STATES
from firmware_bridge.wire import apply_stamp, pack_setpoint, pack_state

_HALF_CYCLE_NS: Final = 500_000
_HEARTBEAT_LIMIT_NS: Final = 500_000_000  # five missed ticks of the supervisor

_ARMED: Final = STATES["ARMED"]
_DEGRADED: Final = STATES["DEGRADED"]
_ZERO: Final = MODES["ZERO"]
_TORQUE: Final = MODES["TORQUE"]
_CLEAR_REASON: Final = GOVERNOR_REASONS["clear_request"]
_MUX_CLOCK: Final = MUX["CLOCK"]
_MUX_PROTOCOL: Final = MUX["PROTOCOL_HASH"]
_MUX_PROFILE: Final = MUX["PROFILE_HASH"]

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


@njit(cache=True, nogil=True)
def cycle(torque: Torque, control: I64, intent_ring: I64, feedback_ring: I64, now_ns: int) -> None:
    """Run one cycle at `now_ns`; telemetry is left in `torque.row`, wake and compute times are the caller's."""
    config, state = torque.config[0], torque.state[0]
    state.cycle += 1
    receive(torque, now_ns)
    _take_intent(torque, intent_ring, now_ns + config.actuator_delay_ns)
    mode = _mode(state, config.governor_silent_ns, control, now_ns)
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
def _mode(state: Any, governor_silent_ns: int, control: I64, now_ns: int) -> int:
    """Wire mode the supervisor asks for; no torque where it stopped counting or the firmware is silent or not armed."""
    beat = load_relaxed(control, HEARTBEAT)
    if beat != state.heartbeat:
        state.heartbeat = beat
        state.heartbeat_ns = now_ns
    mode = load_relaxed(control, MODE)
    if mode != _TORQUE:
        state.heartbeat_lost = 0
        state.engaged_ns = 0
        return mode
    if now_ns - state.heartbeat_ns > _HEARTBEAT_LIMIT_NS:
        state.heartbeat_lost = 1
    heard = now_ns - state.governor_ns <= governor_silent_ns
    if state.heartbeat_lost == 1 or not heard or not _ARMED <= state.governor_state <= _DEGRADED:
        state.engaged_ns = 0
        return _ZERO
    if state.engaged_ns == 0:
        state.engaged_ns = now_ns
    return mode


@njit(cache=True, nogil=True)
def _take_intent(torque: Torque, ring: I64, acts_ns: int) -> None:
    """Constant latency: a valid intent waits until its time has come; an invalid one never replaces it.

    One that waits is not replaced by a newer one either: a fast camera would else push it out for ever.
    """
    torque.state[0].intent_first = 0
    if _adopt(torque, acts_ns) or _waits(torque):
        return
    # a stamp far ahead is a clock gone wrong: letting it wait would shut out every later intent
    if latest(ring, torque.newest_words) > 0 and torque.newest[0].t_act_ns - acts_ns < HORIZON_NS:
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
        wanted = gain * _engagement(config, state, now_ns) * at(intent.torque_nm[joint], acts_ns - intent.t_act_ns)
    position, velocity, measured = state.position[joint], state.velocity[joint], state.measured[joint]
    withheld = NONE
    if mode != _TORQUE:
        withheld = DISENGAGED
    elif now_ns - state.joint_ns[joint] > config.joint_silent_ns:
        withheld = STALE
    asked = compensate(torque.tissue[joint], torque.tissue_state[joint], wanted, position, velocity, dt_s)
    limited = limit(torque.limits[joint], limiter_state, asked, withheld, gain, position, velocity, measured, now_ns)
    if limiter_state.reason == NONE and intent.valid == 1 and intent.kcf_relief[joint] > 0.0:
        limiter_state.reason = KCF
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
    torque.row[column + 2] = measured
    torque.row[column + 3] = wanted
    torque.row[column + 4] = asked
    torque.row[column + 5] = limited
    torque.row[column + 6] = limiter_state.reason
    torque.row[column + 7] = age_ns * 1e-6 if intent.valid == 1 else np.nan


@njit(cache=True, nogil=True)
def _engagement(config: Any, state: Any, now_ns: int) -> float:
    """0 to 1 from the moment assistance begins, linear in time: also after a SAFE in mid-stride."""
    if state.engaged_ns == 0:
        return 0.0
    return min(1.0, (now_ns - state.engaged_ns) / config.engage_ns)


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
