"""Has the camera been moved: the still scene in the newest pictures against a stored one, tile by tile."""

from __future__ import annotations

from collections import deque
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from edge_runtime.types import F64

THUMB: Final = (128, 96)
"""Width and height of the thumbnails compared; a pixel is 0.8 % of the picture's width."""

TILE: Final = 32
"""Side of a tile; 12 tiles, of which a person covers less than half. Own choice."""

TURNS: Final = 2
"""Each picture updates every second tile in turn: half the work per picture. Own choice."""

SHIFT_PX: Final = 0.3
ROLL_RAD: Final = np.radians(0.5)
ZOOM: Final = 0.01
MATCH: Final = 0.4
"""Moved: beyond any of them, thumbnail px (0.25 % of the picture's width), or tiles that match worse than that.
Measured on the demo clip, whole and cropped to a person of half its height: at most 0.12 px, 0.15 degrees, 0.4 %, and
matches of 0.98; a shift of 0.5 % of the width gives 0.5 px, strange scenes match with 0.3."""

WINDOW_NS: Final = 700_000_000
"""The median over this time counts: a person passes."""

_TILES: Final = [(x, y) for y in range(0, THUMB[1], TILE) for x in range(0, THUMB[0], TILE)]
_FROM_CENTRE: Final = np.array([(x + (TILE - THUMB[0]) / 2, y + (TILE - THUMB[1]) / 2) for x, y in _TILES])
_SQUARES: Final = (_FROM_CENTRE**2).sum(axis=1)
_HANN: Final = cv2.createHanningWindow((TILE, TILE), cv2.CV_32F)

Thumb = npt.NDArray[np.float32]


class MountWatch:
    """Compares thumbnails float32 [96, 128] with the one of the calibrated camera."""

    def __init__(self, reference: Thumb) -> None:
        self._reference = [_tile(reference, k) for k in range(len(_TILES))]
        self._found = np.zeros((len(_TILES), 3))
        self._found[:, 2] = 1.0
        self._turn = 0
        self._past: deque[tuple[int, F64]] = deque()

    def moved(self, thumb: Thumb, t_ns: int) -> bool:
        """Whether the scene has been elsewhere for most of the window up to `t_ns`."""
        for k in range(self._turn, len(_TILES), TURNS):
            # copies: OpenCV applies the window to its arguments where they lie
            (dx, dy), match = cv2.phaseCorrelate(self._reference[k].copy(), _tile(thumb, k), _HANN)
            self._found[k] = dx, dy, match
        self._turn = (self._turn + 1) % TURNS
        self._past.append((t_ns, motion_of(self._found)))
        while self._past[0][0] < t_ns - WINDOW_NS:
            self._past.popleft()
        dx, dy, roll_rad, zoom, match = np.median([motion for _, motion in self._past], axis=0)
        moved = max(abs(dx), abs(dy)) > SHIFT_PX or abs(roll_rad) > ROLL_RAD or abs(zoom) > ZOOM
        return bool(moved or match < MATCH)


def motion_of(tiles: F64) -> F64:
    """Shift x, y in thumbnail px, roll in rad, zoom (0: none) and match, from shift and match of each tile [12, 3].

    Medians: tiles with a person in them count as little as tiles without any texture.
    """
    shift = np.median(tiles[:, :2], axis=0)
    rest = tiles[:, :2] - shift
    roll = np.median((_FROM_CENTRE[:, 0] * rest[:, 1] - _FROM_CENTRE[:, 1] * rest[:, 0]) / _SQUARES)
    zoom = np.median((_FROM_CENTRE * rest).sum(axis=1) / _SQUARES)
    return np.array([*shift, roll, zoom, np.median(tiles[:, 2])])


def _tile(thumb: Thumb, k: int) -> Thumb:
    x, y = _TILES[k]
    return thumb[y : y + TILE, x : x + TILE].copy()
