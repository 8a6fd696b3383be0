"""A made-up interface for tests: cuffs of plausible size with arbitrary, reproducible energies."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.energy import EXPONENTS, fill_energy
from edge_runtime.tissue.linkage import INTERFACE

REACH = np.array([0.03, 0.02, 0.25])
CURVATURE = np.array([6000.0, 4000.0, 25.0])  # N/m, N/m, Nm/rad


def coefficients(seed: int, size: float = 0.05) -> dict[tuple[int, int, int], float]:
    """A bowl of the curvature above with all other terms at random, each up to `size` of the bowl."""
    rng = np.random.default_rng(seed)
    bowl = 0.5 * CURVATURE * REACH**2
    out = {e: size * float(bowl.mean() * rng.uniform(-1, 1)) for e in EXPONENTS[4:]}
    for axis, exponents in enumerate(((2, 0, 0), (0, 2, 0), (0, 0, 2))):
        out[exponents] = float(bowl[axis])
    return out


def interface(seed: int = 1, size: float = 0.05) -> npt.NDArray[Any]:
    """INTERFACE array [1] without arms, friction or viscosity."""
    p = np.zeros(1, INTERFACE)
    for index in range(2):
        cuff = p[0]["cuffs"][index]
        fill_energy(cuff, coefficients(seed + index, size), REACH)
        cuff["centre_m"] = (0.004, 0.17) if index == 0 else (-0.003, -0.16)
        cuff["mass"] = np.diag([0.5, 0.4, 0.002])
        cuff["error"], cuff["growth"] = 0.01, 0.5
        cuff["mode_square"][:2] = 15e3, 30e3
        cuff["mode_mass"][:2] = (0.3, 0.0, 0.01), (0.0, 0.35, 0.0)
    p["stiffness"] = 1.0
    p["arm_time_s"] = 1.0
    p["misalignment_m"] = (0.012, -0.008)
    p["link_mass_kg"] = 0.3, 0.25
    p["link_com_m"] = [[0.01, 0.15], [0.0, -0.14]]
    p["link_inertia_kgm2"] = 0.003
    p["rotor_inertia_kgm2"] = 0.02
    return p
