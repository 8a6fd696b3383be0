"""How stiff a cuff on a limb is: the default mesh with its correction against independent quadratic elements."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from edge_runtime.tissue.geometry import SEGMENTS, Mesh, Phantom, SegmentName, phantom_for
from edge_runtime.tissue.reference_fe import Cells, ReferenceCuff
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.verify import Check

KEYS: Final = ("kx", "kz", "kphi")
LOADS: Final = ((0.001, 0.0025, 0.004), (0.003, 0.006, 0.009), (0.015, 0.03, 0.045))
"""Three ways of the cuff each, m and rad, in x, z and pitch, up to 200 N and 5 Nm on one cuff at 60 kPa. Much beyond,
the law itself collapses at the cuff's edge when the cells are fine."""
POISSONS: Final = (0.3, 0.45)
CELLS: Final = Cells(5, 6, 14)
FINE: Final = Cells(7, 8, 20)
"""What the comparison uses, and cells to judge it by (`exo-edge tissue verify`)."""
UNCORRECTED: Final = (Mesh(1, 8, 6), Mesh(2, 10, 8), Mesh(3, 14, 12))
"""Meshes for which `mesh_factor` has no correction."""
_AXES: Final = np.arange(3.0)
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


def reference_convergence() -> Check:
    """Small-strain stiffness of the default thigh by the independent FE: the bench's cells against finer ones."""
    leg = phantom_for(*PEOPLE[0])
    found, exact = (np.diag(ReferenceCuff(leg, "thigh", cells).small_strain()) for cells in (CELLS, FINE))
    error = float(np.abs(found / exact - 1.0).max())
    ratio = np.asarray(found / exact, np.float64)
    return Check(
        "reference_convergence", error, 0.03, "0 x, 1 z, 2 pitch", "over finer cells", _AXES, ratio, np.ones(3)
    )


def mesh_convergence() -> Check:
    """Stiffness kx of the default thigh by linear tetrahedra alone: what of it is too much shrinks with the cells.

    `error`: that excess on the finest mesh over that on the coarsest.
    """
    leg = phantom_for(*PEOPLE[0])
    exact = float(ReferenceCuff(leg, "thigh", CELLS).small_strain()[0, 0])
    found = np.array([CuffStatics(replace(leg, mesh=mesh), "thigh").stiffness()[0, 0] for mesh in UNCORRECTED])
    around = np.array([float(mesh.around) for mesh in UNCORRECTED])
    error = float((found[-1] - exact) / (found[0] - exact))
    return Check("mesh_convergence", error, 0.6, "cells round", "kx, N/m", around, found, np.full(len(found), exact))


AGAINST_REFERENCE: Final = (reference_convergence, mesh_convergence)
"""Checks that need scikit-fem."""
