"""One frame from the bus: a plain read, or on a CAN socket `recvmsg`, which also tells what the queue dropped and when.

The message header lives in arrays that are filled once; nothing here allocates. Layouts are those of 64-bit Linux.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Final, NamedTuple

import numpy as np
from numba import njit

from edge_runtime.rt.libc import MSG_DONTWAIT, NS_PER_S, as_pointer, libc_read, libc_recvmsg
from firmware_bridge.wire import FRAME_SIZE, I64, U8

_CONTROL_WORDS: Final = 16
_CONTROL_LENGTH, _FLAGS = 5, 6  # words of struct msghdr
_SOL_SOCKET: Final = 1  # asm-generic/socket.h
_SO_RXQ_OVFL: Final = 40
_SO_TIMESTAMPNS: Final = 35
_CMSG_HEAD: Final = 16  # bytes: length, level, type
_RXQ_OVFL_WORD: Final = _SO_RXQ_OVFL << 32 | _SOL_SOCKET
_TIMESTAMPNS_WORD: Final = _SO_TIMESTAMPNS << 32 | _SOL_SOCKET

DROPPED, STAMP_NS = range(2)
"""Indices of `Inbox.notes`: frames the queue has dropped so far (u32); CLOCK_REALTIME of the newest, 0 = unknown."""


class Inbox(NamedTuple):
    """Buffers of one receiving socket."""

    rx: U8  # the frame, uint8 [16]
    header: I64  # struct msghdr
    vector: I64  # struct iovec
    control: I64  # ancillary data
    notes: I64  # see DROPPED and STAMP_NS


def inbox() -> Inbox:
    """Allocate the buffers and tie them together; keep the tuple alive while it is used."""
    rx, vector, control = np.zeros(FRAME_SIZE, np.uint8), np.zeros(2, np.int64), np.zeros(_CONTROL_WORDS, np.int64)
    vector[:] = rx.ctypes.data, FRAME_SIZE
    header = np.array([0, 0, vector.ctypes.data, 1, control.ctypes.data, 0, 0], np.int64)
    return Inbox(rx, header, vector, control, np.zeros(2, np.int64))


def is_can(fd: int) -> bool:
    """True where `fd` is a CAN socket of the kernel; its frames then carry a receive stamp from now on."""
    if fd < 0:
        return False
    with socket.socket(fileno=os.dup(fd)) as same:
        if same.family != socket.AF_CAN:
            return False
        same.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return True


def is_fd(fd: int) -> bool:
    """True where `fd` is a CAN socket that was opened for CAN FD: our frames then go out as such."""
    if not is_can(fd):
        return False
    with socket.socket(fileno=os.dup(fd)) as same:
        return bool(same.getsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES))


@njit(cache=True, nogil=True)
def read_plain(fd: int, box: Inbox) -> bool:
    """Next frame into `box.rx`; False where none is whole."""
    return bool(libc_read(np.int32(fd), as_pointer(box.rx.ctypes.data), FRAME_SIZE) == FRAME_SIZE)


@njit(cache=True, nogil=True)
def read_message(fd: int, box: Inbox) -> bool:
    """As `read_plain`, with what the kernel says about it in `box.notes`."""
    box.header[_CONTROL_LENGTH] = _CONTROL_WORDS * 8
    box.header[_FLAGS] = 0
    box.notes[STAMP_NS] = 0
    if libc_recvmsg(np.int32(fd), as_pointer(box.header.ctypes.data), np.int32(MSG_DONTWAIT)) != FRAME_SIZE:
        return False
    note_control(box.control, box.header[_CONTROL_LENGTH], box.notes)
    return True


@njit(cache=True, nogil=True)
def note_control(control: I64, length: int, notes: Any) -> None:
    """Walk `length` bytes of ancillary data; what is not known is stepped over, what is cut short ends the walk."""
    word = 0
    while word * 8 + _CMSG_HEAD <= length:
        size = control[word]
        if size < _CMSG_HEAD or size > length - word * 8:
            return
        if control[word + 1] == _RXQ_OVFL_WORD and size >= _CMSG_HEAD + 4:
            notes[DROPPED] = control[word + 2] & 0xFFFFFFFF
        if control[word + 1] == _TIMESTAMPNS_WORD and size >= _CMSG_HEAD + 16:
            notes[STAMP_NS] = control[word + 2] * NS_PER_S + control[word + 3]
        word += (size + 7) // 8
