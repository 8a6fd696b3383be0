"""What the exoskeleton's encoders say of the knees: hinge angle less calibrated offset less the interface's give."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.types import F64

_BENT_RAD: Final = radians(80.0)


@dataclass(frozen=True)
class KneeReadings:
    """Knee flexion `knee_rad` [2] of right and left, standard deviation `sd_rad` [2]; not `valid` [2]: no reading."""

    knee_rad: F64
    sd_rad: F64
    valid: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class EncoderModel:
    """Hinge to knee, all [2] right and left, from the calibration of this wearer.

    `offset_rad` of the hinge at a straight knee and its deviation; stiffness (Nm/rad) of the interface straight and at
    80° flexion, and its relative deviation.
    """

    offset_rad: F64
    offset_sd_rad: F64
    stiffness_nm_per_rad: F64
    stiffness_80deg_nm_per_rad: F64
    stiffness_sd: F64

    def knees(self, hinge_rad: F64, torque_nm: F64) -> KneeReadings:
        """Knees from hinge angles [2] and the torque [2] that the hinges give (flexion positive): the hinge runs ahead
        of the knee by torque over stiffness. A value that is not finite gives no reading."""
        knee = hinge_rad - self.offset_rad
        bent = np.clip(knee / _BENT_RAD, 0.0, 1.5)
        rise = self.stiffness_80deg_nm_per_rad - self.stiffness_nm_per_rad
        give = torque_nm / (self.stiffness_nm_per_rad + rise * bent)
        sd = np.hypot(self.offset_sd_rad, np.abs(give) * self.stiffness_sd)
        return KneeReadings(knee - give, sd, np.isfinite(knee - give) & np.isfinite(sd))
