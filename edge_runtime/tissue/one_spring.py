"""The one-spring interface of a profile as a linkage: what is known of a leg before its tissue was identified.

The hinge is taken as on the knee's axis and the thigh's cuff as rigid, so that one rotary spring, the shank's, is left
between hinge and knee. Its stiffness and both its viscous parts grow with flexion as the profile says.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from calibration.profile import Interface
from edge_runtime.tissue.energy import fill_energy
from edge_runtime.tissue.linkage import INTERFACE, SHANK, THIGH

STIFF_BIAS: Final = 1.1
"""Tissue is taken so many times stiffer than the profile says: over-compensation is the unsafe side."""
_FULL_FLEXION_RAD: Final = float(np.radians(80.0))  # `Interface` gives the stiffness there
_RIGID_N_PER_M: Final = 1e6
_RIGID_NM_PER_RAD: Final = 1e5
_REACH: Final = np.array([0.05, 0.05, 0.5])  # m, m, rad: a linear spring says nothing of where it ends; assumed
_GROWTH: Final = 1.0  # of the doubt beyond: none left at half the reach more; assumed


def one_spring(values: Interface) -> npt.NDArray[Any]:
    """INTERFACE [1] whose hinge gives way to the knee by the profile's spring, damper and Maxwell branch."""
    out = np.zeros(1, INTERFACE)
    p = out[0]
    _fill(p["cuffs"][THIGH], _RIGID_NM_PER_RAD)
    _fill(p["cuffs"][SHANK], values.stiffness_nm_per_rad)
    rise = values.stiffness_80deg_nm_per_rad / values.stiffness_nm_per_rad - 1.0
    p["cuffs"][SHANK]["posture_per_rad"] = rise / _FULL_FLEXION_RAD
    p["stiffness"] = p["stiffness_low"] = p["stiffness_high"] = 1.0
    p["stiffness_bias"] = STIFF_BIAS
    p["kelvin_time_s"] = values.damping_nms_per_rad / values.stiffness_nm_per_rad
    p["arm_share"][0] = values.maxwell_nm_per_rad / values.stiffness_nm_per_rad
    p["arm_time_s"][:] = values.maxwell_time_s
    p["rotor_inertia_kgm2"] = values.inertia_kgm2
    p["viscous_nms_per_rad"] = values.viscous_nms_per_rad
    p["coulomb_nm"] = values.coulomb_nm
    return out


def _fill(cuff: Any, turning_nm_per_rad: float) -> None:
    """A cuff about the knee's axis, rigid but for its turning."""
    springs = np.array([_RIGID_N_PER_M, _RIGID_N_PER_M, turning_nm_per_rad])
    energy = 0.5 * springs * _REACH**2
    terms = {(2, 0, 0): float(energy[0]), (0, 2, 0): float(energy[1]), (0, 0, 2): float(energy[2])}
    fill_energy(cuff, terms, _REACH)
    cuff["growth"] = _GROWTH
