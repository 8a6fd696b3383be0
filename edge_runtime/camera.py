"""The clip camera: a video file decoded into memory, then handed out frame by frame against any clock."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.types import U8, Frame
from engines.demo_clip import CROP, FIRST, LAST

_HEAD_BYTES: Final = 4096
"""Enough of a file to hold a zero byte if it is a video container."""


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """Part of a clip: frames `first` to `last` (both included, counted from 0; None: to the end), and the
    `crop` (x, y, width, height in px; None: the whole picture) that is kept of each."""

    path: Path
    first: int = 0
    last: int | None = None
    crop: tuple[int, int, int, int] | None = None

    @classmethod
    def demo(cls, path: Path) -> ClipSpec:
        """The gait in the demo clip, without the second man above the wall."""
        return cls(path, FIRST, LAST, CROP)


class FrameSource(Protocol):
    """Where frames come from, numbered from 0."""

    @property
    def fps(self) -> float:
        """Frames per second."""
        ...

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the whole picture."""
        ...

    @property
    def truncated(self) -> str | None:
        """A warning line where there are fewer than promised."""
        ...

    def __len__(self) -> int:
        """How many."""
        ...

    def frame_at(self, k: int, period_ns: int, t0_ns: int) -> Frame:
        """Frame number `k`; the first one is captured at `t0_ns`, or would have been."""
        ...


class ClipSource:
    """Frames of a clip in memory, so that decoding never disturbs a tick.

    `frames` uint8 [N, H, W, 3] RGB, `fps` as the file says, `truncated` a warning line where the file ends
    before its header says, else None; `size_px` (width, height) of the whole picture. `len()` is N
    times `passes`. UserError, one line: no such file, no video, broken video, frames or crop outside it.
    """

    def __init__(self, spec: ClipSpec, passes: int = 1) -> None:
        if passes < 1:
            raise ValueError(f"passes must be at least 1, is {passes}")
        capture = _open(spec.path)
        try:
            promised = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
            self.fps = float(capture.get(cv2.CAP_PROP_FPS))
            self.size_px = (
                int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
                int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            )
            last = _check_range(spec, promised)
            self.frames, decoded = _decode(capture, spec, last)
        finally:
            capture.release()
        self.truncated: str | None = None
        if decoded <= last:
            self.truncated = f"clip {spec.path} is cut short: {decoded} of {promised} frames decode; fetch it again"
        self._passes = passes

    def __len__(self) -> int:
        return len(self.frames) * self._passes

    def frame_at(self, k: int, period_ns: int, t0_ns: int) -> Frame:
        """Frame number `k` of the looped clip, captured at `t0_ns + k * period_ns`.

        One clip frame per period: a period of 1/fps plays at true speed. `cut` marks the first frame of every
        pass. IndexError past the last pass. `rgb` is a read-only view.
        """
        if not 0 <= k < len(self):
            raise IndexError(f"frame {k} of {len(self)}")
        position = k % len(self.frames)
        return Frame(self.frames[position], t0_ns + k * period_ns, k, cut=position == 0)


def _open(path: Path) -> Any:
    if path.is_dir():
        raise UserError(f"clip {path} is a folder: name a video file")
    if not path.exists():
        raise UserError(f"clip {path} does not exist: check the path, or run `exo-edge fetch` for the demo clip")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UserError(f"clip {path} cannot be read: {error.strerror}") from error
    if b"\0" not in head:  # FFmpeg would play a text file as terminal output
        raise UserError(f"clip {path} is no video (empty, or plain text): name a video file")
    capture = _open_quietly(path)
    if not capture.isOpened():
        raise UserError(f"clip {path} is no video, or is cut off before its index: fetch or export it again")
    if not 0 < capture.get(cv2.CAP_PROP_FPS) < 1000:
        capture.release()
        raise UserError(f"clip {path} has no frame rate: export it again as a video")
    return capture


def _open_quietly(path: Path) -> Any:
    """The capture, opened or not; what is wrong is said once, by the caller, not by the libraries."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        return cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(level)


def _check_range(spec: ClipSpec, promised: int) -> int:
    """The last frame to decode; UserError where the spec asks for frames that the header does not promise."""
    if promised < 1:
        raise UserError(f"clip {spec.path} holds no frames: export it again")
    last = promised - 1 if spec.last is None else spec.last
    if not 0 <= spec.first <= last < promised:
        raise UserError(
            f"clip {spec.path} has frames 0 to {promised - 1}, asked for {spec.first} to {last}: "
            "choose others with first and last"
        )
    return last


def _decode(capture: Any, spec: ClipSpec, last: int) -> tuple[U8, int]:
    """The wanted frames (read-only), and how many the file gave up to `last`."""
    rows, columns = _crop_slices(capture, spec)
    shape = (rows.stop - rows.start, columns.stop - columns.start, 3)
    frames = np.empty((last - spec.first + 1, *shape), np.uint8)
    decoded = 0
    while decoded <= last:
        if decoded < spec.first:
            good = capture.grab()
        else:
            good, bgr = capture.read()
            if good:
                cv2.cvtColor(bgr[rows, columns], cv2.COLOR_BGR2RGB, dst=frames[decoded - spec.first])
        if not good:
            break
        decoded += 1
    if decoded <= spec.first:
        raise UserError(
            f"clip {spec.path} is cut short: {decoded} frames decode, none of {spec.first} to {last}; fetch it again"
        )
    frames = frames[: decoded - spec.first]
    frames.flags.writeable = False
    return frames, decoded


def _crop_slices(capture: Any, spec: ClipSpec) -> tuple[slice, slice]:
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    x, y, w, h = spec.crop or (0, 0, width, height)
    if min(x, y) < 0 or min(w, h) < 1 or x + w > width or y + h > height:
        raise UserError(f"clip {spec.path} is {width} x {height} px: crop {x},{y} {w} x {h} lies outside")
    return slice(y, y + h), slice(x, x + w)
