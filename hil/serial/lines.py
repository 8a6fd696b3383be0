"""Lines between host and a serial bench: ASCII words, each line with a CRC-32; docs/hil-serial.md.

Pure: bytes in, records out. A line that is not exactly as the page says is no line.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Final

VERSION: Final = 1
LINE_MAX: Final = 160
"""Longest line, bytes with its end; more without an end is noise."""

SEQUENCE_SPAN: Final = 1 << 32
BOOT_SPAN: Final = 1 << 16
_SAMPLE_WORDS: Final = 11
_COMMAND_WORDS: Final = 6
_HELLO_WORDS: Final = 6
_INT_MAX: Final = 1 << 53
LEGS: Final = ("r", "l")
ABSENT: Final = b"-"


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a leg. SI units; None where the bench has no such sensor, or it has failed.

    `boot` drawn by the bench at power-up; `sequence` counts its samples from 0; `command` the sequence number of the
    newest command that it follows, None where it follows none (never had one, or the lease has run out).
    """

    boot: int
    sequence: int
    t_us: int
    leg: str
    angle_rad: float | None
    rate_radps: float | None
    torque_nm: float | None
    load_nm: float | None
    pressure_pa: float | None
    command: int | None


@dataclass(frozen=True, slots=True)
class Command:
    """Torque for a leg, to be held for `lease_ms` at most."""

    sequence: int
    t_us: int
    leg: str
    torque_nm: float
    lease_ms: int


@dataclass(frozen=True, slots=True)
class Hello:
    """What a bench says of itself: protocol version, power-up number, legs, samples per second and leg."""

    version: int
    boot: int
    legs: str
    rate_hz: int
    name: str


Line = Sample | Command | Hello


def encode(line: Line) -> bytes:
    """The line as it goes out, with CRC and end."""
    if isinstance(line, Sample):
        words = _sample_words(line)
    elif isinstance(line, Command):
        milli_nm = round(line.torque_nm * 1e3)
        words = ["C", str(line.sequence), str(line.t_us), line.leg, str(milli_nm), str(line.lease_ms)]
    else:
        words = ["H", str(line.version), str(line.boot), line.legs, str(line.rate_hz), line.name]
    return sealed(" ".join(words).encode("ascii"))


def sealed(body: bytes) -> bytes:
    """`body` with its CRC-32 (IEEE 802.3, as zlib) and the line's end."""
    return b"%s*%08X\n" % (body, binascii.crc32(body))


def decode(raw: bytes) -> Line | None:
    """The record of a line without its end; None where anything about it is wrong."""
    body, star, crc = raw.rpartition(b"*")
    if not star or len(crc) != 8 or crc != b"%08X" % binascii.crc32(body):
        return None
    words = body.split(b" ")
    try:
        if words[0] == b"S" and len(words) == _SAMPLE_WORDS:
            return _sample(words)
        if words[0] == b"C" and len(words) == _COMMAND_WORDS:
            return _command(words)
        if words[0] == b"H" and len(words) == _HELLO_WORDS:
            return _hello(words)
    except (ValueError, UnicodeDecodeError):
        return None
    return None


def _sample_words(s: Sample) -> list[str]:
    values = ((s.angle_rad, 1e6), (s.rate_radps, 1e3), (s.torque_nm, 1e3), (s.load_nm, 1e3), (s.pressure_pa, 1.0))
    measured = ["-" if value is None else str(round(value * scale)) for value, scale in values]
    command = "-" if s.command is None else str(s.command)
    return ["S", str(s.boot), str(s.sequence), str(s.t_us), s.leg, *measured, command]


def _sample(words: list[bytes]) -> Sample:
    return Sample(
        boot=_natural(words[1], BOOT_SPAN),
        sequence=_natural(words[2], SEQUENCE_SPAN),
        t_us=_natural(words[3], _INT_MAX),
        leg=_leg(words[4]),
        angle_rad=_measured(words[5], 1e-6),
        rate_radps=_measured(words[6], 1e-3),
        torque_nm=_measured(words[7], 1e-3),
        load_nm=_measured(words[8], 1e-3),
        pressure_pa=_measured(words[9], 1.0),
        command=None if words[10] == ABSENT else _natural(words[10], SEQUENCE_SPAN),
    )


def _command(words: list[bytes]) -> Command:
    torque = _measured(words[4], 1e-3)
    if torque is None:
        raise ValueError("a command has a torque")
    return Command(
        _natural(words[1], SEQUENCE_SPAN),
        _natural(words[2], _INT_MAX),
        _leg(words[3]),
        torque,
        _natural(words[5], 1000),
    )


def _hello(words: list[bytes]) -> Hello:
    legs = words[3].decode("ascii")
    if legs not in ("r", "l", "rl"):
        raise ValueError(f"legs {legs}")
    version, boot, rate = _natural(words[1], 1000), _natural(words[2], BOOT_SPAN), _natural(words[4], 100_000)
    return Hello(version, boot, legs, rate, words[5].decode("ascii"))


def _natural(word: bytes, span: int) -> int:
    """A decimal number from 0 to below `span`, digits only."""
    if not word.isdigit() or int(word) >= span:
        raise ValueError(word)
    return int(word)


def _measured(word: bytes, scale: float) -> float | None:
    if word == ABSENT:
        return None
    digits = word[1:] if word[:1] == b"-" else word
    value = _natural(digits, 1 << 31)
    return scale * (-value if word[:1] == b"-" else value)


def _leg(word: bytes) -> str:
    leg = word.decode("ascii")
    if leg not in LEGS:
        raise ValueError(leg)
    return leg
