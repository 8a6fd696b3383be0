"""What gait itself says about a hidden leg: itself a stride earlier, and the other leg half a stride earlier."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engines.grf.features import F64, Mask
from engines.inpaint.window import LEG_JOINTS, LEGS, SAMPLES, STEP_S, Window

_SAGITTAL: Final = np.array([0, 3, 4])  # hip flexion, knee and ankle among the joints of a leg
_SCALE: Final = np.array([0.35, 0.45, 0.2])[:, None]  # rad, about the deviation of each in gait
_LAGS: Final = np.arange(11, 43)
"""Half strides looked for, grid steps: 0.22 s (fast running) to 0.84 s (slow walking)."""

_MIN_PAIRS: Final = 20  # three joints over 0.13 s
_OWN_WEIGHT: Final = 2.0  # a leg resembles itself more than the other one
_SETTLE_S: Final = 0.1
"""How fast the difference at the edge of a gap is given up: between walking (best 0.15) and running (best 0.06)."""

_SLOPE_STEPS: Final = 2
_OFFSET_STEPS: Final = 5.0  # so many grid samples of no difference are taken into each mean
_DOUBT_RAD: Final = np.array([0.08, 0.05, 0.06, 0.11, 0.07] * 2)[:, None]
_DOUBT_S: Final = 0.06
"""Deviation of the truth from the guess deep in a gap, hip to ankle, about twice the median over the training windows;
and how far into a gap it has grown to two thirds of that."""


def half_stride(window: Window) -> float | None:
    """Half the stride time in grid steps, from all pairs of samples that are seen; None where too few are.

    The lag at which each leg best repeats the other, and itself after twice that lag, but for a constant.
    """
    legs = window.value[LEGS].reshape(2, LEG_JOINTS, SAMPLES)[:, _SAGITTAL] / _SCALE
    seen = window.seen[LEGS].reshape(2, LEG_JOINTS, SAMPLES)[:, _SAGITTAL].astype(np.float64)
    spread, pairs = np.zeros(len(_LAGS)), np.zeros(len(_LAGS))
    for a, b, factor in ((0, 1, 1), (1, 0, 1), (0, 0, 2), (1, 1, 2)):
        squares, count = _misfit(legs[a], seen[a], legs[b], seen[b], factor * _LAGS)
        spread += squares
        pairs += count
    cost = np.where(pairs >= _MIN_PAIRS, spread / np.maximum(pairs, 1.0), np.inf)
    best = int(np.argmin(cost))
    if not np.isfinite(cost[best]):
        return None
    return float(_LAGS[best] + _vertex(cost, best))


def _misfit(x: F64, x_seen: F64, y: F64, y_seen: F64, lags: npt.NDArray[np.int64]) -> tuple[F64, F64]:
    """Sum of squares [lags] of x(t) - y(t - lag) about its mean, all joints, and the number of pairs [lags]."""
    at = np.arange(SAMPLES) - lags[:, None]
    inside = at >= 0
    at = np.maximum(at, 0)
    earlier, both = y[:, at] * inside, y_seen[:, at] * inside * x_seen[:, None]  # [3, lags, SAMPLES]
    apart = (x[:, None] - earlier) * both
    count = both.sum(axis=-1)
    squares = (apart**2).sum(axis=-1) - apart.sum(axis=-1) ** 2 / np.maximum(count, 1.0)
    return squares.sum(axis=0), count.sum(axis=0)


def _vertex(cost: F64, best: int) -> float:
    """Place of the lowest point of the parabola through three costs, relative to the middle one."""
    if best in (0, len(cost) - 1) or not np.isfinite(cost[best - 1 : best + 2]).all():
        return 0.0
    before, here, after = cost[best - 1 : best + 2]
    bend = before - 2.0 * here + after
    return float(0.5 * (before - after) / bend) if bend > 0.0 else 0.0


def guess(window: Window) -> F64:
    """All joints of the legs [10, SAMPLES], rad: as seen where seen, as gait repeats itself where not.

    A gap begins and ends where the seen motion does. Without a stride, or where nothing repeats, the last value is
    held; zero for a joint that was never seen.
    """
    half = half_stride(window)
    value, seen = window.value[LEGS], window.seen[LEGS]
    total, weight = np.zeros_like(value), np.zeros_like(value)
    if half is not None:
        other = np.roll(np.arange(2 * LEG_JOINTS), LEG_JOINTS)
        for lag, source, trust in (
            (-2.0 * half, slice(None), _OWN_WEIGHT),
            (2.0 * half, slice(None), _OWN_WEIGHT),
            (-half, other, 1.0),
            (half, other, 1.0),
        ):
            moved, there = _shifted(value[source], seen[source], lag)
            total += trust * (moved + _offset(value, seen, moved, there)) * there
            weight += trust * there
    repeated = np.where(weight > 0.0, total / np.maximum(weight, 1e-9), np.nan)
    return np.stack([_joined(value[i], seen[i], repeated[i], weight[i]) for i in range(len(value))])


def _offset(value: F64, seen: Mask, moved: F64, there: Mask) -> F64:
    """Mean difference [10, 1] between the motion and its repetition where both are seen, less where that is little."""
    both = there & seen
    return ((value - moved) * both).sum(axis=1, keepdims=True) / (both.sum(axis=1, keepdims=True) + _OFFSET_STEPS)


def doubt(window: Window) -> F64:
    """Deviation of the truth from the guess to be expected, [10, SAMPLES] rad: 0 where seen, more away from it."""
    seen = window.seen[LEGS]
    steps = np.arange(SAMPLES)
    last = np.maximum.accumulate(np.where(seen, steps, -SAMPLES), axis=1)
    following = np.minimum.accumulate(np.where(seen, steps, 2 * SAMPLES)[:, ::-1], axis=1)[:, ::-1]
    away_s = np.minimum(steps - last, following - steps) * STEP_S
    return _DOUBT_RAD * (1.0 - np.exp(-away_s / _DOUBT_S))


def _shifted(value: F64, seen: Mask, lag: float) -> tuple[F64, Mask]:
    """`value` [10, SAMPLES] at `lag` grid steps from each sample, zero where it is not seen, and where it is."""
    at = np.arange(SAMPLES) + lag
    left = np.floor(at).astype(int)
    w = at - left
    inside = (left >= 0) & (left + 1 < SAMPLES)
    left = np.clip(left, 0, SAMPLES - 2)
    there = seen[:, left] & seen[:, left + 1] & inside
    return np.where(there, value[:, left] * (1.0 - w) + value[:, left + 1] * w, 0.0), there


def _joined(value: F64, seen: Mask, repeated: F64, weight: F64) -> F64:
    """One joint [SAMPLES]: seen values, and in each gap the repeated motion bent to meet them.

    `weight` [SAMPLES] tells where the repeated motion is made of the same parts.
    """
    if not seen.any():
        return np.where(np.isfinite(repeated), repeated, 0.0)
    out = value.copy()
    edges = np.flatnonzero(np.diff(np.concatenate(([True], seen, [True])).astype(int))).reshape(-1, 2)
    apart = np.where(seen, value - repeated, np.nan)
    for first, end in edges:
        gap = np.arange(first, end)
        held = value[first - 1] if first > 0 else value[end]
        fill = np.where(np.isfinite(repeated[gap]), repeated[gap], held)
        if first > 0:
            fill += _settling(apart[first - 1 :: -1], weight[first - 1 :: -1], gap - first + 1)
        if end < SAMPLES:
            fill += _settling(apart[end:], weight[end:], end - gap)
        out[gap] = fill
    return out


def _settling(apart: F64, weight: F64, steps: npt.NDArray[np.int64]) -> F64:
    """What is left, `steps` into a gap, of the step and the speed between seen and repeated motion at its edge.

    `apart` from the edge away from the gap. Both die away as of a critically damped spring.
    """
    if not np.isfinite(apart[0]):
        return np.zeros(len(steps))
    known = len(apart) > _SLOPE_STEPS and np.isfinite(apart[_SLOPE_STEPS]) and weight[0] == weight[_SLOPE_STEPS]
    speed = (apart[0] - apart[_SLOPE_STEPS]) / (_SLOPE_STEPS * STEP_S) if known else 0.0
    s = steps * STEP_S
    return (apart[0] + (speed + apart[0] / _SETTLE_S) * s) * np.exp(-s / _SETTLE_S)
