"""Emulated CubeMars AK drive in MIT mode (AK Series Actuator Driver Manual V1.0.8, section 5.3).

Packed with the manual's own arithmetic (truncation on the way in), independent of the code under test. The
manual names no timeout: by default the drive goes on with its last torque for ever, as the worst case.
The manual's section 5.3 has an error byte but no list; the names of codes 1 to 6 are those of the open library
TMotorCANControl. What a fault does to the torque is assumed: it ends.
"""

from __future__ import annotations

from firmware_bridge.actuators.base import Frames, frame_data, frame_id, make_frame
from firmware_bridge.actuators.config import AK_MODELS, AK_POSITION_RAD
from firmware_bridge.actuators.emulators.base import Shaft

OVER_TEMPERATURE, OVER_CURRENT, OVER_VOLTAGE, UNDER_VOLTAGE, ENCODER, PHASE_UNBALANCE = range(1, 7)


class CubeMarsEmulator:
    """One AK drive with this CAN id and model."""

    def __init__(self, node: int, model: str, watchdog_ns: int | None = None) -> None:
        self.node = node
        self.range = AK_MODELS[model]
        self.shaft = Shaft()
        self.temperature_c = 35
        self.entered = False
        self.error = 0
        self.gains = (0.0, 0.0)
        self._watchdog_ns = watchdog_ns
        self._heard_ns = 0
        self._torque_nm = 0.0

    @property
    def torque_nm(self) -> float:
        """Torque of the torque field; gains other than zero would add to it and are kept in `gains`."""
        return self._torque_nm

    def receive(self, frame: bytes, now_ns: int) -> Frames:
        """Commands and the special codes; each is answered."""
        data = frame_data(frame)
        if frame_id(frame) != self.node or len(data) != 8:
            return ()
        self._heard_ns = now_ns
        if data[:7] == b"\xff" * 7 and data[7] in (0xFC, 0xFD):
            self.entered = data[7] == 0xFC
            self._torque_nm = 0.0
        elif self.entered and not self.error:
            self._apply(data)
        return (self._reply(),)

    def advance(self, now_ns: int) -> Frames:
        """The watchdog, where there is one."""
        if self._watchdog_ns is not None and now_ns - self._heard_ns > self._watchdog_ns:
            self._torque_nm = 0.0
        return ()

    def fail(self, code: int) -> None:
        """An error code of the manual."""
        self.error = code
        self._torque_nm = 0.0

    def _apply(self, data: bytes) -> None:
        kp = (data[3] & 0x0F) << 8 | data[4]
        kd = data[5] << 4 | data[6] >> 4
        torque = (data[6] & 0x0F) << 8 | data[7]
        self.gains = (_to_float(kp, 0.0, 500.0, 12), _to_float(kd, 0.0, 5.0, 12))
        self._torque_nm = _to_float(torque, -self.range.torque_nm, self.range.torque_nm, 12)

    def _reply(self) -> bytes:
        position = _to_uint(self.shaft.position_rad, -AK_POSITION_RAD, AK_POSITION_RAD, 16)
        top = self.range.velocity_radps
        velocity = _to_uint(self.shaft.velocity_radps, -top, top, 12)
        torque = _to_uint(self._torque_nm, -self.range.torque_nm, self.range.torque_nm, 12)
        data = bytes([self.node, position >> 8, position & 0xFF, velocity >> 4, (velocity & 15) << 4 | torque >> 8])
        return make_frame(0, data + bytes([torque & 0xFF, self.temperature_c & 0xFF, self.error]))


def _to_uint(value: float, low: float, high: float, bits: int) -> int:
    limited = min(max(value, low), high)
    return min(int((limited - low) * ((1 << bits) / (high - low))), (1 << bits) - 1)


def _to_float(value: int, low: float, high: float, bits: int) -> float:
    return value * (high - low) / ((1 << bits) - 1) + low
