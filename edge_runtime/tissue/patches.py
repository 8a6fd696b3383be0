"""Patches of about 4 cm2 that tile the skin under a cuff: the pressure that skin feels, whatever the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.tissue.annulus import Annulus, Ints
from edge_runtime.tissue.geometry import Cuff
from edge_runtime.types import F64

PATCH_M: Final = 0.02
"""Edge of a patch: 4 cm2 tell skin's load apart from the peak at a cuff's edge, which grows as a mesh gets finer."""
_SPLIT: Final = 8  # each face of the mesh is sampled at 64 points


@dataclass(frozen=True, slots=True)
class Patches:
    """Tiles of one cuff, `rows` along the limb x `columns` round it; tile (i, j) is number i * columns + j.

    `area_m2` [p]; `height_m` [rows]: distance of the tiles' middle from the knee; `angle_rad` [columns]: their middle
    round the limb, 0 in front, positive to the wearer's left, up to `half_rad`. `weights` [p, c]: mean pressure of each
    from the pressures at the cuff's nodes, linear between nodes, so that pressure times area summed over all tiles is
    the same as over all nodes.
    """

    rows: int
    columns: int
    area_m2: F64
    height_m: F64
    angle_rad: F64
    half_rad: float
    weights: F64


def tile(tissue: Annulus, cuff: Cuff, worn_m: F64) -> Patches:
    """Tiles of the skin under `cuff`, whose nodes are at `worn_m` [c, 3] in the bone's frame with the cuff put on.

    An open cuff has tiles only where it covers the skin.
    """
    slot = np.full(len(tissue.points_m), -1)
    slot[tissue.cuff] = np.arange(int(tissue.cuff.sum()))
    faces = glued_faces(tissue)
    corners = worn_m[slot[faces]]
    bary = _samples()
    points = np.einsum("sk,fkx->fsx", bary, corners)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2.0
    sample_m2 = np.repeat(area / len(bary), len(bary))
    rows = max(1, round(cuff.length_m / PATCH_M))
    columns = max(1, round(float(area.sum()) / cuff.length_m / PATCH_M))
    along = np.abs(points[..., 2]).ravel() - (cuff.centre_m - cuff.length_m / 2.0)
    around = np.arctan2(points[..., 1], points[..., 0]).ravel()
    half = float(np.abs(around).max())  # an open cuff ends at the last nodes that it covers
    i = np.clip((along / cuff.length_m * rows).astype(int), 0, rows - 1)
    j = np.clip(((around + half) / (2.0 * half) * columns).astype(int), 0, columns - 1)
    number = i * columns + j
    weights = np.zeros((rows * columns, int(tissue.cuff.sum())))
    for corner in range(3):
        share = sample_m2 * np.tile(bary[:, corner], len(faces))
        np.add.at(weights, (number, np.repeat(slot[faces[:, corner]], len(bary))), share)
    tiles = np.bincount(number, sample_m2, rows * columns).astype(np.float64)
    weights /= np.maximum(tiles, 1e-12)[:, None]
    height: F64 = cuff.centre_m + cuff.length_m * ((np.arange(rows) + 0.5) / rows - 0.5)
    angle: F64 = half * ((2.0 * np.arange(columns) + 1.0) / columns - 1.0)
    return Patches(rows, columns, tiles, height, angle, half, weights)


def glued_faces(tissue: Annulus) -> Ints:
    """Faces of the skin [f, 3] that lie wholly under the cuff."""
    return tissue.skin_faces[tissue.cuff[tissue.skin_faces].all(axis=1)]


def _samples() -> F64:
    """Barycentric coordinates [64, 3] of the middles of equal small triangles."""
    out = []
    for a in range(_SPLIT):
        for b in range(_SPLIT - a):
            out.append((a + 1.0 / 3.0, b + 1.0 / 3.0))
            if a + b < _SPLIT - 1:
                out.append((a + 2.0 / 3.0, b + 2.0 / 3.0))
    first = np.array(out) / _SPLIT
    return np.column_stack([first, 1.0 - first.sum(axis=1)])
