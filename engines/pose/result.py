"""What the pose tracker hands out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

LANDMARKS: Final = 33
"""Body landmarks that BlazePose reports (Bazarevsky et al. 2020, "BlazePose", figure 1)."""

F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoseResult:
    """33 landmarks of one person at `t_capture_ns`.

    `xy_px` [33, 2] pixels of the given frame; `visibility` [33] 0..1; `sharpness` [33] 0..1 peak of the heatmap
    around each point, low where the network is undecided; `world_m` [33, 3] metres, hip-centred,
    x right of the image, y down, z away from the camera; `score` presence 0..1; `size_px` width and height of the
    frame. Where not `valid`, `reason`
    is "searching" or "lost", the arrays hold NaN and `score` is the presence that was too low, else 0.
    """

    t_capture_ns: int
    valid: bool
    reason: str
    xy_px: F64
    visibility: F64
    world_m: F64
    score: float
    sharpness: F64 = field(default_factory=lambda: np.ones(LANDMARKS))
    size_px: tuple[int, int] = (0, 0)


def no_pose(t_capture_ns: int, reason: str, score: float) -> PoseResult:
    """An invalid result."""
    return PoseResult(
        t_capture_ns,
        valid=False,
        reason=reason,
        xy_px=np.full((LANDMARKS, 2), np.nan),
        visibility=np.full(LANDMARKS, np.nan),
        sharpness=np.full(LANDMARKS, np.nan),
        world_m=np.full((LANDMARKS, 3), np.nan),
        score=score,
    )
