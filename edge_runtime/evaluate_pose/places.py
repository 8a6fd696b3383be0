"""What a trial knows of its camera and of where the wearer was, in the world that the runtime uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edge_runtime.biomech.world import CameraPlace
from edge_runtime.types import F64


def focal_px(data: Mapping[str, Any]) -> float | None:
    """Of an intrinsic matrix [3, 3] in px; other descriptions of a camera are left aside."""
    camera = data.get("camera")
    if camera is None or camera.shape != (3, 3) or camera.dtype.kind != "f" or not camera[0, 0] > 100.0:
        return None
    return float(camera[0, 0])


def camera_place(data: Mapping[str, Any]) -> CameraPlace:
    """Intrinsics, and height and tilt where `camera_position_m` [3] and `camera_axes` [3, 3] (rows right, down, away;
    y of the world up, floor at 0) are there."""
    focal = focal_px(data)
    centre = None if focal is None else (float(data["camera"][0, 2]), float(data["camera"][1, 2]))
    axes = data.get("camera_axes")
    if axes is None or axes.shape != (3, 3) or data.get("camera_position_m", np.zeros(0)).shape != (3,):
        return CameraPlace(focal, centre)
    right, down, away = axes[:, 1].tolist()
    return CameraPlace(focal, centre, float(data["camera_position_m"][1]), (right, down, away))


def hips_in_world(data: Mapping[str, Any]) -> F64 | None:
    """`hips_m` [M, 3] of the file seen from the ground under its camera: to the right, up, towards the camera."""
    hips, axes, position = (data.get(key) for key in ("hips_m", "camera_axes", "camera_position_m"))
    if hips is None or axes is None or position is None or hips.shape != (len(data["t"]), 3):
        return None
    up = np.array([0.0, 1.0, 0.0])
    away = axes[2] * (1.0, 0.0, 1.0)
    away /= np.linalg.norm(away)
    return np.asarray((hips - position * (1.0, 0.0, 1.0)) @ np.stack([np.cross(away, up), up, -away]).T)
