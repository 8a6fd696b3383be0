"""Equilibrium of the tissue under one cuff for a prescribed pose of the cuff: force, moment and energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.annulus import Annulus, Ints, Mask, annulus
from edge_runtime.tissue.builder import SIDE, pressed_points
from edge_runtime.tissue.geometry import Phantom, SegmentName
from edge_runtime.tissue.mesh_factor import elements
from edge_runtime.tissue.svk import Tets
from edge_runtime.types import F64

_MAX_ITERATIONS: Final = 60
_MAX_HALVINGS: Final = 12
_RELATIVE_TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class CuffLoad:
    """What a cuff pose takes: `load` [3] = (force x, N, force z, N, moment about y at the cuff's centre, Nm) that holds
    the cuff there, the gradient of `energy_j`; `min_det_f`: smallest volume ratio; `points_m` [n, 3]: all nodes."""

    load: F64
    energy_j: float
    min_det_f: float
    points_m: F64


class CuffStatics:
    """Tissue of one segment with its bone held; poses are (ux m, uz m, phi rad) of the cuff's centre from rest.

    The same elements, moduli (with the mesh's factor) and prestrain as the MuJoCo model. Warm: each solve starts from
    the last one, so walk through poses in small steps where they are large.
    """

    def __init__(self, phantom: Phantom, name: SegmentName) -> None:
        material, cuff = phantom.material, phantom.cuff(name)
        self.mesh: Annulus = annulus(phantom.segment(name), cuff, material, phantom.mesh, SIDE[name])
        self.tets: Tets = elements(phantom, name, self.mesh)
        self._centre = np.array([0.0, 0.0, SIDE[name] * cuff.centre_m])
        self._glued = pressed_points(phantom, name, self.mesh) - self._centre
        self._free, self._held = np.flatnonzero(self.mesh.free), np.flatnonzero(self.mesh.cuff)
        self._place, self._keep, self._size = _places(self.mesh.tets, np.r_[self._free, self._held])
        self._force_scale = float(material.young_pa * np.mean(self.mesh.volume_m3) ** (2.0 / 3.0))
        self._points, self._middle = self.mesh.points_m.copy(), self._centre

    def solve(self, pose: F64) -> CuffLoad:
        """Equilibrium at `pose` [3]. Raises UserError where no equilibrium is found (tissue crushed)."""
        pose = np.asarray(pose, np.float64)
        points = self._start(pose)
        for _ in range(_MAX_ITERATIONS):
            residual = self.tets.forces_n(points)[self._free]
            if np.abs(residual).max(initial=0.0) < _RELATIVE_TOLERANCE * self._force_scale:
                break
            points = self._descend(points, residual)
        else:
            raise UserError(f"tissue: no equilibrium at cuff pose {np.round(pose, 4)}; the tissue is crushed there")
        self._points, self._middle = points, self._centre + np.array([pose[0], 0.0, pose[1]])
        smallest = float(self.tets.det_f(points).min())
        return CuffLoad(self._load(points, pose), self.tets.energy_j(points), smallest, points)

    def free_stiffness(self) -> F64:
        """Tangent stiffness [3 n, 3 n] of the n free nodes at the last equilibrium, cuff and bone held, N/m."""
        free = 3 * len(self._free)
        return self._tangent(self._points)[:free, :free]

    def loss(self) -> F64:
        """Kelvin-Voigt matrix [3, 3] over its time at the last equilibrium, in (x, z, phi): the force of a rate of the
        pose is loss time x this x rate, as long as the tissue follows without delay. N/m, N, Nm/rad."""
        arm = self._points[self._held] - self._middle
        ways = np.zeros((len(arm), 3, 3))
        ways[:, 0, 0], ways[:, 2, 1], ways[:, 0, 2], ways[:, 2, 2] = 1.0, 1.0, arm[:, 2], -arm[:, 0]
        held, free = ways.reshape(-1, 3), 3 * len(self._free)
        tangent = self._tangent(self._points)
        follow = np.concatenate([-_solve(tangent[:free, :free], tangent[:free, free:] @ held), held])
        out: F64 = follow.T @ self._matrix(self.tets.material_tangents(self._points)) @ follow
        return out

    def reset(self) -> None:
        """Start the next solve from rest."""
        self._points = self.mesh.points_m.copy()

    def stiffness(self) -> F64:
        """Tangent stiffness [3, 3] at rest in (x, z, phi): N/m, N, Nm/rad; by central differences."""
        step = np.array([1e-5, 1e-5, 1e-4])
        columns = []
        for i in range(3):
            up, down = (self.solve(sign * np.eye(3)[i] * step[i]).load for sign in (1.0, -1.0))
            columns.append((up - down) / (2.0 * step[i]))
        return np.stack(columns, axis=1)

    def _start(self, pose: F64) -> F64:
        """The last equilibrium with the cuff at `pose` and the free nodes carried along to first order."""
        points = self._points.copy()
        glued = _turned(self._glued, pose[2]) + self._centre + np.array([pose[0], 0.0, pose[1]])
        shift = glued - points[self._held]
        if not shift.any():
            return points
        tangent, free = self._tangent(points), 3 * len(self._free)
        points[self._held] = glued
        points[self._free] -= _solve(tangent[:free, :free], tangent[:free, free:] @ shift.ravel()).reshape(-1, 3)
        return points

    def _descend(self, points: F64, residual: F64) -> F64:
        """One Newton step on the free nodes, shortened until the energy falls."""
        free = 3 * len(self._free)
        step = _solve(self._tangent(points)[:free, :free], residual.ravel())
        energy, slope = self.tets.energy_j(points), float(step @ residual.ravel())
        for shorter in range(_MAX_HALVINGS):
            share = 0.5**shorter
            trial = points.copy()
            trial[self._free] += share * step.reshape(-1, 3)
            if self.tets.energy_j(trial) <= energy - 1e-4 * share * slope + 1e-12 * abs(energy):
                return trial
        return trial

    def _tangent(self, points: F64) -> F64:
        """Second derivative of the energy over the free nodes, then those under the cuff, dense, N/m."""
        return self._matrix(self.tets.tangents(points))

    def _matrix(self, elements: F64) -> F64:
        """Element matrices [m, 12, 12] put together in the order of `_tangent`."""
        values = elements.ravel()[self._keep]
        flat = np.bincount(self._place, values, self._size**2).astype(np.float64, copy=False)
        return flat.reshape(self._size, self._size)

    def _load(self, points: F64, pose: F64) -> F64:
        nodal = -self.tets.forces_n(points)[self._held]
        arm = points[self._held] - self._centre - np.array([pose[0], 0.0, pose[1]])
        moment = arm[:, 2] * nodal[:, 0] - arm[:, 0] * nodal[:, 2]
        return np.array([nodal[:, 0].sum(), nodal[:, 2].sum(), moment.sum()])


def _places(tets: Ints, nodes: Ints) -> tuple[Ints, Mask, int]:
    """Where the entries of the element tangents go in a dense matrix over `nodes`: flat places, mask of those kept."""
    number = np.full(int(tets.max()) + 1, -1)
    number[nodes] = np.arange(len(nodes))
    unknowns = (3 * number[tets][..., None] + np.arange(3)).reshape(-1, 12)
    known = np.repeat(number[tets] >= 0, 3, axis=1)
    keep = (known[:, :, None] & known[:, None, :]).ravel()
    size = 3 * len(nodes)
    return (size * unknowns[:, :, None] + unknowns[:, None, :]).ravel()[keep], keep, size


def _solve(matrix: F64, right: F64) -> F64:
    """Newton direction; where the matrix is not positive definite it is shifted until it is."""
    shift, scale = 0.0, float(np.abs(np.diag(matrix)).mean())
    while True:
        try:
            np.linalg.cholesky(matrix + shift * np.eye(len(matrix)))
        except np.linalg.LinAlgError:
            shift = max(4.0 * shift, 1e-3 * scale)
        else:
            return np.asarray(np.linalg.solve(matrix + shift * np.eye(len(matrix)), right), np.float64)


def _turned(points_m: F64, angle_rad: float) -> F64:
    """Points [n, 3] turned about the y axis: positive from z towards x."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    x, y, z = points_m.T
    return np.stack([c * x + s * z, y, -s * x + c * z], axis=-1)
