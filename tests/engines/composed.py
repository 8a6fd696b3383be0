"""Videos composed of the demo clip: people are cut out against the still background and pasted along other paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from edge_runtime.camera import ClipSource, ClipSpec

U8 = npt.NDArray[np.uint8]
FIRST, LAST = 75, 176
"""Frames of the demo clip in which the woman walks from right to left, and the man is on the wall."""

GONE = 215
"""From this frame on the man is out of the upper half."""

WALK_BAND = (480, 994)
MAN_BOX = (440, 20, 480, 420)
"""Rows in which the woman walks; where the man is while he stands on the wall (x, y, width, height), full picture."""


class Scene:
    """The demo clip at half size: `frames` [N, H, W, 3] RGB, `empty` the background, `woman` [N, H, W] her matte."""

    def __init__(self, clip: Path) -> None:
        self.frames, after = halved(clip, FIRST, LAST), halved(clip, GONE, None)
        self.empty = np.median(self.frames[::6], axis=0).astype(np.uint8)
        middle = WALK_BAND[0] // 2
        self.empty[:middle] = np.median(after, axis=0).astype(np.uint8)[:middle]
        self.woman = np.stack([matte(f, self.empty, WALK_BAND[0] // 2) for f in self.frames])

    def mirrored_in_front(self) -> U8:
        """Her mirror image crosses her way, and hides her where they meet."""
        return self._mirrored(in_front=True)

    def mirrored_behind(self) -> U8:
        """Her mirror image crosses behind her."""
        return self._mirrored(in_front=False)

    def _mirrored(self, in_front: bool) -> U8:
        out = []
        for frame, mask in zip(self.frames, self.woman, strict=True):
            twin = np.where(mask[:, ::-1, None], frame[:, ::-1], frame)
            out.append(twin if in_front else np.where(mask[..., None], frame, twin))
        return np.stack(out)

    def man_crosses(self) -> U8:
        """The man of the first frames walks against her and hides her where they meet."""
        x, y, width, height = (v // 2 for v in MAN_BOX)
        out = []
        for k, frame in enumerate(self.frames):
            source = self.frames[k % 20, y : y + height, x : x + width]
            mask = matte(source, self.empty[y : y + height, x : x + width], 0)
            left = int(-width + (frame.shape[1] + width) * k / len(self.frames))
            out.append(paste(frame, source, mask, left, 245))
        return np.stack(out)

    def wall(self, start_px: int, width_px: int) -> U8:
        """A grey wall stands before the scene; she is behind all of it for as long as she takes."""
        frames = self.frames.copy()
        noise = np.random.default_rng(1).integers(100, 130, (*frames.shape[1:3], 1)).astype(np.uint8)
        frames[:, :, start_px : start_px + width_px] = noise[:, start_px : start_px + width_px]
        return frames


def halved(clip: Path, first: int, last: int | None) -> U8:
    """Frames of the clip at half size."""
    full = ClipSource(ClipSpec(clip, first, last)).frames
    return np.stack([cv2.resize(f, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for f in full])


def matte(frame: U8, empty: U8, top: int) -> npt.NDArray[np.bool_]:
    """Where `frame` differs from the empty scene, the largest connected piece below row `top`."""
    far = cv2.GaussianBlur(cv2.absdiff(frame, empty).max(axis=2), (5, 5), 0) > 14
    far[:top] = False
    closed = cv2.morphologyEx(far.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return np.zeros(far.shape, np.bool_)
    found: npt.NDArray[np.bool_] = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return found


def paste(frame: U8, piece: U8, mask: npt.NDArray[np.bool_], left: int, top: int) -> U8:
    """`piece` over `frame` where `mask`, its corner at (left, top); what lies outside is cut off."""
    out = frame.copy()
    x0, x1 = max(0, left), min(frame.shape[1], left + piece.shape[1])
    y1 = min(frame.shape[0], top + piece.shape[0])
    if x1 <= x0:
        return out
    part: Any = (slice(0, y1 - top), slice(x0 - left, x1 - left))
    out[top:y1, x0:x1] = np.where(mask[part][..., None], piece[part], out[top:y1, x0:x1])
    return out
