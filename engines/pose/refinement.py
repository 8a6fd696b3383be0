"""Moves landmarks to the peaks of their heatmaps; compiled, since it runs in every frame."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

KERNEL_REACH: Final = 3
MIN_CONFIDENCE: Final = 0.5
"""7 x 7 window and threshold of MediaPipe's refine_landmarks_from_heatmap_calculator in the pose graph."""


@njit(cache=True, nogil=True)
def move_to_peaks(
    xy: npt.NDArray[np.float64], peak: npt.NDArray[np.float64], heatmaps: npt.NDArray[np.float32], size: int
) -> None:
    """Move `xy` [n, 2] (px of a crop of `size`) to the centroid of the window of `heatmaps` [n, rows, columns] around
    each; `peak` [n] becomes the highest confidence 0..1 in that window.

    A point stays where it is outside the map, or where no cell of its window reaches `MIN_CONFIDENCE`.
    """
    count, height, width = heatmaps.shape
    cell_x, cell_y = size / width, size / height
    for point in range(count):
        column, row = _cell(xy[point, 0] / cell_x, width), _cell(xy[point, 1] / cell_y, height)
        total = sum_x = sum_y = best = 0.0
        for r in range(max(0, row - KERNEL_REACH), min(height, row + KERNEL_REACH + 1)):
            for c in range(max(0, column - KERNEL_REACH), min(width, column + KERNEL_REACH + 1)):
                weight = 1.0 / (1.0 + np.exp(-np.float64(heatmaps[point, r, c])))
                total += weight
                sum_x += weight * c
                sum_y += weight * r
                best = max(best, weight)
        peak[point] = best
        if 0 <= row < height and 0 <= column < width and best >= MIN_CONFIDENCE:
            xy[point, 0], xy[point, 1] = sum_x / total * cell_x, sum_y / total * cell_y


@njit(cache=True, nogil=True)
def _cell(place: float, count: int) -> int:
    """The cell of an axis of `count` in which `place` lies; far outside, also for NaN, one that no window reaches."""
    if not -1.0 - KERNEL_REACH < place < count + KERNEL_REACH:
        return -1 - 2 * KERNEL_REACH
    return int(place)
