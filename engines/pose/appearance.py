"""How a person looks: colours of trunk, head and legs, read where the landmarks say they are, compared by overlap."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from engines.pose.landmarks import HIPS, SHOULDERS
from engines.pose.result import F64

EARS: Final = [7, 8]
KNEES: Final = [25, 26]
ANKLES: Final = [27, 28]
"""BlazePose numbering."""

PATCH: Final = (12, 16)
"""Samples across and along a limb. Own choice: 192 samples place a colour within a few percent."""

TORSO_WIDTH: Final = 0.45
HEAD_WIDTH: Final = 0.3
THIGH_WIDTH: Final = 0.22
SHIN_WIDTH: Final = 0.15
"""Of the torso's length; narrower than the body, so that arms and background stay out. Own choice."""

LIGHT_BINS: Final = 6
COLOUR_BINS: Final = 12
COLOUR_STEP: Final = 4
"""Lightness and the two colour axes of CIE L*a*b* (8 bit): colour in steps of 4 about grey."""

LIGHT_WEIGHT: Final = 0.3
"""Lightness counts less than colour: it goes with sun and shade. Own choice."""

MID_GREY: Final = 110.0
"""Where the person's median brightness is put before histograms are taken, so that walking from sun into shade changes
little. Own choice."""

PARTS: Final = ("torso", "head", "thighs", "shins")
LENGTH: Final = LIGHT_BINS + COLOUR_BINS**2

Patch = npt.NDArray[np.float32]


def looks(rgb: npt.NDArray[np.uint8], xy_px: F64) -> F64:
    """Histograms [4, LENGTH] of `PARTS` of the person with landmarks `xy_px` [33, 2] in `rgb` [H, W, 3]."""
    hips, shoulders, ears = (xy_px[pair].mean(axis=0) for pair in (HIPS, SHOULDERS, EARS))
    up = shoulders - hips
    length = float(np.hypot(*up))
    torso = _patch(rgb, hips, shoulders, TORSO_WIDTH * length)
    head = _patch(rgb, ears, ears + HEAD_WIDTH * up, HEAD_WIDTH * length)
    thighs, shins = (
        np.concatenate([_patch(rgb, xy_px[a], xy_px[b], width * length) for a, b in zip(start, end, strict=True)])
        for start, end, width in ((HIPS, KNEES, THIGH_WIDTH), (KNEES, ANKLES, SHIN_WIDTH))
    )
    median = np.median(np.concatenate([torso, thighs]).reshape(-1, 3), axis=0)
    gain = np.float32(MID_GREY / max(float(median.mean()), 1.0))
    return np.stack([_histogram(part * gain) for part in (torso, head, thighs, shins)])


def unlike(one: F64, other: F64) -> float:
    """0 for the same look, 1 for nothing in common (Hellinger distance, mean over the parts)."""
    light = np.sqrt(one[..., :LIGHT_BINS] * other[..., :LIGHT_BINS]).sum(axis=-1)
    colour = np.sqrt(one[..., LIGHT_BINS:] * other[..., LIGHT_BINS:]).sum(axis=-1)
    overlap = LIGHT_WEIGHT * light + (1.0 - LIGHT_WEIGHT) * colour
    return float(np.sqrt(np.clip(1.0 - overlap, 0.0, 1.0)).mean())


def _patch(rgb: npt.NDArray[np.uint8], start: F64, end: F64, width: float) -> Patch:
    """A strip of `width` px from `start` to `end`, as PATCH samples [rows, columns, 3]."""
    columns, rows = PATCH
    along = (end - start) / rows
    length = max(float(np.hypot(*along)), 1e-6)
    across = np.array([-along[1], along[0]]) / length * (width / columns)
    origin = start + 0.5 * along - (columns - 1) / 2 * across
    matrix = np.column_stack([across, along, origin])
    return np.asarray(cv2.warpAffine(rgb, matrix, PATCH, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.float32)


def _histogram(patch: Patch) -> F64:
    """Shares [LENGTH]: of lightness, then of colour; each sums to 1. Colour is smoothed over neighbouring bins."""
    balanced = np.clip(patch, 0, 255).astype(np.uint8)
    lab = cv2.cvtColor(balanced, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.int64)
    light = np.bincount(lab[:, 0] * LIGHT_BINS // 256, minlength=LIGHT_BINS).astype(np.float64)
    bins = np.clip((lab[:, 1:] - 128) // COLOUR_STEP + COLOUR_BINS // 2, 0, COLOUR_BINS - 1)
    colour = np.bincount(bins[:, 0] * COLOUR_BINS + bins[:, 1], minlength=COLOUR_BINS**2).astype(np.float64)
    smooth = cv2.GaussianBlur(colour.reshape(COLOUR_BINS, COLOUR_BINS), (3, 3), 0.8)
    return np.concatenate([light / light.sum(), smooth.ravel() / smooth.sum()])
