"""Segment lengths of a person from a file: an OpenSim scale set (.xml) or scaled model (.osim, compiled .npz)."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Final

from edge_runtime.biomech.scaling import Factors, Segments
from edge_runtime.biomech.segments import segments_of
from edge_runtime.biomech.skeleton.sample import Progress
from edge_runtime.biomech.skeleton.store import compiled_model
from edge_runtime.errors import UserError
from edge_runtime.types import SIDES

_BODIES: Final = ("femur", "tibia", "calcn")
_SENSIBLE: Final = (0.3, 3.0)


def read_segments(path: Path, mass_kg: float, progress: Progress) -> Segments:
    """Factors from unscaled MyoLegs, which has the generic Rajagopal model's lengths; a model brings masses and axes.

    An `.xml` is what OpenSim's ScaleTool writes or takes (`Scale` with `segment` and `scales`): pelvis, femur, tibia
    and calcn of both sides, torso if there. Raises UserError with one line.
    """
    if path.suffix in (".osim", ".npz"):
        return segments_of(compiled_model(path, progress))
    try:
        root = ET.parse(path).getroot()
        found = {s.findtext("segment", "").strip(): _factors(s.findtext("scales", "")) for s in root.iter("Scale")}
    except (OSError, ET.ParseError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"scale file {path}: {cause}; give an OpenSim scale set (.xml), or a scaled .osim") from None
    needed = ["pelvis", *(f"{body}_{side}" for body in _BODIES for side in SIDES)]
    absent = [name for name in needed if name not in found]
    if absent:
        raise UserError(f"scale file {path}: has no factors of {', '.join(absent)}; give them all")
    thigh, shank, foot = ((found[f"{body}_r"], found[f"{body}_l"]) for body in _BODIES)
    return Segments(mass_kg, found["pelvis"], found.get("torso", found["pelvis"]), thigh, shank, foot)


def _factors(text: str) -> Factors:
    values = [float(part) for part in text.split()]
    if len(values) != 3 or not all(_SENSIBLE[0] < value < _SENSIBLE[1] for value in values):
        raise ValueError(f"scales must be three factors between 0.3 and 3, got '{text.strip()}'")
    return values[0], values[1], values[2]
