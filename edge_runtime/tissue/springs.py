"""The small-strain reduced model of a phantom: cuffs as plain springs, from their stiffness at rest, in seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import UserError
from edge_runtime.tissue.builder import SIDE
from edge_runtime.tissue.energy import fill_energy
from edge_runtime.tissue.forward import simulate
from edge_runtime.tissue.geometry import MODULUS_RANGE_PA, SEGMENTS, Phantom, phantom_for
from edge_runtime.tissue.linkage import INTERFACE, STATE
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.types import F64

_REST_STEPS: Final = 40
_REST_STEP_S: Final = 1.0
_PROBE_NM: Final = 1.0
_BEYOND: Final = 1.2
"""No more than the watch takes for normal (`watch.GAIN_FREE`)."""
_REACH: Final = np.array([0.02, 0.02, 0.25])
"""m, m, rad: only the unit of the energy's terms, which are exact springs at any pose."""


def spring_interface(phantom: Phantom) -> npt.NDArray[Any]:
    """`linkage.INTERFACE` record array [1]: right for small loads, too soft for large ones, without validity limits."""
    p = np.zeros(1, INTERFACE)
    device, leg = phantom.device, p[0]
    x, z = device.misalignment_m
    for index, name in enumerate(SEGMENTS):
        cuff = leg["cuffs"][index]
        fill_energy(cuff, _bowl(CuffStatics(phantom, name).stiffness()), _REACH)
        cuff["centre_m"] = 0.0, SIDE[name] * phantom.cuff(name).centre_m
        leg["link_com_m"][index] = -x, SIDE[name] * phantom.cuff(name).centre_m - z
    leg["stiffness"], leg["arm_time_s"], leg["kelvin_time_s"] = 1.0, 1.0, phantom.material.loss_s
    leg["misalignment_m"] = device.misalignment_m
    leg["link_mass_kg"] = device.frame_mass_kg / 2.0
    leg["link_inertia_kgm2"] = device.frame_inertia_kgm2
    leg["rotor_inertia_kgm2"] = device.rotor_inertia_kgm2
    return p


def hinge_stiffness(p: npt.NDArray[Any], knee_rad: float = 0.0) -> float:
    """Torque over angle, Nm/rad, between hinge and held knee at rest under 1 Nm; `p` as of `spring_interface`."""
    angles = []
    for torque_nm in (0.0, _PROBE_NM):
        s = np.zeros(1, STATE)
        s["coordinates"] = 0.0, 0.0, 0.0, knee_rad
        still, out = np.zeros(_REST_STEPS), np.empty((_REST_STEPS, 6))
        simulate(p[0], s[0], still + torque_nm, still + knee_rad, still, _REST_STEP_S, out)
        angles.append(out[-1, 4])
    return float(_PROBE_NM / (angles[1] - angles[0]))


def phantom_of(height_m: float, mass_kg: float, stiffness_nm_per_rad: float) -> Phantom:
    """The phantom of a person whose tissue gives that interface stiffness at straight knee.

    Stiffness is proportional to the modulus, which is taken at the end of the range of soft tissue where it lies little
    beyond (`_BEYOND`). Raises UserError where it lies further.
    """
    soft = phantom_for(height_m, mass_kg)
    young_pa = soft.material.young_pa * stiffness_nm_per_rad / hinge_stiffness(spring_interface(soft))
    low, high = MODULUS_RANGE_PA
    if not low / _BEYOND <= young_pa <= high * _BEYOND:
        raise UserError(
            f"tissue observer: the profile's interface of {stiffness_nm_per_rad:g} Nm/rad would need tissue of "
            f"{young_pa / 1e3:.0f} kPa, not within {low / 1e3:g} to {high / 1e3:g}; calibrate the interface again"
        )
    return replace(soft, material=replace(soft.material, young_pa=min(max(young_pa, low), high)))


def _bowl(stiffness: F64) -> dict[tuple[int, int, int], float]:
    """Energy terms of a symmetric stiffness [3, 3], for poses scaled by `_REACH`."""
    k = 0.5 * (stiffness + stiffness.T) * np.outer(_REACH, _REACH)
    terms = {}
    for i in range(3):
        for j in range(i, 3):
            powers = (np.eye(3, dtype=int)[i] + np.eye(3, dtype=int)[j]).tolist()
            terms[(powers[0], powers[1], powers[2])] = float(k[i, j]) * (0.5 if i == j else 1.0)
    return terms
