"""The live camera of a run: a thread that captures and judges, the newest frame for the tick, nothing else kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from edge_runtime.cameras.base import Camera, Shot
from edge_runtime.cameras.health import CameraHealth
from edge_runtime.cameras.open import open_camera
from edge_runtime.cameras.reference import load_reference
from edge_runtime.cameras.spec import CameraSpec
from edge_runtime.errors import WORLD_ERRORS, UserError
from edge_runtime.types import Frame

CLOSE_S: Final = 3.0
FIRST_S: Final = 5.0
"""How long closing and the first picture may take. Own choice."""

BLANK: Final = np.zeros((16, 16, 3), np.uint8)
"""Stands in for the picture of a frame whose camera gives none."""


class LiveCamera:
    """Frames of a live camera, judged. A frame that is not fetched before the next comes is forgotten and counted.

    Use as a context; `next` never waits longer than the camera's `stall_ms`. `clock_ns` is CLOCK_MONOTONIC.
    """

    def __init__(
        self, spec: CameraSpec, clock_ns: Callable[[], int] = time.monotonic_ns, camera: Camera | None = None
    ) -> None:
        reference = load_reference(Path(spec.reference)) if spec.reference else None
        self._camera = camera if camera is not None else open_camera(spec)
        self._health = CameraHealth(reference)
        self._name = spec.source
        self._stall_ns = round(spec.stall_ms * 1e6)
        self._clock_ns = clock_ns
        self._fresh = threading.Condition()
        self._newest: tuple[Shot, str] | None = None
        self._ended: str | None = None
        self._closing = False
        self._cut = False
        self._last_ns = 0
        self._count = 0
        self.overtaken = 0
        self._thread = threading.Thread(target=self._capture, name="camera", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._camera.interrupt()
        self._thread.join(CLOSE_S)

    @property
    def stamps(self) -> str:
        """Where capture stamps come from, see `Camera`."""
        return self._camera.stamps

    @property
    def stall_s(self) -> float:
        """How long without a frame is a stall."""
        return self._stall_ns * 1e-9

    @property
    def ended(self) -> str | None:
        """Why no more frames come, None while they may."""
        return self._ended

    def first(self) -> Frame:
        """The first frame, waited for FIRST_S; UserError where none comes."""
        give_up_ns = self._clock_ns() + round(FIRST_S * 1e9)
        while self._clock_ns() < give_up_ns and self._ended is None:
            frame = self.next()
            if frame.rgb is not BLANK:
                return frame
        raise UserError(f"camera {self._name}: no picture; {self._ended or f'none came within {FIRST_S:g} s'}")

    def next(self) -> Frame:
        """The newest frame; where none comes in time, a blank one with the fault `camera_stalled`.

        Stamps rise from frame to frame: what was captured before a stall was noticed is left out.
        """
        give_up_ns = self._clock_ns() + self._stall_ns
        with self._fresh:
            while True:
                newest, self._newest = self._newest, None
                if newest is not None and newest[0].t_capture_ns > self._last_ns:
                    return self._frame(newest[0].rgb, newest[0].t_capture_ns, newest[1])
                left_s = (give_up_ns - self._clock_ns()) * 1e-9
                if left_s <= 0.0 or self._ended is not None:
                    return self._frame(BLANK, max(self._clock_ns(), self._last_ns + 1), "camera_stalled")
                self._fresh.wait(left_s)

    def newest(self, wanted_ns: int, patience_ns: int) -> Frame | None:
        """A frame that was not handed out before, None where there is none; waits up to `patience_ns` for one captured
        from `wanted_ns` on."""
        give_up_ns = self._clock_ns() + patience_ns
        with self._fresh:
            while self._newest is None or self._newest[0].t_capture_ns < wanted_ns:
                left_s = (give_up_ns - self._clock_ns()) * 1e-9
                if left_s <= 0.0 or self._ended is not None:
                    break
                self._fresh.wait(left_s)
            newest, self._newest = self._newest, None
            if newest is None or newest[0].t_capture_ns <= self._last_ns:
                return None
            return self._frame(newest[0].rgb, newest[0].t_capture_ns, newest[1])

    def _frame(self, rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], t_ns: int, fault: str) -> Frame:
        frame = Frame(rgb, t_ns, self._count, self._cut, fault)
        self._cut = False
        self._last_ns = t_ns
        self._count += 1
        return frame

    def _capture(self) -> None:
        ended = "the camera has ended"
        try:
            while not self._closing:
                shot = self._camera.read()
                if shot is None:
                    break
                fault = self._health.judge(shot.rgb, shot.t_capture_ns)
                with self._fresh:
                    self.overtaken += self._newest is not None
                    self._newest = shot, fault
                    self._cut |= shot.cut
                    self._fresh.notify()
        except WORLD_ERRORS as error:
            ended = str(error)
        finally:
            self._camera.close()
        with self._fresh:
            self._ended = ended
            self._fresh.notify()
