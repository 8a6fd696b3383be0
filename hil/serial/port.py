"""A real serial port behind `Port`: pyserial opens and sets it, its descriptor is read and written without waiting.

pyserial's own non-blocking `write` spins while the line is full, and its `read` drops what it had when the device goes.
"""

from __future__ import annotations

import errno
import os
import select
from functools import partial
from typing import Any

from hil.serial.connection import Opener


class SerialPort:
    """Implements `Port` on a device file. Raises OSError where it cannot be opened (pyserial's errors are such)."""

    def __init__(self, path: str, baud: int) -> None:
        import serial

        self._port: Any = serial.Serial(path, baud, timeout=0, exclusive=True)
        self._fd = int(self._port.fileno())

    def read(self, size: int) -> bytes:
        """See `Port`. A device that was unplugged says that it is ready and gives nothing."""
        if not select.select([self._fd], [], [], 0.0)[0]:
            return b""
        try:
            data = os.read(self._fd, size)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError(errno.ENODEV, "the device has gone")
        return data

    def write(self, data: bytes) -> int:
        """See `Port`."""
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        """See `Port`."""
        self._port.close()


def opener(path: str) -> Opener:
    """Opens that device at the rate asked for."""
    return partial(SerialPort, path)
