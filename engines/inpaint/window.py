"""What the inpainter sees: 1.5 s of all joint coordinates on a fixed grid that reaches a little past now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.grf.features import COORDINATES, F64, Mask

STEP_S: Final = 0.02
SAMPLES: Final = 75
AHEAD: Final = 2
"""Grid samples after now: what is computed beside the loop still holds when it is done."""

PAST: Final = SAMPLES - AHEAD
NOW: Final = PAST - 1
"""Index of the newest frame's sample."""

AGES_S: Final[F64] = np.arange(-NOW, SAMPLES - NOW, dtype=np.float64) * STEP_S
HOLE_S: Final = 0.1
"""Frames farther apart than this leave what is between them unseen."""

LEGS: Final = slice(6, 16)
"""The joints of both legs in `COORDINATES`: the only ones ever filled."""

LEG_JOINTS: Final = 5
_TX, _TY, _TZ = (COORDINATES.index(f"pelvis_t{axis}") for axis in "xyz")
_SWAPPED: Final = np.array([*range(6), *range(11, 16), *range(6, 11)])
_SIGN: Final = np.where(np.isin(COORDINATES, ("pelvis_list", "pelvis_rotation", "pelvis_tz")), -1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Window:
    """`value` [16, SAMPLES] rad and m in `COORDINATES` order, zero where not `seen` [16, SAMPLES]."""

    value: F64
    seen: Mask

    def mirrored(self) -> Window:
        """The same motion with left and right exchanged."""
        return Window(mirror(self.value), self.seen[_SWAPPED])


def mirror(q: F64) -> F64:
    """Coordinates [16, T] of the mirrored person."""
    return q[_SWAPPED] * _SIGN[:, None]


def mirror_legs(legs: F64) -> F64:
    """Joints of the legs [..., 10, T] of the mirrored person."""
    return np.roll(legs, LEG_JOINTS, axis=-2)


def hides_left_more(seen: Mask) -> bool:
    """Whether the left leg lacks more samples than the right one in `seen` [16, SAMPLES]."""
    lacking = (~seen[LEGS]).sum(axis=1)
    return bool(lacking[LEG_JOINTS:].sum() > lacking[:LEG_JOINTS].sum())


def on_grid(t_s: F64, q: F64) -> Window:
    """The window that ends at frame time 0, from frames at `t_s` [N] <= 0 with `q` [N, 16], NaN where hidden.

    Straight lines between frames. Nothing is seen before the first frame, after the last one, or where a frame is
    missing for more than `HOLE_S`.
    """
    ages = AGES_S[:PAST]
    right = np.clip(np.searchsorted(t_s, ages - 1e-9), 1, max(len(t_s) - 1, 1))
    left, right = right - 1, np.minimum(right, len(t_s) - 1)
    span = t_s[right] - t_s[left]
    w = ((ages - t_s[left]) / np.where(span > 0.0, span, 1.0))[:, None]
    before, after = q[left], q[right]
    value = np.where(w < 1e-6, before, np.where(w > 1.0 - 1e-6, after, before * (1.0 - w) + after * w))
    value[(ages < t_s[0] - 1e-9) | (span > HOLE_S)] = np.nan
    full = np.full((len(COORDINATES), SAMPLES), np.nan)
    full[:, :PAST] = value.T
    return masked(full)


def masked(value: npt.NDArray[np.floating]) -> Window:
    """The window of `value` [16, SAMPLES], NaN where not seen; translations relative to their course in it."""
    seen = np.isfinite(value)
    clean: F64 = np.where(seen, value, 0.0)
    for row, degree in ((_TX, 1), (_TY, 0), (_TZ, 1)):
        at = seen[row]
        if at.sum() > 2:
            line = np.polynomial.polynomial.polyfit(AGES_S[at], clean[row, at], degree)
            clean[row, at] -= np.polynomial.polynomial.polyval(AGES_S[at], line)
        else:
            clean[row, at] = 0.0
    return Window(clean, seen)
