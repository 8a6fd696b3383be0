"""What is read off landmarks to know the wearer by, and the part of a picture in which to look for them."""

from __future__ import annotations

from typing import Final

import numpy as np

from engines.pose.appearance import looks
from engines.pose.detector import U8, Box
from engines.pose.identity import Sighting
from engines.pose.landmarks import Landmarks
from engines.pose.roi import Roi

MIN_SIDE_PX: Final = 16.0
"""A region smaller than this holds no person worth following; also catches collapsed points. Own choice."""

EYES: Final = [2, 5]
ANKLES: Final = [27, 28]
EYE_TO_ANKLE: Final = 0.897
"""BlazePose numbering; share of the stature between eyes (0.936) and ankles (0.039), Drillis and Contini 1966."""

STATURE_TOLERANCE: Final = 0.15
"""Measured on a walker whose height is known: 4 % over a stride; the rest is for shoes and the spot's calibration."""


def stands(found: Landmarks, stature_px: float) -> bool:
    """Whether the person, standing upright, is as tall as expected."""
    eyes_px, ankles_px = found.xy_px[EYES].mean(axis=0), found.xy_px[ANKLES]
    reach_px = float(np.hypot(*(ankles_px - eyes_px).T).max())
    return abs(reach_px / EYE_TO_ANKLE / stature_px - 1.0) <= STATURE_TOLERANCE


def around(region: Roi | None) -> tuple[float, float, float] | None:
    """As large again around a region in which nobody was: the detector sees better there."""
    return None if region is None else (region.centre_x_px, region.centre_y_px, region.side_px)


def within(area: tuple[float, float, float], whole: Box) -> Box | None:
    """The square of `area` (centre x, y, half side) cut to `whole`; all of it where too little remains."""
    x, y, half = area
    left, top = max(whole[0], round(x - half)), max(whole[1], round(y - half))
    right, bottom = min(whole[0] + whole[2], round(x + half)), min(whole[1] + whole[3], round(y + half))
    return (left, top, right - left, bottom - top) if min(right - left, bottom - top) >= MIN_SIDE_PX else whole


def sighting(found: Landmarks, rgb: U8 | None = None) -> Sighting:
    """What identity needs of landmarks; without the picture, without a look."""
    radius_px = float(np.hypot(*(found.aux_px[1] - found.aux_px[0])))
    look = np.zeros(0) if rgb is None else looks(rgb, found.xy_px)
    return Sighting(found.aux_px[0], radius_px, look)
