"""Cameras through OpenCV: V4L2 devices, RTSP streams, and files played at their own rate."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import cv2

from edge_runtime.cameras.base import Shot
from edge_runtime.cameras.spec import CameraSpec
from edge_runtime.cameras.stamps import PresentationClock, driver_stamp
from edge_runtime.errors import UserError

OPEN_MS: Final = 5000
READ_MS: Final = 2000
"""A stream that does not answer for so long has failed. Own choice."""

_OPTIONS_NAME: Final = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_OPTIONS: Final = "rtsp_transport;tcp|fflags;nobuffer|flags;low_delay|analyzeduration;500000|probesize;500000"
"""A stream is understood within half a second, and no picture is kept back."""

Clock = Callable[[], int]


class V4l2Camera:
    """A V4L2 device. Stamps are the driver's (start of frame or end of transfer, as the driver says)."""

    def __init__(self, spec: CameraSpec, clock_ns: Clock = time.monotonic_ns, capture: Any = None) -> None:
        self._capture = capture if capture is not None else _open_device(spec)
        self._clock_ns = clock_ns
        self._stamped = True
        self._last_ns = 0

    @property
    def stamps(self) -> str:
        """Driver, unless its stamps are of another clock."""
        return "driver" if self._stamped else "arrival"

    def read(self) -> Shot | None:
        """The next picture; None where the device is gone."""
        good, bgr = self._capture.read()
        if not good:
            return None
        arrival_ns = self._clock_ns()
        stamp_ns = driver_stamp(self._capture.get(cv2.CAP_PROP_POS_MSEC), arrival_ns)
        self._stamped = stamp_ns is not None
        return Shot(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), arrival_ns if stamp_ns is None else stamp_ns)

    def interrupt(self) -> None:
        """OpenCV's read ends by its own time limit; released under it, it would bring the process down."""

    def close(self) -> None:
        """Give the device back."""
        self._capture.release()


class StreamCamera:
    """An RTSP stream by OpenCV's FFmpeg. Stamps follow the stream's presentation times; what encoder and network take
    at least is in them unseen, so calibrate the delay (docs/cameras.md)."""

    def __init__(self, spec: CameraSpec, clock_ns: Clock = time.monotonic_ns) -> None:
        self._capture = _open_stream(spec.source)
        self._clock_ns = clock_ns
        self._clock = PresentationClock()
        self._last_ms = -1.0

    @property
    def stamps(self) -> str:
        """As the stream times its pictures; by arrival where it does not."""
        return "presentation" if self._last_ms > 0 else "arrival"

    def read(self) -> Shot | None:
        """The next picture; None where the stream has ended."""
        good, bgr = self._capture.read()
        if not good:
            return None
        arrival_ns = self._clock_ns()
        time_ms = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        if time_ms <= self._last_ms:
            return Shot(rgb, arrival_ns)
        self._last_ms = time_ms
        return Shot(rgb, self._clock.stamp(round(time_ms * 1e6), arrival_ns))

    def interrupt(self) -> None:
        """OpenCV's read ends by its own time limit; released under it, it would bring the process down."""

    def close(self) -> None:
        """Hang up."""
        self._capture.release()


class FileCamera:
    """A video file, played at its own rate again and again, as if it were live."""

    def __init__(self, spec: CameraSpec, clock_ns: Clock = time.monotonic_ns) -> None:
        path = Path(spec.source.partition(":")[2])
        if not path.is_file():
            raise UserError(f"camera {spec.source}: there is no such file")
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        rate_hz = spec.rate_hz or self._capture.get(cv2.CAP_PROP_FPS)
        if not self._capture.isOpened() or not 0 < rate_hz < 1000:
            raise UserError(f"camera {spec.source}: no video that can be read; name a video file")
        self._period_ns = round(1e9 / rate_hz)
        self._clock_ns = clock_ns
        self._due_ns = 0

    @property
    def stamps(self) -> str:
        """The moment a picture is due."""
        return "presentation"

    def read(self) -> Shot | None:
        """The next picture when it is due; after the last the first again, marked as a cut."""
        good, bgr = self._capture.read()
        cut = not good
        if cut and self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0):
            good, bgr = self._capture.read()
        if not good:
            return None
        now_ns = self._clock_ns()
        self._due_ns = max(self._due_ns + self._period_ns, now_ns) if self._due_ns else now_ns
        time.sleep(max(0.0, (self._due_ns - now_ns) * 1e-9))
        return Shot(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), self._due_ns, cut)

    def interrupt(self) -> None:
        """OpenCV's read ends by its own time limit; released under it, it would bring the process down."""

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


def _open_device(spec: CameraSpec) -> Any:
    device = spec.source.partition(":")[2]
    if not Path(device).exists():
        found = sorted(str(p) for p in Path("/dev").glob("video*"))
        raise UserError(f"camera {spec.source}: there is no {device}; there is {', '.join(found) or 'no /dev/video*'}")
    capture = cv2.VideoCapture(device, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise UserError(f"camera {spec.source}: cannot be opened; is it in use, and are you in the group `video`?")
    for key, value in (
        (cv2.CAP_PROP_FRAME_WIDTH, spec.width_px),
        (cv2.CAP_PROP_FRAME_HEIGHT, spec.height_px),
        (cv2.CAP_PROP_FPS, spec.rate_hz),
    ):
        if value and (not capture.set(key, value) or abs(capture.get(key) - value) > 0.5):
            offered = capture.get(key)
            capture.release()
            raise UserError(
                f"camera {spec.source}: asked for {value:g}, it offers {offered:g}; see v4l2-ctl --list-formats-ext"
            )
    return capture


def _open_stream(url: str) -> Any:
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_MS]
    with _ffmpeg_options():
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        raise UserError(f"camera {url}: no stream there; check address, path and password")
    return capture


@contextlib.contextmanager
def _ffmpeg_options() -> Iterator[None]:
    """Low delay, and no words on the terminal; files opened later must not get these options."""
    before = os.environ.get(_OPTIONS_NAME)
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    os.environ[_OPTIONS_NAME] = before or _OPTIONS
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
        del os.environ[_OPTIONS_NAME]
        if before is not None:
            os.environ[_OPTIONS_NAME] = before
