"""What can happen to a camera, done to a clip's frames: for simulated runs only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np

from edge_runtime.camera import ClipSource
from edge_runtime.types import U8, Frame

KINDS: Final = (
    "camera_stall",
    "camera_slow",
    "camera_black",
    "camera_blur",
    "camera_wrong_person",
    "camera_remounted",
)


@dataclass(frozen=True, slots=True)
class CameraFault:
    """One of `KINDS` from `start_ns` to `end_ns` after the first frame; `value`: how many times slower, sigma of the
    blur in px, roll in degrees; the other kinds have none."""

    kind: str
    start_ns: int
    end_ns: int
    value: float = 0.0

    def holds(self, t_ns: int) -> bool:
        """True for a frame captured `t_ns` after the first."""
        return self.start_ns <= t_ns < self.end_ns


@dataclass(slots=True)
class FaultyCamera:
    """A clip seen by a camera that suffers `faults`, to which more may be added while it runs."""

    source: ClipSource
    faults: list[CameraFault] = field(default_factory=list)

    def frame_at(self, k: int, period_ns: int, t0_ns: int) -> Frame | None:
        """As `ClipSource.frame_at`; None where the camera gives nothing."""
        frame = self.source.frame_at(k, period_ns, t0_ns)
        t_ns = frame.t_capture_ns - t0_ns
        for fault in [f for f in self.faults if f.holds(t_ns)]:
            if fault.kind == "camera_stall" or _is_between(fault, t_ns, period_ns):
                return None
            frame = replace(frame, rgb=_spoiled(frame.rgb, fault, self.source.frames, frame.index))
        return frame


@dataclass(slots=True)
class LatecomerClip:
    """The frames that such a camera gives, counted one after the other: what a run in lock-step takes for its clip."""

    camera: FaultyCamera
    given: Sequence[int]

    @property
    def fps(self) -> float:
        """As the clip's."""
        return self.camera.source.fps

    @property
    def size_px(self) -> tuple[int, int]:
        """As the clip's."""
        return self.camera.source.size_px

    @property
    def truncated(self) -> str | None:
        """As the clip's."""
        return self.camera.source.truncated

    def __len__(self) -> int:
        return len(self.given)

    def frame_at(self, k: int, period_ns: int, t0_ns: int) -> Frame:
        """Frame number `k` of those that come."""
        frame = self.camera.frame_at(self.given[k], period_ns, t0_ns)
        assert frame is not None
        return frame


def _is_between(fault: CameraFault, t_ns: int, period_ns: int) -> bool:
    """True for the frames that a slow camera leaves out."""
    if fault.kind != "camera_slow":
        return False
    every = round(fault.value)
    return (t_ns - fault.start_ns) // period_ns % every != every - 1


def _spoiled(rgb: U8, fault: CameraFault, clip: U8, index: int) -> U8:
    if fault.kind == "camera_black":
        return np.zeros_like(rgb)
    if fault.kind == "camera_blur":
        return np.asarray(cv2.GaussianBlur(rgb, (0, 0), fault.value), np.uint8)
    if fault.kind == "camera_wrong_person":  # somebody walking the other way, elsewhere in their stride
        return np.ascontiguousarray(clip[(index + len(clip) // 2) % len(clip)][:, ::-1])
    if fault.kind == "camera_remounted":
        height, width = rgb.shape[:2]
        turn = cv2.getRotationMatrix2D((0.5 * width, 0.5 * height), fault.value, 1.0)
        return np.asarray(cv2.warpAffine(rgb, turn, (width, height)), np.uint8)
    return rgb
