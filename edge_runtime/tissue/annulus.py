"""Tetrahedral mesh of the tissue between bone and skin, with the nodes on the bone and under the cuff."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.geometry import Cuff, Material, Mesh, Segment
from edge_runtime.types import F64

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_KUHN: Final = ((0, 1, 3, 7), (0, 1, 5, 7), (0, 2, 3, 7), (0, 2, 6, 7), (0, 4, 5, 7), (0, 4, 6, 7))
"""Six tetrahedra of a cube round its diagonal (Kuhn 1960); corner numbers are bits (radial, around, along)."""


@dataclass(frozen=True, slots=True)
class Annulus:
    """Tissue of one segment at rest, in the frame of its bone (knee at the origin, z up).

    `points_m` [n, 3]; `tets` [m, 4], positively oriented; masks [n] of nodes fixed to `bone`, glued to the `cuff`,
    on the `skin`; `node_volume_m3` [n]; `young_pa` [m]; `volume_m3` [m]. `skin_faces` [f, 3] look outward.
    """

    points_m: F64
    tets: Ints
    bone: Mask
    skin: Mask
    cuff: Mask
    skin_faces: Ints
    volume_m3: F64
    node_volume_m3: F64
    young_pa: F64

    @property
    def free(self) -> Mask:
        """Nodes that are neither on the bone nor under the cuff."""
        return ~(self.bone | self.cuff)


def annulus(segment: Segment, cuff: Cuff, material: Material, mesh: Mesh, side: float) -> Annulus:
    """Mesh the tissue of a segment above (`side` 1) or below (-1) the knee; cuff edges fall on rows of nodes.

    The moduli are the material's, without the mesh's correction.
    """
    rows = _rows(segment, cuff, mesh.along)
    points = _points(segment, rows, mesh, side)
    index = np.arange(len(points)).reshape(mesh.radial + 1, mesh.around, mesh.along + 1)
    tets, volume = oriented(points, kuhn_tets(np.concatenate([index, index[:, :1]], axis=1)))
    shell = np.repeat(np.arange(mesh.radial), len(tets) // mesh.radial)
    node_volume = np.bincount(tets.ravel(), np.repeat(volume / 4.0, 4), len(points)).astype(np.float64)
    young = np.array([material.young_at((i + 0.5) / mesh.radial) for i in range(mesh.radial)])[shell]
    skin = np.zeros(len(points), bool)
    skin[index[-1]] = True
    bone = np.zeros(len(points), bool)
    bone[index[0]] = True
    under = np.abs(rows - cuff.centre_m) <= cuff.length_m / 2.0 + 1e-9
    angle = np.abs((np.arange(mesh.around) * 2.0 * np.pi / mesh.around + np.pi) % (2.0 * np.pi) - np.pi)
    wrapped = angle <= cuff.wrap_rad / 2.0 + 1e-9
    glued = np.zeros(len(points), bool)
    glued[index[-1][np.ix_(wrapped, under)]] = True
    return Annulus(points, tets, bone, skin, glued, _outward(points, tets, skin), volume, node_volume, young)


def _rows(segment: Segment, cuff: Cuff, cells: int) -> F64:
    """Distances of the node rows from the knee, [cells + 1]: half of the cells under the cuff, a quarter on each side.

    Always so, however long the parts are, for `mesh_factor` is fitted to this pattern.
    """
    ends = (segment.near_m, cuff.centre_m - cuff.length_m / 2.0, cuff.centre_m + cuff.length_m / 2.0, segment.far_m)
    side = max(1, round(cells / 4))
    parts = [
        np.linspace(low, high, count + 1)[:-1]
        for (low, high), count in zip(pairwise(ends), (side, cells - 2 * side, side), strict=True)
    ]
    return np.concatenate([*parts, ends[-1:]])


def _points(segment: Segment, rows: F64, mesh: Mesh, side: float) -> F64:
    """Nodes [(radial + 1) around (along + 1), 3], the last index fastest: straight from the bone circle to the skin."""
    angle = np.arange(mesh.around) * 2.0 * np.pi / mesh.around
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # [around, 2]
    at = (rows - segment.near_m) / (segment.far_m - segment.near_m)
    near, far = np.array(segment.near_radii_m), np.array(segment.far_radii_m)
    radii = near + at[:, None] * (far - near)  # [rows, 2]
    skin = direction[:, None] * radii[None]
    bone = np.broadcast_to(np.array(segment.bone_offset_m) + segment.bone_radius_m * direction[:, None], skin.shape)
    share = np.linspace(0.0, 1.0, mesh.radial + 1)[:, None, None, None]
    across = (1.0 - share) * bone + share * skin
    height = np.broadcast_to(side * rows, across.shape[:-1])
    return np.concatenate([across, height[..., None]], axis=-1).reshape(-1, 3)


def kuhn_tets(index: Ints) -> Ints:
    """Tetrahedra [6 cells, 4] of a grid of node numbers [a + 1, b + 1, c + 1], cell by cell, the last index fastest.

    Neighbouring cells are mirrored, to favour no way; orientation is not set.
    """
    a, b, c = (size - 1 for size in index.shape)
    i, j, k = (cell.ravel() for cell in np.meshgrid(np.arange(a), np.arange(b), np.arange(c), indexing="ij"))
    corners = np.empty((8, a * b * c), np.int64)
    for corner in range(8):
        di, dj, dk = (corner >> 2) & 1, (corner >> 1) & 1, corner & 1
        corners[corner] = index[i + (di ^ i % 2), j + (dj ^ j % 2), k + (dk ^ k % 2)]
    return np.stack([corners[list(cell)].T for cell in _KUHN], axis=1).reshape(-1, 4)


def oriented(points_m: F64, tets: Ints) -> tuple[Ints, F64]:
    """The tetrahedra with positive volume each, and those volumes [m], m3."""
    a, b, c, d = (points_m[tets[:, i]] for i in range(4))
    volume = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6.0
    turned = tets.copy()
    turned[volume < 0.0, :2] = tets[volume < 0.0, 1::-1]
    return turned, np.abs(volume)


def _outward(points: F64, tets: Ints, skin: Mask) -> Ints:
    """Faces with all corners on the skin [f, 3], their normals away from the tissue."""
    on = skin[tets]
    rows = np.flatnonzero(on.sum(axis=1) == 3)
    inner = tets[rows][~on[rows]]
    faces = tets[rows][on[rows]].reshape(-1, 3)
    a, b, c = (points[faces[:, i]] for i in range(3))
    inward = np.einsum("ij,ij->i", np.cross(b - a, c - a), points[inner] - a) > 0.0
    faces[inward, :2] = faces[inward, 1::-1]
    return faces
