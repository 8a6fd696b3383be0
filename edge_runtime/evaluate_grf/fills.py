"""What stands in for coordinates that are not seen: the protocol of a fill, and the simple ones to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from edge_runtime.types import F64

if TYPE_CHECKING:
    from engines.inpaint import Inpainter

HISTORY_S: Final = 1.5
"""How much of the past a fill is shown, the gap included."""
CAMERA_FRAME_S: Final = 1.0 / 60.0
"""How late the running loop has a fill: it is asked with one camera frame and used with the next."""
SLOPE_S: Final = 0.05  # past over which the straight line takes its slope


class Fill(Protocol):
    """Fills coordinates that were not seen, from the past alone."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def reset(self) -> None:
        """Forget the person, as at the start of a trial."""

    def fill(self, t_s: F64, q: F64) -> tuple[F64, F64]:
        """Whole history and its deviation, [T, 16] each (rad, m), of what was seen.

        `t_s` [T] rising times, the newest, which is now, last; `q` [T, 16] in `COORDINATES` order, NaN where a
        coordinate was not seen, as in the live estimate up to `HISTORY_S` long. What was seen comes back unchanged with
        deviation 0; NaN stays where there is nothing to go by. The inputs are not changed.
        """


class Hold:
    """The last value seen."""

    name = "hold"

    def reset(self) -> None:
        """Nothing is kept."""

    def fill(self, t_s: F64, q: F64) -> tuple[F64, F64]:
        """Each gap takes the value before it; the deviation is what the coordinate varies by in the history."""
        return _held(q)[0], _spread(q)


class Linear:
    """The last value seen, and on with the slope before it."""

    name = "linear"

    def reset(self) -> None:
        """Nothing is kept."""

    def fill(self, t_s: F64, q: F64) -> tuple[F64, F64]:
        """Each gap continues the straight line of the `SLOPE_S` before it."""
        out, last = _held(q)
        for c in range(q.shape[1]):
            gap = np.isnan(q[:, c]) & (last[:, c] >= 0)
            for at in np.unique(last[gap, c]):
                first = at
                while first > 0 and t_s[at] - t_s[first - 1] <= SLOPE_S and np.isfinite(q[first - 1, c]):
                    first -= 1
                if first < at:
                    here = gap & (last[:, c] == at)
                    slope = (q[at, c] - q[first, c]) / (t_s[at] - t_s[first])
                    out[here, c] += slope * (t_s[here] - t_s[at])
        return out, _spread(q)


class Masked:
    """Nothing: the network is told what it does not see."""

    name = "masked network"

    def reset(self) -> None:
        """Nothing is kept."""

    def fill(self, t_s: F64, q: F64) -> tuple[F64, F64]:
        """The history as it is."""
        return q.copy(), np.where(np.isnan(q), np.inf, 0.0)


def _held(q: F64) -> tuple[F64, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """`q` with gaps held, and the row [T, C] whose value stands in each place (-1: none yet)."""
    rows = np.where(np.isfinite(q), np.arange(len(q))[:, None], -1)
    last = np.maximum.accumulate(rows, axis=0)
    return np.where(last >= 0, np.take_along_axis(q, np.maximum(last, 0), axis=0), np.nan), last


def _spread(q: F64) -> F64:
    seen = np.isfinite(q)
    count = np.maximum(seen.sum(axis=0), 1)
    mean = np.where(seen, q, 0.0).sum(axis=0) / count
    sd = np.sqrt(np.where(seen, (q - mean) ** 2, 0.0).sum(axis=0) / count)
    return np.where(seen, 0.0, np.broadcast_to(sd, q.shape))


def fills(inpainter: Inpainter | None = None) -> list[Fill]:
    """Every fill that is compared, simplest first; `inpainter` the one that ships where none is given."""
    from engines.inpaint import Inpainter
    from engines.inpaint.history import HistoryFill, Shared

    shared = Shared(inpainter or Inpainter())
    beside = HistoryFill(shared, "inpainted, one frame late", CAMERA_FRAME_S)
    return [Hold(), Linear(), Masked(), HistoryFill(shared), beside]
