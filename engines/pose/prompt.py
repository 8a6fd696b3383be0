"""Prompts: who of the people in the picture is the wearer, said before anybody is followed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from engines.errors import EngineError
from engines.pose.result import F64

Box = tuple[int, int, int, int]

MASK_SAMPLES: Final = 9
MASK_SHARE: Final = 0.5
"""A person is the one in the mask where half of these points between hips and shoulders lie in it. Own choice."""

ROOM: Final = 1.6
"""The detector sees people best who fill much of its input; so much larger than what is prompted is searched. Own
choice."""


class Prompt(Protocol):
    """Says where to look, and ranks people by their hips and shoulders."""

    def area(self) -> tuple[float, float, float] | None:
        """Centre x, y and half the side of a square that holds the wearer, px; None: the whole picture."""
        ...

    def rank(self, hips_px: F64, shoulders_px: F64) -> float | None:
        """Smaller is more likely the wearer, None cannot be; `hips_px`, `shoulders_px` [2] in the frame."""
        ...


@dataclass(frozen=True, slots=True)
class Anybody:
    """No prompt: whoever the detector is surest of."""

    def area(self) -> tuple[float, float, float] | None:
        """Everywhere."""
        return None

    def rank(self, hips_px: F64, shoulders_px: F64) -> float | None:
        """The same for all: the detector's order stays."""
        return 0.0


@dataclass(frozen=True, slots=True)
class InBox:
    """The person whose hips lie in the box (x, y, width, height in px), nearest to its centre."""

    box: Box

    def area(self) -> tuple[float, float, float] | None:
        """The box, with room for a body whose hips are at its edge."""
        x, y, width, height = self.box
        return x + width / 2, y + height / 2, ROOM * max(width, height) / 2

    def rank(self, hips_px: F64, shoulders_px: F64) -> float | None:
        """Distance from the centre, px."""
        x, y, width, height = self.box
        inside = x <= hips_px[0] <= x + width and y <= hips_px[1] <= y + height
        return float(np.hypot(hips_px[0] - x - width / 2, hips_px[1] - y - height / 2)) if inside else None


@dataclass(frozen=True, slots=True)
class NearSpot:
    """The person whose hips are nearest to a calibrated spot, and no farther from it than `reach_px`."""

    spot_px: tuple[float, float]
    reach_px: float

    def area(self) -> tuple[float, float, float] | None:
        """All within reach, with room for a body at the edge."""
        return self.spot_px[0], self.spot_px[1], ROOM * self.reach_px

    def rank(self, hips_px: F64, shoulders_px: F64) -> float | None:
        """Distance from the spot, px."""
        distance = float(np.hypot(hips_px[0] - self.spot_px[0], hips_px[1] - self.spot_px[1]))
        return distance if distance <= self.reach_px else None


class InMask:
    """The person who covers the white part of a mask (uint8 [H, W], as large as the frame)."""

    def __init__(self, mask: npt.NDArray[np.uint8]) -> None:
        self._mask = mask > 127
        rows, columns = (np.flatnonzero(self._mask.any(axis=axis)) for axis in (1, 0))
        low, high = np.array([columns[0], rows[0]]), np.array([columns[-1], rows[-1]])
        self._area = (*((low + high) / 2).tolist(), ROOM * float((high - low).max() + 1) / 2)

    def area(self) -> tuple[float, float, float] | None:
        """Around the white part."""
        return self._area

    def rank(self, hips_px: F64, shoulders_px: F64) -> float | None:
        """Share of the trunk's axis outside the mask, 0..1 - MASK_SHARE."""
        height, width = self._mask.shape
        points = np.linspace(hips_px, shoulders_px, MASK_SAMPLES).round().astype(np.int64)
        inside = (points >= 0).all(axis=1) & (points < (width, height)).all(axis=1)
        hit = self._mask[points[inside, 1], points[inside, 0]].sum() / MASK_SAMPLES
        return 1.0 - float(hit) if hit >= MASK_SHARE else None


def load_mask(path: Path, size: tuple[int, int], crop: Box | None) -> InMask:
    """The mask in a PNG as large as the picture (`size` width, height px); `crop` as of the picture.

    EngineError, one line: not readable, another size, or nothing white in it.
    """
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) if path.is_file() else None
    if mask is None:
        raise EngineError(f"mask {path}: no picture that can be read; give a PNG, white where the wearer is")
    if mask.shape != (size[1], size[0]):
        raise EngineError(f"mask {path} is {mask.shape[1]} x {mask.shape[0]} px, the picture {size[0]} x {size[1]}")
    x, y, width, height = crop or (0, 0, *size)
    part = np.asarray(mask[y : y + height, x : x + width], np.uint8)
    if not (part > 127).any():
        raise EngineError(f"mask {path} has nothing white in the picture; paint the wearer white")
    return InMask(part)
