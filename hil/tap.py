"""Listens on a CAN interface beside host and firmware: every frame as they get it, with the kernel's time stamp.

Frames are taken many at a time (recvmmsg), so that listening costs next to nothing; what the socket's queue had to drop
is counted (SO_RXQ_OVFL).
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import time
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

TAP_DTYPE: Final = np.dtype(
    [("t_ns", "<i8"), ("can_id", "<u4"), ("len", "u1"), ("pad", "u1", 3), ("data", "u1", 8)], align=False
)
"""One frame: CLOCK_MONOTONIC ns, then struct can_frame of linux/can.h."""

_BATCH: Final = 256
_FRAME_SIZE: Final = 16
_SO_RCVBUFFORCE: Final = 33  # asm-generic/socket.h, as the next two
_SO_TIMESTAMPNS: Final = 35
_SO_RXQ_OVFL: Final = 40
_BUFFER_BYTES: Final = 8 << 20
_CONTROL_SIZE: Final = 64
_STAMP_AT: Final = 16  # after struct cmsghdr; struct timespec
_DROPS_AT: Final = 48  # the second control message, there once something was dropped; u32


class _Part(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct mmsghdr of sys/socket.h, 64 bit."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("parts", ctypes.c_void_p),
        ("part_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int64),  # int, and padding
        ("got", ctypes.c_uint64),  # unsigned int, and padding
    )


class Tap:
    """A listening socket on `interface`; `take` moves what has come into a file of TAP_DTYPE."""

    def __init__(self, interface: str) -> None:
        self._sock = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        try:
            self._sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        except PermissionError:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
        self._sock.bind((interface,))
        self._recvmmsg = ctypes.CDLL(None, use_errno=True).recvmmsg
        self._since_boot_ns = time.time_ns() - time.monotonic_ns()
        self._frames = np.zeros((_BATCH, _FRAME_SIZE), np.uint8)
        self._control = np.zeros((_BATCH, _CONTROL_SIZE), np.uint8)
        self._parts = (_Part * _BATCH)()
        self._messages = (_Message * _BATCH)()
        self._lay_out()
        self.frames = 0
        self.dropped = 0

    def _lay_out(self) -> None:
        for i in range(_BATCH):
            part, message = self._parts[i], self._messages[i]
            part.base, part.size = self._frames[i].ctypes.data, _FRAME_SIZE
            message.parts, message.part_count = ctypes.addressof(part), 1
            message.control = self._control[i].ctypes.data

    def take(self, file: BinaryIO) -> None:
        """Append all frames that wait."""
        while True:
            for message in self._messages:
                message.control_size = _CONTROL_SIZE
            self._control[:] = 0
            count = self._recvmmsg(self._sock.fileno(), self._messages, _BATCH, socket.MSG_DONTWAIT, None)
            if count < 0 and ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            if count <= 0:
                return
            file.write(self._rows(count).tobytes())
            self.frames += count
            if count < _BATCH:
                return

    def _rows(self, count: int) -> npt.NDArray[Any]:
        stamps = self._control[:count, _STAMP_AT : _STAMP_AT + 16].copy().view(np.int64)
        drops = self._control[:count, _DROPS_AT : _DROPS_AT + 4].copy().view(np.uint32)
        self.dropped = max(self.dropped, int(drops.max()))
        rows = np.zeros(count, TAP_DTYPE)
        rows["t_ns"] = stamps[:, 0] * 1_000_000_000 + stamps[:, 1] - self._since_boot_ns
        rows.view(np.uint8).reshape(count, -1)[:, 8:] = self._frames[:count]
        return rows

    def close(self) -> None:
        """Stop listening."""
        self._sock.close()
