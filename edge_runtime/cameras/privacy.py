"""Pictures that may be stored or shown: every face blurred first, or no picture at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.types import F64, U8

FACE: Final = slice(0, 11)
SHOULDERS: Final = [11, 12]
HIPS: Final = [23, 24]
"""BlazePose numbering: nose, eyes, ears, mouth; shoulders; hips."""

MIN_SCORE: Final = 0.3
"""YuNet's score from which a face is blurred; low, because a leaf blurred too much harms nobody. Own choice."""

MARGIN: Final = 1.6
"""A found face is blurred so much larger than its box, hair and ears included. Own choice."""

HEAD: Final = 0.4
"""Radius of the wearer's head at least, of the length of the trunk: a head is 0.13 of the height, the trunk from hip to
shoulder 0.29 (Drillis and Contini 1966), so its radius is 0.22; doubled for hair and for the error of landmarks."""

GRAIN: Final = 4
"""What is left of a face: so many squares each way. Own choice: nothing to recognize."""

PASSES: Final = 3
"""So often blurring is repeated where a face is still found, before the picture is dropped. Own choice."""

Circle = tuple[float, float, float]


class FaceFinder(Protocol):
    """Finds faces."""

    def find(self, rgb: U8) -> list[Circle]:
        """Centre x, y and radius in px of every face in `rgb` [H, W, 3]; raises where it cannot look."""
        ...


class YuNet:
    """YuNet by OpenCV (Wu et al. 2023); `model` is the ONNX file of the manifest's asset `face_detection_yunet`."""

    def __init__(self, model: Path) -> None:
        level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:
            self._net: Any = cv2.FaceDetectorYN.create(str(model), "", (320, 320), MIN_SCORE)
        except cv2.error as error:
            raise UserError(f"face detector {model}: cannot be opened ({error.err}); run `exo-edge fetch`") from None
        finally:
            cv2.utils.logging.setLogLevel(level)

    def find(self, rgb: U8) -> list[Circle]:
        """Faces from about 10 px on."""
        self._net.setInputSize((rgb.shape[1], rgb.shape[0]))
        _, found = self._net.detect(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        if found is None:
            return []
        boxes = np.asarray(found, np.float64)[:, :4]
        return [(x + w / 2, y + h / 2, float(np.hypot(w, h)) / 2 * MARGIN) for x, y, w, h in boxes]


class FaceBlur:
    """Blurs all faces of a picture; for use beside the tick (YuNet takes tens of milliseconds)."""

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder

    def blurred(self, rgb: U8, wearer_px: F64 | None) -> U8 | None:
        """A copy of `rgb` [H, W, 3] without faces; None where that cannot be promised.

        `wearer_px` [33, 2]: the wearer's landmarks in this very picture. None, or landmarks that are not finite: the
        wearer was not found, so the picture is dropped. It is also dropped where the detector fails, or still finds a
        face in what was blurred.
        """
        if wearer_px is None or not np.isfinite(wearer_px).all():
            return None
        try:
            out = rgb.copy()
            circles = [wearer_head(wearer_px), *self._finder.find(rgb)]
            for _ in range(PASSES):
                for circle in circles:
                    _blot(out, circle)
                circles = self._finder.find(out)
                if not circles:
                    return out
        except cv2.error:
            return None
        return None


def wearer_head(landmarks_px: F64) -> Circle:
    """Circle around the head from landmarks 0 to 10, at least as large as the trunk's length asks for."""
    face = landmarks_px[FACE]
    centre = face.mean(axis=0)
    trunk_px = float(np.hypot(*(landmarks_px[SHOULDERS].mean(axis=0) - landmarks_px[HIPS].mean(axis=0))))
    reach_px = float(np.hypot(*(face - centre).T).max())
    return float(centre[0]), float(centre[1]), max(MARGIN * reach_px, HEAD * trunk_px)


def _blot(picture: U8, circle: Circle) -> None:
    """Replace the disc by GRAIN x GRAIN mean colours, in place."""
    x, y, radius = circle
    height, width = picture.shape[:2]
    left, right = max(0, int(x - radius)), min(width, int(x + radius) + 1)
    top, bottom = max(0, int(y - radius)), min(height, int(y + radius) + 1)
    if left >= right or top >= bottom:
        return
    part = picture[top:bottom, left:right]
    coarse = cv2.resize(part, (GRAIN, GRAIN), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(coarse, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    disc = np.zeros(part.shape[:2], np.uint8)
    cv2.circle(disc, (round(x) - left, round(y) - top), round(radius), 1, thickness=-1)
    part[disc > 0] = smooth[disc > 0]
