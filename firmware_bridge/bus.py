"""Opens a bus by its name: `unix:PATH` or `socketcan:INTERFACE[?fd=1]`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from firmware_bridge.buses.base import FD_FRAME_SIZE, FRAME_SIZE, Bus, Condition, Counts, Health, Kind
from firmware_bridge.buses.socketcan import CanSocket, open_socketcan
from firmware_bridge.buses.unix import Listener, UnixBus, connect_unix, open_unix
from firmware_bridge.errors import BridgeError

__all__ = [
    "FD_FRAME_SIZE",
    "FRAME_SIZE",
    "Bus",
    "CanSocket",
    "Condition",
    "Counts",
    "Health",
    "Kind",
    "Listener",
    "UnixBus",
    "connect_unix",
    "open_bus",
]

OPENERS: Final[Mapping[str, Callable[[str], Bus]]] = {
    "unix": open_unix,
    "socketcan": open_socketcan,
}
"""How each kind is opened, by what stands before the colon; called with the whole name."""

_FORMS: Final = "unix:PATH or socketcan:INTERFACE"


def open_bus(spec: str) -> Bus:
    """Open the bus that `spec` names. Raises BridgeError with one line that says what to do."""
    kind, colon, _ = spec.partition(":")
    if not colon or kind not in OPENERS:
        raise BridgeError(f"bus {spec}: unknown kind; write {_FORMS}")
    return OPENERS[kind](spec)
