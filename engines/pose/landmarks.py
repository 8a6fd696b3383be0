"""Landmarks inside a region: crop, BlazePose landmark net, heatmap refinement, back to the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engines.backends.base import Runner
from engines.pose.result import F64, LANDMARKS
from engines.pose.roi import Roi

INPUT: Final = "input_1"
COORDINATES: Final = "Identity"
PRESENCE: Final = "Identity_1"
HEATMAPS: Final = "Identity_3"
WORLD: Final = "Identity_4"
SIZE: Final = 256
"""Side of the net's input, px; its landmarks are in the same unit."""

POINTS: Final = 39
"""33 landmarks, two auxiliary points (hip centre, full-body circle), four unused."""

KERNEL_REACH: Final = 3
MIN_CONFIDENCE: Final = 0.5
"""7 x 7 window and threshold of MediaPipe's refine_landmarks_from_heatmap_calculator in the pose graph."""

_REACH: Final = np.arange(-KERNEL_REACH, KERNEL_REACH + 1)
_POINT: Final = np.arange(POINTS)[:, None, None]

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """As `PoseResult`, and `aux_px` [2, 2]: hip centre and full-body circle point in the frame."""

    xy_px: F64
    aux_px: F64
    visibility: F64
    world_m: F64
    score: float


class LandmarkNet:
    """The landmark net with its pre- and postprocessing."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._crop = np.zeros((SIZE, SIZE, 3), np.uint8)

    def run(self, rgb: npt.NDArray[np.uint8], roi: Roi) -> Landmarks:
        """Landmarks of the person in `roi` of `rgb` uint8 [H, W, 3]; outside the frame counts as black."""
        matrix = roi.matrix(SIZE)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(rgb, matrix, (SIZE, SIZE), dst=self._crop, flags=flags)
        np.multiply(self._crop.transpose(2, 0, 1), np.float32(1 / 255), out=self._runner.inputs[INPUT][0])
        outputs = self._runner.infer()
        raw = outputs[COORDINATES].reshape(POINTS, 5).astype(np.float64)
        xy = refine(raw[:, :2], outputs[HEATMAPS][0]) @ matrix[:, :2].T + matrix[:, 2]
        world = outputs[WORLD].reshape(POINTS, 3)[:LANDMARKS].astype(np.float64)
        world[:, :2] = world[:, :2] @ roi.rotation().T
        return Landmarks(
            xy_px=xy[:LANDMARKS],
            aux_px=xy[LANDMARKS : LANDMARKS + 2],
            visibility=_sigmoid(raw[:LANDMARKS, 3]),
            world_m=world,
            score=float(outputs[PRESENCE][0, 0]),
        )


def refine(xy: F64, heatmaps: F32) -> F64:
    """Landmarks `xy` [39, 2] (crop px) moved to the centroid of the 7 x 7 heatmap cells around them.

    `heatmaps` [39, 64, 64] raw. A point stays where it is outside the map, or where no cell of its window
    reaches `MIN_CONFIDENCE`.
    """
    height, width = heatmaps.shape[1:]
    cell = np.array([SIZE / width, SIZE / height])
    at = np.trunc(np.nan_to_num(xy / cell, nan=-1.0)).astype(np.int64)
    columns, rows = at[:, 0, None] + _REACH, at[:, 1, None] + _REACH
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    window = heatmaps[_POINT, np.clip(rows, 0, height - 1)[:, :, None], np.clip(columns, 0, width - 1)[:, None, :]]
    weight = np.where(inside, _sigmoid(window.astype(np.float64)), 0.0)
    total = weight.sum(axis=(1, 2))
    good = (at >= 0).all(axis=1) & (at < (width, height)).all(axis=1)
    good &= weight.max(axis=(1, 2)) >= MIN_CONFIDENCE
    total[~good] = 1.0
    centroid = np.stack([(weight.sum(axis=1) * columns).sum(axis=1), (weight.sum(axis=2) * rows).sum(axis=1)], 1)
    return np.where(good[:, None], centroid / total[:, None] * cell, xy)


def _sigmoid(x: F64) -> F64:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
