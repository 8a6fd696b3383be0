"""Two calibrated cameras: points in space from both pictures, and what the two contradict each other in."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UserError
from edge_runtime.types import F64

SYNC_NS: Final = 5_000_000
REPROJECTION_PX: Final = 3.0
"""Beyond them the pair is not fused, and says so. The second is a median over the points."""

MIN_SIGHT: Final = 0.5
MIN_POINTS: Final = 6
"""Points count that both cameras see with this visibility; fewer of them are no evidence. Own choice."""

HIPS: Final = [23, 24]


@dataclass(frozen=True, slots=True)
class View:
    """One calibrated camera: pinhole `matrix` [3, 3], px; `distortion` k1, k2, p1, p2, k3 of OpenCV; `rotation` [3, 3]
    and `shift_m` [3] from the pair's common axes to the camera's (x right, y down, z away)."""

    matrix: F64
    distortion: F64
    rotation: F64
    shift_m: F64

    def rays(self, points_px: F64) -> F64:
        """Undistorted image coordinates [n, 2] at unit depth of points [n, 2]."""
        flat = cv2.undistortPoints(points_px.reshape(-1, 1, 2), self.matrix, self.distortion)
        return np.asarray(flat, np.float64).reshape(-1, 2)

    def project(self, points_m: F64) -> F64:
        """Points [n, 3] of the common axes in the picture, px [n, 2]."""
        turn, _ = cv2.Rodrigues(self.rotation)
        found, _ = cv2.projectPoints(points_m, turn, self.shift_m, self.matrix, self.distortion)
        return np.asarray(found, np.float64).reshape(-1, 2)


@dataclass(frozen=True, slots=True)
class Fused:
    """`world_m` [33, 3]: hip-centred points with the first camera's axes, NaN where not both see one; `event` "" or why
    there are none, `amount` of it (ms, px); `error_px` median miss of the points in both pictures."""

    world_m: F64
    event: str
    amount: float
    error_px: float


def fuse(views: tuple[View, View], points_px: F64, sight: F64, apart_ns: int) -> Fused:
    """Triangulate landmarks `points_px` [2, 33, 2] seen with `sight` [2, 33] at moments `apart_ns` apart."""
    nothing = np.full((points_px.shape[1], 3), np.nan)
    if abs(apart_ns) > SYNC_NS:
        return Fused(nothing, "stereo_sync", abs(apart_ns) * 1e-6, math.nan)
    good = np.asarray(np.isfinite(points_px).all(axis=(0, 2)) & (sight >= MIN_SIGHT).all(axis=0))
    if good.sum() < MIN_POINTS or not good[HIPS].all():
        return Fused(nothing, "", 0.0, math.nan)
    space_m = triangulate(views, points_px[:, good], sight[:, good])
    missed = [np.hypot(*(view.project(space_m) - seen[good]).T) for view, seen in zip(views, points_px, strict=True)]
    error_px = float(np.median(np.concatenate(missed)))
    if error_px > REPROJECTION_PX:
        return Fused(nothing, "stereo_reprojection", error_px, error_px)
    world = nothing
    world[good] = space_m @ views[0].rotation.T
    return Fused(world - world[HIPS].mean(axis=0), "", 0.0, error_px)


def triangulate(views: tuple[View, View], points_px: F64, weight: F64) -> F64:
    """Points in space [n, 3], m, common axes, from `points_px` [2, n, 2] with `weight` [2, n].

    Linear least squares over both rays' equations, twice: the second time divided by depth, so that what is minimized
    is the weighted distance in the picture (Hartley and Sturm 1997, "Triangulation", iterative-LS).
    """
    count = points_px.shape[1]
    depth = np.ones((2, count))
    space = np.zeros((count, 3))
    for _ in range(2):
        a, b = np.zeros((count, 4, 3)), np.zeros((count, 4))
        for k, view in enumerate(views):
            rays = view.rays(points_px[k])
            scale = (weight[k] * view.matrix[0, 0] / depth[k])[:, None, None]
            rows = view.rotation[None, :2] - rays[:, :, None] * view.rotation[None, 2:]
            a[:, 2 * k : 2 * k + 2] = scale * rows
            b[:, 2 * k : 2 * k + 2] = scale[..., 0] * (rays * view.shift_m[2] - view.shift_m[:2])
        normal = np.einsum("nki,nkj->nij", a, a)
        space = np.linalg.solve(normal, np.einsum("nki,nk->ni", a, b)[..., None])[..., 0]
        depth = np.stack([np.maximum(space @ v.rotation[2] + v.shift_m[2], 1e-3) for v in views])
    return space


def load_views(path: Path) -> tuple[View, View]:
    """The calibration of a pair: tables `first` and `second`, each with `focal_px` [fx, fy], `centre_px` [cx, cy],
    `distortion` [k1, k2, p1, p2, k3], `rotation_rad` (axis times angle) and `shift_m` of the camera.

    UserError names the key that is missing or wrong.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); calibrate the pair (docs/cameras.md)") from None
    except ValueError as error:
        raise UserError(f"{path}: not valid TOML ({error}); mend that line") from None
    return _view(document, "first", path), _view(document, "second", path)


_LENGTHS: Final = {"focal_px": 2, "centre_px": 2, "distortion": 5, "rotation_rad": 3, "shift_m": 3}


def _view(document: dict[str, Any], name: str, path: Path) -> View:
    table = document.get(name)
    if not isinstance(table, dict) or table.keys() != _LENGTHS.keys():
        raise UserError(f"{path}: table [{name}] must hold {', '.join(_LENGTHS)}, and nothing else")
    values: dict[str, npt.NDArray[np.float64]] = {}
    for key, length in _LENGTHS.items():
        numbers = table[key]
        sound = isinstance(numbers, list) and all(isinstance(v, int | float) and math.isfinite(v) for v in numbers)
        if not sound or len(numbers) != length:
            raise UserError(f"{path}: `{name}.{key}` must be {length} numbers, got {numbers!r}")
        values[key] = np.array(numbers, np.float64)
    if values["focal_px"].min() <= 0.0:
        raise UserError(f"{path}: `{name}.focal_px` must be above 0, got {table['focal_px']}")
    matrix = np.array(
        [[values["focal_px"][0], 0.0, values["centre_px"][0]], [0.0, values["focal_px"][1], values["centre_px"][1]],
         [0.0, 0.0, 1.0]]
    )  # fmt: skip
    rotation, _ = cv2.Rodrigues(values["rotation_rad"])
    return View(matrix, values["distortion"], np.asarray(rotation, np.float64), values["shift_m"])
