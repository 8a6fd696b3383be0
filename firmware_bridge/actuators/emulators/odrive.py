"""Emulated ODrive axis on CANSimple (firmware 0.6.10: odrive-cansimple.dbc; enums of the package odrive 0.6.11).

The watchdog (`config.watchdog_timeout`) is fed by Set_Axis_State and every Set_Input message, as ODrive's example
can_simple.py says; when it runs out the axis is disarmed, goes to IDLE and keeps WATCHDOG_TIMER_EXPIRED. Limits of
current are not modelled; torque is cut at `torque_limit_nm`, standing for the drive's torque_soft_max.
"""

from __future__ import annotations

import math
import struct
from typing import Final

from firmware_bridge.actuators.base import Frames, frame_data, frame_id, make_frame
from firmware_bridge.actuators.emulators.base import RAD_PER_TURN, Shaft

IDLE, CLOSED_LOOP_CONTROL = 1, 8
TORQUE_CONTROL, PASSTHROUGH = 1, 1
MISSING_ESTIMATE, DC_BUS_UNDER_VOLTAGE, MOTOR_OVER_TEMP = 0x8, 0x200, 0x2000
WATCHDOG_TIMER_EXPIRED, ESTOP_REQUESTED = 0x0100_0000, 0x0200_0000
CYCLE_NS: Final = 1_000_000  # encoder_msg_rate_ms = torques_msg_rate_ms = 1
HEARTBEAT_NS: Final = 100_000_000  # heartbeat_msg_rate_ms, the default


class ODriveEmulator:
    """One axis with this node id."""

    def __init__(self, node: int, watchdog_ns: int | None, torque_limit_nm: float) -> None:
        self.node = node
        self.shaft = Shaft()
        self.state = IDLE
        self.error = 0
        self.mode = (0, 0)
        self.calibrated = True
        self._watchdog_ns = watchdog_ns
        self._limit_nm = torque_limit_nm
        self._fed_ns = 0
        self._input_nm = 0.0
        self._cycle_due_ns = 0
        self._beat_due_ns = 0

    @property
    def torque_nm(self) -> float:
        """Torque, only in closed loop and torque mode."""
        if self.state != CLOSED_LOOP_CONTROL or self.mode != (TORQUE_CONTROL, PASSTHROUGH):
            return 0.0
        return min(max(self._input_nm, -self._limit_nm), self._limit_nm)

    def receive(self, frame: bytes, now_ns: int) -> Frames:
        """Commands of the master; none is answered."""
        data, what = frame_data(frame), frame_id(frame) & 31
        if frame_id(frame) >> 5 != self.node:
            return ()
        if what in (0x07, 0x0C, 0x0D, 0x0E):
            self._fed_ns = now_ns
        if what == 0x02:
            self._disarm(ESTOP_REQUESTED)
        elif what == 0x07 and len(data) >= 4:
            self._request(int.from_bytes(data[:4], "little"))
        elif what == 0x0B and len(data) == 8:
            self.mode = struct.unpack("<II", data)
        elif what == 0x0E and len(data) >= 4:
            self._input(struct.unpack("<f", data[:4])[0])
        elif what == 0x18:
            self.error = 0
        return ()

    def advance(self, now_ns: int) -> Frames:
        """The watchdog, then the cyclic messages that are due."""
        out: list[bytes] = []
        armed = self.state == CLOSED_LOOP_CONTROL
        if armed and self._watchdog_ns is not None and now_ns - self._fed_ns > self._watchdog_ns:
            self._disarm(WATCHDOG_TIMER_EXPIRED)
        if now_ns >= self._beat_due_ns:
            self._beat_due_ns = now_ns + HEARTBEAT_NS
            out.append(self._message(0x01, struct.pack("<IBBBB", self.error, self.state, 0, 0, 0)))
        if now_ns >= self._cycle_due_ns:
            self._cycle_due_ns = now_ns + CYCLE_NS
            turns, speed = self.shaft.position_rad / RAD_PER_TURN, self.shaft.velocity_radps / RAD_PER_TURN
            out.append(self._message(0x09, struct.pack("<ff", turns, speed)))
            out.append(self._message(0x1C, struct.pack("<ff", self.torque_nm, self.torque_nm)))
        return tuple(out)

    def fail(self, code: int) -> None:
        """An error of the axis; 0 leaves the old one, which Clear_Errors takes away."""
        if code:
            self._disarm(code)

    def _request(self, state: int) -> None:
        if state == CLOSED_LOOP_CONTROL and (self.error or not self.calibrated):
            return
        self.state = state if state in (IDLE, CLOSED_LOOP_CONTROL) else self.state
        self._beat_due_ns = 0  # a change of state is told at once

    def _input(self, torque_nm: float) -> None:
        if math.isfinite(torque_nm):
            self._input_nm = torque_nm
        else:
            self._disarm(0x40)  # MISSING_INPUT

    def _disarm(self, error: int) -> None:
        self.error |= error
        self.state = IDLE
        self._input_nm = 0.0
        self._beat_due_ns = 0

    def _message(self, what: int, data: bytes) -> bytes:
        return make_frame(self.node << 5 | what, data)
