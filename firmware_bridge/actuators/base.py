"""What every actuator is to the host: frames out for a torque, frames in, state of the joint out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

Frames = tuple[bytes, ...]
"""Whole CAN frames as they go over the socket: `struct can_frame` (16 bytes) or `struct canfd_frame` (72)."""

CLASSIC_SIZE: Final = 16
FD_SIZE: Final = 72


class Reason(IntEnum):
    """Why the torque sent is not the torque asked for; `enum drive_reason` of session/drive.h."""

    AS_ASKED = 0
    RANGE = 1
    NOT_FINITE = 2
    NOT_READY = 3
    STALE = 4
    FAULT = 5
    STOPPING = 6


@dataclass(frozen=True, slots=True)
class Sent:
    """Frames of one command, the torque at the joint that they carry, and why it is not the one asked for."""

    frames: Frames
    torque_nm: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Reading:
    """Newest state of the joint: rad, rad/s, Nm at the joint; deg C, NaN where the drive does not tell.

    `age_ms` is that of the oldest part, inf before the first reply. `ready` means torque mode, no fault and a
    reply that is young enough; `fault` is the drive's own code, 0 for none.
    """

    position_rad: float
    velocity_radps: float
    torque_nm: float
    temperature_c: float
    age_ms: float
    ready: bool
    fault: int


class Actuator(Protocol):
    """One actuator on one joint. Pure: no socket, no clock; whoever owns the bus carries the frames.

    Torque is that at the joint, flexion positive. Torque goes out only where the newest reply is young, without
    fault and from a drive in torque mode; otherwise it falls to zero with the reason. `release` always holds a
    zero torque before the frame that leaves torque mode.
    """

    def start(self, now_ns: int) -> Frames:
        """Frames that bring it nearer to torque mode, without torque; call each cycle until `reading().ready`."""

    def command(self, torque_nm: float, now_ns: int) -> Sent:
        """Frames for this torque. A torque beyond the range is cut, one that is not a number refused."""

    def receive(self, frame: bytes, now_ns: int) -> bool:
        """Take a frame from the bus; False where it is another's or makes no sense."""

    def reading(self, now_ns: int) -> Reading:
        """Newest state of the joint."""

    def release(self) -> Frames:
        """The last frames: zero torque, then out of torque mode. Nothing brings torque back after it."""


def make_frame(can_id: int, data: bytes, *, size: int = CLASSIC_SIZE, flags: int = 0) -> bytes:
    """A raw frame of `size` bytes with this id (bit 31: extended) and data."""
    return can_id.to_bytes(4, "little") + bytes([len(data), flags, 0, 0]) + data.ljust(size - 8, b"\0")


def frame_id(frame: bytes) -> int:
    """CAN id of a raw frame, with the flags in its high bits."""
    return int.from_bytes(frame[:4], "little")


def frame_data(frame: bytes) -> bytes:
    """Data bytes of a raw frame."""
    return frame[8 : 8 + frame[4]]
