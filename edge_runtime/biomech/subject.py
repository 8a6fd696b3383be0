"""Who a trial is of: body mass, and the stature at which MyoLegs' legs are as long as those of a scaled `.osim`."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

import numpy as np

from edge_runtime.biomech.model import UNSCALED_STATURE_M
from edge_runtime.biomech.skeleton.contact import GENERIC_LEG_M
from edge_runtime.biomech.trials import Trial
from edge_runtime.errors import UserError
from edge_runtime.types import SIDES


class Subject(NamedTuple):
    """Stature m, body mass kg."""

    height_m: float
    mass_kg: float


def subject_of(trial: Trial, height_m: float | None, mass_kg: float | None) -> Subject:
    """What is given, else what the trial says, else the `.osim` beside it. Raises UserError where none does."""
    mass = mass_kg or trial.mass_kg or (_model_mass(trial.model) if trial.model else None)
    height = height_m or (_model_stature(trial.model) if trial.model else None)
    for value, option in ((mass, "--mass KG"), (height, "--height M")):
        if value is None:
            raise UserError(
                f"trial {trial.name}: size of the person is not known; give {option}, or put the .osim there"
            )
    assert mass is not None
    assert height is not None
    if not (20.0 <= mass <= 250.0 and 1.0 <= height <= 2.3):
        raise UserError(f"trial {trial.name}: {height:.2f} m and {mass:.1f} kg; give --height 1..2.3, --mass 20..250")
    return Subject(height, mass)


def _root(path: Path) -> ET.Element:
    try:
        return ET.parse(path).getroot()
    except (OSError, ET.ParseError) as error:
        raise UserError(f"model {path}: {error}; give a readable .osim, or --height and --mass") from None


def _model_mass(path: Path) -> float:
    return sum(float(body.findtext("mass", "0")) for body in _root(path).iter("Body"))


def _model_stature(path: Path) -> float | None:
    """None where the model's joints are not named as Rajagopal's."""
    root = _root(path)
    lengths = [_length(root, f"{body}_{side}") for side in SIDES for body in ("tibia", "talus")]
    known = [length for length in lengths if length is not None]
    if len(known) < len(lengths):
        return None
    return UNSCALED_STATURE_M * (sum(known) / len(SIDES)) / GENERIC_LEG_M


def _length(root: ET.Element, child: str) -> float | None:
    """From the parent body's origin to the joint that carries `child`."""
    for frames in root.iter("frames"):
        offsets = {str(frame.get("name")): frame for frame in frames}
        bodies = {name: (frame.findtext("socket_parent") or "").split("/")[-1] for name, frame in offsets.items()}
        if child in bodies.values():
            others = [frame for name, frame in offsets.items() if bodies[name] != child]
            translation = others[0].findtext("translation") if others else None
            return float(np.linalg.norm([float(x) for x in translation.split()])) if translation else None
    return None
