"""What makes a coarse mesh of linear tetrahedra act as the tissue does: softer, less incompressible moduli.

Linear tetrahedra are too stiff, most against change of volume and where strain crowds at the cuff's ends. Three numbers
put that right: a lower Poisson's ratio, a factor on the modulus, and a further one on the tissue beyond the cuff.
They were fitted to the stiffness of both cuffs of three people (1.55 m 50 kg, 1.75 m 75 kg, 1.90 m 115 kg) by quadratic
elements (`reference_fe`), which they then meet within 6 % in x, z and pitch; `exo-edge bench tissue` measures it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.tissue.annulus import Annulus
from edge_runtime.tissue.geometry import Mesh, Phantom, SegmentName
from edge_runtime.tissue.svk import Tets
from edge_runtime.types import F64


@dataclass(frozen=True, slots=True)
class Correction:
    """Moduli times `young`, and times `beyond` outside the cuff's ends; `poisson` in place of the tissue's."""

    young: float
    beyond: float
    poisson: float


_POISSON: Final = (0.15, 0.3, 0.35, 0.4, 0.45)
_FITTED: Final = {
    Mesh(2, 12, 8): (0.75, (0.857, 0.912, 0.922, 0.935, 0.945), (0.009, 0.208, 0.276, 0.337, 0.397)),
    Mesh(3, 16, 12): (0.80, (0.948, 0.984, 0.991, 0.989, 0.972), (0.058, 0.238, 0.294, 0.355, 0.415)),
}
"""Mesh -> `beyond`, then `young` and `poisson` at the tissue's Poisson ratios above."""


def correction(mesh: Mesh, poisson: float) -> Correction:
    """For a mesh and the tissue's Poisson ratio; nothing is corrected for a mesh that was not fitted."""
    if mesh not in _FITTED:
        return Correction(1.0, 1.0, poisson)
    beyond, young, ratio = _FITTED[mesh]
    return Correction(float(np.interp(poisson, _POISSON, young)), beyond, float(np.interp(poisson, _POISSON, ratio)))


def element_young(phantom: Phantom, name: SegmentName, mesh: Annulus) -> F64:
    """Corrected modulus of each element [m], Pa."""
    fix, cuff = correction(phantom.mesh, phantom.material.poisson), phantom.cuff(name)
    centre = np.abs(mesh.points_m[mesh.tets][:, :, 2].mean(axis=1))
    outside = np.abs(centre - cuff.centre_m) > cuff.length_m / 2.0
    out: F64 = mesh.young_pa * fix.young * np.where(outside, fix.beyond, 1.0)
    return out


def elements(phantom: Phantom, name: SegmentName, mesh: Annulus) -> Tets:
    """The tissue's elements in numpy, with the moduli that MuJoCo's have."""
    material = phantom.material
    poisson = correction(phantom.mesh, material.poisson).poisson
    return Tets(mesh.points_m, mesh.tets, element_young(phantom, name, mesh), poisson, material.stiffening)
