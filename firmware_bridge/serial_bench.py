"""How long the pump of a serial bus takes: out to the line, and from the line back to the host.

A pseudo terminal stands in for the line. It has no baud rate, so the time of the bits on a real wire comes on top:
`wire_us`. The far end is an echo in the measuring process itself, which stamps each frame as it passes.
"""

from __future__ import annotations

import os
import pty
import select
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from firmware_bridge.buses.base import Bus, frame_bytes, frame_data
from firmware_bridge.cobs import PACKET_MAX, Decoder
from firmware_bridge.serial_link import BAUD_DEFAULT, open_serial

F64 = npt.NDArray[np.float64]

PERIOD_NS: Final = 1_000_000
FRAMES_PER_CYCLE: Final = 2  # one setpoint per joint
_CAN_ID: Final = 0x100
_REST_S: Final = 0.2  # for frames that are still under way at the end
_READ_MAX: Final = 4096
_BITS_PER_BYTE: Final = 10


@dataclass(frozen=True, slots=True)
class PumpTimes:
    """Microseconds per frame [n], NaN for a frame that never came: host to line, line to host, both."""

    out_us: F64
    back_us: F64

    @property
    def round_trip_us(self) -> F64:
        """From the host's write to its read."""
        return self.out_us + self.back_us

    @property
    def lost(self) -> int:
        """Frames that did not come back."""
        return int(np.sum(np.isnan(self.back_us)))


def wire_us(baud: int = BAUD_DEFAULT) -> float:
    """Time of one packet on a real line, one way."""
    return PACKET_MAX * _BITS_PER_BYTE * 1e6 / baud


def measure(seconds: float, priority: int) -> PumpTimes:
    """Setpoints at 1 kHz through a pump with this FIFO priority (0: ordinary) and back."""
    with _terminal() as (line, device), open_serial(f"serial:{device}?priority={priority}") as bus:
        echo = _Echo(bus, line, round(seconds * 1e9 / PERIOD_NS) * FRAMES_PER_CYCLE)
        next_ns = time.monotonic_ns()
        for first in range(0, echo.count, FRAMES_PER_CYCLE):
            echo.send(range(first, first + FRAMES_PER_CYCLE))
            next_ns += PERIOD_NS
            echo.serve_until(next_ns)
        echo.serve_until(time.monotonic_ns() + round(_REST_S * 1e9))
    return PumpTimes((echo.line_ns - echo.sent_ns) * 1e-3, (echo.back_ns - echo.line_ns) * 1e-3)


class _Echo:
    """Sends numbered frames, returns what reaches the line, and stamps each at every station."""

    def __init__(self, bus: Bus, line: int, count: int) -> None:
        self.count = count
        self.sent_ns, self.line_ns, self.back_ns = (np.full(count, np.nan) for _ in range(3))
        self._bus, self._line = bus, line
        self._decoder = Decoder()

    def send(self, numbers: range) -> None:
        for number in numbers:
            self.sent_ns[number] = time.monotonic_ns()
            self._bus.send(frame_bytes(_CAN_ID, number.to_bytes(8, "little")))

    def serve_until(self, end_ns: int) -> None:
        while (left_ns := end_ns - time.monotonic_ns()) > 0:
            ready, _, _ = select.select([self._line, self._bus.fd], [], [], left_ns * 1e-9)
            if self._line in ready:
                self._return_bytes()
            if self._bus.fd in ready:
                while (frame := self._bus.receive()) is not None:
                    self.back_ns[int.from_bytes(frame_data(frame)[1], "little")] = time.monotonic_ns()

    def _return_bytes(self) -> None:
        data = os.read(self._line, _READ_MAX)
        now_ns = time.monotonic_ns()
        for payload in self._decoder.feed(data):
            self.line_ns[int.from_bytes(payload[2:], "little")] = now_ns
        os.write(self._line, data)


@contextmanager
def _terminal() -> Iterator[tuple[int, str]]:
    """The far end of a pseudo terminal, and the path of its near end."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    try:
        yield ours, os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)
