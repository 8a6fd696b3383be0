"""Error frames of SocketCAN: which ones are asked for, and what they say about the controller.

Numbers are those of linux/can/error.h. An error frame is a `struct can_frame` whose id carries ERR_FLAG and the
error class; byte 1 of its data details controller problems. `error_condition` is plain integer arithmetic: the torque
loop compiles the same function.
"""

from __future__ import annotations

from typing import Final

ERR_CONTROLLER: Final = 0x004
ERR_BUS_OFF: Final = 0x040
ERR_RESTARTED: Final = 0x100
FILTER: Final = ERR_CONTROLLER | ERR_BUS_OFF | ERR_RESTARTED
"""Value for CAN_RAW_ERR_FILTER: state changes only, not every bit error on the wire."""

CONTROLLER_BYTE: Final = 9
"""Where the detail of ERR_CONTROLLER is in a 16-byte frame."""
CRTL_OVERFLOW: Final = 0x03  # receive or transmit
CRTL_WARNING: Final = 0x0C
CRTL_PASSIVE: Final = 0x30
CRTL_ACTIVE: Final = 0x40

NOTHING, ACTIVE, WARNING, PASSIVE, OVERFLOW, BUS_OFF, RESTARTED = range(7)
"""What `error_condition` answers; BUS_OFF before all others, as several may come in one frame."""


def error_condition(error_class: int, controller: int) -> int:
    """What an error frame says: `error_class` the low bits of its id, `controller` data byte 1."""
    if error_class & ERR_BUS_OFF:
        return BUS_OFF
    if error_class & ERR_RESTARTED:
        return RESTARTED
    if not error_class & ERR_CONTROLLER:
        return NOTHING
    if controller & CRTL_PASSIVE:
        return PASSIVE
    if controller & CRTL_WARNING:
        return WARNING
    if controller & CRTL_OVERFLOW:
        return OVERFLOW
    if controller & CRTL_ACTIVE:
        return ACTIVE
    return NOTHING
