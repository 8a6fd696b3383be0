"""GStreamer Data Protocol 1.0, as the element `gdppay` writes it to a pipe: pictures with their times and format."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final

HEADER_BYTES: Final = 62
_HEADER: Final = struct.Struct(">BBBBHIQQQQH14s")
"""Version major and minor, flags, padding, type, length, time, duration, offset, offset end, buffer flags, ABI, of
GStreamer's gst/gdp/dataprotocol.c; two checksums of 2 bytes follow."""

BUFFER: Final = 1
CAPS: Final = 2
NO_TIME: Final = 0xFFFF_FFFF_FFFF_FFFF


class GdpError(ValueError):
    """The stream is not GDP 1.0, or of a format that was not asked for."""


@dataclass(frozen=True, slots=True)
class Header:
    """A packet's head: `kind` BUFFER, CAPS or an event; `length` of what follows; `time_ns` None where unknown."""

    kind: int
    length: int
    time_ns: int | None


def parse_header(data: bytes) -> Header:
    """Read HEADER_BYTES bytes; GdpError where they are no head of GDP 1.0."""
    major, minor, _, _, kind, length, time_ns, *_ = _HEADER.unpack_from(data)
    if (major, minor) != (1, 0):
        raise GdpError(f"the pipeline writes GDP {major}.{minor}, not 1.0")
    return Header(kind, length, None if time_ns == NO_TIME else time_ns)


def picture_size(caps: bytes) -> tuple[int, int]:
    """Width and height of the pictures that the caps describe; GdpError where they are not raw RGB."""
    text = caps.rstrip(b"\0").decode("ascii", "replace")
    fields = dict(re.findall(r"([\w-]+)=\((?:int|string)\)([\w:/.-]+)", text))
    if not text.startswith("video/x-raw") or fields.get("format") != "RGB":
        raise GdpError(f"the pipeline gives {text[:60]}, not raw RGB")
    return int(fields["width"]), int(fields["height"])


def row_bytes(width: int) -> int:
    """Bytes of a row of RGB in a GStreamer buffer: padded to a multiple of 4."""
    return -(-3 * width // 4) * 4
