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

CORNERS: Final = np.array([(x, y) for x in (0, PATCH[0] - 1) for y in (0, PATCH[1] - 1)], np.float64)
"""Of a patch, in samples."""

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
MIN_COMMON: Final = 2
"""So many parts must be known of both who are compared. Own choice."""

LENGTH: Final = LIGHT_BINS + COLOUR_BINS**2

Patch = npt.NDArray[np.float32]


def looks(rgb: npt.NDArray[np.uint8], xy_px: F64) -> F64:
    """Histograms [4, LENGTH] of `PARTS` of the person with landmarks `xy_px` [33, 2] in `rgb` [H, W, 3].

    A part that the picture's edge cuts is NaN; all are where neither trunk nor thighs can be seen whole.
    """
    hips, shoulders, ears = (xy_px[pair].mean(axis=0) for pair in (HIPS, SHOULDERS, EARS))
    up = shoulders - hips
    length = float(np.hypot(*up))
    torso = _patches(rgb, [(hips, shoulders)], TORSO_WIDTH * length)
    head = _patches(rgb, [(ears, ears + HEAD_WIDTH * up)], HEAD_WIDTH * length)
    thighs, shins = (
        _patches(rgb, list(zip(xy_px[start], xy_px[end], strict=True)), width * length)
        for start, end, width in ((HIPS, KNEES, THIGH_WIDTH), (KNEES, ANKLES, SHIN_WIDTH))
    )
    clothes = torso + thighs
    if not clothes:
        return np.full((len(PARTS), LENGTH), np.nan)
    median = np.median(np.concatenate(clothes).reshape(-1, 3), axis=0)
    gain = np.float32(MID_GREY / max(float(median.mean()), 1.0))
    return _histograms([torso, head, thighs, shins], gain)


def unlike(one: F64, other: F64) -> float:
    """0 for the same look, 1 for nothing in common (Hellinger distance, mean over the parts known of both).

    NaN where these are fewer than MIN_COMMON: that is no evidence, neither way.
    """
    common = np.isfinite(one[..., 0]) & np.isfinite(other[..., 0])
    if common.sum() < MIN_COMMON:
        return float("nan")
    one, other = one[common], other[common]
    light = np.sqrt(one[..., :LIGHT_BINS] * other[..., :LIGHT_BINS]).sum(axis=-1)
    colour = np.sqrt(one[..., LIGHT_BINS:] * other[..., LIGHT_BINS:]).sum(axis=-1)
    overlap = LIGHT_WEIGHT * light + (1.0 - LIGHT_WEIGHT) * colour
    return float(np.sqrt(np.clip(1.0 - overlap, 0.0, 1.0)).mean())


def _patches(rgb: npt.NDArray[np.uint8], lines: list[tuple[F64, F64]], width: float) -> list[Patch]:
    """Strips along those `lines` (from, to) that lie wholly in the picture."""
    found = (_patch(rgb, start, end, width) for start, end in lines)
    return [patch for patch in found if patch is not None]


def _patch(rgb: npt.NDArray[np.uint8], start: F64, end: F64, width: float) -> Patch | None:
    """A strip of `width` px from `start` to `end`, as PATCH samples [rows, columns, 3]; None if the edge cuts it."""
    columns, rows = PATCH
    along = (end - start) / rows
    length = max(float(np.hypot(*along)), 1e-6)
    across = np.array([-along[1], along[0]]) / length * (width / columns)
    origin = start + 0.5 * along - (columns - 1) / 2 * across
    matrix = np.column_stack([across, along, origin])
    corners = origin + CORNERS @ matrix[:, :2].T
    if not ((corners >= 0) & (corners <= (rgb.shape[1] - 1, rgb.shape[0] - 1))).all():
        return None
    return np.asarray(cv2.warpAffine(rgb, matrix, PATCH, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.float32)


def _histograms(parts: list[list[Patch]], gain: np.float32) -> F64:
    """Shares [parts, LENGTH]: of lightness, then of colour; each sums to 1, NaN where a part has no patch. Colour is
    smoothed over neighbouring bins."""
    balanced = np.concatenate([patch for part in parts for patch in part])
    balanced *= gain
    lab = cv2.cvtColor(np.minimum(balanced, 255.0).astype(np.uint8), cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.int64)
    part = np.repeat(np.arange(len(parts)), [len(patches) * PATCH[0] * PATCH[1] for patches in parts])
    light = np.bincount(part * LIGHT_BINS + lab[:, 0] * LIGHT_BINS // 256, minlength=len(parts) * LIGHT_BINS)
    bins = np.clip((lab[:, 1:] - 128) // COLOUR_STEP + COLOUR_BINS // 2, 0, COLOUR_BINS - 1)
    place = (bins[:, 0] * COLOUR_BINS + bins[:, 1]) * len(parts) + part
    colour = np.bincount(place, minlength=COLOUR_BINS**2 * len(parts)).astype(np.float64)
    smooth = cv2.GaussianBlur(colour.reshape(COLOUR_BINS, COLOUR_BINS, len(parts)), (3, 3), 0.8)
    counts = np.hstack([light.reshape(len(parts), LIGHT_BINS), smooth.reshape(-1, len(parts)).T])
    counts[[not patches for patches in parts]] = np.nan
    counts[:, :LIGHT_BINS] /= counts[:, :LIGHT_BINS].sum(axis=1, keepdims=True)
    counts[:, LIGHT_BINS:] /= counts[:, LIGHT_BINS:].sum(axis=1, keepdims=True)
    return counts
