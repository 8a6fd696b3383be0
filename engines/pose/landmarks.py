"""Landmarks inside a region: crop, landmark network read by its contract, heatmap refinement, back to the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engines.backends.base import Buffers, Runner
from engines.errors import EngineError
from engines.manifest import PointsSpec, load_manifest
from engines.pose.refinement import move_to_peaks
from engines.pose.result import F64, LANDMARKS
from engines.pose.roi import Roi

INPUT: Final = "input_1"
COORDINATES: Final = "Identity"
PRESENCE: Final = "Identity_1"
HEATMAPS: Final = "Identity_3"
WORLD: Final = "Identity_4"
"""Tensors of BlazePose."""

SIZE: Final = 256
"""Side of BlazePose's input, px; its landmarks are in the same unit."""

POINTS: Final = 39
"""33 landmarks, two auxiliary points (hip centre, full-body circle), four unused."""

SHOULDERS: Final = [11, 12]
HIPS: Final = [23, 24]
"""BlazePose numbering."""

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Landmarks:
    """As `PoseResult`, and `aux_px` [2, 2]: hip centre and full-body circle point in the frame."""

    xy_px: F64
    aux_px: F64
    visibility: F64
    sharpness: F64
    world_m: F64
    score: float


class LandmarkNet:
    """A crop-in, keypoints-out network with its pre- and postprocessing; `points` says how to read it (BlazePose).

    EngineError, from the first run too, names what the network has otherwise than `points` says.
    """

    def __init__(self, runner: Runner, points: PointsSpec | None = None) -> None:
        spec = points or load_manifest().engines["pose_landmark"].points
        assert spec is not None
        self._runner, self._spec = runner, spec
        self._buffer = _input_of(runner)
        self._size = self._buffer.shape[1]
        self._joints = np.array(spec.joints or range(LANDMARKS))
        self._gain, self._offset = (_per_channel(v) for v in (spec.pixel_gain, spec.pixel_offset))
        self._crop = np.zeros((self._size, self._size, 3), np.uint8)
        self._checked = False
        refine(np.zeros((1, 2)), np.zeros((1, 8, 8), np.float32))  # compiled before the first frame

    @property
    def has_world(self) -> bool:
        """Whether the network gives points in space; without them `world_m` is NaN."""
        return bool(self._spec.world)

    def run(self, rgb: npt.NDArray[np.uint8], roi: Roi) -> Landmarks:
        """Landmarks of the person in `roi` of `rgb` uint8 [H, W, 3]; outside the frame counts as black."""
        matrix = roi.matrix(self._size)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(rgb, matrix, (self._size, self._size), dst=self._crop, flags=flags)
        crop = self._crop if self._spec.channels == "rgb" else self._crop[:, :, ::-1]
        np.multiply(crop.transpose(2, 0, 1), self._gain, out=self._buffer)
        if self._offset.any():
            self._buffer += self._offset
        outputs = self._runner.infer()
        if not self._checked:
            _check(self._spec, outputs)
            self._checked = True
        points, sharpness = self._image_points(outputs)
        xy = points @ matrix[:, :2].T + matrix[:, 2]
        visibility = self._visibility(outputs)
        return Landmarks(
            xy_px=xy[self._joints],
            aux_px=xy[list(self._spec.region)] if self._spec.region else _region_of(xy[self._joints], visibility),
            visibility=visibility,
            sharpness=sharpness[self._joints],
            world_m=self._world_points(outputs, roi),
            score=self._presence(outputs),
        )

    def _image_points(self, outputs: Buffers) -> tuple[F64, F64]:
        """All points of the network [n, 2], px of the crop, and their sharpness [n], 1 where it has no heatmaps."""
        spec = self._spec
        raw = outputs[spec.image].reshape(-1, spec.image_width)[:, :2].astype(np.float64)
        xy = raw * spec.image_gain_px + spec.image_offset_px
        if not spec.heatmaps:
            return xy, np.ones(len(xy))
        return refine_and_rate(xy, outputs[spec.heatmaps][0], self._size)

    def _world_points(self, outputs: Buffers, roi: Roi) -> F64:
        spec = self._spec
        if not spec.world:
            return np.full((LANDMARKS, 3), np.nan)
        raw = outputs[spec.world].reshape(-1, spec.world_width)[self._joints, :3].astype(np.float64)
        world = raw * spec.world_gain_m
        if spec.joints:  # another body: centred on the hips here, as BlazePose does by itself
            world -= world[HIPS].mean(axis=0)
        world[:, :2] = world[:, :2] @ roi.rotation().T
        return world

    def _visibility(self, outputs: Buffers) -> F64:
        spec = self._spec
        if spec.visibility:
            width = outputs[spec.visibility].size // (outputs[spec.image].size // spec.image_width)
            raw = outputs[spec.visibility].reshape(-1, width)[self._joints, spec.visibility_column].astype(np.float64)
            seen = _sigmoid(raw) if spec.visibility_is == "logit" else raw
        else:
            seen = np.ones(LANDMARKS)
        seen[list(spec.absent)] = 0.0
        return seen

    def _presence(self, outputs: Buffers) -> float:
        if not self._spec.presence:
            return 1.0
        value = float(outputs[self._spec.presence].flat[0])
        return float(_sigmoid(np.array(value))) if self._spec.presence_is == "logit" else value


def refine(xy: F64, heatmaps: F32, size: int = SIZE) -> F64:
    """Landmarks `xy` [n, 2] (px of a crop of `size`) moved to the centroid of the 7 x 7 heatmap cells around them.

    `heatmaps` [n, rows, columns] raw. A point stays where it is outside the map, or where no cell of its window
    reaches `refinement.MIN_CONFIDENCE`.
    """
    return refine_and_rate(xy, heatmaps, size)[0]


def refine_and_rate(xy: F64, heatmaps: F32, size: int = SIZE) -> tuple[F64, F64]:
    """What `refine` gives, and the sharpness [n]: the highest confidence 0..1 in each point's window, 0 outside."""
    moved, peak = xy.copy(), np.zeros(len(xy))
    move_to_peaks(moved, peak, heatmaps, size)
    return moved, peak


def _region_of(xy: F64, visibility: F64) -> F64:
    """Hip centre, and the point above it on the circle around all that the network knows of the body."""
    hips = xy[HIPS].mean(axis=0)
    up = xy[SHOULDERS].mean(axis=0) - hips
    known = xy[visibility > 0.0] if (visibility > 0.0).any() else xy
    radius = np.hypot(*(known - hips).T).max()
    return np.stack([hips, hips + up / max(float(np.hypot(*up)), 1e-9) * radius])


def _input_of(runner: Runner) -> F32:
    """The one input [3, S, S] without its batch axis."""
    shapes = {name: array.shape for name, array in runner.inputs.items()}
    array = next(iter(runner.inputs.values())) if len(shapes) == 1 else None
    if array is None or array.ndim != 4 or array.shape[:2] != (1, 3) or array.shape[2] != array.shape[3]:
        raise EngineError(f"pose network has inputs {shapes}; the slot takes one square crop [1, 3, S, S]")
    return array[0]


def _per_channel(values: tuple[float, ...]) -> F32:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def _check(spec: PointsSpec, outputs: Buffers) -> None:
    """EngineError where an output named in `spec` is missing, or too small for the joints read from it."""
    joints = spec.joints or tuple(range(LANDMARKS))
    if len(joints) != LANDMARKS:
        raise EngineError(f"pose network: points.joints maps {len(joints)} landmarks, there are {LANDMARKS}")
    for key in ("image", "world", "visibility", "presence", "heatmaps"):
        name = getattr(spec, key)
        if name and name not in outputs:
            raise EngineError(f"pose network has no output {name!r} (points.{key}); it has {', '.join(outputs)}")
    rows = {"image": outputs[spec.image].size // spec.image_width}
    if spec.world:
        rows["world"] = outputs[spec.world].size // spec.world_width
    for key, count in rows.items():
        if max(joints) >= count or min(joints) < 0:
            raise EngineError(f"pose network: points.joints asks for point {max(joints)}, {key} holds {count}")


def _sigmoid(x: F64) -> F64:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
