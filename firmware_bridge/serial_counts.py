"""What the serial pump has counted, in memory that it shares with the process that started it."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass, fields

from firmware_bridge.cobs import Counts


@dataclass(slots=True)
class SerialCounts:
    """Since the bus was opened: packets both ways, and everything that was dropped and why."""

    connected: int = 0
    """1 while the device is open."""
    cuts: int = 0
    """Times that the device went away."""
    received: int = 0
    sent: int = 0
    crc_errors: int = 0
    malformed: int = 0
    overruns: int = 0
    """Runs of bytes longer than any packet."""
    resyncs: int = 0
    """Times that a good packet followed dropped ones."""
    line_full: int = 0
    """Frames not sent: the line was behind, or cut."""
    host_full: int = 0
    """Frames received that nobody took."""
    refused: int = 0
    """Frames that are no standard data frames, and bench messages."""

    def take(self, counts: Counts) -> None:
        """Take over what the decoder has counted."""
        self.received = counts.packets
        self.crc_errors = counts.crc_errors
        self.malformed = counts.malformed
        self.overruns = counts.overruns
        self.resyncs = counts.resyncs


_NAMES = tuple(field.name for field in fields(SerialCounts))
SIZE = 8 * len(_NAMES)


def create() -> int:
    """File descriptor of zeroed shared memory, to be inherited by the pump."""
    fd = os.memfd_create("serial-counts", 0)
    os.ftruncate(fd, SIZE)
    return fd


class SharedCounts:
    """One writer, any reader; each number is whole, the set is not a snapshot."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, SIZE)
        self._words = memoryview(self._memory).cast("Q")

    def write(self, counts: SerialCounts) -> None:
        """Publish all numbers."""
        for at, name in enumerate(_NAMES):
            self._words[at] = getattr(counts, name)

    def read(self) -> SerialCounts:
        """The numbers now."""
        return SerialCounts(*self._words)

    def close(self) -> None:
        """Give the memory back; closing twice does nothing."""
        self._words.release()
        self._memory.close()
