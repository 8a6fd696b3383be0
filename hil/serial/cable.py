"""An emulated cable: noise, cuts, floods, and a receiver at another baud rate, which gets what a UART makes of it."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Final

import numpy as np

_BITS: Final = 10  # start, eight data bits from the lowest, stop
_BUFFER_MAX: Final = 1 << 16  # of the host's driver; what does not fit is lost


@dataclass(frozen=True, slots=True)
class CableFaults:
    """How often per second each fault begins, and how long it lasts. `noise_bits`: flips per second and direction."""

    noise_bits: float = 0.0
    cuts: float = 0.0
    cut_s: float = 0.5
    floods: float = 0.0
    flood_bytes: int = 4096
    restarts: float = 0.0


def at_other_rate(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """What a UART that listens at `heard_baud` makes of `data` sent at `sent_baud` without a pause.

    It samples the middle of each of its own bits; a byte without a stop bit is a framing error, which drivers drop.
    """
    if sent_baud == heard_baud:
        return data
    bits = np.ones((len(data), _BITS), np.uint8)
    bits[:, 0] = 0
    bits[:, 1:9] = np.unpackbits(np.frombuffer(data, np.uint8)[:, None], axis=1, bitorder="little")
    line = bits.ravel()
    ratio = sent_baud / heard_baud
    out, at = bytearray(), 0
    while at < line.size:
        if line[at]:
            at += 1
            continue
        middles = (at + ratio * (np.arange(_BITS) + 0.5)).astype(np.int64)
        if middles[-1] >= line.size:
            break
        byte = line[middles]
        if byte[0] == 0 and byte[-1] == 1:
            out += np.packbits(byte[1:9], bitorder="little").tobytes()
        at = int(at + ratio * (_BITS - 0.5)) + 1
    return bytes(out)


@dataclass(slots=True)
class Cable:
    """A cable on a virtual clock: `open` is the host's `Opener`, `step` the bench's end. `plugged` unless it is cut."""

    faults: CableFaults
    seed: int
    bench_baud: int = 921_600
    cuts: int = 0
    floods: int = 0
    flipped: int = 0
    plugged: bool = True
    to_host: bytearray = field(default_factory=bytearray)
    _to_bench: bytearray = field(default_factory=bytearray)
    _cut_until_us: int = 0
    _handle: int = 0
    _baud: int = 921_600
    _rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)

    def open(self, baud: int) -> CablePort:
        """A port at the host's end; OSError while the cable is out."""
        if not self.plugged:
            raise OSError(errno.ENOENT, "no such device")
        self._handle += 1
        self._baud = baud
        self.to_host.clear()
        return CablePort(self, self._handle)

    def step(self, now_us: int, from_bench: bytes) -> bytes:
        """One millisecond: `from_bench` goes out; returns what arrives at the bench."""
        if not self.plugged and now_us >= self._cut_until_us:
            self.plugged = True
        if self.plugged and self._happens(self.faults.cuts):
            self._cut(now_us)
        if not self.plugged:
            self._to_bench.clear()
            return b""
        if self._happens(self.faults.floods):
            self.floods += 1
            self._arrive(self._rng.bytes(self.faults.flood_bytes))
        self._arrive(at_other_rate(self._noisy(from_bench), self.bench_baud, self._baud))
        arrived = at_other_rate(self._noisy(bytes(self._to_bench)), self._baud, self.bench_baud)
        self._to_bench.clear()
        return arrived

    def _cut(self, now_us: int) -> None:
        self.cuts += 1
        self.plugged = False
        self._handle += 1
        self._cut_until_us = now_us + round(1e6 * self.faults.cut_s * self._rng.uniform(0.1, 2.0))
        self.to_host.clear()

    def _happens(self, per_second: float) -> bool:
        return per_second > 0.0 and self._rng.random() < per_second * 1e-3

    def _arrive(self, data: bytes) -> None:
        self.to_host += data[: max(0, _BUFFER_MAX - len(self.to_host))]

    def _noisy(self, data: bytes) -> bytes:
        count = self._rng.poisson(self.faults.noise_bits * 1e-3) if self.faults.noise_bits else 0
        if not data or not count:
            return data
        spoiled = bytearray(data)
        for at in self._rng.integers(8 * len(data), size=count):
            spoiled[at // 8] ^= 1 << at % 8
        self.flipped += int(count)
        return bytes(spoiled)

    def take(self, handle: int, size: int) -> bytes:
        """For `CablePort`."""
        self._check(handle)
        data = bytes(self.to_host[:size])
        del self.to_host[:size]
        return data

    def give(self, handle: int, data: bytes) -> int:
        """For `CablePort`."""
        self._check(handle)
        self._to_bench += data
        return len(data)

    def _check(self, handle: int) -> None:
        if handle != self._handle:
            raise OSError(errno.EIO, "the device has gone")


class CablePort:
    """Implements `Port` at the host's end of a cable."""

    def __init__(self, cable: Cable, handle: int) -> None:
        self._cable, self._handle = cable, handle

    def read(self, size: int) -> bytes:
        """See `Port`."""
        return self._cable.take(self._handle, size)

    def write(self, data: bytes) -> int:
        """See `Port`."""
        return self._cable.give(self._handle, data)

    def close(self) -> None:
        """See `Port`."""
