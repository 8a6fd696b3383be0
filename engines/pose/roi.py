"""The square region that follows the person: built from two points, smoothed in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.pose.result import F64

ROI_SCALE: Final = 1.25
"""Margin around the full-body circle (MediaPipe, pose_landmarks_to_roi.pbtxt, `scale_x`)."""

MIN_CUTOFF_HZ: Final = 0.01
BETA: Final = 10.0
DERIVATIVE_CUTOFF_HZ: Final = 1.0
"""One-Euro constants of the two auxiliary points (MediaPipe, pose_landmark_filtering.pbtxt)."""


@dataclass(frozen=True, slots=True)
class Roi:
    """Rotated square in the frame: centre and side in pixels; `angle_rad` turns the image's up to the body's
    up, clockwise as seen (y points down)."""

    centre_x_px: float
    centre_y_px: float
    side_px: float
    angle_rad: float

    def matrix(self, size: int) -> F64:
        """Affine map [2, 3] from a crop of `size` pixels to the frame, corner to corner."""
        scale = self.side_px / size
        cos, sin = math.cos(self.angle_rad) * scale, math.sin(self.angle_rad) * scale
        half = size / 2
        return np.array(
            [
                [cos, -sin, self.centre_x_px - half * (cos - sin)],
                [sin, cos, self.centre_y_px - half * (sin + cos)],
            ]
        )

    def rotation(self) -> F64:
        """Rotation [2, 2] from the crop's axes to the frame's."""
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        return np.array([[cos, -sin], [sin, cos]])


def roi_from_points(points_px: F64) -> Roi:
    """Region of a person from `points_px` [2, 2]: hip centre, and a point on the circle around the whole body
    in the direction of the head (MediaPipe, alignment_points_to_rects_calculator)."""
    (centre_x, centre_y), (edge_x, edge_y) = points_px.tolist()
    radius = math.hypot(edge_x - centre_x, edge_y - centre_y)
    angle = math.pi / 2 - math.atan2(centre_y - edge_y, edge_x - centre_x)
    return Roi(centre_x, centre_y, 2 * radius * ROI_SCALE, math.remainder(angle, 2 * math.pi))


class OneEuro:
    """Low-pass whose cutoff rises with speed (Casiez, Roussel & Vogel, CHI 2012), on an array of values."""

    def __init__(self, min_cutoff_hz: float, beta: float, derivative_cutoff_hz: float) -> None:
        self._min_cutoff_hz = min_cutoff_hz
        self._beta = beta
        self._derivative_cutoff_hz = derivative_cutoff_hz
        self._state: tuple[int, F64, F64, F64] | None = None  # time, raw value, smooth value, smooth speed

    def reset(self) -> None:
        """Forget the past: the next value passes unchanged."""
        self._state = None

    def step(self, value: F64, t_ns: int, scale: float) -> F64:
        """Smoothed `value` at `t_ns`; speed is measured in units of 1/`scale` per second.

        A value not newer than the last one passes unchanged and leaves no trace.
        """
        if self._state is None:
            self._state = (t_ns, value, value, np.zeros_like(value))
            return value
        last_ns, raw, smooth, speed = self._state
        if t_ns <= last_ns:
            return value
        dt_s = (t_ns - last_ns) * 1e-9
        weight = _weight(self._derivative_cutoff_hz, dt_s)
        speed = speed + weight * ((value - raw) * (scale / dt_s) - speed)
        smooth = smooth + _weight(self._min_cutoff_hz + self._beta * np.abs(speed), dt_s) * (value - smooth)
        self._state = (t_ns, value, smooth, speed)
        return smooth


def _weight(cutoff_hz: F64 | float, dt_s: float) -> F64:
    return np.asarray(1.0 / (1.0 + 1.0 / (2 * math.pi * dt_s * cutoff_hz)))


class RoiTracker:
    """Region of the next frame from the landmark net's two auxiliary points."""

    def __init__(self) -> None:
        self._filter = OneEuro(MIN_CUTOFF_HZ, BETA, DERIVATIVE_CUTOFF_HZ)

    def reset(self) -> None:
        """Start anew after a re-acquisition or a cut."""
        self._filter.reset()

    def step(self, aux_px: F64, current: Roi, t_ns: int) -> Roi:
        """`aux_px` [2, 2] as found inside `current` at `t_ns`; speeds are relative to that region's side."""
        return roi_from_points(self._filter.step(aux_px, t_ns, 1.0 / current.side_px))
