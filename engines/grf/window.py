"""The recent motion: frames kept, brought to the grid, and the own axes of a foot in it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engines.grf.features import BASE, F64, GRID_S, HISTORY, Mask

_AGES_S: Final[F64] = np.arange(1 - HISTORY, 1, dtype=np.float64) * GRID_S
_CAPACITY: Final = 1024


def on_grid(t_s: F64, base: F64, observed: Mask, grid_s: F64) -> tuple[F64, Mask]:
    """Frames at `t_s` [N] with `base`, `observed` [N, BASE] on the times `grid_s` [T]: [BASE, T] each.

    Straight lines between frames; the first and last frame are held outside. A grid point is observed where
    every frame it rests on is.
    """
    right = np.clip(np.searchsorted(t_s, grid_s), 1, max(len(t_s) - 1, 1))
    left, right = right - 1, np.minimum(right, len(t_s) - 1)
    span = t_s[right] - t_s[left]
    w = np.clip((grid_s - t_s[left]) / np.where(span > 0.0, span, 1.0), 0.0, 1.0)[:, None]
    value = base[left] * (1.0 - w) + base[right] * w
    mask = (observed[left] | (w == 1.0)) & (observed[right] | (w == 0.0))
    return value.T, mask.T


def foot_heading(base: F64, observed: Mask) -> F64:
    """Direction of the own foot [..., T]: turn about the vertical, rad, toes inward positive; 0 where not observed.

    `base`, `observed` [..., BASE, T] as the foot sees them. The turn of pelvis and hip stands for it.
    """
    rows = (BASE.index("rotation"), BASE.index("twist_r"))
    turn = base[..., rows[0], :] + base[..., rows[1], :]
    return np.where(observed[..., rows[0], :] & observed[..., rows[1], :], turn, 0.0)


def to_foot(point: npt.NDArray[np.floating], heading: F64) -> npt.NDArray[np.float32]:
    """`point` [..., 3] (x forward, y up, z outward) in axes along and across a foot of `heading` [...]."""
    c, s = np.cos(heading), np.sin(heading)
    x, y, z = np.moveaxis(point, -1, 0)
    return np.stack((c * x - s * z, y, s * x + c * z), axis=-1, dtype=np.float32)


def from_foot(point: npt.NDArray[np.floating], heading: F64) -> npt.NDArray[np.float32]:
    """The way back from `to_foot`."""
    return to_foot(point, -heading)


class Motion:
    """The last frames in arrays that are only moved when full: times, `BASE` channels, what was observed."""

    def __init__(self) -> None:
        self.t_ns = np.zeros(_CAPACITY, dtype=np.int64)
        self.base = np.zeros((_CAPACITY, len(BASE)))
        self.observed = np.zeros((_CAPACITY, len(BASE)), dtype=np.bool_)
        self.first = self.end = 0

    def add(self, t_ns: int, base: F64, observed: Mask) -> None:
        """Append a frame and drop those that no window reaches any more."""
        if self.end == _CAPACITY:
            self._move()
        self.t_ns[self.end], self.base[self.end], self.observed[self.end] = t_ns, base, observed
        self.end += 1
        oldest = t_ns + round(_AGES_S[0] * 1e9)
        while self.first + 1 < self.end and self.t_ns[self.first + 1] <= oldest:
            self.first += 1

    def _move(self) -> None:
        self.first = max(self.first, _CAPACITY // 2)  # a faster stream than 1 kHz keeps a shorter history
        kept = self.end - self.first
        for array in (self.t_ns, self.base, self.observed):
            array[:kept] = array[self.first : self.end].copy()
        self.first, self.end = 0, kept

    def window(self) -> tuple[F64, Mask]:
        """Channels and mask [BASE, HISTORY] on the grid that ends at the newest frame."""
        kept = slice(self.first, self.end)
        t_s = (self.t_ns[kept] - self.t_ns[self.end - 1]) * 1e-9
        return on_grid(t_s, self.base[kept], self.observed[kept], _AGES_S)
