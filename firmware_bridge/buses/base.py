"""What every bus is: whole frames in and out, never waiting, with its health as a value instead of exceptions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum, IntEnum
from types import TracebackType
from typing import Final, Self

FRAME_SIZE: Final = 16  # struct can_frame, linux/can.h
FD_FRAME_SIZE: Final = 72  # struct canfd_frame, linux/can.h
CANFD_BRS: Final = 0x01  # flags of canfd_frame: data at the higher bit rate
CANFD_FDF: Final = 0x04  # flags of canfd_frame: a CAN FD frame
EFF_FLAG: Final = 0x80000000  # 29-bit id, linux/can.h
RTR_FLAG: Final = 0x40000000
ERR_FLAG: Final = 0x20000000
ID_MASK: Final = 0x1FFFFFFF


class Kind(Enum):
    """How frames travel."""

    UNIX = "unix"
    SOCKETCAN = "socketcan"
    PYTHON_CAN = "python-can"
    SERIAL = "serial"


class Condition(IntEnum):
    """State of a bus, from good to bad."""

    OK = 0
    WARNING = 1  # 96 errors counted, ISO 11898-1
    PASSIVE = 2  # 128 errors counted
    QUEUE_FULL = 3  # the last frame found no room
    BUS_OFF = 4  # 256 errors counted: the controller has left the bus
    DOWN = 5  # the interface is set down
    GONE = 6  # the interface or the other end no longer exists; open it again


@dataclass(frozen=True, slots=True)
class Health:
    """`condition` and, where it is not OK, one line that says why and what to do."""

    condition: Condition = Condition.OK
    reason: str = ""


@dataclass(slots=True)
class Counts:
    """What happened since the bus was opened."""

    sent: int = 0
    received: int = 0
    refused: int = 0  # frames that were not sent; `health` said why
    error_frames: int = 0
    bus_off: int = 0
    restarts: int = 0  # recoveries from bus-off
    dropped: int = 0  # frames the kernel threw away because nobody read them in time


class Bus(ABC):
    """An open bus. Frames are whole `struct can_frame` (16 bytes) or `struct canfd_frame` (72 bytes).

    `hardware` is True where a frame may reach a real drive: everything that is not known to be simulated.
    World errors never raise after opening: `send` and `receive` say no, `health` says why.
    """

    kind: Kind
    frame_size: int = FRAME_SIZE

    def __init__(self, spec: str, hardware: bool) -> None:
        self.spec = spec
        self.hardware = hardware
        self.health = Health()
        self.counts = Counts()

    @property
    @abstractmethod
    def fd(self) -> int:
        """File descriptor that the compiled loop reads and writes; -1 where there is none, or once closed."""

    @abstractmethod
    def send(self, frame: bytes) -> bool:
        """Queue one frame; False where it was not taken, and `health` says why."""

    @abstractmethod
    def receive(self) -> bytes | None:
        """Next waiting data frame, None where there is none."""

    @abstractmethod
    def close(self) -> None:
        """Close the bus; closing twice does nothing."""

    def note(self, condition: Condition, reason: str = "") -> None:
        """Take up a new state; a bus that is GONE stays so."""
        if self.health.condition is Condition.GONE:
            return
        if condition is Condition.BUS_OFF and self.health.condition is not Condition.BUS_OFF:
            self.counts.bus_off += 1
        self.health = Health(condition, f"bus {self.spec}: {reason}" if reason else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def frame_bytes(can_id: int, data: bytes) -> bytes:
    """A classic frame: `can_id` with its flags, up to 8 data bytes. Raises ValueError on more."""
    if len(data) > 8:
        raise ValueError(f"a classic frame has at most 8 data bytes, not {len(data)}")
    return can_id.to_bytes(4, "little") + bytes((len(data), 0, 0, 0)) + data.ljust(8, b"\0")


def fd_frame_bytes(can_id: int, data: bytes) -> bytes:
    """A CAN FD frame with bit rate switch: `can_id` with its flags, up to 64 data bytes. Raises ValueError on more."""
    if len(data) > 64:
        raise ValueError(f"a CAN FD frame has at most 64 data bytes, not {len(data)}")
    return can_id.to_bytes(4, "little") + bytes((len(data), CANFD_BRS | CANFD_FDF, 0, 0)) + data.ljust(64, b"\0")


def frame_data(frame: bytes) -> tuple[int, bytes]:
    """Id with its flags, and the data bytes, of a classic or CAN FD frame."""
    return int.from_bytes(frame[:4], "little"), frame[8 : 8 + frame[4]]
