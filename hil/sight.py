"""What a camera would see of the knees, made up from the true angles, for runs without pictures.

Not a measurement: an error of the size that `exo-edge evaluate pose` finds for the knee from the side, near leg 4.5 to
5 deg, far leg 6.4 to 7.2 deg (docs/pose.md). It is taken to be made of a constant, a wrong gain and noise of a few
frames' length, alike for both legs.
"""

from __future__ import annotations

from math import exp, radians
from typing import Final

import numpy as np

from edge_runtime.types import F64

SD_RAD: Final = radians(5.0)
"""What the camera says of itself."""
_CONSTANT_RAD: Final = radians(4.0)
_GAIN: Final = 0.1
_NOISE_RAD: Final = radians(1.5)
_NOISE_S: Final = 0.15
_KNEES: Final = 2


class SimulatedSight:
    """One camera and one wearer, both from `seed`, at a frame every `frame_ns`."""

    def __init__(self, seed: int, frame_ns: int) -> None:
        self._rng = np.random.default_rng([seed, 0x51687])
        self._constant_rad = self._rng.normal(0.0, _CONSTANT_RAD, _KNEES)
        self._gain = 1.0 + self._rng.normal(0.0, _GAIN, _KNEES)
        self._keeps = exp(-frame_ns * 1e-9 / _NOISE_S)
        self._noise_rad = self._rng.normal(0.0, _NOISE_RAD, _KNEES)
        self.sd_rad = np.full(_KNEES, SD_RAD)

    def look(self, knee_rad: F64) -> F64:
        """The knees [2] as the next frame shows them, whose angles are `knee_rad`; NaN stays NaN."""
        fresh = self._rng.normal(0.0, _NOISE_RAD, _KNEES)
        self._noise_rad = self._keeps * self._noise_rad + np.sqrt(1.0 - self._keeps**2) * fresh
        return np.asarray(self._gain * knee_rad + self._constant_rad + self._noise_rad)
