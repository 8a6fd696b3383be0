"""Capture stamps on CLOCK_MONOTONIC from the times that drivers and streams give."""

from __future__ import annotations

from typing import Final

DRIVER_MAX_AGE_NS: Final = 1_000_000_000
"""A driver's stamp that is older, or in the future, is of another clock. Own choice."""

DRIFT: Final = 100e-6
"""Two quartz clocks drift apart by no more (IEEE 802.3 asks for 100 ppm)."""

RESTART_NS: Final = 2_000_000_000
"""A stream whose times jump by more against ours has begun anew. Own choice."""


def driver_stamp(stamp_ms: float, arrival_ns: int) -> int | None:
    """The driver's stamp in ns where it is one of CLOCK_MONOTONIC, as V4L2 gives it; else None."""
    stamp_ns = round(stamp_ms * 1e6)
    return stamp_ns if 0 <= arrival_ns - stamp_ns <= DRIVER_MAX_AGE_NS else None


class PresentationClock:
    """Maps a stream's presentation times to CLOCK_MONOTONIC.

    Of all delays between presentation and arrival the least is taken for the way itself: jitter goes, the constant part
    of the delay (exposure, encoder, network) stays and makes stamps later than the truth by it. The least is let go by
    DRIFT, so that slow drift of the sender's clock is followed.
    """

    def __init__(self) -> None:
        self._offset_ns: float | None = None
        self._last_ns = 0

    def stamp(self, presentation_ns: int, arrival_ns: int) -> int:
        """Capture stamp in ns of a picture with `presentation_ns` that came at `arrival_ns`, which it never exceeds."""
        offset_ns = float(arrival_ns - presentation_ns)
        if self._offset_ns is None or abs(offset_ns - self._offset_ns) > RESTART_NS:
            self._offset_ns = offset_ns
        else:
            leaked = self._offset_ns + DRIFT * (arrival_ns - self._last_ns)
            self._offset_ns = min(offset_ns, leaked)
        self._last_ns = arrival_ns
        return min(arrival_ns, round(presentation_ns + self._offset_ns))
