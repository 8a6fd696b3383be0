"""Our own governor as an `Actuator`: one joint's setpoints and states on the protected wire."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from firmware_bridge import e2e, wire
from firmware_bridge.actuators.base import CLASSIC_SIZE, Frames, Reading, Reason, Sent
from firmware_bridge.clock import clock, clock_offset_ns, clock_update
from firmware_bridge.table import MODES, MUX, STATES, TABLE

_HASHES: Final = (MUX["PROTOCOL_HASH"], MUX["LIMITS_HASH"], MUX["PROFILE_HASH"])
_AGE_FRESH_MS: Final = 0.0
"""A torque asked for now has no older measurement behind it."""


class GovernorActuator:
    """One joint of the governor; the others are held at zero torque. The governor alone decides whether it arms.

    For tools and tests; the torque loop speaks this wire itself, for all joints and with intents.
    """

    def __init__(self, joint: str, profile_hash: int) -> None:
        limits = TABLE.host_limits(joint)
        self._limits = limits
        ids = TABLE.messages["TORQUE_SETPOINT"].can_id
        self._setpoint_id = ids[joint]
        self._other_ids = [can_id for name, can_id in ids.items() if name != joint]
        self._joint_id = TABLE.messages["JOINT_STATE"].can_id[joint]
        self._host_id = TABLE.messages["HOST_STATE"].can_id["all"]
        self._governor_id = TABLE.messages["GOVERNOR_STATE"].can_id["all"]
        self._payloads = {_HASHES[0]: TABLE.protocol_hash, _HASHES[1]: TABLE.limits_hash, _HASHES[2]: profile_hash}
        self._receivers = {self._joint_id: e2e.receiver(), self._governor_id: e2e.receiver()}
        self._buffer = wire.frame()
        self._joint_values = np.zeros(3)
        self._state_values = np.zeros(4, np.int64)
        self._clock = clock()
        self._counters = dict.fromkeys([*ids.values(), self._host_id], 0)
        self._mux = 0
        self._host_due_ns = 0
        self._heard_ns = -1
        self._governor_ns = -1
        self._commanded_ns = 0
        self._governor_state = STATES["OFF"]
        self._fault = 0
        self._sent_nm = 0.0
        self._stopping = False

    def start(self, now_ns: int) -> Frames:
        """See `Actuator.start`."""
        ready = self._governor_state >= STATES["READY"]
        return self._cycle("ARMED" if ready else "READY", 0.0, "ZERO", now_ns)

    def command(self, torque_nm: float, now_ns: int) -> Sent:
        """See `Actuator.command`; torque grows as slowly as the host's limits want it."""
        reason = self._against(torque_nm, now_ns)
        self._sent_nm = self._next(torque_nm, reason, now_ns)
        self._commanded_ns = now_ns
        live = reason in (Reason.AS_ASKED, Reason.RANGE) or self._sent_nm != 0.0
        return Sent(
            self._cycle("ENGAGED" if live else "READY", self._sent_nm, "TORQUE" if live else "ZERO", now_ns),
            self._sent_nm,
            reason,
        )

    def receive(self, frame: bytes, now_ns: int) -> bool:
        """See `Actuator.receive`: E2E checked, as the torque loop does."""
        if len(frame) != CLASSIC_SIZE:
            return False
        buffer = np.frombuffer(frame, np.uint8)
        can_id = wire.frame_id(buffer)
        if can_id not in self._receivers:
            return False
        tolerance = TABLE.protocol.max_delta_counter
        status = e2e.check_status(buffer[8:], can_id, self._receivers[can_id], tolerance, e2e.CRC_TABLE)
        if status > e2e.SOME_LOST:
            return False
        if can_id == self._joint_id:
            wire.unpack_joint_state(buffer, self._joint_values)
            self._heard_ns = now_ns
        else:
            self._take_state(buffer, now_ns)
        return True

    def reading(self, now_ns: int) -> Reading:
        """See `Actuator.reading`; the fault is the governor's reason code in SAFE."""
        position, velocity, torque = (float(value) for value in self._joint_values)
        heard = self._heard_ns >= 0
        age_ms = (now_ns - self._heard_ns) / 1e6 if heard else math.inf
        ready = heard and self._live() and self._fresh(now_ns)
        return Reading(position, velocity, torque, math.nan, age_ms, ready, self._fault)

    def release(self) -> Frames:
        """See `Actuator.release`: zero torque, then OFF."""
        self._stopping = True
        self._sent_nm = 0.0
        return (*self._setpoints(0.0, "ZERO", 0), *self._setpoints(0.0, "OFF", 0), self._host_frame("IDLE", 0))

    def _live(self) -> bool:
        return STATES["ARMED"] <= self._governor_state <= STATES["DEGRADED"]

    def _fresh(self, now_ns: int) -> bool:
        joint_old = now_ns - self._heard_ns > TABLE.host.joint_silent_ms * 1e6
        return not joint_old and now_ns - self._governor_ns <= TABLE.host.governor_silent_ms * 1e6

    def _against(self, torque_nm: float, now_ns: int) -> Reason:
        if self._stopping:
            return Reason.STOPPING
        if self._fault:
            return Reason.FAULT
        if not self._live():
            return Reason.NOT_READY
        if not self._fresh(now_ns):
            return Reason.STALE
        if not math.isfinite(torque_nm):
            return Reason.NOT_FINITE
        return Reason.RANGE if abs(torque_nm) > self._limits.torque_nm else Reason.AS_ASKED

    def _next(self, torque_nm: float, reason: Reason, now_ns: int) -> float:
        if reason in (Reason.FAULT, Reason.NOT_READY):
            return 0.0
        wanted = 0.0
        if reason in (Reason.AS_ASKED, Reason.RANGE):
            wanted = max(-self._limits.torque_nm, min(self._limits.torque_nm, torque_nm))
        period_s = min((now_ns - self._commanded_ns) * 1e-9, TABLE.protocol.setpoint_period_ms * 1e-3)
        limits = self._limits
        steady = limits.window_nm / limits.window_ms * 1e3  # growing no faster keeps the window without a memory of it
        rise = min(limits.slew_up_nm_per_s, steady) * period_s
        fall = limits.slew_down_nm_per_s * period_s
        low = -rise if self._sent_nm <= 0.0 else -fall
        high = rise if self._sent_nm >= 0.0 else fall
        if wanted * self._sent_nm < 0.0:
            wanted = 0.0  # through zero one step at a time
        return self._sent_nm + max(low, min(high, wanted - self._sent_nm))

    def _take_state(self, buffer: wire.U8, now_ns: int) -> None:
        wire.unpack_state(buffer, self._state_values)
        self._governor_state = int(self._state_values[wire.ST_STATE])
        safe = self._governor_state == STATES["SAFE"]
        self._fault = int(self._state_values[wire.ST_REASON]) if safe else 0
        self._governor_ns = now_ns
        if self._state_values[wire.ST_MUX] == MUX["CLOCK"]:
            clock_update(self._clock, int(self._state_values[wire.ST_PAYLOAD]), now_ns)

    def _cycle(self, host_state: str, torque_nm: float, mode: str, now_ns: int) -> Frames:
        setpoints = self._setpoints(torque_nm, mode, now_ns)
        if now_ns < self._host_due_ns:
            return setpoints
        self._host_due_ns = now_ns + round(TABLE.protocol.state_period_ms * 1e6)
        return (*setpoints, self._host_frame(host_state, now_ns))

    def _setpoints(self, torque_nm: float, mode: str, now_ns: int) -> Frames:
        others = "OFF" if mode == "OFF" else "ZERO"
        own = self._setpoint(self._setpoint_id, torque_nm, mode, now_ns)
        return (own, *(self._setpoint(can_id, 0.0, others, now_ns) for can_id in self._other_ids))

    def _setpoint(self, can_id: int, torque_nm: float, mode: str, now_ns: int) -> bytes:
        stamp = wire.apply_stamp(now_ns, clock_offset_ns(self._clock, now_ns))
        lease_ms = int(self._limits.lease_ms)
        counter = self._counters[can_id]
        wire.pack_setpoint(
            self._buffer, can_id, counter, torque_nm, lease_ms, _AGE_FRESH_MS, stamp, MODES[mode], e2e.CRC_TABLE
        )
        self._counters[can_id] = e2e.next_counter(counter)
        return self._buffer.tobytes()

    def _host_frame(self, state: str, now_ns: int) -> bytes:
        counter = self._counters[self._host_id]
        payload = self._payloads.get(self._mux, now_ns // 100_000 & 0xFFFFFFFF)
        wire.pack_state(self._buffer, self._host_id, counter, STATES[state], self._mux, 0, payload, e2e.CRC_TABLE)
        self._counters[self._host_id] = e2e.next_counter(counter)
        self._mux = (self._mux + 1) % (_HASHES[-1] + 1)
        return self._buffer.tobytes()
