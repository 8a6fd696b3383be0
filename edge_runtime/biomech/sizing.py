"""MyoLegs made the size of a trial's person: by stated lengths, the ground under the feet, stature, or assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.biomech.model import DOFS, GRAVITY_MPS2, UNSCALED_STATURE_M, LegModel
from edge_runtime.biomech.motion import from_trial
from edge_runtime.biomech.scaling import Factors, Segments
from edge_runtime.biomech.skeleton.format import I64
from edge_runtime.biomech.trials import Trial
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES

ASSUMED_HEIGHT_M: Final = 1.75
THIGH_M, SHANK_M, HIPS_M = 0.4044, 0.4000, 0.1545
"""Unscaled MyoLegs: hip to knee to ankle, and hip to hip; `tests/biomech/test_sizing.py` measures them."""
_SOLE: Final = (("calcn", (0.015, -0.010, 0.0)), ("toes", (0.0, -0.010, 0.0)), ("toes", (0.057, -0.010, 0.0)))
"""Heel, ball and tip of the foot in unscaled axes: lowest points of MyoLegs' foot meshes."""
SHOE_M: Final = 0.01
"""Ground below that sole in stance, and how far outward of the line from heel to ball the force acts (`OUTWARD_M`):
means of the two people whose scaled models we have (22 and -3 mm; 4 and 14 mm)."""
OUTWARD_M: Final = 0.009
_LOADED: Final = 0.6  # of the mean total force: one foot carries the person
_FRAMES: Final = 200
_FEWEST: Final = 8
_STATURE_M: Final = (1.2, 2.2)
_WIDTH: Final = (0.7, 1.5)


@dataclass(frozen=True, slots=True)
class Size:
    """MyoLegs at stature `leg_height_m` (by which its legs scale) with `segments`; `height_m` and `mass_kg` of the
    person, and `why` in words where all that comes from."""

    height_m: float
    mass_kg: float
    leg_height_m: float
    segments: Segments
    why: str

    def leg_model(self) -> LegModel:
        """A new model of that size."""
        return LegModel(self.leg_height_m, self.mass_kg, self.segments)


def size_of(trial: Trial, height_m: float | None = None, mass_kg: float | None = None) -> Size:
    """The best that the trial allows; `height_m` and `mass_kg` where they are given stand above what it states.

    Lengths of thigh and shank, where stated; else the ground: in stance the sole stands on it (leg length) and the
    force acts under the foot (width of the pelvis), which takes the pelvis' position; else stature; else 1.75 m.
    Raises UserError where mass is not stated and no force can tell it.
    """
    stated = trial.stated
    mass, mass_why = _mass(trial, mass_kg)
    height = height_m or stated.height_m
    if stated.thigh_m and stated.shank_m:
        leg, why = UNSCALED_STATURE_M, "stated lengths of thigh and shank"
        segments = _stated_segments(mass, stated.thigh_m, stated.shank_m, stated.hips_m)
    elif (found := ground_fit(trial)) is not None:
        leg, width = found
        segments = Segments(mass, pelvis=(1.0, 1.0, width))
        why = f"feet on the ground: legs of a person of {leg:.2f} m, pelvis {width:.2f} times as wide"
    else:
        leg, segments = height or ASSUMED_HEIGHT_M, Segments(mass)
        why = "stature" if height else f"assumed: {ASSUMED_HEIGHT_M} m, as nothing tells"
    return Size(height or leg, mass, leg, segments, f"size by {why}; mass {mass_why}")


def _mass(trial: Trial, mass_kg: float | None) -> tuple[float, str]:
    mass, why = (mass_kg, "given") if mass_kg else (trial.mass_kg, "stated")
    if mass is None:
        mass = float(trial.force_n[trial.seen.all(axis=1), :, 1].sum(axis=1).mean()) / GRAVITY_MPS2
        why = "from the mean vertical force"
    if not 20.0 <= mass <= 250.0:
        raise UserError(f"trial {trial.name}: body mass {mass:.1f} kg ({why}); give mass_kg, 20 to 250, in the trial")
    return mass, why


def _stated_segments(mass_kg: float, thigh_m: float, shank_m: float, hips_m: float | None) -> Segments:
    thigh, shank = thigh_m / THIGH_M, shank_m / SHANK_M
    whole = 0.5 * (thigh + shank)

    def both(along: float) -> tuple[Factors, Factors]:
        return (whole, along, whole), (whole, along, whole)

    width = hips_m / HIPS_M if hips_m else whole
    return Segments(
        mass_kg, pelvis=(whole, whole, width), trunk=(whole, whole, whole), thigh=both(thigh), shank=both(shank),
        foot=both(whole),
    )  # fmt: skip


def ground_fit(trial: Trial) -> tuple[float, float] | None:
    """Stature (m) at which MyoLegs' sole stands on the ground in stance, and the pelvis' extra width that brings its
    feet under the force. None without pelvis, stance, or a sensible answer.

    Lengths of the coordinates' own model, whatever it was, are what this finds; it sees their sum only, and shoes and
    the heights of forces and markers are in it: on people with a known model it is 2 % off.
    """
    if "pelvis_ty" not in trial.coordinates:
        return None
    frames, side = _stance(trial)
    if len(frames) < _FEWEST:
        return None
    leg = LegModel(UNSCALED_STATURE_M, 75.0)
    motion = from_trial(trial, DOFS)
    scales, outward = np.zeros(len(frames)), np.zeros((len(frames), 2))
    for i, (k, foot) in enumerate(zip(frames, side, strict=True)):
        leg.set_state(motion.q[k], motion.qd[k], motion.qdd[k])
        pelvis = motion.q[k, 3:6]
        sole = _sole(leg, SIDES[foot]) - pelvis
        scales[i] = (trial.cop_m[k, foot, 1] + SHOE_M - pelvis[1]) / sole[:, 1].min()
        outward[i] = _outward(sole, trial.cop_m[k, foot] - pelvis, scales[i], foot)
    scale = float(np.median(scales))
    aside = np.mean([outward[side == foot, 0].mean() for foot in np.unique(side)])
    width = 1.0 + (float(aside) - OUTWARD_M) / (0.5 * HIPS_M * scale)
    stature = scale * UNSCALED_STATURE_M
    if not _STATURE_M[0] <= stature <= _STATURE_M[1]:
        return None
    both = len(np.unique(side)) == len(SIDES)  # with one foot alone the position of the pelvis decides, not its width
    return stature, float(np.clip(width, *_WIDTH)) if both else 1.0


def _stance(trial: Trial) -> tuple[I64, I64]:
    """Frames and feet (0 right, 1 left) where one foot carries the person, at most `_FRAMES` of them."""
    total = trial.force_n[:, :, 1].sum(axis=1)
    body = float(np.mean(total[trial.seen.all(axis=1)])) if trial.seen.all(axis=1).any() else float(total.max())
    frames, side = (
        np.asarray(found, np.int64) for found in np.nonzero(trial.seen & (trial.force_n[:, :, 1] > _LOADED * body))
    )
    step = max(1, len(frames) // _FRAMES)
    return frames[::step], side[::step]


def _sole(leg: LegModel, side: str) -> F64:
    """[3, 3] heel, ball and tip in the ground's axes."""
    points = np.zeros((3, 3))
    for i, (body, place) in enumerate(_SOLE):
        b = leg.model.body(f"{body}_{side}").id
        points[i] = leg.data.xpos[b] + leg.data.xmat[b].reshape(3, 3) @ np.array(place)
    return points


def _outward(sole: F64, force_m: F64, scale: float, foot: int) -> tuple[float, float]:
    """How far outward of the foot's line the force acts, and how far along it (1: ball)."""
    heel, ball = scale * sole[0], scale * sole[1]
    line = (ball - heel)[[0, 2]]
    length = float(np.hypot(*line))
    away = (force_m - heel)[[0, 2]]
    aside = (line[0] * away[1] - line[1] * away[0]) / length
    return (aside if foot == 0 else -aside), float(line @ away) / length**2
