"""The rigid model: a device that sits on the bones themselves. What an engineer without a tissue model would expect."""

from __future__ import annotations

import numpy as np

from edge_runtime.types import F64
from hil.rigs.reference import STEP_S


def rigid_knee_nm(motor_nm: F64, knee_rad: F64, inertia_kgm2: float) -> F64:
    """Torque at the knee [T] of a hinge that moves as the knee does: the motor's less what inertia takes."""
    acceleration = np.gradient(np.gradient(knee_rad, STEP_S), STEP_S)
    return np.asarray(motor_nm - inertia_kgm2 * acceleration)
