"""Fills asked frame by frame with the whole recent history: the inpainter as evaluations compare fills."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np

from engines.grf.features import COORDINATES, F64
from engines.inpaint.engine import Fill
from engines.inpaint.stream import LegStream, TimedFill

_NOTHING: Final = np.zeros(len(COORDINATES))


class Source(Protocol):
    """What makes fills: an `Inpainter`."""

    def fill(self, t_s: F64, q: F64) -> Fill:
        """See `Inpainter.fill`."""


class Shared:
    """Makes each fill once for several who ask with the same history, one after the other; forgets the oldest."""

    def __init__(self, source: Source, kept: int = 1024) -> None:
        self._source, self._kept = source, kept
        self._made: dict[tuple[bytes, bytes], Fill] = {}

    def fill(self, t_s: F64, q: F64) -> Fill:
        """See `Inpainter.fill`."""
        key = (t_s.tobytes(), q.tobytes())
        if key not in self._made:
            if len(self._made) == self._kept:
                del self._made[next(iter(self._made))]
            self._made[key] = self._source.fill(t_s, q)
        return self._made[key]


class HistoryFill:
    """The legs as the running loop would have them; one call per frame of a gap, after `reset` at its beginning.

    `delay_s` is how old a fill is when it is used: 0 where the loop waits for it.
    """

    def __init__(self, inpainter: Source, name: str = "inpainted", delay_s: float = 0.0) -> None:
        self._inpainter = inpainter
        self._delay_ns = round(delay_s * 1e9)
        self.name = name
        self.reset()

    def reset(self) -> None:
        """Forget the person."""
        self._stream = LegStream()
        self._last_ns = -1
        self._before = _NOTHING
        self._made: list[TimedFill] = []

    def fill(self, t_s: F64, q: F64) -> tuple[F64, F64]:
        """The whole history and its deviation [T, 16], rad and m, of what was seen.

        `t_s` [T] rising, now last; `q` [T, 16] in `COORDINATES` order, NaN where not seen. Only the newest frame is
        filled: earlier ones were handed on when they were new. What cannot be filled stays NaN.
        """
        t_ns = np.round(t_s * 1e9).astype(np.int64)
        for now_ns, row in zip(t_ns[:-1], q[:-1], strict=True):
            if now_ns > self._last_ns:
                self._step(int(now_ns), row, None)
        fill = TimedFill(int(t_ns[-1]), self._inpainter.fill(t_s, q))
        self._made.append(fill)
        due = [made for made in self._made if t_ns[-1] - made.t_ns >= self._delay_ns]
        value, sd = q.copy(), np.where(np.isnan(q), np.inf, 0.0)
        value[-1], sd[-1] = self._step(int(t_ns[-1]), q[-1], due[-1] if due else None)
        return value, sd

    def _step(self, t_ns: int, q: F64, fill: TimedFill | None) -> tuple[F64, F64]:
        observed = np.isfinite(q)
        dt_s = (t_ns - self._last_ns) * 1e-9
        rate = np.where(observed & np.isfinite(self._before), (q - self._before) / dt_s, 0.0)
        if self._last_ns < 0:
            rate = _NOTHING
        self._last_ns, self._before = t_ns, q
        found = self._stream.step(t_ns, (np.where(observed, q, 0.0), rate, _NOTHING, _NOTHING), observed, fill)
        known = observed | found.inferred
        return np.where(known, found.q, np.nan), np.where(observed, 0.0, np.where(found.inferred, found.sd, np.inf))
