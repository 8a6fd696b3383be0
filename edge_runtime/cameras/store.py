"""Stores pictures of a run, blurred, beside the tick; only where a visible switch asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import cv2

from edge_runtime.cameras.privacy import FaceBlur
from edge_runtime.types import F64, U8
from engines.beside import Beside, Placement

EVERY_NS: Final = 1_000_000_000
"""One picture per second is enough to see what went on. Own choice."""


class Picture(NamedTuple):
    """`rgb` [H, W, 3], the wearer's landmarks [33, 2] in it (None: not found), and its capture stamp."""

    rgb: U8
    wearer_px: F64 | None
    t_capture_ns: int


class FrameStore:
    """Writes `folder`/<capture stamp>.jpg, at most one per second; a picture that cannot be blurred is dropped."""

    def __init__(self, folder: Path, blur: Callable[[], FaceBlur], beside: Placement) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._open = blur
        self._blur: FaceBlur | None = None
        self._due_ns = 0
        self.stored = self.dropped = 0
        self._worker: Beside[Picture, bool] = beside(self._store, 1)

    def offer(self, picture: Picture) -> None:
        """Store it where one is due; never waits. Pictures that are not due are forgotten at once."""
        if (reply := self._worker.poll()) is not None:
            self.stored += reply.answer
            self.dropped += not reply.answer
        if picture.t_capture_ns >= self._due_ns:
            self._due_ns = picture.t_capture_ns + EVERY_NS
            self._worker.submit(picture)

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    def _store(self, picture: Picture) -> bool:
        self._blur = self._blur or self._open()
        clean = self._blur.blurred(picture.rgb, picture.wearer_px)
        if clean is None:
            return False
        path = self._folder / f"{picture.t_capture_ns}.jpg"
        return bool(cv2.imwrite(str(path), cv2.cvtColor(clean, cv2.COLOR_RGB2BGR)))
