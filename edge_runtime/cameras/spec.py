"""Which camera, and how it is asked for: one frozen value from the `[camera]` table of a device file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from edge_runtime.biomech.world import GROUNDS
from edge_runtime.errors import UserError

KINDS: Final = ("v4l2", "gst", "rtsp", "file")


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A live camera; `source` "" where frames come from a clip.

    `source`: v4l2:/dev/video0, gst:PIPELINE, rtsp://HOST/PATH or file:PATH (played at its own rate).
    `width_px`, `height_px`, `rate_hz`: asked of a V4L2 camera, 0 takes what it offers; a GStreamer pipeline says them
    itself. `stall_ms`: so long without a new frame is a stalled camera. `reference`: picture of the empty scene as the
    camera was calibrated (`exo-edge camera reference`), "" compares with what it sees at the start of the run.
    `focal_px` of the picture and where the camera stands: `height_m` over the ground, `pitch_deg` downwards, `roll_deg`
    clockwise; focal length and height 0 where not known. `ground`: what the wearer walks on, floor or treadmill.
    `second`: a second camera, synchronized with the first; `pair`: the calibration of both (docs/cameras.md).
    """

    source: str = ""
    width_px: int = 0
    height_px: int = 0
    rate_hz: float = 0.0
    stall_ms: float = 150.0
    reference: str = ""
    focal_px: float = 0.0
    height_m: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    ground: str = GROUNDS[0]
    second: str = ""
    pair: str = ""

    @property
    def kind(self) -> str:
        """One of KINDS, "" without a source."""
        head = self.source.partition(":")[0]
        return head if head in KINDS else ""


_RANGES: Final[dict[str, tuple[float, float]]] = {
    "width_px": (0, 8192),
    "height_px": (0, 8192),
    "rate_hz": (0.0, 240.0),
    "stall_ms": (30.0, 2000.0),
    "focal_px": (0.0, 20_000.0),
    "height_m": (0.0, 10.0),
    "pitch_deg": (-80.0, 80.0),
    "roll_deg": (-45.0, 45.0),
}


def camera_spec(table: Mapping[str, Any], path: Path) -> CameraSpec:
    """The `[camera]` table of the device file `path`; UserError names the key that is unknown or wrong."""
    known = {f.name for f in fields(CameraSpec)}
    if unknown := sorted(table.keys() - known):
        raise UserError(f"{path}: unknown key `camera.{unknown[0]}`; known keys are {', '.join(sorted(known))}")
    for key, value in table.items():
        if key in _RANGES:
            low, high = _RANGES[key]
            whole = isinstance(low, int)
            number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not number or not math.isfinite(value) or not low <= value <= high:
                raise UserError(f"{path}: `camera.{key}` must be a number from {low:g} to {high:g}, got {value!r}")
        elif not isinstance(value, str):
            raise UserError(f"{path}: `camera.{key}` must be text, got {value!r}")
    if (ground := table.get("ground", GROUNDS[0])) not in GROUNDS:
        raise UserError(f"{path}: `camera.ground` must be {' or '.join(GROUNDS)}, got {ground!r}")
    spec = CameraSpec(**table)
    check_source(spec.source)
    check_source(spec.second)
    if bool(spec.second) != bool(spec.pair):
        raise UserError(f"{path}: `camera.second` and `camera.pair` go together; give both, or neither")
    files: dict[str, Any] = {key: str(path.parent / table[key]) for key in ("reference", "pair") if table.get(key)}
    return replace(spec, **files)


def check_source(source: str) -> None:
    """UserError where `source` names no kind of camera."""
    if source and (source.partition(":")[0] not in KINDS or not source.partition(":")[2]):
        raise UserError(f"camera {source!r}: must be v4l2:/dev/video0, gst:PIPELINE, rtsp://HOST/PATH or file:PATH")
