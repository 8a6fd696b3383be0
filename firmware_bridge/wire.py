"""Frames of the torque path: packed and unpacked in the compiled loop, decoded for people.

A frame is a raw `struct can_frame` (linux/can.h) as uint8 [16]: u32 CAN id little endian, length, three bytes
of padding, eight data bytes. Values outside a field saturate. A value that is not finite is never sent: a
setpoint becomes zero torque with mode SAFE. Unpack functions read the data only: check the E2E header first.
Layout and scales are those of `limits.toml`; the tests hold the two together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from firmware_bridge import e2e
from firmware_bridge.e2e import protect_into
from firmware_bridge.schema import Field, Message, Table
from firmware_bridge.table import TABLE

U8 = npt.NDArray[np.uint8]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

FRAME_SIZE: Final = 16
CAN_ID_MASK: Final = 0x7FF
CNM_PER_NM: Final = 100.0
CDEG_PER_RAD: Final = 100.0 * 180.0 / math.pi
DDEGPS_PER_RADPS: Final = 10.0 * 180.0 / math.pi
TICKS_PER_MS: Final = 10
APPLY_MASK: Final = 0xFFF
AGE_UNKNOWN_MS: Final = 255
MODE_SAFE: Final = 3

SP_TORQUE_NM, SP_LEASE_MS, SP_AGE_MS, SP_APPLY_AT, SP_MODE = range(5)
"""Indices of `unpack_setpoint`'s output; apply_at in 0.1 ms modulo 4096."""
JS_POSITION_RAD, JS_VELOCITY_RADPS, JS_TORQUE_NM = range(3)
"""Indices of `unpack_joint_state`'s output."""
ST_STATE, ST_MUX, ST_REASON, ST_PAYLOAD = range(4)
"""Indices of `unpack_state`'s output."""


def frame() -> U8:
    """A zeroed frame, uint8 [16]."""
    return np.zeros(FRAME_SIZE, np.uint8)


@njit(cache=True, nogil=True)
def to_i16(value: float) -> int:
    """Nearest integer, saturated to 16 bits signed; 0 where `value` is not a number."""
    if math.isnan(value):
        return 0
    return int(min(max(np.rint(value), -32768.0), 32767.0))


@njit(cache=True, nogil=True)
def to_u8(value: float) -> int:
    """Whole part, saturated to 0..255; 255 where `value` is not a number."""
    if math.isnan(value):
        return 255
    return int(min(max(value, 0.0), 255.0))


@njit(cache=True, nogil=True)
def put16(buf: U8, at: int, value: int) -> None:
    """Write the low 16 bits of `value`, little endian."""
    buf[at] = value & 0xFF
    buf[at + 1] = (value >> 8) & 0xFF


@njit(cache=True, nogil=True)
def get16(buf: U8, at: int) -> int:
    """Read 16 bits signed, little endian."""
    value = np.int64(buf[at]) | np.int64(buf[at + 1]) << 8
    return int(value - 65536 if value >= 32768 else value)


@njit(cache=True, nogil=True)
def put_header(buf: U8, can_id: int) -> None:
    """Write id, length 8 and padding of an 8-byte frame."""
    put16(buf, 0, can_id & CAN_ID_MASK)
    put16(buf, 2, 0)
    buf[4] = 8
    buf[5] = 0
    buf[6] = 0
    buf[7] = 0


@njit(cache=True, nogil=True)
def frame_id(buf: U8) -> int:
    """CAN id of a frame, or -1 where it is not a standard data frame of 8 bytes."""
    if buf[4] != 8 or buf[2] != 0 or buf[3] != 0 or buf[1] > 7:
        return -1
    return int(np.int64(buf[0]) | np.int64(buf[1]) << 8)


@njit(cache=True, nogil=True)
def apply_stamp(t_ns: int, offset_ns: int) -> int:
    """The 12-bit apply_at of host time `t_ns`, given governor clock minus host clock `offset_ns`."""
    return ((t_ns + offset_ns) // 100_000) & APPLY_MASK


@njit(cache=True, nogil=True)
def pack_setpoint(
    buf: U8,
    can_id: int,
    counter: int,
    torque_nm: float,
    lease_ms: int,
    age_ms: float,
    apply_at: int,
    mode: int,
    table: U8,
) -> int:
    """Fill `buf` uint8 [16] with a protected TORQUE_SETPOINT; returns the mode that was packed.

    `age_ms` is cut to whole ms, 255 where unknown; `apply_at` in 0.1 ms of the governor's clock modulo
    4096. A torque that is not finite is packed as 0 with mode SAFE.
    """
    if not math.isfinite(torque_nm):
        torque_nm = 0.0
        mode = MODE_SAFE
    put_header(buf, can_id)
    put16(buf, 10, to_i16(torque_nm * CNM_PER_NM))
    buf[12] = min(max(lease_ms, 0), 255)
    buf[13] = to_u8(age_ms)
    put16(buf, 14, (apply_at & APPLY_MASK) | (mode & 15) << 12)
    protect_into(buf[8:], can_id, counter, table)
    return mode


@njit(cache=True, nogil=True)
def unpack_setpoint(buf: U8, out: F64) -> None:
    """Read a TORQUE_SETPOINT into `out` float64 [5], see SP_TORQUE_NM and on."""
    word = get16(buf, 14)
    out[SP_TORQUE_NM] = get16(buf, 10) / CNM_PER_NM
    out[SP_LEASE_MS] = buf[12]
    out[SP_AGE_MS] = buf[13]
    out[SP_APPLY_AT] = word & APPLY_MASK
    out[SP_MODE] = (word >> 12) & 15


@njit(cache=True, nogil=True)
def pack_joint_state(
    buf: U8,
    can_id: int,
    counter: int,
    position_rad: float,
    velocity_radps: float,
    torque_nm: float,
    table: U8,
) -> None:
    """Fill `buf` uint8 [16] with a protected JOINT_STATE."""
    put_header(buf, can_id)
    put16(buf, 10, to_i16(position_rad * CDEG_PER_RAD))
    put16(buf, 12, to_i16(velocity_radps * DDEGPS_PER_RADPS))
    put16(buf, 14, to_i16(torque_nm * CNM_PER_NM))
    protect_into(buf[8:], can_id, counter, table)


@njit(cache=True, nogil=True)
def unpack_joint_state(buf: U8, out: F64) -> None:
    """Read a JOINT_STATE into `out` float64 [3]: rad, rad/s, Nm."""
    out[JS_POSITION_RAD] = get16(buf, 10) / CDEG_PER_RAD
    out[JS_VELOCITY_RADPS] = get16(buf, 12) / DDEGPS_PER_RADPS
    out[JS_TORQUE_NM] = get16(buf, 14) / CNM_PER_NM


@njit(cache=True, nogil=True)
def pack_state(buf: U8, can_id: int, counter: int, state: int, mux: int, reason: int, payload: int, table: U8) -> None:
    """Fill `buf` uint8 [16] with a protected HOST_STATE or GOVERNOR_STATE; `payload` modulo 2**32."""
    put_header(buf, can_id)
    buf[10] = (state & 15) | (mux & 15) << 4
    buf[11] = reason & 0xFF
    put16(buf, 12, payload & 0xFFFF)
    put16(buf, 14, (payload >> 16) & 0xFFFF)
    protect_into(buf[8:], can_id, counter, table)


@njit(cache=True, nogil=True)
def unpack_state(buf: U8, out: I64) -> None:
    """Read a HOST_STATE or GOVERNOR_STATE into `out` int64 [4], see ST_STATE and on."""
    out[ST_STATE] = buf[10] & 15
    out[ST_MUX] = buf[10] >> 4
    out[ST_REASON] = buf[11]
    out[ST_PAYLOAD] = (get16(buf, 12) & 0xFFFF) | (get16(buf, 14) & 0xFFFF) << 16


@dataclass(frozen=True, slots=True)
class Decoded:
    """A frame for people: names of message and joint (`all` for states), fields in the table's units."""

    message: str
    joint: str
    intact: bool
    counter: int
    values: dict[str, float]


def decode(buf: bytes, table: Table = TABLE) -> Decoded | None:
    """Decode 16 bytes of `struct can_frame`; None where the id or length is not one of the table's."""
    if len(buf) != FRAME_SIZE or buf[4] != 8:
        return None
    can_id, data = int.from_bytes(buf[:4], "little"), buf[8:]
    for name, message in table.messages.items():
        for joint, own_id in message.can_id.items():
            if own_id == can_id:
                return Decoded(name, joint, e2e.check(data, can_id), data[1] & 15, _values(message, data))
    return None


def _values(message: Message, data: bytes) -> dict[str, float]:
    word = int.from_bytes(data, "little")
    return {name: field_value(field, word) for name, field in message.fields.items()}


def field_value(field: Field, word: int) -> float:
    """Value of one field in the table's unit, from the 8 data bytes as one little-endian integer."""
    raw = (word >> field.bit) & ((1 << field.bits) - 1)
    if field.signed and raw >= 1 << (field.bits - 1):
        raw -= 1 << field.bits
    return raw * field.scale
