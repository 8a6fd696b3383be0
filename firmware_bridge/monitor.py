"""A listener's view of the wire: every frame decoded and checked as its receiver would, and counted per CAN id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from firmware_bridge import e2e
from firmware_bridge.bus_load import Rates, classic_bits, fd_bits
from firmware_bridge.buses.base import CANFD_BRS, ERR_FLAG, FD_FRAME_SIZE, FRAME_SIZE, frame_data
from firmware_bridge.buses.error_frame import CONTROLLER_BYTE, error_condition
from firmware_bridge.schema import Table
from firmware_bridge.wire import Decoded, decode

CHECKS: Final = ("ok", "some_lost", "repeated", "wrong_sequence", "crc_error")
"""Names of the results of `e2e.check_status`, in its order."""
UNKNOWN: Final = "unknown"
ERROR_FRAME: Final = "error_frame"
_ERROR_NAMES: Final = ("bus error", "error-active", "warning", "error-passive", "overflow", "bus-off", "restarted")
_UNIT_SUFFIX: Final = {"": "", "Nm": "_nm", "ms": "_ms", "deg": "_deg", "deg/s": "_degps"}
_SHORT: Final = 255  # of an age: unknown


@dataclass(frozen=True, slots=True)
class Line:
    """One frame for people: `fields` by name with unit; `check` one of CHECKS, or "" where there is nothing to check;
    `lost` frames missing just before it; `message` UNKNOWN for an id that the table does not have."""

    t_s: float
    can_id: int
    message: str
    joint: str
    check: str
    lost: int
    counter: int | None
    data: bytes
    fields: Mapping[str, float | int | str]

    @property
    def faulty(self) -> bool:
        """True where a receiver would drop it, frames are missing, nobody knows it, or a governor is in SAFE."""
        bad = self.check not in ("", "ok") or self.lost > 0 or self.message in (UNKNOWN, ERROR_FRAME)
        return bad or self.fields.get("state") == "SAFE"


@dataclass(slots=True)
class StreamCount:
    """What was seen of one CAN id; `lost` frames within tolerance, the others as `e2e` counts them."""

    message: str
    joint: str
    frames: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    longest_gap_s: float = 0.0
    nominal_bits: int = 0
    data_bits: int = 0
    receiver: e2e.I64 = field(default_factory=e2e.receiver)

    @property
    def rate_hz(self) -> float:
        """Mean rate, 0 where fewer than two frames came."""
        span_s = self.last_s - self.first_s
        return (self.frames - 1) / span_s if span_s > 0.0 else 0.0

    @property
    def faults(self) -> dict[str, int]:
        """Counts of the receiver's check."""
        state = self.receiver
        return {
            "lost": int(state[e2e.RX_LOST]),
            "gaps": int(state[e2e.RX_GAPS]),
            "repeats": int(state[e2e.RX_REPEATED]),
            "crc_errors": int(state[e2e.RX_CRC]),
        }

    def load(self, rates: Rates, span_s: float) -> float:
        """Share of a bus of these rates over `span_s`, with worst stuffing."""
        data_rate = rates.nominal if rates.data is None else rates.data
        return (self.nominal_bits / rates.nominal + self.data_bits / data_rate) / span_s if span_s > 0.0 else 0.0


class Monitor:
    """Feed it every frame in order; it decodes, checks and counts."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._names = {code: name for name, code in table.states.items()}
        self._modes = {code: name for name, code in table.modes.items()}
        self._muxes = {code: name for name, code in table.mux.items()}
        self.streams: dict[int, StreamCount] = {}
        self.governor_counts: dict[str, int] = {}
        e2e.check_status(np.zeros(8, np.uint8), 0, e2e.receiver(), 1, e2e.CRC_TABLE)  # compiled before frames wait

    @property
    def span_s(self) -> float:
        """From the first frame to the last."""
        if not self.streams:
            return 0.0
        return max(s.last_s for s in self.streams.values()) - min(s.first_s for s in self.streams.values())

    def see(self, t_s: float, frame: bytes) -> Line:
        """Decode, check and count one frame of 16 or 72 bytes."""
        can_id, data = frame_data(frame)
        if can_id & ERR_FLAG:
            name = _ERROR_NAMES[error_condition(can_id, frame[CONTROLLER_BYTE])]
            self._count(t_s, frame, ERR_FLAG, ERROR_FRAME, "")
            return Line(t_s, can_id, ERROR_FRAME, "", "", 0, None, data, {"error": name})
        decoded = decode(_classic(frame), self._table)
        if decoded is None:
            self._count(t_s, frame, can_id, UNKNOWN, "")
            return Line(t_s, can_id, UNKNOWN, "", "", 0, None, data, {})
        stream = self._count(t_s, frame, can_id, decoded.message, decoded.joint)
        before = int(stream.receiver[e2e.RX_LOST])
        status = e2e.check_status(
            np.frombuffer(data, np.uint8),
            can_id,
            stream.receiver,
            self._table.protocol.max_delta_counter,
            e2e.CRC_TABLE,
        )
        lost = int(stream.receiver[e2e.RX_LOST]) - before
        fields = self._fields(decoded)
        if status <= e2e.SOME_LOST and "crc_errors" in fields:
            self.governor_counts = {name: int(fields[name]) for name in _COUNTERS}
        return Line(
            t_s, can_id, decoded.message, decoded.joint, CHECKS[status], lost, decoded.counter, data, fields
        )  # fmt: skip

    def _count(self, t_s: float, frame: bytes, key: int, message: str, joint: str) -> StreamCount:
        stream = self.streams.get(key)
        if stream is None:
            stream = self.streams[key] = StreamCount(message, joint, first_s=t_s, last_s=t_s)
        stream.frames += 1
        stream.longest_gap_s = max(stream.longest_gap_s, t_s - stream.last_s)
        stream.last_s = t_s
        nominal, data = _bits(frame)
        stream.nominal_bits += nominal
        stream.data_bits += data
        return stream

    def _fields(self, decoded: Decoded) -> dict[str, float | int | str]:
        fields: dict[str, float | int | str] = {}
        for name, item in self._table.messages[decoded.message].fields.items():
            value = decoded.values[name]
            if name == "mode":
                fields[name] = self._modes.get(int(value), f"unknown_{int(value)}")
            elif name == "state":
                fields[name] = self._names.get(int(value), f"unknown_{int(value)}")
            elif name == "reason":
                fields[name] = self._table.reason_name(int(value))
            elif name == "age" and value == _SHORT:
                fields["age_ms"] = "unknown"
            elif name not in ("mux", "payload"):
                fields[name + _UNIT_SUFFIX.get(item.unit, f"_{item.unit}")] = round(value, 6)
        if "mux" in decoded.values:
            fields |= payload_fields(self._muxes.get(int(decoded.values["mux"]), ""), int(decoded.values["payload"]))
        return fields


_COUNTERS: Final = ("crc_errors", "gaps", "repeats", "rejected")


def payload_fields(mux: str, payload: int) -> dict[str, float | int | str]:
    """What the payload of a state frame means, by the name of its mux."""
    if mux == "CLOCK":
        return {"clock_ms": payload / 10}
    if mux == "COUNTERS":
        return {name: payload >> 8 * k & 0xFF for k, name in enumerate(_COUNTERS)}
    if mux.endswith("_HASH"):
        return {mux.lower(): f"{payload:08x}"}
    return {"payload": payload}


def _classic(frame: bytes) -> bytes:
    """The classic frame of the same id and data, where an FD frame has at most 8 bytes."""
    return frame[:5] + bytes(3) + frame[8:FRAME_SIZE] if len(frame) == FD_FRAME_SIZE else frame


def _bits(frame: bytes) -> tuple[int, int]:
    if len(frame) == FD_FRAME_SIZE:
        nominal, data = fd_bits(frame[4])
        return (nominal, data) if frame[5] & CANFD_BRS else (nominal + data, 0)
    return classic_bits(min(frame[4], 8)), 0
