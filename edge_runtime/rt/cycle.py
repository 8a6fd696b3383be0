"""One cycle of the torque loop: replies in, newest intent, compensation, limiter, protected setpoints out.

Compiled, allocation-free, one code for the real-time loop and for lock-step. Nothing here waits: the file descriptor is
non-blocking, reads are bounded per cycle, a frame that cannot be sent is dropped (the next one is fresher).

Inner functions take the few records they need, or are inlined: handing on all of `Torque`, hundreds of machine words,
would cost more than what they do.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.intent import HORIZON_NS, at, lateness_gain
from edge_runtime.rt.borrow import borrowed
from edge_runtime.rt.bus_state import OFF, hear_failed_write, judge_bus
from edge_runtime.rt.deadlines import grade, hold
from edge_runtime.rt.libc import as_pointer, errno, libc_write, load_relaxed
from edge_runtime.rt.limiter import DISENGAGED, KCF, NONE, STALE, limit
from edge_runtime.rt.mailbox import I64, latest, publish, push
from edge_runtime.rt.receive import receive
from edge_runtime.rt.torque import Torque
from edge_runtime.shared import CLEAR, CLEARS, ENCODER_FIELDS, HEARTBEAT, HOST_STATE, MODE
from edge_runtime.telemetry import COMPENSATION_REASONS, CYCLE_FIELDS
from edge_runtime.tissue.compensation import compensate
from edge_runtime.tissue.inverse import LOOK_AHEAD_S
from edge_runtime.types import F64, U8
from firmware_bridge.clock import clock_offset_ns
from firmware_bridge.e2e import RX_CRC, RX_GAPS, RX_LOST, RX_REPEATED, next_counter
from firmware_bridge.table import GOVERNOR_REASONS, LIMITER_REASONS, MODES, MUX, STATES
from firmware_bridge.wire import apply_stamp, pack_setpoint, pack_state

_HALF_CYCLE_NS: Final = 500_000
_LOOK_AHEAD_NS: Final = round(LOOK_AHEAD_S * 1e9)
_HEARTBEAT_LIMIT_NS: Final = 500_000_000  # five missed ticks of the supervisor

_ARMED: Final = STATES["ARMED"]
_DEGRADED: Final = STATES["DEGRADED"]
_ZERO: Final = MODES["ZERO"]
_TORQUE: Final = MODES["TORQUE"]
_SAFE: Final = MODES["SAFE"]
_AGE: Final = LIMITER_REASONS.index("age")
_MISSED_REASON: Final = LIMITER_REASONS.index("missed")
_NO_MODEL: Final = COMPENSATION_REASONS.index("invalid")
_READING: Final = len(ENCODER_FIELDS)
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
_RECEIVED, _REJECTED, _GRADE = _C["received"], _C["rejected"], _C["grade"]
_BUS_STATE, _TX_FULL, _DROPPED = _C["bus_state"], _C["tx_full"], _C["rx_dropped"]
_GOVERNOR_STATE, _GOVERNOR_REASON = _C["governor_state"], _C["governor_reason"]
_JOINT0, _JOINT_STRIDE = _C["position_rad_r"], _C["position_rad_l"] - _C["position_rad_r"]
WAKE_COLUMN: Final = _C["wake_us"]
COMPUTE_COLUMN: Final = _C["compute_us"]
KNEE_NM_COLUMNS: Final = (_C["knee_nm_r"], _C["knee_nm_l"])
_E2E0, _GOVERNOR0, _E2E_COUNTS = _C["e2e_lost"], _C["governor_crc"], 4
_TX_FLAGS_BYTE: Final = 5  # of struct canfd_frame; padding of a classic one
KNEE_RAD_COLUMNS: Final = (_C["knee_rad_r"], _C["knee_rad_l"])


@njit(cache=True, nogil=True)
def cycle(torque: Torque, control: I64, intent_ring: I64, feedback_ring: I64, now_ns: int) -> None:
    """Run one cycle at `now_ns`; telemetry is left in `torque.row`, wake and compute times are the caller's."""
    torque = borrowed(torque)
    config, state = torque.config[0], torque.state[0]
    state.cycle += 1
    receive(torque, now_ns)
    _take_intent(torque, intent_ring, now_ns + config.actuator_delay_ns)
    deadlines, bus = torque.deadlines[0], torque.bus[0]
    _grade(torque.rules[0], deadlines, bus, state, control, now_ns)
    mode = _mode(state, deadlines.lost == 1 or bus.lost == 1, config.governor_silent_ns, control, now_ns)
    if (state.cycle - 1) % config.state_every == 0:
        _send_host_state(torque, load_relaxed(control, HOST_STATE), load_relaxed(control, CLEAR), now_ns)
    dt_s = min(max((now_ns - state.last_ns) * 1e-9, 1e-4), 2e-3)
    count = torque.joints.size
    for index in range(count):
        _joint(torque, index, mode, now_ns, dt_s)
        torque.feedback[index] = torque.joints[index].measured
        torque.feedback[count + index] = torque.joints[index].position
    publish(feedback_ring, torque.feedback_words)
    _tell_encoders(torque)
    state.last_ns = now_ns
    _fill_row(torque.row, state, torque.intent[0], deadlines, bus, mode, now_ns)
    _fill_counts(torque.row, torque.receivers, state.governor_counts)


@njit(cache=True, nogil=True)
def _grade(rule: Any, deadlines: Any, bus: Any, state: Any, control: I64, now_ns: int) -> None:
    """What missed periods and the state of the bus mean for this cycle; an explicit clear releases both latches."""
    clears = load_relaxed(control, CLEARS)
    if clears != state.clears:
        state.clears = clears
        deadlines.lost = 0
        bus.lost = 0
    live = load_relaxed(control, MODE) in (_TORQUE, _ZERO)
    grade(rule, deadlines, live, now_ns - state.last_ns)
    judge_bus(bus, live)


@njit(cache=True, nogil=True)
def _mode(state: Any, lost: bool, governor_silent_ns: int, control: I64, now_ns: int) -> int:
    """Wire mode the supervisor asks for; no torque where it stopped counting or the firmware is silent or not armed.

    SAFE, where torque or readiness for it was asked for but the loop has `lost` its deadlines or its bus.
    """
    beat, mode = load_relaxed(control, HEARTBEAT), load_relaxed(control, MODE)
    if beat != state.heartbeat or mode != state.mode_asked:  # who changes the mode is alive, even if it counts later
        state.heartbeat = beat
        state.mode_asked = mode
        state.heartbeat_ns = now_ns
    if mode != _TORQUE:
        state.heartbeat_lost = 0
        state.engaged_ns = 0
        return _SAFE if lost and mode == _ZERO else mode
    if lost:
        state.engaged_ns = 0
        return _SAFE
    if now_ns - state.heartbeat_ns > _HEARTBEAT_LIMIT_NS:
        state.heartbeat_lost = 1
    heard = now_ns - state.governor_ns <= governor_silent_ns
    if state.heartbeat_lost == 1 or not heard or not _ARMED <= state.governor_state <= _DEGRADED:
        state.engaged_ns = 0
        return _ZERO
    if state.engaged_ns == 0:
        state.engaged_ns = now_ns
    return mode


@njit(cache=True, nogil=True, inline="always")
def _take_intent(torque: Torque, ring: I64, acts_ns: int) -> None:
    """Constant latency: a valid intent waits until its time has come; an invalid one never replaces it.

    One that waits is not replaced by a newer one either: a fast camera would else push it out for ever.
    """
    state, intent, pending = torque.state[0], torque.intent, torque.pending
    state.intent_first = 0
    if _adopt(intent, pending, state, acts_ns) or _waits(intent, pending):
        return
    # a stamp far ahead is a clock gone wrong: letting it wait would shut out every later intent
    if latest(ring, torque.newest_words) > 0 and torque.newest[0].t_act_ns - acts_ns < HORIZON_NS:
        pending[0] = torque.newest[0]
        _adopt(intent, pending, state, acts_ns)


@njit(cache=True, nogil=True)
def _waits(intent: Any, pending: Any) -> bool:
    """True where a valid intent is there that does not act yet."""
    return bool(pending[0].valid == 1 and pending[0].sequence > intent[0].sequence)


@njit(cache=True, nogil=True)
def _adopt(intent: Any, pending: Any, state: Any, acts_ns: int) -> bool:
    """Make the waiting intent the acting one in the cycle nearest to its time."""
    if not _waits(intent, pending) or acts_ns + _HALF_CYCLE_NS < pending[0].t_act_ns:
        return False
    intent[0] = pending[0]
    state.intent_first = 1
    return True


@njit(cache=True, nogil=True, inline="always")
def _joint(torque: Torque, index: int, mode: int, now_ns: int, dt_s: float) -> None:
    """Setpoint of one joint: interpolate, compensate, limit, pack, send, and explain in the row."""
    config, state, intent = torque.config[0], torque.state[0], torque.intent[0]
    joint, limiter_state, deadlines = torque.joints[index], torque.limiter[index], torque.deadlines[0]
    acts_ns = now_ns + config.actuator_delay_ns
    age_ns = acts_ns - intent.t_capture_ns
    fresh, gain, faded, torque_nm, coming_nm, spring, set_rad = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if intent.valid == 1:
        late_ns = age_ns - min(intent.frame_ns, config.frame_max_ns)
        fresh = lateness_gain(late_ns, config.full_age_ns, config.zero_age_ns)
        gain = fresh * deadlines.gain
        faded = gain * _engagement(config, state, now_ns)
        torque_nm = faded * at(intent.torque_nm[index], acts_ns - intent.t_act_ns)
        coming_nm = faded * at(intent.torque_nm[index], acts_ns - intent.t_act_ns + _LOOK_AHEAD_NS) - torque_nm
        spring = faded * intent.spring_nm_per_rad[index]
        set_rad = at(intent.set_rad[index], acts_ns - intent.t_act_ns)
    position, velocity, measured = joint.position, joint.velocity, joint.measured
    withheld = NONE
    if mode != _TORQUE:
        withheld = DISENGAGED
    elif now_ns - joint.heard_ns > config.joint_silent_ns:
        withheld = STALE
    tissue_state = torque.tissue_state[index]
    asked = compensate(
        torque.tissue[index], tissue_state, torque_nm, coming_nm, spring, set_rad, position, velocity, measured, faded,
        dt_s,
    )  # fmt: skip
    held = hold(asked, limiter_state.torque_nm, deadlines.keep)
    limited = limit(torque.limits[index], limiter_state, held, withheld, gain, position, velocity, measured, now_ns)
    reason = limiter_state.reason
    if (reason == NONE and held != asked) or (reason == _AGE and fresh == 1.0):
        limiter_state.reason = _MISSED_REASON
    elif reason == NONE and intent.valid == 1 and intent.kcf_relief[index] > 0.0:
        limiter_state.reason = KCF
    if limited != 0.0:
        mode = _TORQUE  # a torque that still ramps down is announced as torque
    counter = joint.setpoint_counter
    known_ms = age_ns * 1e-6 if intent.valid == 1 else np.nan
    stamp = apply_stamp(acts_ns, clock_offset_ns(torque.clock, now_ns))
    pack_setpoint(
        torque.tx, joint.setpoint_id, counter, limited, config.lease_ms, known_ms, stamp, mode, torque.crc_table
    )
    joint.setpoint_counter = next_counter(counter)
    _send(config, torque.tx, state, torque.bus[0])
    column = _JOINT0 + index * _JOINT_STRIDE
    torque.row[column] = position
    torque.row[column + 1] = velocity
    torque.row[column + 2] = measured
    torque.row[column + 3] = tissue_state.wanted_nm
    torque.row[column + 4] = asked
    torque.row[column + 5] = limited
    torque.row[column + 6] = tissue_state.share
    torque.row[column + 7] = tissue_state.reason
    torque.row[column + 8] = limiter_state.reason
    torque.row[column + 9] = age_ns * 1e-6 if intent.valid == 1 else np.nan


@njit(cache=True, nogil=True)
def _tell_encoders(torque: Torque) -> None:
    """What the encoders say, and where that puts the knees, for the estimator; what it does not fetch is lost."""
    for index in range(torque.joints.size):
        joint, tissue_state, first = torque.joints[index], torque.tissue_state[index], index * _READING
        known = tissue_state.reason != _NO_MODEL
        torque.reading[first] = joint.heard_ns
        torque.reading[first + 1] = joint.position
        torque.reading[first + 2] = tissue_state.motion.knee_rad if known else np.nan
        torque.reading[first + 3] = tissue_state.motion.knee_radps if known else np.nan
    push(torque.readings, torque.reading_words)


@njit(cache=True, nogil=True)
def _engagement(config: Any, state: Any, now_ns: int) -> float:
    """0 to 1 from the moment assistance begins, linear in time: also after a SAFE in mid-stride."""
    if state.engaged_ns == 0:
        return 0.0
    return min(1.0, (now_ns - state.engaged_ns) / config.engage_ns)


@njit(cache=True, nogil=True)
def _send(config: Any, tx: U8, state: Any, bus: Any) -> None:
    if bus.state == OFF:
        bus.tx_failed += 1
        return
    tx[_TX_FLAGS_BYTE] = config.tx_flags
    if libc_write(np.int32(config.bus_fd), as_pointer(tx.ctypes.data), tx.size) == tx.size:
        state.sent += 1
    else:
        hear_failed_write(bus, errno())


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
    _send(config, torque.tx, state, torque.bus[0])


@njit(cache=True, nogil=True)
def _fill_row(row: F64, state: Any, intent: Any, deadlines: Any, bus: Any, mode: int, now_ns: int) -> None:
    row[_T_NS] = now_ns
    row[_CYCLE] = state.cycle
    row[WAKE_COLUMN] = 0.0
    row[COMPUTE_COLUMN] = 0.0
    row[_INTENT_SEQ] = intent.sequence
    row[_INTENT_CAPTURE] = intent.t_capture_ns
    row[_INTENT_FIRST] = state.intent_first
    row[_MODE_COLUMN] = mode
    row[_MISSED] = deadlines.missed
    row[_GRADE] = deadlines.grade
    row[_BUS_STATE] = bus.state
    row[_TX_FULL] = bus.tx_full
    row[_DROPPED] = bus.dropped
    row[_SENT] = state.sent
    row[_RECEIVED] = state.received
    row[_REJECTED] = state.rejected
    row[_GOVERNOR_STATE] = state.governor_state
    row[_GOVERNOR_REASON] = state.governor_reason


@njit(cache=True, nogil=True)
def _fill_counts(row: F64, receivers: I64, governor_counts: int) -> None:
    """What the E2E receivers of both sides have counted so far."""
    for k in range(_E2E_COUNTS):
        row[_E2E0 + k] = 0.0
        row[_GOVERNOR0 + k] = governor_counts >> 8 * k & 0xFF
    for stream in range(receivers.shape[0]):
        row[_E2E0] += receivers[stream, RX_LOST]
        row[_E2E0 + 1] += receivers[stream, RX_GAPS]
        row[_E2E0 + 2] += receivers[stream, RX_REPEATED]
        row[_E2E0 + 3] += receivers[stream, RX_CRC]
