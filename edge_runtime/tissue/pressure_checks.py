"""Checks of the pressure map: balance with the cuff's force, Lame's thick ring, meshes, the independent FE."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from edge_runtime.tissue.geometry import Cuff, Material, Mesh, Phantom, Segment, SegmentName, phantom_for
from edge_runtime.tissue.pressure import PressureMap
from edge_runtime.tissue.reference_fe import Cells, ReferenceCuff
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.types import F64

POSES: Final = ((0.006, 0.004, 0.03), (-0.004, 0.002, -0.05), (0.0, -0.006, 0.02))
"""m, m, rad."""
MESHES: Final = (Mesh(2, 12, 8), Mesh(3, 16, 12), Mesh(3, 20, 14))
"""The first two have a fitted correction, the third acts as linear tetrahedra do."""
_SQUEEZE: Final = 0.01
_RING: Final = (0.03, 0.06)  # radii, m
_CELLS: Final = Cells(5, 6, 14)


def pushed() -> Phantom:
    """A grown leg whose thigh cuff presses 3 % into the tissue."""
    leg = phantom_for(1.75, 75.0)
    return replace(leg, thigh_cuff=replace(leg.thigh_cuff, prestrain=0.03))


def balance(phantom: Phantom) -> float:
    """Largest difference between the sum of the nodal forces and the load that holds the cuff, over the latter."""
    statics = CuffStatics(phantom, "thigh")
    cuff = PressureMap(phantom, "thigh", statics.mesh, statics.tets)
    worst = 0.0
    for pose in POSES:
        found = statics.solve(np.array(pose))
        total = cuff.at(found.points_m).force_n.sum(axis=0)[[0, 2]]
        worst = max(worst, float(np.abs(total - found.load[:2]).max() / np.abs(found.load[:2]).max()))
    return worst


def lame_pressure_pa(inner_m: float, outer_m: float, squeeze: float, material: Material) -> float:
    """Pressure on a long ring on a rigid core whose outside is pressed in by the share `squeeze` of its radius.

    Plane strain, small: u = A r + B / r with u(inner) = 0, u(outer) = -squeeze outer (Timoshenko & Goodier, Theory of
    Elasticity, 3rd ed., section 28).
    """
    young, nu = material.young_pa, material.poisson
    lam, mu = young * nu / ((1.0 + nu) * (1.0 - 2.0 * nu)), young / (2.0 * (1.0 + nu))
    square = (inner_m / outer_m) ** 2
    return 2.0 * squeeze / (1.0 - square) * (lam + mu + mu * square)


def ring_error(poisson: float, mesh: Mesh) -> float:
    """Mean pressure in the middle of a long squeezed ring over the closed form, less one."""
    inner, outer = _RING
    squeeze, material = 1e-3, Material(young_pa=60e3, poisson=poisson)
    ring = Segment(0.05, 0.35, inner, (outer, outer), (outer, outer))
    cuff = Cuff(0.20, length_m=0.28, prestrain=squeeze)
    phantom = Phantom(ring, ring, cuff, cuff, material, mesh=mesh)
    statics = CuffStatics(phantom, "thigh")
    found = statics.solve(np.zeros(3))
    pressure = PressureMap(phantom, "thigh", statics.mesh, statics.tets).at(found.points_m)
    middle = np.abs(found.points_m[statics.mesh.cuff][:, 2] - cuff.centre_m) < 0.05
    return float(pressure.node_pa[middle].mean() / lame_pressure_pa(inner, outer, squeeze, material)) - 1.0


def mesh_rows() -> list[dict[str, Any]]:
    """What the map says of the same pushed cuff on several meshes: p95, highest tile, highest node, kPa."""
    rows = []
    for mesh in MESHES:
        phantom = replace(pushed(), mesh=mesh)
        statics = CuffStatics(phantom, "thigh")
        points = statics.solve(np.array(POSES[0])).points_m
        pressure = PressureMap(phantom, "thigh", statics.mesh, statics.tets).at(points)
        rows.append(
            {
                "mesh": [mesh.radial, mesh.around, mesh.along],
                "p95_kpa": pressure.p95_pa / 1e3,
                "highest_tile_kpa": pressure.highest_pa / 1e3,
                "mean_kpa": float(pressure.node_pa @ pressure.area_m2 / pressure.area_m2.sum()) / 1e3,
                "highest_node_kpa": float(pressure.node_pa.max()) / 1e3,
            }
        )
    return rows


def squeeze_error(name: SegmentName, poisson: float, cells: Cells = _CELLS) -> float:
    """Inward force of a cuff that presses 1 % into the default mesh, over that of quadratic elements, less one."""
    leg = phantom_for(1.75, 75.0)
    leg = replace(leg, material=replace(leg.material, poisson=poisson))
    tight = replace(leg.cuff(name), prestrain=_SQUEEZE)
    leg = replace(leg, thigh_cuff=tight) if name == "thigh" else replace(leg, shank_cuff=tight)
    statics = CuffStatics(leg, name)
    points = statics.solve(np.zeros(3)).points_m
    force = PressureMap(leg, name, statics.mesh, statics.tets).at(points).force_n
    return _inward_n(points[statics.mesh.cuff], force) / ReferenceCuff(leg, name, cells).squeeze_n() - 1.0


def _inward_n(points_m: F64, force_n: F64) -> float:
    radius = np.hypot(points_m[:, 0], points_m[:, 1])
    return float(-np.sum((force_n[:, :2] * points_m[:, :2]).sum(axis=1) / radius))
