"""What a window tells beyond its newest samples: height over the ground, body size, and the last step at this phase."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from engines.grf.features import BASE, COM_Y, F64, GRID_S, SOLE_DROPS, Mask, derived

REACH: Final = 126
"""Grid samples before the newest one that the context of an output rests on."""

_TY: Final = BASE.index("ty")
_LEGS: Final = BASE.index("thigh_r")  # six rows from here: thigh, shank and foot of the right, then of the left leg
_RECENT: Final = 20  # samples compared to find the same phase: 0.2 s
_LAGS: Final = 60
_FIRST_LAG: Final = (20, 45)
"""Samples back to the last step (0.2 to 0.79 s) and to the last stride (0.45 to 1.04 s)."""

_AROUND: Final = (-6, -3, 0, 3, 6, 9, 12)  # where the vertical acceleration is read, samples from the same phase
_ACC_HALF: Final = 3  # half-width of the triangle that smooths the acceleration
_LAG_UNIT: Final = 50.0
_ENOUGH: Final = 0.5 * 6 * _RECENT  # values that must be observed for a comparison
_LIKE_RAD: Final = 0.25  # root mean square difference above which the phase counts as not found
_SIZES: Final = (0.75, 1.4)  # believable factors on the model's lengths
_MEAN_SIZE: Final = 1.07
_SIZE_SPREAD: Final = 0.1
_SHORTEST_M: Final = 0.3  # a leg more folded than this stands on nothing
_HEIGHT_SCALE_M: Final = 0.1
_HIGHEST: Final = 4.0
_GRAVITY: Final = 9.80665  # m/s², standard gravity (CGPM 1901)

_GROUND: Final = 9
_PHASE: Final = len(_AROUND) + 3
CONTEXT: Final = _GROUND + 2 * _PHASE
"""Numbers per output: heights of the soles, body size, what of it is known, the last step and the last stride."""


def context(base: F64, observed: Mask, outputs: int) -> npt.NDArray[np.float32]:
    """Context [2, ..., outputs, CONTEXT] of feet r and l at the last `outputs` samples of `base` [..., BASE, T].

    T is at least REACH + outputs. Heights are those of heel and toe over the floor (y = 0), or where the pelvis is
    not measured from there, over the lowest point that a sole reached in the window; body size is the factor on the
    model's legs that puts that point on the floor. The last step is the moment at which the legs moved likewise with
    sides exchanged, the last stride that without: the vertical acceleration of the body around it is the force that
    Newton's law gives there. Zero where not observed.
    """
    shape = base.shape[:-2]
    value, known = derived(base[..., -(REACH + outputs) :], observed[..., -(REACH + outputs) :])
    out = np.zeros((2, *shape, outputs, CONTEXT), dtype=np.float32)
    for i in np.ndindex(shape):
        _ground(value[i], known[i], out[(0, *i)], out[(1, *i)])
        _phases(value[i], known[i], out[(0, *i)], out[(1, *i)])
    return out


def body_size(about: npt.NDArray[np.float32]) -> float:
    """Factor on the model's lengths that one context [CONTEXT] tells; the mean one where it tells none."""
    return float(about[6]) * _SIZE_SPREAD + _MEAN_SIZE


def lags(about: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Samples back to the same phase of the last step and of the last stride, of one context; NaN where not found."""
    step, stride = about[_GROUND:].reshape(2, _PHASE)[:, [-3, -1]]
    return _lag(step), _lag(stride)


def _lag(told: npt.NDArray[np.float32]) -> float:
    return (float(told[0]) + 1.0) * _LAG_UNIT if told[1] > 0.0 else float("nan")


@njit(cache=True, nogil=True)
def _ground(value: F64, known: Mask, right: npt.NDArray[np.float32], left: npt.NDArray[np.float32]) -> None:
    """Heights of four points and of each foot over its own lowest, size, and what of it is known."""
    ratio, own = np.empty(value.shape[1]), np.empty((2, value.shape[1]))
    for t in range(value.shape[1]):
        ratio[t] = own[0, t] = own[1, t] = np.inf
        for point in range(4):
            if known[_TY, t] and known[SOLE_DROPS + point, t]:
                ty, drop = value[_TY, t], value[SOLE_DROPS + point, t]
                # the sole that stands stretches furthest from the pelvis for its height
                ratio[t] = min(ratio[t], ty / max(-drop, _SHORTEST_M))
                own[point // 2, t] = min(own[point // 2, t], ty + _MEAN_SIZE * drop)
    for i in range(right.shape[0]):
        t = REACH + i
        size = ratio[i : t + 1].min()
        lowest = own[0, i : t + 1].min(), own[1, i : t + 1].min()
        sized = _SIZES[0] < size < _SIZES[1]
        factor, floor = (size, 0.0) if sized else (_MEAN_SIZE, min(lowest[0], lowest[1]))
        for foot in range(2):
            if known[_TY, t] and known[SOLE_DROPS + 2 * foot, t]:
                for point in range(2):
                    over = value[_TY, t] + factor * value[SOLE_DROPS + 2 * foot + point, t] - floor
                    right[i, 2 * foot + point] = left[i, 2 * (1 - foot) + point] = _scaled(over)
                right[i, 4 + foot] = left[i, 5 - foot] = _scaled(own[foot, t] - lowest[foot])
                right[i, 8] = left[i, 8] = 1.0
        if sized:
            right[i, 6] = left[i, 6] = (size - _MEAN_SIZE) / _SIZE_SPREAD
            right[i, 7] = left[i, 7] = 1.0


@njit(cache=True, nogil=True)
def _scaled(height_m: float) -> float:
    return min(max(height_m / _HEIGHT_SCALE_M, -1.0), _HIGHEST)


@njit(cache=True, nogil=True)
def _phases(value: F64, known: Mask, right: npt.NDArray[np.float32], left: npt.NDArray[np.float32]) -> None:
    """The last step and the last stride: acceleration around them, lag, likeness, found."""
    outputs = right.shape[0]
    for kind in range(2):
        apart, weight = np.zeros(_LAGS), np.zeros(_LAGS)
        for t in range(REACH - _RECENT + 1, REACH + outputs):
            _compare(value, known, t, kind, 1.0, apart, weight)
            if t - _RECENT > REACH - _RECENT:
                _compare(value, known, t - _RECENT, kind, -1.0, apart, weight)
            if t >= REACH:
                first = _GROUND + kind * _PHASE
                row = right[t - REACH, first : first + _PHASE]
                _read(value, known, t, _FIRST_LAG[kind], apart, weight, row)
                left[t - REACH, first : first + _PHASE] = row


@njit(cache=True, nogil=True)
def _compare(value: F64, known: Mask, t: int, kind: int, sign: float, apart: F64, weight: F64) -> None:
    """Add (or take away) how far the legs at sample `t` are from those each lag before, and the values it rests on."""
    for row in range(6):
        if known[_LEGS + row, t]:
            past = _LEGS + (row if kind == 1 else (row + 3) % 6)
            for i in range(_LAGS):
                at = t - _FIRST_LAG[kind] - i
                if at >= 0 and known[past, at]:
                    apart[i] += sign * (value[_LEGS + row, t] - value[past, at]) ** 2
                    weight[i] += sign


@njit(cache=True, nogil=True)
def _read(value: F64, known: Mask, t: int, first: int, apart: F64, weight: F64, row: npt.NDArray[np.float32]) -> None:
    """The most alike moment in the past of sample `t`, and the acceleration around it, into `row` [_PHASE]."""
    best, least = 0, np.inf
    for i in range(_LAGS):
        if weight[i] >= _ENOUGH and apart[i] / weight[i] < least:
            best, least = i, apart[i] / weight[i]
    if not least < _LIKE_RAD**2:
        return
    lag = first + best + _bottom(best, apart, weight)
    for i in range(len(_AROUND)):
        row[i] = _acceleration(value[COM_Y], known[COM_Y], t - lag + _AROUND[i])
    row[-3:] = lag / _LAG_UNIT - 1.0, np.sqrt(max(least, 0.0)) / _LIKE_RAD, 1.0


@njit(cache=True, nogil=True)
def _bottom(best: int, apart: F64, weight: F64) -> float:
    """Where a parabola through the best lag and its neighbours has its bottom, -0.5 to 0.5 samples from it."""
    if best == 0 or best == _LAGS - 1 or min(weight[best - 1], weight[best + 1]) < _ENOUGH:
        return 0.0
    here = apart[best] / weight[best]
    before, after = apart[best - 1] / weight[best - 1], apart[best + 1] / weight[best + 1]
    bend = before - 2.0 * here + after
    return min(max(0.5 * (before - after) / bend, -0.5), 0.5) if bend > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _acceleration(com_y: F64, known: Mask, at: float) -> float:
    """Vertical acceleration of the centre of mass in g between two samples, smoothed by a triangle; 0 if unknown."""
    low = int(np.floor(at))
    if low < _ACC_HALF or low + 1 + _ACC_HALF >= com_y.shape[0]:
        return 0.0
    found = 0.0
    for i in range(2):
        share = at - low if i == 1 else 1.0 - (at - low)
        a, b, c = low + i - _ACC_HALF, low + i, low + i + _ACC_HALF
        if not (known[a] and known[b] and known[c]):
            return 0.0
        found += share * (com_y[c] - 2.0 * com_y[b] + com_y[a]) / (_ACC_HALF * GRID_S) ** 2
    return found / _GRAVITY
