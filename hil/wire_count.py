"""Counts what happened to the frames of each stream on a CAN interface, from a tap's file alone.

A second reading of docs/wire.md, written without the receivers of host and governor, to judge both of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_COUNTERS: Final = 15  # E2E Profile 11: 0..14
_TOLERANCE: Final = 5  # docs/wire.md: accepted up to so many steps ahead
_POLYNOMIAL: Final = 0x1D
_LENGTH: Final = 8

Frames = npt.NDArray[Any]
"""hil.tap.TAP_DTYPE [n]."""


@dataclass(frozen=True, slots=True)
class StreamCount:
    """Frames of one id: accepted, refused (four ways), and lost by steps of the counter within tolerance and beyond."""

    accepted: int
    length: int  # not 8 bytes
    crc: int
    repeated: int
    gaps: int
    lost: int
    lost_in_gaps: int


def stream(frames: Frames, can_id: int) -> Frames:
    """The standard data frames with this id, in the order of arrival."""
    own: Frames = frames[frames["can_id"] == can_id]
    return own


def intact(frames: Frames) -> npt.NDArray[np.bool_]:
    """[n] True where length, data id, counter range and CRC are right for the frame's own id."""
    data = frames["data"].astype(np.int64)
    ids = frames["can_id"].astype(np.int64)
    crc = _TABLE[_TABLE[ids & 0xFF]]
    for i in range(1, 8):
        crc = _TABLE[crc ^ data[:, i]]
    checked = (crc == data[:, 0]) & (data[:, 1] >> 4 == ids >> 8)
    return np.asarray(checked & (counters(frames) < _COUNTERS) & (frames["len"] == _LENGTH))


def counters(frames: Frames) -> npt.NDArray[np.int64]:
    """[n] E2E counter of each frame."""
    return np.asarray(frames["data"][:, 1].astype(np.int64) & 15)


def steps(frames: Frames) -> npt.NDArray[np.int64]:
    """[n - 1] steps of the counter between intact frames of one stream, 0..14."""
    return np.asarray(np.diff(counters(frames)) % _COUNTERS)


def count(frames: Frames, can_id: int) -> StreamCount:
    """What a receiver as docs/wire.md has it makes of the stream."""
    own = stream(frames, can_id)
    whole = intact(own)
    short = int((own["len"] != _LENGTH).sum())
    step = steps(own[whole])
    accepted = (step >= 1) & (step <= _TOLERANCE)
    return StreamCount(
        accepted=int(accepted.sum()) + bool(whole.any()),  # the first one is always taken
        length=short,
        crc=int((~whole).sum()) - short,
        repeated=int((step == 0).sum()),
        gaps=int((step > _TOLERANCE).sum()),
        lost=int((step[accepted] - 1).sum()),
        lost_in_gaps=int((step[step > _TOLERANCE] - 1).sum()),
    )


def positions(frames: Frames) -> npt.NDArray[np.int64]:
    """[n] place of each intact frame in its sender's sequence, from 0 at the first; for streams out of order as well.

    A step of more than half the counter's range counts as one back: right while frames come at most 7 places late.
    """
    step = steps(frames)
    signed = np.where(step > _COUNTERS // 2, step - _COUNTERS, step)
    return np.concatenate(([0], np.cumsum(signed)))


def _crc_table() -> npt.NDArray[np.int64]:
    values = np.arange(256)
    for _ in range(8):
        values = np.where(values & 0x80, values << 1 ^ _POLYNOMIAL, values << 1) & 0xFF
    return values


_TABLE: Final = _crc_table()
