"""Knees from camera and encoders together: weighed by variance, blended in and out without a step, and compared."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Final

import numpy as np

from edge_runtime.biomech.encoder import KneeReadings
from edge_runtime.biomech.tracker import Mask
from edge_runtime.types import F64, SIDES

ENCODER_STATES: Final = ("none", "used", "stale", "contradicts")
"""Of one side: no encoder at all; part of the estimate; not heard of late; against what the camera sees, left aside."""
NONE, USED, STALE, CONTRADICTS = range(len(ENCODER_STATES))

BLEND_S: Final = 0.2
"""An encoder comes in and goes out over this time: a step of the knee would be a step of the torque. Own choice."""
COMPARE_S: Final = 0.5
"""Over which camera and encoder are compared: half a stride, and longer than legs take to cross. Own choice."""
CONTRADICTION_SD: Final = 3.5
CONTRADICTION_RAD: Final = (radians(15.0), radians(75.0))
"""Root mean square of the difference that is a contradiction: so many expected deviations, never less or more than
these. An encoder that stands still differs by over 20° from a knee that walks; the camera alone errs by 5 to 9°, and by
30° where a leg is hidden: a good encoder must not be left aside because the camera guesses."""
ACCELERATION_RADPS2: Final = 150.0
"""Of a knee in swing, at most."""
JUMP_RAD: Final = radians(5.0)
"""Further than this from where an encoder was going, beyond what such an acceleration makes of it, is no motion of a
knee: the brace slipped, or the encoder errs. It is left aside at once, before it pulls the estimate along."""
_UNREMARKABLE_SD: Final = 2.0
_AGREED: Final = 0.6  # a contradiction ends at this share of the difference at which it begins


@dataclass(frozen=True)
class Fused:
    """Knees `rad` and deviation `sd_rad` [2], `known` [2] where camera or encoder told anything."""

    rad: F64
    sd_rad: F64
    known: Mask


class KneeFusion:
    """One wearer's knees r, l. `state` [2] are codes of ENCODER_STATES, `told_rad` [2] what the encoders said, NaN
    where they said nothing."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the wearer, as after a cut."""
        self.state = np.full(len(SIDES), NONE)
        self.told_rad = np.full(len(SIDES), np.nan)
        self._share = np.zeros(len(SIDES))  # of the encoder's correction that is in the estimate
        self._correction = np.zeros(len(SIDES))
        self._sd = np.zeros(len(SIDES))
        self._square = np.zeros(len(SIDES))  # of the difference, averaged
        self._told = np.full((2, len(SIDES)), np.nan)  # what the encoders said in the last frame, and their rate since

    def step(
        self, dt_s: float, seen_rad: F64, seen_sd: F64, in_sight: Mask, path_rad: F64, readings: KneeReadings | None
    ) -> Fused:
        """One frame. `seen_rad`, `seen_sd`, `in_sight` [2]: the knees in this picture; `path_rad` [2]: where the camera
        alone follows them, without single outliers; `readings`: of that moment, None where no device is worn."""
        rad, sd = seen_rad.copy(), seen_sd.copy()
        if readings is None:
            return Fused(rad, sd, in_sight)
        self.told_rad = np.where(readings.valid, readings.knee_rad, np.nan)
        known = in_sight.copy()
        jumped = self._jumped(dt_s)
        for i in range(len(SIDES)):
            told, told_sd = float(readings.knee_rad[i]), float(readings.sd_rad[i])
            if readings.valid[i] and in_sight[i]:
                off_rad, expected_sd = told - path_rad[i], float(np.hypot(seen_sd[i], told_sd))
                self._compare(i, dt_s, off_rad, expected_sd, bool(jumped[i]))
            usable = bool(readings.valid[i]) and self.state[i] != CONTRADICTS
            if usable:
                self.state[i] = USED
            elif self.state[i] == USED:
                self.state[i] = STALE
            if usable and not in_sight[i]:
                rad[i], sd[i], known[i] = told, self._widened(i, told_sd, seen_sd[i]), True
                self._share[i], self._correction[i], self._sd[i] = 1.0, 0.0, sd[i]
            elif in_sight[i]:
                rad[i], sd[i] = self._blend(i, dt_s, seen_rad[i], seen_sd[i], (told, told_sd) if usable else None)
            else:
                self._share[i] = max(0.0, self._share[i] - dt_s / BLEND_S)
        return Fused(rad, sd, known)

    def _blend(
        self, i: int, dt_s: float, seen: float, seen_sd: float, told: tuple[float, float] | None
    ) -> tuple[float, float]:
        """What both say; where the encoder says nothing its last correction fades, and the deviation grows to the
        camera's."""
        if told is None:
            self._share[i] = max(0.0, self._share[i] - dt_s / BLEND_S)
        else:
            self._share[i] = min(1.0, self._share[i] + dt_s / BLEND_S)
            weight = told[1] ** -2 / (told[1] ** -2 + seen_sd**-2)
            self._correction[i] = weight * (told[0] - seen)
            self._sd[i] = self._widened(i, float((told[1] ** -2 + seen_sd**-2) ** -0.5), seen_sd)
        share = self._share[i]
        return seen + share * self._correction[i], seen_sd + share * (self._sd[i] - seen_sd)

    def _jumped(self, dt_s: float) -> Mask:
        """Which encoders [2] are where no knee could have gone since the last frame."""
        before, rate = self._told
        limit = JUMP_RAD + ACCELERATION_RADPS2 * dt_s**2
        jumped: Mask = np.abs(self.told_rad - before - rate * dt_s) > limit  # false where anything is not known
        self._told = np.stack([self.told_rad, (self.told_rad - before) / max(dt_s, 1e-3)])
        return jumped

    def _compare(self, i: int, dt_s: float, off_rad: float, expected_sd: float, jumped: bool) -> None:
        self._square[i] -= np.expm1(-dt_s / COMPARE_S) * (off_rad**2 - self._square[i])
        limit = float(np.clip(CONTRADICTION_SD * expected_sd, *CONTRADICTION_RAD))
        if jumped:
            self._square[i] = max(self._square[i], limit**2)
        off = float(np.sqrt(self._square[i]))
        if off > limit or jumped:
            self.state[i] = CONTRADICTS
        elif self.state[i] == CONTRADICTS and off < _AGREED * limit:
            self.state[i] = STALE

    def _widened(self, i: int, sd: float, seen_sd: float) -> float:
        """A deviation with what both differ by beyond twice what the camera's deviation lets expect."""
        return float(np.sqrt(sd**2 + max(0.0, self._square[i] - (_UNREMARKABLE_SD * seen_sd) ** 2)))
