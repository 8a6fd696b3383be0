"""The demo clip: where in it the wearer walks past, and its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from engines.errors import EngineError
from engines.fetch import asset_path

FIRST: Final = 91
LAST: Final = 190
CROP: Final = (0, 430, 1150, 564)
"""Frames of the gait in the clip (1768 x 994, 30 fps), both included; x, y, width, height in px, without the second man
above the wall."""


def gait_frames(first: int = FIRST, last: int = LAST) -> Iterator[npt.NDArray[np.uint8]]:
    """The crop, RGB [H, W, 3], of these frames. EngineError: the clip is not fetched, or ends before."""
    capture: Any = cv2.VideoCapture(str(asset_path("demo_clip")))
    x, y, width, height = CROP
    try:
        for i in range(last + 1):
            good, bgr = capture.read()
            if not good:
                raise EngineError(f"the demo clip ends at frame {i}: run `exo-edge fetch`")
            if i >= first:
                yield np.ascontiguousarray(bgr[y : y + height, x : x + width, ::-1])
    finally:
        capture.release()
