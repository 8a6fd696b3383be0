"""Worst-case load of the drives' bus, and the refusal where it is too high."""

from __future__ import annotations

from typing import Final

from firmware_bridge.actuators.config import Drives, Kind
from firmware_bridge.bus_load import LOAD_MAX, classic_bits
from firmware_bridge.errors import BridgeError

BITRATE: Final = 1_000_000
FD_DATA_BITRATE: Final = 5_000_000  # moteus docs/protocol/can.md
_FD_NOMINAL_BITS: Final = 70  # arbitration with a 29-bit id, its stuffing, acknowledge, end and gap of a CAN FD frame
_FD_DATA_OVERHEAD_BITS: Final = 40  # control bits, 21-bit CRC with its fixed stuff bits
_MOTEUS_BYTES: Final = (48, 24)  # command and reply
_HEARTBEAT_PERIOD_S: Final = 0.005  # a shorter watchdog than 20 ms is not useful


def bus_load(drives: Drives) -> float:
    """Share of the bus time that commands and replies take at worst, 0 to above 1."""
    per_s = 1000.0 / drives.period_ms * len(drives.joints)
    if drives.kind is Kind.MOTEUS:
        data_bits = sum(8 * size * 1.2 + _FD_DATA_OVERHEAD_BITS for size in _MOTEUS_BYTES)
        return per_s * (2 * _FD_NOMINAL_BITS / BITRATE + data_bits / FD_DATA_BITRATE)
    if drives.kind is Kind.CUBEMARS:
        return per_s * 2 * classic_bits(8) / BITRATE
    if drives.kind is Kind.ODRIVE:
        return per_s * 3 * classic_bits(8) / BITRATE
    pdos = 2 * classic_bits(4) + classic_bits(8)
    beats = classic_bits(1) / max(_HEARTBEAT_PERIOD_S, drives.watchdog_ms / 4e3)
    return (per_s * pdos + 1000.0 / drives.period_ms * classic_bits(0) + beats) / BITRATE


def check_load(drives: Drives) -> None:
    """Raise BridgeError where the load is above LOAD_MAX."""
    load = bus_load(drives)
    if load > LOAD_MAX:
        raise BridgeError(
            f"bus {drives.bus}: the drives load it by {100 * load:.0f} % at worst, {100 * LOAD_MAX:.0f} % is allowed;"
            " set `drive.period_ms` to 2"
        )
