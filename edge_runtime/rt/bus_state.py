"""State of the bus as the loop sees it: error frames of the CAN controller, full queues, frames lost; never exceptions.

Error frames are those of linux/can/error.h: a frame with CAN_ERR_FLAG whose id says what happened. A controller that is
bus-off neither sends nor receives, so a good frame read after that report proves that it is back.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from firmware_bridge.wire import U8

ACTIVE, WARNING, PASSIVE, OFF, DOWN = range(5)
"""CAN error states, worst last, named in edge_runtime.telemetry; DOWN: the interface itself is down or gone."""

BUS = np.dtype(
    [
        ("state", np.int64),
        ("lost", np.int64),  # latched: off or down while torque was asked for, until an explicit clear
        ("errors", np.int64),  # error frames heard
        ("restarts", np.int64),
        ("overruns", np.int64),  # the controller overwrote frames that nobody fetched
        ("dropped", np.int64),  # frames that the socket's receive queue had no room for
        ("tx_full", np.int64),  # frames not sent because the send queue was full
        ("tx_full_run", np.int64),  # cycles in a row in which that happened
        ("tx_failed", np.int64),  # frames not sent for any other reason
        ("refused", np.int64),  # scratch: frames refused in this cycle
    ]
)

# linux/can.h and linux/can/error.h
_ERR_FLAG_BYTE3: Final = 0x20
_ERR_CRTL: Final = 0x004
_ERR_BUSOFF: Final = 0x040
_ERR_RESTARTED: Final = 0x100
_CRTL_OVERFLOW: Final = 0x01
_CRTL_WARNING: Final = 0x04 | 0x08
_CRTL_PASSIVE: Final = 0x10 | 0x20
_CRTL_ACTIVE: Final = 0x40

# asm-generic/errno.h
_EAGAIN: Final = 11
_ENOBUFS: Final = 105
_GONE: Final = (6, 19, 100)  # ENXIO, ENODEV, ENETDOWN


@njit(cache=True, nogil=True)
def is_error_frame(rx: U8) -> bool:
    """True where the uint8 [16] frame is a report of the CAN controller and not data."""
    return bool(rx[3] & _ERR_FLAG_BYTE3)


@njit(cache=True, nogil=True)
def hear_error_frame(bus: Any, rx: U8) -> None:
    """Take an error frame into the state."""
    what = np.int64(rx[0]) | np.int64(rx[1]) << 8
    bus.errors += 1
    if what & _ERR_RESTARTED:
        bus.restarts += 1
        bus.state = ACTIVE
    if what & _ERR_CRTL:
        _controller(bus, np.int64(rx[9]))
    if what & _ERR_BUSOFF:
        bus.state = OFF


@njit(cache=True, nogil=True)
def _controller(bus: Any, detail: int) -> None:
    if detail & _CRTL_OVERFLOW:
        bus.overruns += 1
    if bus.state >= OFF:
        return
    if detail & _CRTL_PASSIVE:
        bus.state = PASSIVE
    elif detail & _CRTL_WARNING:
        bus.state = WARNING
    elif detail & _CRTL_ACTIVE:
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
        bus.refused += 1
        return
    bus.tx_failed += 1
    if error in _GONE:
        bus.state = DOWN


@njit(cache=True, nogil=True)
def judge_bus(bus: Any, live: bool) -> None:
    """Once per cycle: latch a lost bus where torque, or readiness for it, is asked for (`live`); count full queues."""
    if live and bus.state >= OFF:
        bus.lost = 1
    bus.tx_full_run = bus.tx_full_run + 1 if bus.refused > 0 else 0
    bus.refused = 0
