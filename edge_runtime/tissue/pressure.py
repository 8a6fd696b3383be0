"""Pressure of a glued cuff on the skin, from the elastic forces of the elements that touch it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.annulus import Annulus
from edge_runtime.tissue.builder import pressed_points
from edge_runtime.tissue.geometry import Phantom, SegmentName
from edge_runtime.tissue.patches import Patches, glued_faces, tile
from edge_runtime.tissue.svk import Tets
from edge_runtime.types import F64

DISCOMFORT_PA: Final = 13.7e3
"""Pressure that is uncomfortable when it stays, and below the range that hurts: Kermavnar 2020."""
PAIN_PA: Final = 53e3
"""Lower end of the 53 to 61 kPa that hurt at once: Kermavnar 2020."""
SHOWN_SHARE: Final = 0.65
"""The default mesh shows at least so much of the pressure under a tight cuff that quadratic elements show: see
`pressure_checks.squeeze_error`, `exo-edge bench tissue --part pressure_map_ms`."""
FLAG_DISCOMFORT_PA: Final = SHOWN_SHARE * DISCOMFORT_PA
FLAG_PAIN_PA: Final = SHOWN_SHARE * PAIN_PA
"""What a tile of the map is held against: flagged at the latest where the tissue is at the limit, mostly earlier."""
HIGH_SHARE: Final = 0.95
_MAX_EXPONENT: Final = 4.0  # as svk: stiffening grows no further


@dataclass(frozen=True, slots=True)
class Pressure:
    """Load under one cuff. `patch_pa` [p] means of the tiles of `PressureMap.patches`, negative where glue pulls;
    `p95_pa`: exceeded on 5 % of the covered skin; `node_pa` [c] and `force_n` [c, 3] at the cuff's nodes (the force of
    the cuff on the tissue, world axes), `area_m2` [c] theirs."""

    patch_pa: F64
    p95_pa: float
    node_pa: F64
    force_n: F64
    area_m2: F64

    @property
    def highest_pa(self) -> float:
        """Largest mean of a tile."""
        return float(self.patch_pa.max())


class PressureMap:
    """Compiled evaluation for the cuff on segment `name` of a phantom, from its mesh and its elements."""

    def __init__(self, phantom: Phantom, name: SegmentName, tissue: Annulus, tets: Tets) -> None:
        touching = np.flatnonzero(tissue.cuff[tets.tets].any(axis=1))
        slot = np.full(len(tissue.points_m), -1)
        slot[tissue.cuff] = np.arange(int(tissue.cuff.sum()))
        self.patches: Patches = tile(tissue, phantom.cuff(name), pressed_points(phantom, name, tissue))
        exponent = 2.0 * tets.stiffening**2 / tets.young_pa[touching]
        self._elements = tuple(
            np.ascontiguousarray(part)
            for part in (tets.tets[touching], slot[tets.tets[touching]], tets.gradients[touching],
                         tets.volume_m3[touching], tets.lam[touching], tets.mu[touching], exponent)
        )  # fmt: skip
        faces = glued_faces(tissue)
        self._faces = np.ascontiguousarray(faces), np.ascontiguousarray(slot[faces])
        self._force = np.zeros((int(tissue.cuff.sum()), 3))
        self._normal, self._area = np.zeros_like(self._force), np.zeros(len(self._force))

    def at(self, points_m: F64) -> Pressure:
        """Load with the mesh's nodes at `points_m` [n, 3], world axes. Elastic part only: what tissue's loss adds in
        motion is not in it."""
        points_m = np.ascontiguousarray(points_m)
        _forces(points_m, *self._elements, self._force)
        _normals(points_m, *self._faces, self._normal, self._area)
        length = np.sqrt(np.einsum("ij,ij->i", self._normal, self._normal))
        inward = -np.einsum("ij,ij->i", self._force, self._normal) / (length * self._area)
        patch = self.patches.weights @ inward
        return Pressure(patch, high(patch, self.patches.area_m2), inward, self._force.copy(), self._area.copy())


def high(patch_pa: F64, area_m2: F64) -> float:
    """Pressure that 5 % of the area exceed, Pa."""
    order = np.argsort(patch_pa)
    below = np.cumsum(area_m2[order])
    return float(patch_pa[order[int(np.searchsorted(below, HIGH_SHARE * below[-1]))]])


@njit(cache=True, nogil=True)
def _forces(
    points: Any, tets: Any, slots: Any, gradients: Any, volume: Any, lam: Any, mu: Any, exponent: Any, out: Any
) -> None:
    """Force [c, 3] that holds the cuff's nodes against St. Venant-Kirchhoff elements, stiffening as `svk.Tets`."""
    out[:] = 0.0
    f, green, stress = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    for e in range(len(tets)):
        for i in range(3):
            for j in range(3):
                f[i, j] = 0.0
                for corner in range(4):
                    f[i, j] += points[tets[e, corner], i] * gradients[e, corner, j]
        trace, square = 0.0, 0.0
        for i in range(3):
            for j in range(3):
                green[i, j] = 0.5 * (f[0, i] * f[0, j] + f[1, i] * f[1, j] + f[2, i] * f[2, j])
            green[i, i] -= 0.5
            trace += green[i, i]
        for i in range(3):
            for j in range(3):
                square += green[i, j] * green[i, j]
        growth = np.exp(min(exponent[e] * (0.5 * lam[e] * trace * trace + mu[e] * square), _MAX_EXPONENT))
        for i in range(3):
            for j in range(3):
                stress[i, j] = 2.0 * mu[e] * growth * green[i, j]
            stress[i, i] += lam[e] * growth * trace
        _add(f, stress, volume[e], gradients[e], slots[e], out)


@njit(cache=True, nogil=True)
def _add(f: Any, stress: Any, volume: float, gradients: Any, slots: Any, out: Any) -> None:
    """Add one element's share to the nodes it has under the cuff."""
    for corner in range(4):
        slot = slots[corner]
        if slot < 0:
            continue
        for i in range(3):
            for j in range(3):
                pull = 0.0
                for k in range(3):
                    pull += stress[j, k] * gradients[corner, k]
                out[slot, i] += volume * f[i, j] * pull


@njit(cache=True, nogil=True)
def _normals(points: Any, faces: Any, slots: Any, out: Any, area: Any) -> None:
    """Outward area vectors [c, 3] and areas [c], m2: a third of each face to each corner."""
    out[:] = 0.0
    area[:] = 0.0
    for face in range(len(faces)):
        a, b, c = faces[face]
        square = 0.0
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            value = (points[b, j] - points[a, j]) * (points[c, k] - points[a, k])
            value -= (points[b, k] - points[a, k]) * (points[c, j] - points[a, j])
            square += value * value
            for corner in range(3):
                out[slots[face, corner], i] += value / 6.0
        for corner in range(3):
            area[slots[face, corner]] += np.sqrt(square) / 6.0
