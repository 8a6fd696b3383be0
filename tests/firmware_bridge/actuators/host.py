"""A scripted host: what the torque loop says on the wire, both joints, one call per millisecond."""

from __future__ import annotations

from firmware_bridge import e2e
from firmware_bridge.actuators.base import Frames, frame_data, frame_id, make_frame
from firmware_bridge.table import JOINTS, MODES, MUX, STATES, TABLE

PROFILE_HASH = 0xC0FFEE42
SETPOINT = TABLE.messages["TORQUE_SETPOINT"].can_id
JOINT_STATE = {can_id: name for name, can_id in TABLE.messages["JOINT_STATE"].can_id.items()}
HOST_ID = TABLE.messages["HOST_STATE"].can_id["all"]
GOVERNOR_ID = TABLE.messages["GOVERNOR_STATE"].can_id["all"]
HASHES = {MUX["PROTOCOL_HASH"]: TABLE.protocol_hash, MUX["LIMITS_HASH"]: TABLE.limits_hash}
HASHES[MUX["PROFILE_HASH"]] = PROFILE_HASH
STATE_NAMES = {code: name for name, code in STATES.items()}
RISE_CNM = 14  # per millisecond, just below 150 Nm/s


class ScriptedHost:
    """Arms as soon as the governor is READY, then moves each joint's torque to `wanted_cnm` inside the slew limit."""

    def __init__(self) -> None:
        self.clears = False  # leave SAFE by itself, as an operator would
        self.counters = dict.fromkeys([HOST_ID, *SETPOINT.values()], 0)
        self.wanted_cnm = dict.fromkeys(JOINTS, 0)
        self.torque_cnm = dict.fromkeys(JOINTS, 0)
        self.state, self.reason = "OFF", "boot"
        self.joints: dict[str, tuple[int, int, int]] = {}
        self._mux = 0
        self._due_ns = 0

    def hear(self, frames: Frames, now_ns: int) -> None:
        """Take what the governor sent."""
        for frame in frames:
            can_id, data = frame_id(frame), frame_data(frame)
            assert e2e.check(data, can_id), frame.hex()
            if can_id == GOVERNOR_ID:
                self.state, self.reason = STATE_NAMES[data[2] & 15], TABLE.reason_name(data[3])
            else:
                values = [int.from_bytes(data[at : at + 2], "little", signed=True) for at in (2, 4, 6)]
                self.joints[JOINT_STATE[can_id]] = (values[0], values[1], values[2])

    def speak(self, now_ns: int) -> Frames:
        """Setpoints of this millisecond, and the host's state when due."""
        live = self.state in ("ARMED", "ENGAGED")
        out = [self._setpoint(name, live, now_ns) for name in JOINTS]
        if now_ns >= self._due_ns:
            self._due_ns = now_ns + 20_000_000
            out.append(self._host_state("ENGAGED" if live else "ARMED" if self.state == "READY" else "READY", now_ns))
        return tuple(out)

    def _setpoint(self, name: str, live: bool, now_ns: int) -> bytes:
        if live:
            gap = self.wanted_cnm[name] - self.torque_cnm[name]
            self.torque_cnm[name] += max(-RISE_CNM, min(RISE_CNM, gap))
        else:
            self.torque_cnm[name] = 0
        mode = MODES["TORQUE" if live else "ZERO"]
        stamp = now_ns // 100_000 & 0xFFF
        payload = self.torque_cnm[name].to_bytes(2, "little", signed=True) + bytes([20, 17])
        return self._protected(SETPOINT[name], payload + (stamp | mode << 12).to_bytes(2, "little"))

    def _host_state(self, state: str, now_ns: int) -> bytes:
        value = HASHES.get(self._mux, now_ns // 100_000 & 0xFFFFFFFF)
        asks = self.clears and self.state == "SAFE" and self._mux % 2
        reason = TABLE.reasons["clear_request"] if asks else 0
        payload = bytes([STATES[state] | self._mux << 4, reason]) + value.to_bytes(4, "little")
        self._mux = (self._mux + 1) % 4
        return self._protected(HOST_ID, payload)

    def _protected(self, can_id: int, payload: bytes) -> bytes:
        data = e2e.protect(b"\0\0" + payload, can_id, self.counters[can_id])
        self.counters[can_id] = e2e.next_counter(self.counters[can_id])
        return make_frame(can_id, data)
