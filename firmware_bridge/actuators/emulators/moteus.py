"""Emulated moteus over CAN FD (moteus docs/protocol/can.md, registers.md, troubleshooting/timeout-mode-11.md).

Subframes are read and written from the documents, independent of the code under test. Mode 11 (timeout) and mode 1
(fault) are left only by a stop. Register 0x020 is the position command, NaN keeping the present one; gains other
than zero would add torque, which the emulator shows in `gains`.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

from firmware_bridge.actuators.base import FD_SIZE, Frames, frame_data, frame_id, make_frame
from firmware_bridge.actuators.emulators.base import RAD_PER_TURN, Shaft

STOPPED, FAULT, POSITION, TIMEOUT = 0, 1, 10, 11
OVER_VOLTAGE, ENCODER_FAULT, OVER_TEMPERATURE, UNDER_VOLTAGE = 34, 35, 38, 40
DEFAULT_TIMEOUT_S: Final = 0.1  # servo.default_timeout_s as people report it; a setting of the drive
EXTENDED: Final = 0x8000_0000
_TYPES: Final = ("<b", "<h", "<i", "<f")
_COMMANDS: Final = {0x20: 0.0, 0x21: 0.0, 0x22: 0.0, 0x23: 1.0, 0x24: 1.0, 0x25: math.nan, 0x27: 0.0, 0x2B: 1.0}
"""Command registers and the value each has where a command leaves it out."""


class MoteusEmulator:
    """One controller with this id. Only floats are taken for commands, int8 for the mode."""

    def __init__(self, node: int, torque_limit_nm: float) -> None:
        self.node = node
        self.shaft = Shaft()
        self.mode = STOPPED
        self.fault = 0
        self.commands = dict(_COMMANDS)
        self._limit_nm = torque_limit_nm
        self._deadline_ns: float = math.inf

    @property
    def torque_nm(self) -> float:
        """Feedforward torque, cut at the commanded and the configured maximum, in position mode."""
        if self.mode != POSITION:
            return 0.0
        asked_max = self.commands[0x25]
        most = self._limit_nm if math.isnan(asked_max) else min(asked_max, self._limit_nm)
        return min(max(self.commands[0x22], -most), most)

    @property
    def gains(self) -> tuple[float, float, float]:
        """Scales of the proportional, derivative and integral parts."""
        return self.commands[0x23], self.commands[0x24], self.commands[0x2B]

    def receive(self, frame: bytes, now_ns: int) -> Frames:
        """One frame of subframes; answered where bit 15 of its id asks for it."""
        identifier = frame_id(frame) & ~EXTENDED
        if identifier & 0x7F != self.node or len(frame) != FD_SIZE:
            return ()
        reply = self._subframes(frame_data(frame), now_ns)
        if not identifier & 0x8000:
            return ()
        source = identifier >> 8 & 0x7F
        own = self.node << 8 | source
        return (make_frame(own | (EXTENDED if own > 0x7FF else 0), _padded(reply), size=FD_SIZE, flags=1),)

    def advance(self, now_ns: int) -> Frames:
        """The watchdog of the newest command."""
        if self.mode == POSITION and now_ns > self._deadline_ns:
            self.mode = TIMEOUT
        return ()

    def fail(self, code: int) -> None:
        """A fault code of register 0x00f."""
        self.fault = code
        if code:
            self.mode = FAULT

    def _subframes(self, data: bytes, now_ns: int) -> bytes:
        at, reply = 0, b""
        while at < len(data):
            head = data[at]
            at += 1
            if head == 0x50:
                continue
            count, kind = head & 3, head >> 2 & 3
            if count == 0:
                count, at = _varuint(data, at)
            first, at = _varuint(data, at)
            if head & 0xF0 == 0x00:
                size = struct.calcsize(_TYPES[kind])
                for i in range(count):
                    self._write(first + i, struct.unpack_from(_TYPES[kind], data, at)[0], kind, now_ns)
                    at += size
            elif head & 0xF0 == 0x10:
                values = [struct.pack(_TYPES[kind], self._read(first + i, kind)) for i in range(count)]
                reply += bytes([0x20 | kind << 2, count, first]) + b"".join(values)
            else:
                raise ValueError(f"moteus emulator: subframe {head:#x} is not of its documents")
        return reply

    def _write(self, register: int, value: float, kind: int, now_ns: int) -> None:
        if register == 0x00:
            self._write_mode(int(value), now_ns)
        elif kind == 3 and register in self.commands:
            self.commands[register] = value
            if register == 0x27:
                self._feed(now_ns)

    def _write_mode(self, mode: int, now_ns: int) -> None:
        if mode == STOPPED:
            self.mode = STOPPED
            self.fault = 0
        elif mode == POSITION and self.mode not in (FAULT, TIMEOUT):
            self.mode = POSITION
        self.commands = dict(_COMMANDS)
        self._feed(now_ns)

    def _feed(self, now_ns: int) -> None:
        seconds = self.commands[0x27]
        seconds = DEFAULT_TIMEOUT_S if seconds == 0.0 else seconds
        self._deadline_ns = math.inf if math.isnan(seconds) else now_ns + seconds * 1e9

    def _read(self, register: int, kind: int) -> Any:
        values: dict[int, float] = {
            0x00: self.mode,
            0x01: self.shaft.position_rad / RAD_PER_TURN,
            0x02: self.shaft.velocity_radps / RAD_PER_TURN,
            0x03: self.torque_nm,
            0x0E: 30.0,
            0x0F: self.fault,
        }
        value = values.get(register, 0.0)
        return value if kind == 3 else int(value)


def _varuint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _padded(data: bytes) -> bytes:
    sizes = [*range(9), 12, 16, 20, 24, 32, 48, 64]
    return data.ljust(next(size for size in sizes if size >= len(data)), b"\x50")
