"""Who is the wearer at first: a box or a mask from the command line, or a calibrated spot of the device file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import UserError
from engines.pose.prompt import Anybody, Box, InBox, NearSpot, Prompt, load_mask


@dataclass(frozen=True, slots=True)
class WearerSpec:
    """The prompt: `box` (x, y, width, height), or `mask` (a PNG), or `spot_px` with `reach_px`; at most one counts, in
    this order. All in px of the whole picture. `px_per_m`: the picture's scale at the spot, 0 where unknown; with it
    the body height of the profile must fit."""

    box: Box | None = None
    mask: Path | None = None
    spot_px: tuple[float, float] | None = None
    reach_px: float = 0.0
    px_per_m: float = 0.0

    def stature_px(self, height_m: float) -> float | None:
        """How tall a wearer of `height_m` stands in the picture at the spot; None where its scale is unknown."""
        at_spot = self.box is None and self.mask is None and self.spot_px is not None
        return height_m * self.px_per_m if at_spot and self.px_per_m else None

    def prompt(self, size_px: tuple[int, int], crop: Box | None) -> Prompt:
        """For pictures of `size_px` (width, height), of which `crop` is looked at.

        UserError where box or spot lie outside, EngineError where the mask cannot be used.
        """
        left, top, width, height = crop or (0, 0, *size_px)
        if self.box is not None:
            x, y, w, h = self.box
            if min(w, h) < 1 or x >= left + width or y >= top + height or x + w <= left or y + h <= top:
                raise UserError(f"--box {x},{y},{w},{h}: lies outside {width} x {height} px at {left},{top}")
            return InBox((x - left, y - top, w, h))
        if self.mask is not None:
            return load_mask(self.mask, size_px, crop)
        if self.spot_px is not None:
            x_px, y_px = self.spot_px[0] - left, self.spot_px[1] - top
            if not (0 <= x_px < width and 0 <= y_px < height):
                raise UserError(f"wearer.spot_px {self.spot_px}: lies outside {width} x {height} px at {left},{top}")
            return NearSpot((x_px, y_px), self.reach_px)
        return Anybody()


def wearer_spec(table: Mapping[str, Any], path: Path) -> WearerSpec:
    """The `[wearer]` table of the device file `path`: `spot_px` = [x, y], `reach_px`, and `px_per_m` (0)."""
    if unknown := sorted(table.keys() - {"spot_px", "reach_px", "px_per_m"}):
        raise UserError(f"{path}: unknown key `wearer.{unknown[0]}`; known keys are px_per_m, reach_px, spot_px")
    spot, reach = table.get("spot_px"), table.get("reach_px")
    if not isinstance(spot, list) or len(spot) != 2 or not all(_is_number(v) for v in spot):
        raise UserError(f"{path}: `wearer.spot_px` must be [x, y] in px, got {spot!r}")
    if not _is_number(reach) or reach is None or not 1.0 <= reach <= 1e4:
        raise UserError(f"{path}: `wearer.reach_px` must be a number from 1 to 10000, got {reach!r}")
    scale = table.get("px_per_m", 0.0)
    if not _is_number(scale) or not 0.0 <= scale <= 1e4:
        raise UserError(f"{path}: `wearer.px_per_m` must be a number from 0 to 10000, got {scale!r}")
    return WearerSpec(spot_px=(float(spot[0]), float(spot[1])), reach_px=float(reach), px_per_m=float(scale))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
