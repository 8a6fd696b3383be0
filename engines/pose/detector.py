"""Finds people in a frame: letterbox, BlazePose detector net, anchor decoding, weighted suppression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from engines.backends.base import Runner
from engines.pose.result import F64

INPUT: Final = "input_1"
BOXES: Final = "Identity"
SCORES: Final = "Identity_1"
SIZE: Final = 224
"""Side of the net's input, px; also the unit of its raw coordinates."""

STRIDES: Final = (8, 16, 32, 32, 32)
MIN_SCORE: Final = 0.5
MIN_OVERLAP: Final = 0.3
SCORE_CLIP: Final = 100.0
"""SSD anchors, score and suppression thresholds of MediaPipe's pose_detection_cpu.pbtxt."""

U8 = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Detection:
    """One person: `points_px` [2, 2] hip centre and full-body circle point in the frame, `shoulders_px` [2] the middle
    of the shoulders, `score` 0..1."""

    points_px: F64
    shoulders_px: F64
    score: float


def anchors() -> F64:
    """Centres [2254, 2] of the detector's anchors, 0..1: two per cell of every layer, layer by layer (layers
    of one stride share their cells)."""
    blocks = []
    for stride in sorted(set(STRIDES)):
        cells = SIZE // stride
        centre = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(centre, centre), axis=-1).reshape(-1, 2)
        blocks.append(np.repeat(grid, 2 * STRIDES.count(stride), axis=0))
    return np.concatenate(blocks)


class View(NamedTuple):
    """What to search: `rgb` uint8 [H, W, 3], and where in it (x, y, width, height in px; None: everywhere)."""

    rgb: U8
    box: Box | None = None


class PersonDetector:
    """Detector of people."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._anchors = anchors()

    def people(self, view: View) -> list[Detection]:
        """Everybody in the view, in px of the whole frame: the nearest to the middle of `view.box` first, without a
        box the one with the best score."""
        x, y, width, height = view.box or (0, 0, view.rgb.shape[1], view.rgb.shape[0])
        scale, offset = self._fill_input(view.rgb[y : y + height, x : x + width])
        outputs = self._runner.infer()
        shift = np.array([x, y]) - offset / scale
        found = [
            Detection(p.points_px * (SIZE / scale) + shift, p.shoulders_px * (SIZE / scale) + shift, p.score)
            for p in decode(outputs[BOXES][0], outputs[SCORES][0, :, 0], self._anchors)
        ]
        if view.box is None:
            return found
        centre = np.array([x + width / 2, y + height / 2])
        return sorted(found, key=lambda person: float(np.hypot(*(person.points_px[0] - centre))))

    def _fill_input(self, view: U8) -> tuple[float, F64]:
        """Letterbox the picture `view` into the input (-1..1); returns scale and offset from view px to input px."""
        height, width = view.shape[:2]
        scale = SIZE / max(height, width)
        offset = (SIZE - np.array([width, height]) * scale) / 2
        matrix = np.array([[scale, 0, offset[0]], [0, scale, offset[1]]])
        boxed = cv2.warpAffine(view, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
        target = self._runner.inputs[INPUT][0]
        np.multiply(boxed.transpose(2, 0, 1), np.float32(2 / 255), out=target)
        target -= 1.0
        return scale, offset


def decode(raw_boxes: npt.NDArray[np.float32], raw_scores: npt.NDArray[np.float32], grid: F64) -> list[Detection]:
    """People from the raw net outputs [2254, 12] and [2254], points in units of the input's side, best first.

    Boxes that overlap the best one are averaged with it by score (MediaPipe's WEIGHTED suppression).
    """
    scores = 1.0 / (1.0 + np.exp(-np.clip(raw_scores.astype(np.float64), -SCORE_CLIP, SCORE_CLIP)))
    keep = np.flatnonzero(scores >= MIN_SCORE)
    keep = keep[np.argsort(-scores[keep], kind="stable")]
    scores, raw = scores[keep], raw_boxes[keep].astype(np.float64) / SIZE
    centres, sides = raw[:, :2] + grid[keep], raw[:, 2:4]
    corners = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    points = raw[:, 4:10].reshape(-1, 3, 2) + grid[keep][:, None]
    people = []
    left = np.ones(len(keep), bool)
    while left.any():
        best = int(np.argmax(left))
        group = left & (_overlap(corners, corners[best]) > MIN_OVERLAP)
        group[best] = True
        weight = scores[group] / scores[group].sum()
        mean = np.tensordot(weight, points[group], 1)
        people.append(Detection(mean[:2], mean[2], float(scores[best])))
        left &= ~group
    return people


def _overlap(corners: F64, one: F64) -> F64:
    """Intersection over union of boxes [n, 4] (x0, y0, x1, y1) with `one` [4]."""
    low, high = np.maximum(corners[:, :2], one[:2]), np.minimum(corners[:, 2:], one[2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(corners[:, 2:] - corners[:, :2], axis=1)
    union = areas + np.prod(one[2:] - one[:2]) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
