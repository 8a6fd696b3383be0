"""Opens a bus by its name.

`unix:PATH`, `socketcan:INTERFACE[?fd=1]`, `serial:DEVICE[?baud=N]`, `python-can:INTERFACE:CHANNEL[?key=value]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from firmware_bridge.bus_load import Baud, Rates, overload
from firmware_bridge.buses.base import FD_FRAME_SIZE, FRAME_SIZE, Bus, Condition, Counts, Health, Kind
from firmware_bridge.buses.python_can import PythonCanBus, open_python_can
from firmware_bridge.buses.socketcan import PREFIX as SOCKETCAN_PREFIX
from firmware_bridge.buses.socketcan import CanSocket, open_socketcan
from firmware_bridge.buses.unix import PREFIX as UNIX_PREFIX
from firmware_bridge.buses.unix import Listener, UnixBus, connect_unix, open_unix
from firmware_bridge.errors import BridgeError
from firmware_bridge.schema import Table
from firmware_bridge.serial_link import SerialBus, open_serial
from firmware_bridge.table import TABLE

__all__ = [
    "FD_FRAME_SIZE",
    "FRAME_SIZE",
    "SOCKETCAN_PREFIX",
    "UNIX_PREFIX",
    "Bus",
    "CanSocket",
    "Condition",
    "Counts",
    "Health",
    "Kind",
    "Listener",
    "PythonCanBus",
    "UnixBus",
    "connect_unix",
    "open_bus",
    "open_torque_bus",
    "torque_problem",
]

OPENERS: Final[Mapping[str, Callable[[str], Bus]]] = {
    "unix": open_unix,
    "socketcan": open_socketcan,
    "serial": open_serial,
    "python-can": open_python_can,
}
"""How each kind is opened, by what stands before the colon; called with the whole name."""

_FORMS: Final = "unix:PATH, socketcan:INTERFACE, serial:DEVICE or python-can:INTERFACE:CHANNEL"


def open_bus(spec: str) -> Bus:
    """Open the bus that `spec` names. Raises BridgeError with one line that says what to do."""
    kind, colon, _ = spec.partition(":")
    if not colon or kind not in OPENERS:
        raise BridgeError(f"bus {spec}: unknown kind; write {_FORMS}")
    return OPENERS[kind](spec)


def open_torque_bus(spec: str, table: Table = TABLE) -> Bus:
    """Open a bus for the torque loop. Raises BridgeError also where it cannot carry 1 kHz, with the reason."""
    bus = open_bus(spec)
    if problem := torque_problem(bus, table):
        bus.close()
        raise BridgeError(f"bus {spec}: {problem}")
    return bus


def torque_problem(bus: Bus, table: Table = TABLE) -> str | None:
    """Why `bus` must not carry the torque loop, as one line; None where it may."""
    if bus.fd < 0:
        return (
            "python-can is for tools and low rates: a setpoint would wait in its queues and outlive a hung process; "
            "for torque use socketcan:INTERFACE"
        )
    if isinstance(bus, CanSocket):
        return overload(table, rates_of(bus, table))
    if isinstance(bus, SerialBus):
        return overload(table, Baud(bus.baud))
    return None


def rates_of(bus: CanSocket, table: Table = TABLE) -> Rates:
    """Bit rates at which our frames go out on `bus`; the table's where the kernel knows none, as for vcan."""
    nominal = bus.link.bitrate or table.protocol.bitrate
    if bus.frame_size != FD_FRAME_SIZE:
        return Rates(nominal)
    return Rates(nominal, bus.link.data_bitrate or nominal)
