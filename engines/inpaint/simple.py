"""The simple ways to fill a gap that the inpainter is measured against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from engines.grf.features import F64
from engines.inpaint.window import AGES_S, HOLE_S, LEGS, STEP_S, Window

_SLOPE_STEPS: Final = 2  # grid steps that the speed at the gap's edge is taken over
_EXTRAPOLATED_S: Final = HOLE_S  # a straight line is followed this long, then held: beyond, it leaves the joint's range


def held(window: Window) -> F64:
    """Joints of the legs [10, SAMPLES], the last seen value held through each gap (the first one before it)."""

    def fill(at_s: F64, seen_s: F64, value: F64) -> F64:
        return value[_last(seen_s, at_s)]

    return _per_joint(window, fill)


def extrapolated(window: Window) -> F64:
    """Joints of the legs [10, SAMPLES], each gap begun as a straight line with the last speed, then held."""

    def fill(at_s: F64, seen_s: F64, value: F64) -> F64:
        last = _last(seen_s, at_s)
        before = np.maximum(last - _SLOPE_STEPS, 0)
        speed = (value[last] - value[before]) / np.maximum(seen_s[last] - seen_s[before], STEP_S)
        return value[last] + speed * np.clip(at_s - seen_s[last], 0.0, _EXTRAPOLATED_S)

    return _per_joint(window, fill)


def _last(seen_s: F64, at_s: F64) -> npt.NDArray[np.int64]:
    """Index of the last of the times `seen_s` before each of `at_s`; the first one where there is none."""
    return np.maximum(np.searchsorted(seen_s, at_s, "right") - 1, 0)


def _per_joint(window: Window, fill: Callable[[F64, F64, F64], F64]) -> F64:
    out: F64 = window.value[LEGS].copy()
    for joint, seen in zip(out, window.seen[LEGS], strict=True):
        if seen.any() and not seen.all():
            joint[~seen] = fill(AGES_S[~seen], AGES_S[seen], joint[seen])
    return out
