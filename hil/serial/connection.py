"""The connection to a serial bench: opens the port, opens it again after every cut, tries the next baud rate on noise.

Time is a parameter and nothing here waits or raises for what a cable can do: its states are words in `problem`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from hil.serial.lines import LINE_MAX, Sample, sealed
from hil.serial.receiver import Receiver

RETRY_NS: Final = 250_000_000
"""Pause between two attempts to open a port that is not there."""

SILENT_NS: Final = 1_000_000_000
"""A port without one good line for so long is closed and opened again."""

QUERY: Final = sealed(b"Q")
"""Asks the bench to say what it is."""

_READ_MAX: Final = 65_536
_WRITES_WAITING_MAX: Final = 8 * LINE_MAX


class Port(Protocol):
    """An open serial port; reads and writes never wait. What fails raises OSError (pyserial's errors are such)."""

    def read(self, size: int) -> bytes:
        """Bytes that have come, at most `size`; b"" where none have."""
        ...

    def write(self, data: bytes) -> int:
        """Send; returns how many bytes were taken."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


Opener = Callable[[int], Port]
"""Opens the port at a baud rate. Raises OSError where it is not there."""


class Connection:
    """Keeps a bench connected; call `poll` every millisecond. `bauds`: rates to try, the likeliest first."""

    def __init__(self, opener: Opener, bauds: Sequence[int]) -> None:
        self.receiver = Receiver()
        self.opened = 0
        self.cuts = 0
        self.problem = "not connected yet"
        self._opener, self._bauds, self._which = opener, tuple(bauds), 0
        self._port: Port | None = None
        self._waiting = b""
        self._retry_ns = -(1 << 62)
        self._good_ns = self._opened_ns = 0
        self._noisy = False

    @property
    def baud(self) -> int:
        """The rate that is in use, or tried next."""
        return self._bauds[self._which]

    def poll(self, now_ns: int) -> list[Sample]:
        """New samples; opens, closes and opens again as needed."""
        if self._port is None and not self._open(now_ns):
            return []
        data = self._read(now_ns)
        samples = self.receiver.feed(data) if data else []
        if samples:
            self._good_ns, self.problem, self._noisy = now_ns, "", False
        elif data:
            self._noisy = True
        if self._port is not None and now_ns - max(self._good_ns, self._opened_ns) > SILENT_NS:
            self._give_up(now_ns)
        self._flush(now_ns)
        return samples

    def send(self, data: bytes, now_ns: int) -> bool:
        """Send a line, whole or not at all; False where that cannot be now."""
        if self._port is None or len(self._waiting) + len(data) > _WRITES_WAITING_MAX:
            return False
        self._waiting += data
        self._flush(now_ns)
        return True

    def close(self) -> None:
        """Close the port; `poll` would open it again."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _open(self, now_ns: int) -> bool:
        if now_ns < self._retry_ns:
            return False
        try:
            self._port = self._opener(self.baud)
        except OSError as error:
            self.problem = f"port cannot be opened: {error.strerror or error}"
            self._retry_ns = now_ns + RETRY_NS
            return False
        self.opened += 1
        self._opened_ns = now_ns
        self._waiting = QUERY
        self.receiver.forget_rest()
        self._flush(now_ns)
        return self._port is not None

    def _read(self, now_ns: int) -> bytes:
        assert self._port is not None
        try:
            return self._port.read(_READ_MAX)
        except OSError as error:
            self._lost(now_ns, f"port is gone: {error.strerror or error}")
            return b""

    def _flush(self, now_ns: int) -> None:
        if self._port is None or not self._waiting:
            return
        try:
            self._waiting = self._waiting[self._port.write(self._waiting) :]
        except OSError as error:
            self._lost(now_ns, f"port is gone: {error.strerror or error}")

    def _give_up(self, now_ns: int) -> None:
        """Silence, or bytes that make no line: the port may hang, or the rate be wrong."""
        if self._noisy:
            wrong, self._which = self.baud, (self._which + 1) % len(self._bauds)
            self._lost(now_ns, f"bytes at {wrong} baud, but not one line: another rate? trying {self.baud}")
        else:
            self._lost(now_ns, "the bench is silent")

    def _lost(self, now_ns: int, problem: str) -> None:
        self.problem, self._noisy = problem, False
        self.cuts += 1
        self._waiting = b""
        self._retry_ns = now_ns + RETRY_NS
        self.close()
