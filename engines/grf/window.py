"""A window of motion: frames brought to the grid, and the own axes of a foot in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engines.grf.features import BASE, F64, Mask


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
