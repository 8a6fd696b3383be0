"""The bus of the drives: opened once, used for set-up through python-can, then handed to the session's process."""

from __future__ import annotations

import os
import select
import socket
from typing import TYPE_CHECKING, Any, Final

from firmware_bridge.actuators.base import CLASSIC_SIZE, frame_data, frame_id, make_frame
from firmware_bridge.actuators.config import Drives, Kind
from firmware_bridge.bus import UNIX_PREFIX, connect_unix, open_bus
from firmware_bridge.errors import BridgeError

if TYPE_CHECKING:
    import can

_STANDARD_MAX: Final = 0x7FF


def open_drive_bus(drives: Drives) -> socket.socket:
    """A socket whose messages are whole CAN frames. Raises BridgeError with one line that says what to do."""
    if drives.bus.startswith(UNIX_PREFIX):
        return connect_unix(drives.bus.removeprefix(UNIX_PREFIX), drives.bus)
    with open_bus(drives.bus) as bus:
        sock = socket.socket(fileno=os.dup(bus.fd))
    if drives.kind is Kind.MOTEUS:
        try:
            sock.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
        except OSError as error:
            sock.close()
            raise BridgeError(
                f"bus {drives.bus}: no CAN FD ({error.strerror}); moteus needs a CAN FD interface"
            ) from error
    return sock


def python_can_bus(sock: socket.socket) -> can.BusABC:
    """The same socket as a python-can bus of classic frames, for set-up; closing it leaves the socket open."""
    import can

    class SocketBus(can.BusABC):
        def __init__(self) -> None:
            self.channel_info = "drives"
            super().__init__(channel="drives")

        def send(self, msg: can.Message, timeout: float | None = None) -> None:
            sock.send(make_frame(msg.arbitration_id, bytes(msg.data)))

        def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
            ready, _, _ = select.select([sock], [], [], timeout)
            frame = sock.recv(CLASSIC_SIZE) if ready else b""
            if len(frame) != CLASSIC_SIZE or frame_id(frame) > _STANDARD_MAX:
                return None, False
            message: Any = can.Message(
                arbitration_id=frame_id(frame), data=frame_data(frame), is_extended_id=False, check=True
            )
            return message, False

    return SocketBus()
