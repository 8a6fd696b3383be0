"""State of the bus as the loop sees it: error frames of the CAN controller, full queues, frames lost; never exceptions.

What an error frame says is decoded in firmware_bridge.buses.error_frame, for Python and for this compiled code. A
controller that is bus-off neither sends nor receives, so a good frame read after that report proves that it is back.
Until then nothing is sent: the kernel would queue it, and send it late, after the restart.
"""

from __future__ import annotations

import errno
from typing import Any, Final

import numpy as np
from numba import njit

from firmware_bridge.buses import error_frame
from firmware_bridge.buses.base import ERR_FLAG
from firmware_bridge.buses.error_frame import CONTROLLER_BYTE, error_condition
from firmware_bridge.wire import U8

ACTIVE, WARNING, PASSIVE, OFF, DOWN = range(5)
"""CAN error states, worst last, named in edge_runtime.telemetry; DOWN: the interface itself is down or gone."""

BUS = np.dtype(
    [
        ("state", np.int64),
        ("lost", np.int64),  # latched: off or down while torque was asked for, until an explicit clear
        ("errors", np.int64),  # error frames heard
        ("restarts", np.int64),
        ("overruns", np.int64),  # times the controller lost frames: its own buffer was full
        ("dropped", np.int64),  # frames that the socket's receive queue had no room for
        ("tx_full", np.int64),  # frames not sent because the send queue was full
        ("tx_failed", np.int64),  # frames not sent for any other reason
    ]
)

_ERR_FLAG_BYTE3: Final = ERR_FLAG >> 24
_EAGAIN: Final = errno.EAGAIN
_ENOBUFS: Final = errno.ENOBUFS
_GONE: Final = (errno.ENXIO, errno.ENODEV, errno.ENETDOWN)
_condition = njit(cache=True, nogil=True)(error_condition)


@njit(cache=True, nogil=True)
def is_error_frame(rx: U8) -> bool:
    """True where the uint8 [16] frame is a report of the CAN controller and not data."""
    return bool(rx[3] & _ERR_FLAG_BYTE3)


@njit(cache=True, nogil=True)
def hear_error_frame(bus: Any, rx: U8) -> None:
    """Take an error frame into the state."""
    what = _condition(np.int64(rx[0]) | np.int64(rx[1]) << 8, np.int64(rx[CONTROLLER_BYTE]))
    bus.errors += 1
    if what == error_frame.BUS_OFF:
        bus.state = OFF
    elif what == error_frame.RESTARTED:
        bus.restarts += 1
        bus.state = ACTIVE
    elif what == error_frame.OVERFLOW:
        bus.overruns += 1
    elif bus.state >= OFF:
        return
    elif what == error_frame.PASSIVE:
        bus.state = PASSIVE
    elif what == error_frame.WARNING:
        bus.state = WARNING
    elif what == error_frame.ACTIVE:
        bus.state = ACTIVE


@njit(cache=True, nogil=True)
def hear_good_frame(bus: Any) -> None:
    """A frame came in: whatever was off or down is back."""
    if bus.state >= OFF:
        bus.state = ACTIVE


@njit(cache=True, nogil=True)
def hear_failed_read(bus: Any, error: int) -> None:
    """A read failed with errno `error`; EAGAIN is the usual empty queue."""
    if error in _GONE:
        bus.state = DOWN


@njit(cache=True, nogil=True)
def hear_failed_write(bus: Any, error: int) -> None:
    """A write failed with errno `error`: the frame is gone, the next one is fresher."""
    if error in (_EAGAIN, _ENOBUFS):
        bus.tx_full += 1
        return
    bus.tx_failed += 1
    if error in _GONE:
        bus.state = DOWN


@njit(cache=True, nogil=True)
def judge_bus(bus: Any, live: bool) -> None:
    """Once per cycle: latch a lost bus where torque, or readiness for it, is asked for (`live`)."""
    if live and bus.state >= OFF:
        bus.lost = 1
