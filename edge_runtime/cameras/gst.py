"""A GStreamer pipeline as a process of its own: works with any build of OpenCV, and with a Jetson's own plugins."""

from __future__ import annotations

import select
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from edge_runtime.cameras.base import Shot
from edge_runtime.cameras.gdp import BUFFER, CAPS, HEADER_BYTES, GdpError, parse_header, picture_size, row_bytes
from edge_runtime.cameras.spec import CameraSpec
from edge_runtime.cameras.stamps import PresentationClock
from edge_runtime.errors import UserError

TAIL: Final = "! videoconvert ! video/x-raw,format=RGB ! gdppay ! fdsink fd=1 sync=false"
"""What follows the user's pipeline; on a Jetson it ends in nvvidconv, so that pictures leave the GPU's memory."""

FIRST_S: Final = 10.0
"""A pipeline that gives nothing for so long does not work. Own choice: a CSI camera takes 2 to 3 s."""


class GstCamera:
    """Pictures of `gst-launch-1.0 PIPELINE`. Stamps follow the buffers' times, which live sources take from the
    pipeline's clock at capture; the least delay between capture and arrival is in them unseen."""

    def __init__(self, spec: CameraSpec, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        _require_tools(spec.source)
        self._source, self._clock_ns = spec.source, clock_ns
        pipeline = shlex.split(f"{spec.source.partition(':')[2]} {TAIL}")
        self._process = subprocess.Popen(
            ["gst-launch-1.0", "-q", *pipeline],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._size: tuple[int, int] | None = None
        self._clock = PresentationClock()
        self._timed = True
        self._first: Shot | None = self._wait_for_first()

    @property
    def stamps(self) -> str:
        """As the pipeline times its buffers; by arrival where it does not."""
        return "presentation" if self._timed else "arrival"

    def read(self) -> Shot | None:
        """The next picture; None where the pipeline has ended."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return self._next()

    def interrupt(self) -> None:
        """End the pipeline: the pipe closes."""
        self._process.terminate()

    def close(self) -> None:
        """End the pipeline and wait for it."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _wait_for_first(self) -> Shot:
        """The first picture, or UserError with the pipeline's own words."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], FIRST_S)
        shot = self._next() if ready else None
        if shot is not None:
            return shot
        self.close()
        assert self._process.stderr is not None
        said = [line for line in self._process.stderr.read().decode(errors="replace").splitlines() if line.strip()]
        why = next((line for line in said if "ERROR" in line or "erroneous" in line), "it gives no picture")
        raise UserError(f"camera {self._source}: the pipeline does not run: {why.strip()}")

    def _next(self) -> Shot | None:
        while True:
            head = self._take(HEADER_BYTES)
            if head is None:
                return None
            header = parse_header(head)
            body = self._take(header.length)
            if body is None:
                return None
            arrival_ns = self._clock_ns()
            if header.kind == CAPS:
                self._size = _size_of(body, self._source)
            elif header.kind == BUFFER and self._size is not None:
                self._timed = header.time_ns is not None
                stamp_ns = arrival_ns if header.time_ns is None else self._clock.stamp(header.time_ns, arrival_ns)
                return Shot(_picture(body, *self._size), stamp_ns)

    def _take(self, count: int) -> bytes | None:
        assert self._process.stdout is not None
        data = self._process.stdout.read(count)
        return data if data is not None and len(data) == count else None


def _picture(body: bytes, width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    rows = np.frombuffer(body, np.uint8).reshape(height, row_bytes(width))
    return rows[:, : 3 * width].reshape(height, width, 3)


def _size_of(caps: bytes, source: str) -> tuple[int, int]:
    try:
        return picture_size(caps)
    except GdpError as error:
        raise UserError(f"camera {source}: {error}") from None


def _require_tools(source: str) -> None:
    if shutil.which("gst-launch-1.0") is None:
        raise UserError(f"camera {source}: GStreamer is not installed (Debian: apt install gstreamer1.0-tools)")
    inspect = ["gst-inspect-1.0", "--exists", "gdppay"]
    if subprocess.run(inspect, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0:
        raise UserError(f"camera {source}: GStreamer lacks gdppay (Debian: apt install gstreamer1.0-plugins-bad)")
