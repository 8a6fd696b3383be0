"""Packets of the serial line: COBS framing, CRC-16, a decoder that finds back after noise; docs/wire.md, Serial.

A packet carries one CAN frame (or one message of a test bench): head, data, CRC, stuffed so that a zero byte
occurs at its end only. A payload here is head and data without the CRC.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Final

FRAME_SIZE: Final = 16
DATA_MAX: Final = 8
PAYLOAD_MAX: Final = 2 + DATA_MAX
ENCODED_MAX: Final = PAYLOAD_MAX + 2 + 1
"""Head, data, CRC and the byte that COBS adds; the delimiter is one more."""
PACKET_MAX: Final = ENCODED_MAX + 1
BENCH_BIT: Final = 0x0800
ID_MASK: Final = 0x07FF
CRC_START: Final = 0xFFFF
DELIMITER: Final = b"\0"

_CODES: Final = tuple(bytes([code]) for code in range(ENCODED_MAX + 1))


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740: polynomial 0x1021, start 0xFFFF, not reflected, no final XOR."""
    return binascii.crc_hqx(data, CRC_START)


def payload_of(can_frame: bytes) -> bytes | None:
    """Payload of a raw `struct can_frame`; None where it is not a standard data frame of at most 8 bytes."""
    if len(can_frame) != FRAME_SIZE or can_frame[1] > 7 or can_frame[2] or can_frame[3]:
        return None
    length = can_frame[4]
    if length > DATA_MAX:
        return None
    return bytes((can_frame[0], can_frame[1] | length << 4)) + can_frame[8 : 8 + length]


def bench_payload(message: int, data: bytes) -> bytes:
    """Payload of a bench message, 0..8 bytes of data."""
    return ((message & ID_MASK) | BENCH_BIT | len(data) << 12).to_bytes(2, "little") + data


def is_bench(payload: bytes) -> bool:
    """True for a bench message, which is not a CAN frame."""
    return bool(payload[1] & BENCH_BIT >> 8)


def can_frame_of(payload: bytes) -> bytes:
    """The raw `struct can_frame`, 16 bytes, of a payload that is not a bench message."""
    head = bytes((payload[0], payload[1] & 7, 0, 0, payload[1] >> 4, 0, 0, 0))
    return (head + payload[2:]).ljust(FRAME_SIZE, b"\0")


def encode(payload: bytes) -> bytes:
    """The packet of a payload of 2..10 bytes: with CRC, stuffed, and with the delimiter."""
    whole = payload + crc16(payload).to_bytes(2, "big")
    return b"".join(_CODES[len(part) + 1] + part for part in whole.split(DELIMITER)) + DELIMITER


def unstuff(segment: bytes) -> bytes | None:
    """What a segment between two delimiters carries; None where a code points past its end."""
    parts = []
    at = 0
    while at < len(segment):
        end = at + segment[at]
        if end > len(segment):
            return None
        parts.append(segment[at + 1 : end])
        at = end
    return DELIMITER.join(parts)


@dataclass(slots=True)
class Counts:
    """What one receiver has seen: good packets, and why others were dropped."""

    packets: int = 0
    crc_errors: int = 0
    malformed: int = 0
    overruns: int = 0
    resyncs: int = 0


class Decoder:
    """Bytes in, payloads out; keeps at most one unfinished packet, finds back at the next delimiter."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._rest = b""
        self._spoiled = False
        self._lost = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes as they came; the payloads of the good packets that they complete."""
        *whole, self._rest = (self._rest + data).split(DELIMITER)
        found = [payload for segment in whole if (payload := self._finish(segment)) is not None]
        if len(self._rest) > ENCODED_MAX:
            self._overrun()
            self._spoiled = True
            self._rest = b""
        return found

    def reset(self) -> None:
        """Forget the unfinished packet, after a cut of the line."""
        self._rest = b""
        self._spoiled = False

    def _finish(self, segment: bytes) -> bytes | None:
        if self._spoiled:
            self._spoiled = False
            return None
        if not segment:
            return None
        if len(segment) > ENCODED_MAX:
            self._overrun()
            return None
        return self._checked(unstuff(segment))

    def _checked(self, whole: bytes | None) -> bytes | None:
        if whole is None or len(whole) < 4 or len(whole) != 4 + (whole[1] >> 4):
            self.counts.malformed += 1
            self._lost = True
            return None
        if crc16(whole) != 0:
            self.counts.crc_errors += 1
            self._lost = True
            return None
        self.counts.packets += 1
        self.counts.resyncs += self._lost
        self._lost = False
        return whole[:-2]

    def _overrun(self) -> None:
        if not self._spoiled:
            self.counts.overruns += 1
        self._lost = True
