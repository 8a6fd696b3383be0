"""The camera that films a synthetic person: where it stands, its lens, what it projects where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.training.people.bodies import F64

SIZES: Final = ((640, 480), (640, 480), (848, 480), (960, 540), (480, 640), (540, 960), (1280, 720))
_UP: Final = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True)
class Camera:
    """A camera without distortion: `axes` [3, 3] rows right, down, forward in the world; `focal_px`; `size` width,
    height; the optical axis goes through the middle of the image."""

    position_m: F64
    axes: F64
    focal_px: float
    size: tuple[int, int]

    @property
    def matrix(self) -> F64:
        """Intrinsics [3, 3]."""
        width, height = self.size
        return np.array([[self.focal_px, 0.0, width / 2], [0.0, self.focal_px, height / 2], [0.0, 0.0, 1.0]])

    def project(self, points_m: F64) -> F64:
        """Pixels and distance [N, 3] of world points [N, 3]."""
        seen = (points_m - self.position_m) @ self.axes.T
        distance = seen[:, 2]
        safe = np.where(distance > 1e-3, distance, 1e-3)
        width, height = self.size
        x, y = self.focal_px * seen[:, 0] / safe + width / 2, self.focal_px * seen[:, 1] / safe + height / 2
        return np.stack([x, y, distance], axis=1)

    def rays(self, x_px: F64, y_px: F64) -> F64:
        """Unit directions [..., 3] in the world of pixels."""
        width, height = self.size
        local = np.stack([x_px - width / 2, y_px - height / 2, np.full_like(x_px, self.focal_px)], axis=-1)
        local /= np.linalg.norm(local, axis=-1, keepdims=True)
        return np.asarray(local @ self.axes)


def place_camera(yaw_deg: float, middle_m: F64, stature_m: float, random: np.random.Generator) -> Camera:
    """A camera that looks at a person around `middle_m` [3] who faces +x.

    `yaw_deg` off frontal: 0 looks into the face, 90 from the person's right, −90 from the left, 180 from behind.
    Height, lens, distance, aim and roll are drawn; the person fills 50 to 92 % of the image's height (at most three
    quarters of the width of a narrow one).
    """
    size = SIZES[random.integers(len(SIZES))]
    width, height = size
    focal_px = 0.5 * max(size) / np.tan(np.radians(random.uniform(40.0, 80.0)) / 2)
    tall_px = min(random.uniform(0.5, 0.92) * height, 1.5 * width)
    distance_m = max(1.6, focal_px * stature_m / tall_px)
    yaw = np.radians(yaw_deg)
    level = random.choice((random.uniform(0.8, 1.3), random.uniform(0.35, 2.1)))
    position = np.array([distance_m * np.cos(yaw), 0.0, distance_m * np.sin(yaw)]) + middle_m * (1.0, 0.0, 1.0)
    position[1] = level
    aside = random.normal(0.0, 0.04, 3) * stature_m
    forward = middle_m * (1.0, 0.0, 1.0) + np.array([0.0, 0.5 * stature_m, 0.0]) + aside - position
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, _UP)
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    roll = np.radians(random.normal(0.0, 2.5))
    axes = np.stack([np.cos(roll) * right + np.sin(roll) * down, -np.sin(roll) * right + np.cos(roll) * down, forward])
    return Camera(position, axes, float(focal_px), size)
