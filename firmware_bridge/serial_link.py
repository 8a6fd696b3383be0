"""The bus `serial:DEVICE?baud=N`: frames over a UART, behind the same socket as any other bus.

The torque loop reads and writes raw `struct can_frame` messages on a socket; a process of its own (`serial_pump`)
moves them to and from the line, so that neither the loop nor the interpreter waits for a UART.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from firmware_bridge import serial_counts
from firmware_bridge.buses.base import Kind
from firmware_bridge.buses.unix import UnixBus
from firmware_bridge.errors import BridgeError
from firmware_bridge.serial_counts import SerialCounts, SharedCounts

SERIAL_PREFIX: Final = "serial:"
BAUD_DEFAULT: Final = 921_600
BAUD_MIN: Final = 9_600
BAUD_MAX: Final = 12_000_000  # of the fastest USB adapters
PRIORITY_MAX: Final = 99
START_TIMEOUT_S: Final = 10.0
STOP_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class SerialSpec:
    """A serial bus as written in a device file."""

    device: str
    baud: int = BAUD_DEFAULT
    priority: int = 0
    """SCHED_FIFO priority of the pump; 0 is ordinary scheduling."""


def parse_spec(spec: str) -> SerialSpec:
    """Read `serial:DEVICE?baud=N&priority=P`. Raises BridgeError with one line."""
    device, _, query = spec.removeprefix(SERIAL_PREFIX).partition("?")
    if not device:
        raise BridgeError(f"bus {spec}: no device; write serial:/dev/ttyUSB0?baud={BAUD_DEFAULT}")
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError as error:
        raise BridgeError(f"bus {spec}: after the ? write baud=N or priority=P, with & between") from error
    baud = _option(spec, options, "baud", BAUD_DEFAULT, BAUD_MIN, BAUD_MAX)
    priority = _option(spec, options, "priority", 0, 0, PRIORITY_MAX)
    if options:
        raise BridgeError(f"bus {spec}: unknown option {next(iter(options))}; there are baud and priority")
    return SerialSpec(device, baud, priority)


def _option(spec: str, options: dict[str, str], name: str, default: int, low: int, high: int) -> int:
    text = options.pop(name, str(default))
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise BridgeError(f"bus {spec}: {name} must be a whole number from {low} to {high}, got {text}")
    return int(text)


class SerialBus(UnixBus):
    """An open serial bus: a `Bus`, and what its line has seen."""

    kind = Kind.SERIAL

    def __init__(self, spec: str, sock: socket.socket, pump: subprocess.Popen[str], counts: SharedCounts) -> None:
        super().__init__(spec, sock)
        self.hardware = True
        self.baud = parse_spec(spec).baud
        self._pump = pump
        self._shared = counts
        self._last = SerialCounts()

    @property
    def line_counts(self) -> SerialCounts:
        """What was received, sent and dropped so far; the last values once closed."""
        if self.fd >= 0:
            self._last = self._shared.read()
        return self._last

    @property
    def problem(self) -> str | None:
        """One line while the line does not work, None while it does."""
        if self.fd < 0:
            return f"bus {self.spec}: closed"
        if self._pump.poll() is not None:
            return f"bus {self.spec}: its pump has ended; open the bus again"
        if not self.line_counts.connected:
            return f"bus {self.spec}: the line is cut; it opens again by itself once the device is back"
        return None

    def close(self) -> None:
        """Close the bus; its pump ends. Closing twice does nothing."""
        if self.fd < 0:
            return
        super().close()
        try:
            self._pump.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._pump.kill()
            self._pump.wait()
        self._last = self._shared.read()
        self._shared.close()


def open_serial(spec: str) -> SerialBus:
    """Open `serial:DEVICE?baud=N`. Raises BridgeError with one line that says what to do."""
    parsed = parse_spec(spec)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    counts_fd = serial_counts.create()
    try:
        pump = _start_pump(parsed, theirs.fileno(), counts_fd)
        shared = SharedCounts(counts_fd)
    finally:
        theirs.close()
        os.close(counts_fd)
    try:
        _await_ready(spec, pump)
    except BridgeError:
        ours.close()
        shared.close()
        raise
    return SerialBus(spec, ours, pump, shared)


def _start_pump(spec: SerialSpec, sock_fd: int, counts_fd: int) -> subprocess.Popen[str]:
    fds = (sock_fd, counts_fd)
    arguments = [*map(str, fds), spec.device, str(spec.baud), str(spec.priority)]
    # A group of its own: Ctrl-C at the terminal is for the host, which ends the bus in order.
    return subprocess.Popen(
        [sys.executable, "-m", "firmware_bridge.serial_pump", *arguments],
        pass_fds=fds,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def _await_ready(spec: str, pump: subprocess.Popen[str]) -> None:
    assert pump.stdout is not None
    waiting, _, _ = select.select([pump.stdout], [], [], START_TIMEOUT_S)
    line = pump.stdout.readline().strip() if waiting else "its pump does not start"
    pump.stdout.close()
    if line == "ready":
        return
    with contextlib.suppress(ProcessLookupError):
        pump.kill()
    pump.wait()
    raise BridgeError(f"bus {spec}: {line.partition(': ')[2] or line or 'its pump does not start'}")
