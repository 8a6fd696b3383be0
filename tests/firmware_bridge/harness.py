"""The compiled governor behind Python calls: frames in, torque and frames out, time as a number."""

from __future__ import annotations

import ctypes
from pathlib import Path

from firmware_bridge import e2e
from firmware_bridge.table import GOVERNOR_REASONS, MODES, MUX, STATES, TABLE

SETPOINT_ID = TABLE.messages["TORQUE_SETPOINT"].can_id
JOINT_STATE_ID = TABLE.messages["JOINT_STATE"].can_id
HOST_ID = TABLE.messages["HOST_STATE"].can_id["all"]
GOVERNOR_ID = TABLE.messages["GOVERNOR_STATE"].can_id["all"]
JOINTS = tuple(TABLE.joints)
PROFILE_HASH = 0xC0FFEE42
HASHES = {MUX["PROTOCOL_HASH"]: TABLE.protocol_hash, MUX["LIMITS_HASH"]: TABLE.limits_hash}
HASHES[MUX["PROFILE_HASH"]] = PROFILE_HASH
STEP_US = 1000
NAMES = {code: name for name, code in STATES.items()}


class Config(ctypes.Structure):
    _fields_ = [("profile_hash", ctypes.c_uint32), ("torque_cnm", ctypes.c_int32 * 2)]


class Measured(ctypes.Structure):
    _fields_ = [
        ("position_cdeg", ctypes.c_int16),
        ("velocity_ddegps", ctypes.c_int16),
        ("torque_cnm", ctypes.c_int16),
        ("valid", ctypes.c_uint8),
    ]


class Frame(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint16), ("data", ctypes.c_uint8 * 8)]


class Governor:
    """One governor; its torque sensor follows its command unless a test says otherwise."""

    def __init__(self, library: Path, torque_cnm: int = 2000, start_us: int = 1_000_000) -> None:
        self.lib = ctypes.CDLL(str(library))
        self.lib.gov_on_frame.argtypes = [
            ctypes.c_void_p, ctypes.c_uint32, ctypes.c_char_p, ctypes.c_uint8, ctypes.c_uint64,
        ]  # fmt: skip
        self.lib.gov_step.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p]
        self.lib.gov_transmit.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p]
        self.memory = ctypes.create_string_buffer(1 << 16)
        config = Config(PROFILE_HASH, (ctypes.c_int32 * 2)(torque_cnm, torque_cnm))
        self.lib.gov_init(self.memory, ctypes.byref(config))
        self.now_us = start_us
        self.measured = (Measured * 2)(Measured(3000, 0, 0, 1), Measured(3000, 0, 0, 1))
        self.tracks = True
        self.command = (ctypes.c_int32 * 2)()
        self.state, self.reason = "OFF", "boot"
        self.counter = dict.fromkeys([HOST_ID, *SETPOINT_ID.values()], 0)
        self.host_state, self.host_mux, self.host_reason, self.host_due = "READY", 0, 0, 0
        self.frames: list[tuple[int, bytes]] = []

    @property
    def torque(self) -> tuple[int, int]:
        """Commands of the last step, 0.01 Nm."""
        return self.command[0], self.command[1]

    def frame(self, can_id: int, data: bytes) -> None:
        """Hand in a raw frame now."""
        self.lib.gov_on_frame(self.memory, can_id, data, len(data), self.now_us)

    def protected(self, can_id: int, payload: bytes) -> bytes:
        """The eight bytes with the next counter of this id."""
        data = e2e.protect(b"\0\0" + payload, can_id, self.counter[can_id])
        self.counter[can_id] = e2e.next_counter(self.counter[can_id])
        return data

    def setpoint_data(
        self, joint: int, cnm: int, mode: str | int, *, lease: int = 20, age: int = 17, ahead: int = 0
    ) -> bytes:
        """A TORQUE_SETPOINT's bytes; `ahead` in 0.1 ms."""
        code = MODES[mode] if isinstance(mode, str) else mode
        stamp = (self.now_us // 100 + ahead) & 0xFFF
        payload = cnm.to_bytes(2, "little", signed=True) + bytes([lease, age])
        return self.protected(SETPOINT_ID[JOINTS[joint]], payload + (stamp | code << 12).to_bytes(2, "little"))

    def setpoint(
        self, joint: int, cnm: int, mode: str | int, *, lease: int = 20, age: int = 17, ahead: int = 0
    ) -> None:
        """Send one setpoint."""
        data = self.setpoint_data(joint, cnm, mode, lease=lease, age=age, ahead=ahead)
        self.frame(SETPOINT_ID[JOINTS[joint]], data)

    def host(self, state: str, mux: int, value: int, reason: int = 0) -> None:
        """Send one HOST_STATE."""
        payload = bytes([STATES[state] | mux << 4, reason]) + value.to_bytes(4, "little")
        self.frame(HOST_ID, self.protected(HOST_ID, payload))

    def step(self, dt_us: int = STEP_US) -> None:
        """Let the time pass, then one step; state and reason follow from what it sends."""
        self.now_us += dt_us
        for i in range(2):
            if self.tracks:
                self.measured[i].torque_cnm = self.command[i]
        self.lib.gov_step(self.memory, self.now_us, self.measured, self.command)
        out = (Frame * 3)()
        count = self.lib.gov_transmit(self.memory, self.now_us, out)
        self.frames = [(f.id, bytes(f.data)) for f in out[:count]]
        for can_id, data in self.frames:
            if can_id == GOVERNOR_ID:
                self.state = NAMES[data[2] & 15]
                self.reason = TABLE.reason_name(data[3])

    def keep_host(self) -> None:
        """HOST_STATE as a good host sends it: every 20 ms, hashes in turn."""
        if self.now_us >= self.host_due:
            self.host(self.host_state, self.host_mux, HASHES.get(self.host_mux, 0), self.host_reason)
            self.host_mux = (self.host_mux + 1) % 4
            self.host_due = self.now_us + 20_000

    def tick(self, cnm: int | tuple[int, int] = 0, mode: str | int = "TORQUE", steps: int = 1, **fields: int) -> None:
        """Milliseconds of a good host with this setpoint on both joints."""
        pair = cnm if isinstance(cnm, tuple) else (cnm, cnm)
        for _ in range(steps):
            self.keep_host()
            for joint in range(2):
                self.setpoint(joint, pair[joint], mode, **fields)
            self.step()

    def arm(self) -> None:
        """From power-up to ARMED."""
        self.step()
        self.tick(0, "ZERO", steps=100)
        assert (self.state, self.reason) == ("READY", "none")
        self.host_state, self.host_due = "ARMED", 0
        for _ in range(2):
            self.tick(0, "ZERO")
            assert (self.state, self.torque) == ("ARMED", (0, 0))
        self.host_state, self.host_due = "ENGAGED", 0

    def raise_to(self, cnm: int) -> None:
        """From ARMED or ENGAGED at zero up to a torque on both joints, just inside the slew limit."""
        sign = 1 if cnm > 0 else -1
        for value in range(14, abs(cnm), 14):
            self.tick(sign * value)
        self.tick(cnm, steps=3)
        assert (self.state, self.torque) == ("ENGAGED", (cnm, cnm)), (self.state, self.reason)

    def listen(self, steps: int) -> None:
        """Steps without any frame from the host."""
        for _ in range(steps):
            self.step()


def reason_code(name: str) -> int:
    """Wire code of a reason."""
    return GOVERNOR_REASONS[name]
