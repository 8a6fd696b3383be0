"""Is the camera fit to be believed: black, mis-exposed, blurred, moved or frozen pictures, by cheap thumbnails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from edge_runtime.cameras.mount import THUMB, MountWatch, Thumb
from edge_runtime.types import U8

BLACK_MEAN: Final = 16.0
BLACK_MAX: Final = 48.0
"""A picture is black below both, of 255: a covered lens. Own choice."""

DARK_MEAN: Final = 45.0
SATURATED: Final = 250
SATURATED_SHARE: Final = 0.5
"""Mis-exposed: darker than that, or that share of it saturated. The demo clip, made darker or brighter, alarms from 1/4
on and from 3 times on; at 1/2 and 2 times it does not."""

ROWS_STEP: Final = 16
FLAT: Final = 0.25
"""Mean difference of neighbours over that of pixels four apart: FLAT on ramps, which is what blur makes of edges."""

BLUR_SHARE: Final = 0.55
"""A picture is blurred where what its sharpness has above FLAT falls below this share of the reference's. The demo clip
has 0.16 to 0.19 above FLAT; blurred by 1 px (Gaussian) 0.08, by 1.5 px 0.04."""

HOLD_NS: Final = {
    "camera_black": 0,
    "camera_exposure": 100_000_000,
    "camera_blurred": 300_000_000,
    "camera_moved": 300_000_000,
    "camera_stalled": 1_000_000_000,
}
"""How long a fault lasts before it is one; for stalled: how long not a single sample changes."""

LEARN_FRAMES: Final = 15
"""So many first pictures make the reference where none is stored. Own choice."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The scene as the camera should see it: `thumb` float32 [96, 128], `sharpness` as `sharpness_of`."""

    thumb: Thumb
    sharpness: float


class CameraHealth:
    """Judges one camera's pictures in order. Without a stored `reference` the first pictures are taken for it."""

    def __init__(self, reference: Reference | None = None) -> None:
        self._reference = reference
        self._learned: list[tuple[Thumb, float]] = []
        self._since: dict[str, int] = {}
        self._mount = None if reference is None else MountWatch(reference.thumb)
        self._samples: U8 | None = None

    @property
    def reference(self) -> Reference | None:
        """What pictures are compared with; None while it is being learned."""
        return self._reference

    def judge(self, rgb: U8, t_ns: int) -> str:
        """ "" where the picture `rgb` [H, W, 3] of time `t_ns` may be believed, else what is wrong, gravest first."""
        samples = _samples(rgb)
        thumb = _thumb(samples)
        seen = {"camera_stalled": self._samples is not None and np.array_equal(self._samples, samples)}
        self._samples = samples
        seen |= _light(thumb)
        if not seen["camera_black"] and not seen["camera_exposure"]:
            seen |= self._compare(rgb, thumb, t_ns)
        for fault, found in seen.items():
            if not found:
                self._since.pop(fault, None)
            elif t_ns - self._since.setdefault(fault, t_ns) >= HOLD_NS[fault]:
                return fault
        return ""

    def _compare(self, rgb: U8, thumb: Thumb, t_ns: int) -> dict[str, bool]:
        sharpness = sharpness_of(rgb)
        if self._reference is None:
            self._learned.append((thumb, sharpness))
            if len(self._learned) == LEARN_FRAMES:
                thumbs, sharpnesses = zip(*self._learned, strict=True)
                self._reference = Reference(np.mean(thumbs, axis=0), float(np.median(sharpnesses)))
                self._mount = MountWatch(self._reference.thumb)
            return {}
        assert self._mount is not None
        wanted = max(self._reference.sharpness - FLAT, 0.0)
        blurred = sharpness - FLAT < BLUR_SHARE * wanted
        return {"camera_blurred": blurred, "camera_moved": self._mount.moved(thumb, t_ns)}


def sharpness_of(rgb: U8) -> float:
    """How much of the differences over four pixels lies between neighbours: FLAT blurred, about 0.4 in focus."""
    green = np.ascontiguousarray(rgb[::ROWS_STEP, :, 1])
    near = cv2.mean(cv2.absdiff(green[:, 1:], green[:, :-1]))[0]
    far = cv2.mean(cv2.absdiff(green[:, 4:], green[:, :-4]))[0]
    return float(near / far) if far > 0.0 else 0.0


def _samples(rgb: U8) -> U8:
    step = max(1, min(rgb.shape[1] // THUMB[0], rgb.shape[0] // THUMB[1]))
    return np.ascontiguousarray(rgb[::step, ::step, 1])


def _thumb(samples: U8) -> Thumb:
    return np.asarray(cv2.resize(samples, THUMB, interpolation=cv2.INTER_AREA), np.float32)


def _light(thumb: Thumb) -> dict[str, bool]:
    mean = float(thumb.mean())
    black = mean < BLACK_MEAN and float(thumb.max()) < BLACK_MAX
    saturated = float((thumb >= SATURATED).mean())
    return {"camera_black": black, "camera_exposure": mean < DARK_MEAN or saturated > SATURATED_SHARE}
