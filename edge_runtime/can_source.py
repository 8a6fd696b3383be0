"""Where `exo-edge can dump` and `can record` take frames from: a log file, or a bus while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.errors import UserError
from firmware_bridge.bus import CanSocket, open_bus, rates_of
from firmware_bridge.bus_load import Rates
from firmware_bridge.capture import LOG_SUFFIXES, Captured, read_log, watch
from firmware_bridge.schema import Table


@dataclass(frozen=True, slots=True)
class Source:
    """Frames in order, the bit rates of their bus, and whether it is live."""

    frames: Iterator[Captured]
    rates: Rates
    live: bool


@contextmanager
def open_source(text: str, seconds: float | None, table: Table) -> Iterator[Source]:
    """Open a log by its path, or a bus by its name. Raises UserError or BridgeError, one line each."""
    path = Path(text)
    rates = Rates(table.protocol.bitrate)
    if path.is_dir() or path.suffix == ".mcap":
        raise UserError(f"{text}: a record holds no raw frames; exo-edge can dump reads it")
    if path.is_file():
        yield Source(read_log(path), rates, live=False)
        return
    if ":" not in text or path.suffix in LOG_SUFFIXES:
        raise UserError(f"{text}: no such log or record; a bus is written like socketcan:can0")
    until_s = None if seconds is None else time.time() + seconds
    with open_bus(text) as bus:
        if isinstance(bus, CanSocket):
            rates = rates_of(bus, table)
        yield Source(watch(bus, time.time, until_s), rates, live=True)
