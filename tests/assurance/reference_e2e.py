"""E2E Profile 11 of the reference: the CRC as the remainder of a polynomial division, receivers by AUTOSAR's rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from firmware_bridge.table import TABLE

COUNTERS: Final = TABLE.protocol.counter_max + 1
MAX_DELTA: Final = TABLE.protocol.max_delta_counter
POLYNOMIAL: Final = 0x11D  # SAE J1850 with its leading bit


def _remainder(value: int, bits: int) -> int:
    for bit in range(bits - 1, 7, -1):
        if value >> bit & 1:
            value ^= POLYNOMIAL << (bit - 8)
    return value


_NEXT: Final = tuple(_remainder(value << 8, 16) for value in range(256))


def crc(data: bytes, can_id: int) -> int:
    """CRC that the first byte should have."""
    value = _NEXT[_NEXT[can_id & 255]]
    for byte in data[1:]:
        value = _NEXT[value ^ byte]
    return value


def protected(body: bytes, can_id: int, sent: int) -> bytes:
    """Eight bytes: header with the counter of the `sent`-th frame (from 0), then six bytes `body`."""
    tail = bytes([(can_id >> 8) << 4 | sent % COUNTERS]) + body
    return bytes([crc(b"\0" + tail, can_id)]) + tail


RESULTS: Final = ("ok", "lost", "repeats", "gaps", "crc")
"""What a check can give, in the order of AUTOSAR's E2E_P11CheckStatus."""


@dataclass(slots=True)
class Receiver:
    """One message's receiver."""

    last: int | None = None
    bad_run: int = 0
    result: str = ""
    counts: dict[str, int] = field(default_factory=lambda: {"crc": 0, "gaps": 0, "repeats": 0})

    def check(self, data: bytes, can_id: int) -> str:
        """ "" for a frame to be used, else the reason to drop it."""
        self.result = kind = self._kind(data, can_id)
        if kind not in ("ok", "lost"):
            self.counts[kind] += 1
            self.bad_run += 1
            return "crc" if kind == "crc" else "counter"
        self.bad_run = 0
        return ""

    def _kind(self, data: bytes, can_id: int) -> str:
        intact = len(data) == 8 and data[1] >> 4 == can_id >> 8 and data[1] & 15 < COUNTERS
        if not intact or data[0] != crc(data, can_id):
            return "crc"
        counter = data[1] & 15
        delta = 1 if self.last is None else (counter - self.last) % COUNTERS
        self.last = counter
        if delta == 1:
            return "ok"
        return "repeats" if delta == 0 else "gaps" if delta > MAX_DELTA else "lost"
