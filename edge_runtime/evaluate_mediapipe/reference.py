"""Runs MediaPipe's pose graph in an interpreter that has it: `python reference.py FRAMES.npz OUT.npz`; imports nothing
of ours."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def run(frames: Any, fps: float, smooth: bool) -> Any:
    """Landmarks [N, 33, 2] px of uint8 RGB `frames` [N, H, W, 3], NaN where nobody is found."""
    import mediapipe  # type: ignore[import-not-found, unused-ignore]

    size = frames.shape[2], frames.shape[1]
    out = np.full((len(frames), 33, 2), np.nan)
    with mediapipe.solutions.pose.Pose(model_complexity=1, smooth_landmarks=smooth) as pose:
        for k, frame in enumerate(frames):
            found = pose.process(frame).pose_landmarks
            if found is not None:
                out[k] = [(point.x * size[0], point.y * size[1]) for point in found.landmark]
    return out


if __name__ == "__main__":
    with np.load(sys.argv[1]) as given:
        rgb, rate_hz = given["rgb"], float(given["fs"])
    np.savez(sys.argv[2], raw=run(rgb, rate_hz, False), smooth=run(rgb, rate_hz, True))
