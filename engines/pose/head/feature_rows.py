"""The numbers behind a frame's features, compiled: they are taken in every frame, and in training of very many."""

from __future__ import annotations

from math import acos, atan2, sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

F64 = npt.NDArray[np.float64]

SHOULDER, HIP, KNEE, ANKLE, HEEL, TOE = ((i, i + 1) for i in (3, 9, 11, 13, 15, 17))
"""Left and right, as places in `features.POINTS`."""

_CHAIN: Final = np.array([(SHOULDER, HIP), (HIP, KNEE), (KNEE, ANKLE), (HEEL, TOE)])
"""Segments [4, start or end, side]: trunk, thigh, shank, foot."""

_SHAPE: Final = 3  # segments whose length in the image makes the size of the body

_SURE_AHEAD: Final = 0.3
"""From this share of its forward direction on, sideways in the image, the wearer surely faces left or right."""


@njit(cache=True, nogil=True)
def fill_features(out: F64, xy: F64, world: F64, sure: F64) -> None:
    """Rows of `out` [n, FEATURES] from points [n, 19, 2] and [n, 19, 3] and `sure` [2, n, 19].

    The first two of the last nine become the hips' middle and the third the body's size, px. A point that is not finite
    counts as missing: it stands at the hips, without visibility; `xy` and `world` are changed.
    """
    count = xy.shape[1]
    seen = np.empty(count, np.bool_)
    for k in range(len(out)):
        row = out[k]
        for i in range(count):
            seen[i] = np.isfinite(xy[k, i]).all() and np.isfinite(world[k, i]).all()
            row[5 * count + i] = sure[0, k, i] if seen[i] else 0.0
            row[6 * count + i] = sure[1, k, i] if seen[i] else 0.0
            if not seen[i]:
                xy[k, i] = 0.0
                world[k, i] = 0.0
        row[-9] = (xy[k, HIP[0], 0] + xy[k, HIP[1], 0]) / 2
        row[-8] = (xy[k, HIP[0], 1] + xy[k, HIP[1], 1]) / 2
        row[-7] = _body_px(xy[k])
        _fill_frame(row, xy[k], world[k], seen)


@njit(cache=True, nogil=True)
def _body_px(xy: F64) -> float:
    """Image length of trunk, thigh and shank, mean of both sides."""
    total = 0.0
    for segment in range(_SHAPE):
        for side in range(2):
            start, end = xy[_CHAIN[segment, 0, side]], xy[_CHAIN[segment, 1, side]]
            total += sqrt((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2)
    return 0.5 * total


@njit(cache=True, nogil=True)
def _fill_frame(row: F64, xy: F64, world: F64, seen: npt.NDArray[np.bool_]) -> None:
    """Shape and points in space, each side's segments, where the pelvis faces; hips and size are in the row."""
    count, size = len(xy), max(row[-7], 1.0)
    row[-7] = size
    shape = row[: 2 * count].reshape(count, 2)
    for i in range(count):
        for axis in range(2):
            shape[i, axis] = (xy[i, axis] - row[-9 + axis]) / size if seen[i] else 0.0
        row[2 * count + 3 * i : 2 * count + 3 * i + 3] = world[i]
    ahead_x, ahead_z = _ahead(world)
    forward = min(max(ahead_x / _SURE_AHEAD, -1.0), 1.0)
    first = 7 * count
    for side in range(2):
        first = _fill_side(row, first, shape, world, forward, side)
    row[first], row[first + 1] = ahead_x, ahead_z


@njit(cache=True, nogil=True)
def _ahead(world: F64) -> Any:
    """Where the pelvis faces: to the right of the image and towards the camera, from the line of the hips and
    shoulders in space; unit length."""
    x = (world[HIP[1], 0] - world[HIP[0], 0]) + (world[SHOULDER[1], 0] - world[SHOULDER[0], 0])
    z = (world[HIP[1], 2] - world[HIP[0], 2]) + (world[SHOULDER[1], 2] - world[SHOULDER[0], 2])
    length = max(sqrt(z * z + x * x), 1e-6)
    return -z / length, -x / length


@njit(cache=True, nogil=True)
def _fill_side(row: F64, first: int, shape: F64, world: F64, forward: float, side: int) -> int:
    """One side's segments in the image and in space: directions, lengths, slopes, angles between neighbours; gives the
    place behind them. Slopes and angles in the image count forward: their sign and size follow how far the wearer faces
    to the right."""
    segments = len(_CHAIN)
    flat, deep = np.empty((segments, 2)), np.empty((segments, 3))
    at = first
    for i in range(segments):
        start, end = _CHAIN[i, 0, side], _CHAIN[i, 1, side]
        row[at + 2] = _direction(flat[i], shape[start], shape[end])
        row[at : at + 2] = flat[i]
        at += 3
    for i in range(segments):
        _direction(deep[i], world[_CHAIN[i, 0, side]], world[_CHAIN[i, 1, side]])
        row[at : at + 3] = deep[i]
        at += 3
    for i in range(segments - 1):
        row[at + i] = forward * atan2(flat[i, 0], flat[i, 1])
    row[at + segments - 1] = atan2(-flat[-1, 1], forward * flat[-1, 0])
    at += segments
    for i in range(segments - 1):
        turn = flat[i, 0] * flat[i + 1, 1] - flat[i, 1] * flat[i + 1, 0]
        along = flat[i, 0] * flat[i + 1, 0] + flat[i, 1] * flat[i + 1, 1]
        bend = deep[i, 0] * deep[i + 1, 0] + deep[i, 1] * deep[i + 1, 1] + deep[i, 2] * deep[i + 1, 2]
        row[at], row[at + 1] = turn, along
        row[at + 2], row[at + 3] = forward * atan2(turn, along), acos(min(max(bend, -1.0), 1.0))
        at += 4
    return at


@njit(cache=True, nogil=True)
def _direction(out: F64, start: F64, end: F64) -> float:
    """`out` becomes the direction from `start` to `end`, unit length; gives the distance."""
    squares = 0.0
    for axis in range(len(out)):
        out[axis] = end[axis] - start[axis]
        squares += out[axis] * out[axis]
    length = sqrt(squares)
    for axis in range(len(out)):
        out[axis] /= max(length, 1e-6)
    return length
