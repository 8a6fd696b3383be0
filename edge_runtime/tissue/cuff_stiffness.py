"""How stiff a cuff on a limb is: the default mesh with its correction against independent quadratic elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from edge_runtime.tissue.geometry import SEGMENTS, Material, Mesh, Phantom, SegmentName, phantom_for
from edge_runtime.tissue.mesh_factor import correction
from edge_runtime.tissue.reference_fe import Cells, ReferenceCuff
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.types import F64

KEYS: Final = ("kx", "kz", "kphi")
LOADS: Final = ((0.002, 0.004, 0.006), (0.003, 0.006, 0.009), (0.02, 0.04, 0.06))
"""Three ways of the cuff each, m and rad, in x, z and pitch."""
POISSONS: Final = (0.3, 0.45)
CELLS: Final = Cells(5, 6, 14)
"""Within 2 % of `FINE` in every stiffness (`exo-edge tissue verify`)."""
PEOPLE: Final = ((1.75, 75.0), (1.62, 88.0))
"""The first is one of those the correction was fitted to, the second not."""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: secant stiffness (load over way) in one direction, ours over theirs less one."""

    person: tuple[float, float]
    segment: SegmentName
    poisson: float
    key: str
    way: float
    error: float


def measure() -> dict[str, Any]:
    """Part `cuff_stiffness_error` of the bench: the largest |error| of kx, kz, kphi over all rows, and the rows."""
    rows = [row for person in PEOPLE for poisson in POISSONS for row in compare(phantom_for(*person), person, poisson)]
    worst = {key: max(abs(row.error) for row in rows if row.key == key) for key in KEYS}
    shown = [
        {"height_m": r.person[0], "mass_kg": r.person[1], "segment": r.segment, "poisson": r.poisson}
        | {"key": r.key, "way": r.way, "error": r.error}
        for r in rows
    ]
    return {"cuff_stiffness_error": worst, "cuff_stiffness_rows": shown}


def compare(phantom: Phantom, person: tuple[float, float], poisson: float) -> list[Row]:
    """All directions and loads on both segments of a phantom with that Poisson's ratio."""
    leg = replace(phantom, material=replace(phantom.material, poisson=poisson))
    rows = []
    for name in SEGMENTS:
        ours, theirs = CuffStatics(leg, name), ReferenceCuff(leg, name, CELLS)
        for axis, key in enumerate(KEYS):
            ours.reset()
            theirs.reset()
            for way in LOADS[axis]:
                pose = np.eye(3)[axis] * way
                ratio = ours.solve(pose).load[axis] / theirs.solve(pose)[axis]
                rows.append(Row(person, name, poisson, key, way, float(ratio) - 1.0))
    return rows


def mesh_convergence(meshes: Sequence[Mesh], reference: F64, material: Material) -> F64:
    """Stiffness kx, kz, kphi [meshes, 3] of the default thigh over `reference` [3]; one row per mesh, as used.

    Meshes without a fitted correction show what linear tetrahedra do by themselves.
    """
    leg = replace(phantom_for(*PEOPLE[0]), material=material)
    found = [np.diag(CuffStatics(replace(leg, mesh=mesh), "thigh").stiffness()) for mesh in meshes]
    out: F64 = np.array(found) / reference
    return out


def is_corrected(mesh: Mesh, poisson: float) -> bool:
    """Whether a mesh has a fitted correction."""
    return correction(mesh, poisson).young != 1.0
