"""Emulated CiA 402 drive: state machine and cyclic synchronous torque on top of `canopen_node`.

CiA 402-2 / IEC 61800-7-201: controlword 6040h, statusword 6041h, modes of operation 6060h (10 = cyclic synchronous
torque), torque in thousandths of the rated torque 6076h, cut at the maximum torque 6072h. A lost heartbeat of the
host makes a fault where the abort connection option code 6007h is 1.
"""

from __future__ import annotations

from typing import Final

from firmware_bridge.actuators.base import Frames
from firmware_bridge.actuators.emulators.base import RAD_PER_TURN, Shaft
from firmware_bridge.actuators.emulators.canopen_node import CanopenNode

SWITCH_ON_DISABLED, READY, SWITCHED_ON, ENABLED, QUICK_STOP, FAULT = 0x40, 0x21, 0x23, 0x27, 0x07, 0x08
CYCLIC_TORQUE: Final = 10
OVER_TEMPERATURE, UNDER_VOLTAGE, ENCODER_FAULT = 0x4310, 0x3220, 0x7305
"""Error codes of CiA 402: drive excess temperature, DC link under-voltage, incremental sensor 1 fault."""
HEARTBEAT_LOST: Final = 0x8130  # CiA 301: life guard error or heartbeat error


class Cia402Emulator:
    """One drive with this node id; position and velocity in counts of its encoder."""

    def __init__(self, node: int, rated_torque_nm: float, counts_per_turn: float) -> None:
        self.shaft = Shaft()
        self.state = SWITCH_ON_DISABLED
        self._rated_nm = rated_torque_nm
        self._counts_per_rad = counts_per_turn / RAD_PER_TURN
        self._reset_level = 0
        self.can = CanopenNode(node)
        objects = self.can.objects
        objects[0x6007, 0] = (0, 2)
        objects[0x6040, 0] = (0, 2)
        objects[0x6041, 0] = (self.state, 2)
        objects[0x6060, 0] = (0, 1)
        objects[0x6061, 0] = (0, 1)
        objects[0x6064, 0] = (0, 4)
        objects[0x606C, 0] = (0, 4)
        objects[0x6071, 0] = (0, 2)
        objects[0x6072, 0] = (1000, 2)
        objects[0x6076, 0] = (round(rated_torque_nm * 1000), 4)
        objects[0x6077, 0] = (0, 2)
        objects[0x60C2, 1] = (1, 1)
        objects[0x60C2, 2] = (-3, 1)
        objects[0x6502, 0] = (1 << 9, 4)  # supported drive modes: cyclic synchronous torque
        self.can.read_only |= {(0x6041, 0), (0x6061, 0), (0x6064, 0), (0x606C, 0), (0x6077, 0), (0x6502, 0)}
        self.can.read_only |= {(0x6076, 0)}
        self.can.mappable |= {(0x6040, 0), (0x6071, 0), (0x6041, 0), (0x6064, 0), (0x606C, 0), (0x6077, 0)}

    @property
    def torque_nm(self) -> float:
        """Target torque, only with operation enabled, in cyclic synchronous torque mode and NMT operational."""
        if self.state != ENABLED or self.can.value(0x6060, 0) != CYCLIC_TORQUE or not self.can.operational:
            return 0.0
        most = self.can.value(0x6072, 0)
        return min(max(self.can.value(0x6071, 0), -most), most) / 1000.0 * self._rated_nm

    def receive(self, frame: bytes, now_ns: int) -> Frames:
        """NMT, SDO, heartbeats, RPDO and SYNC."""
        self._show()
        before = self.can.value(0x6040, 0)
        out = self.can.receive(frame, now_ns)
        if self.can.value(0x6040, 0) != before or self.can.written:
            self._control(self.can.value(0x6040, 0) & 0xFFFF)
        return out

    def advance(self, now_ns: int) -> Frames:
        """Heartbeats: ours goes out, the host's is watched."""
        out = self.can.advance(now_ns)
        if self.can.host_lost and self.can.value(0x6007, 0) == 1 and self.state not in (FAULT, SWITCH_ON_DISABLED):
            return (*out, *self._fault(HEARTBEAT_LOST))
        return out

    def fail(self, code: int) -> None:
        """An error code of CiA 402: fault, and an emergency message with the next heartbeat or reply."""
        if code:
            self.can.pending += self._fault(code)

    def _fault(self, code: int) -> Frames:
        self.state = FAULT
        self._show()
        return (self.can.emergency(code),)

    def _show(self) -> None:
        display = self.can.value(0x6060, 0)
        shown = {0x6041: self.state, 0x6061: display, 0x6077: round(self.torque_nm / self._rated_nm * 1000)}
        shown[0x6064] = round(self.shaft.position_rad * self._counts_per_rad)
        shown[0x606C] = round(self.shaft.velocity_radps * self._counts_per_rad)
        for index, value in shown.items():
            self.can.store(index, 0, value)

    def _control(self, word: int) -> None:
        """The transitions of the state machine that a master can ask for."""
        reset = word & 0x80
        if self.state == FAULT:
            if reset and not self._reset_level:
                self.state = SWITCH_ON_DISABLED
        elif not word & 0x02:
            self.state = SWITCH_ON_DISABLED
        elif not word & 0x04:
            self.state = SWITCH_ON_DISABLED  # quick stop, taken as the end of torque
        elif word & 0x07 == 0x06:
            self.state = READY
        elif word & 0x0F == 0x07:
            self.state = SWITCHED_ON if self.state in (READY, SWITCHED_ON, ENABLED) else self.state
        elif word & 0x0F == 0x0F:
            self.state = ENABLED if self.state in (SWITCHED_ON, ENABLED) else self.state
        self._reset_level = reset
        self._show()
