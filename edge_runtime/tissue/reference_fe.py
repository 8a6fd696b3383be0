"""Independent finite elements for a cuff on a segment: scikit-fem, curved quadratic tetrahedra, half of the limb.

Nothing here is shared with `svk` or MuJoCo but the geometry's numbers: own mesh, own elements, own weak form.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.geometry import Cuff, Phantom, Segment, SegmentName
from edge_runtime.types import F64

_MAX_ITERATIONS: Final = 40
_TOLERANCE: Final = 1e-6
_SLOW: Final = 0.3
_SYMMETRIC: Final = {"SymmetricMode": True, "DiagPivotThresh": 0.001}
"""For SuperLU: the matrix is symmetric, which halves its time."""
_GRADE: Final = 1.6
"""How much rows of nodes crowd towards the cuff's edges and the skin, where stress is singular."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells from bone to skin, round half the limb, and along it; six quadratic tetrahedra each."""

    radial: int = 3
    around: int = 8
    along: int = 16


class ReferenceCuff:
    """The tissue of one segment as `static.CuffStatics` has it, but St. Venant-Kirchhoff by quadratic elements.

    The leg must be alike left and right (no sideways bone offset). Raises UserError without scikit-fem.
    """

    def __init__(self, phantom: Phantom, name: SegmentName, cells: Cells | None = None) -> None:
        try:
            import skfem
        except ModuleNotFoundError:
            raise UserError("the independent FE needs scikit-fem: install exo-edge[bench]") from None
        segment, cuff, material = phantom.segment(name), phantom.cuff(name), phantom.material
        if segment.bone_offset_m[1] != 0.0 or material.layers:
            raise UserError("the independent FE takes one layer and a bone that is not offset sideways")
        side = 1.0 if name == "thigh" else -1.0
        self._signs = np.array([1.0, side, side])  # the shank is solved upside down
        self._cuff, self._segment = cuff, segment
        e, nu = material.young_pa, material.poisson
        self.lam, self.mu = e * nu / ((1.0 + nu) * (1.0 - 2.0 * nu)), e / (2.0 * (1.0 + nu))
        self._box = _box(segment, cuff, cells or Cells())
        mesh = skfem.MeshTet2.from_mesh(self._box)
        mesh.doflocs[:] = self._place(mesh.doflocs)
        self.basis = skfem.Basis(mesh, skfem.ElementVector(skfem.ElementTetP2()), intorder=4)
        self._at, self._axis = self._where()
        self._fixed, self._glued = self._constraints()
        self._free = np.setdiff1d(np.arange(self.basis.N), self._fixed)
        self._last: F64 = np.zeros(self.basis.N)
        self._linearize(self._last)

    def solve(self, pose: F64) -> F64:
        """Load [3] (N, N, Nm) that holds the cuff at `pose` (ux m, uz m, phi rad); signs as in `static.CuffLoad`.

        Newton from the last pose; the tangent is made anew only where the residual falls by less than `_SLOW`.
        """
        values, modes = self._rigid(self._signs * pose)
        u, jump = self._last.copy(), np.zeros(self.basis.N)
        jump[self._glued] = values - u[self._glued]
        u += jump
        u[self._free] -= self._factor((self._slope @ jump)[self._free])
        before = np.inf
        for _ in range(_MAX_ITERATIONS):
            residual = self._forces(u)
            size, scale = float(np.linalg.norm(residual[self._free])), float(np.linalg.norm(residual[self._glued]))
            if size < _TOLERANCE * scale:
                self._last = u
                return np.asarray(self._signs * (2.0 * modes @ residual[self._glued]), np.float64)
            if size > _SLOW * before:
                self._linearize(u)
            u[self._free] -= self._factor(residual[self._free])
            before = size
        raise UserError(f"the independent FE does not converge at cuff pose {pose}; take smaller steps")

    def reset(self) -> None:
        """Start the next solve from rest."""
        self._last = np.zeros(self.basis.N)
        self._linearize(self._last)

    def squeeze_n(self) -> float:
        """Sum of the inward forces, N, with which the cuff presses at rest by its prestrain (take a small one)."""
        self.solve(np.zeros(3))
        angle, axis = self._at[1, self._glued], self._axis[self._glued]
        radial = np.where(axis == 0, np.cos(angle), np.where(axis == 1, np.sin(angle), 0.0))
        return float(-2.0 * radial @ self._forces(self._last)[self._glued])

    def small_strain(self) -> F64:
        """Stiffness [3, 3] at rest in (x, z, phi), by linear elasticity alone: scikit-fem's own form."""
        from skfem.models.elasticity import linear_elasticity

        stiffness = linear_elasticity(self.lam, self.mu).assemble(self.basis).tocsr()
        factor, modes = self._factorized(stiffness), self._rigid(np.zeros(3))[1]
        columns = []
        for axis in range(3):
            u = np.zeros(self.basis.N)
            u[self._glued] = modes[axis]
            u[self._free] = -factor((stiffness @ u)[self._free])
            columns.append(2.0 * modes @ (stiffness @ u)[self._glued])
        return np.stack(columns, axis=1) * np.outer(self._signs, self._signs)

    def _place(self, at: F64) -> F64:
        """Points [3, n] in space for (share of the way from bone to skin, angle, distance from the knee)."""
        share, angle, height = at
        s, direction = self._segment, np.stack([np.cos(angle), np.sin(angle)])
        along = (height - s.near_m) / (s.far_m - s.near_m)
        radii = np.outer(s.near_radii_m, 1.0 - along) + np.outer(s.far_radii_m, along)
        bone = np.array(s.bone_offset_m)[:, None] + s.bone_radius_m * direction
        return np.vstack([(1.0 - share) * bone + share * radii * direction, height])

    def _where(self) -> tuple[F64, Any]:
        """Parameters [3, N] and axis [N] of every degree of freedom."""
        basis, at = self.basis, np.empty((3, self.basis.N))
        axis = np.empty(basis.N, np.int64)
        middles = self._box.p[:, self._box.edges].mean(axis=1)
        for dofs, points in ((basis.nodal_dofs, self._box.p), (basis.edge_dofs, middles)):
            for i in range(3):
                at[:, dofs[i]], axis[dofs[i]] = points, i
        return at, axis

    def _constraints(self) -> tuple[Any, Any]:
        """Degrees of freedom with a given value, and those of them under the cuff."""
        share, angle, height = self._at
        cuff = self._cuff
        glued = (share > 1.0 - 1e-9) & (np.abs(height - cuff.centre_m) < cuff.length_m / 2.0 + 1e-9)
        glued &= angle < cuff.wrap_rad / 2.0 + 1e-9
        mirror = (self._axis == 1) & ((angle < 1e-9) | (angle > np.pi - 1e-9))
        return np.flatnonzero(glued | mirror | (share < 1e-9)), np.flatnonzero(glued)

    def _rigid(self, pose: F64) -> tuple[F64, F64]:
        """Displacement [g] of the glued degrees of freedom at a pose, and its derivatives [3, g] by the pose."""
        rest = self._place(self._at[:, self._glued])
        pressed = rest * np.array([[1.0 - self._cuff.prestrain], [1.0 - self._cuff.prestrain], [1.0]])
        arm = pressed - np.array([[0.0], [0.0], [self._cuff.centre_m]])
        c, s = np.cos(pose[2]), np.sin(pose[2])
        turned = np.stack([c * arm[0] + s * arm[2], arm[1], -s * arm[0] + c * arm[2]])
        moved = turned + np.array([[pose[0]], [0.0], [self._cuff.centre_m + pose[1]]]) - rest
        one, zero = np.ones_like(arm[0]), np.zeros_like(arm[0])
        modes = np.stack([[one, zero, zero], [zero, zero, one], [turned[2], zero, -turned[0]]])  # [3, axis, g]
        axis, column = self._axis[self._glued], np.arange(len(self._glued))
        return moved[axis, column], modes[:, axis, column]

    def _linearize(self, u: F64) -> None:
        """Tangent at displacements `u`, and the solver of its free part."""
        self._slope = self._tangent(u)
        self._factor = self._factorized(self._slope)

    def _factorized(self, matrix: Any) -> Any:
        from scipy.sparse.linalg import splu

        return splu(matrix[self._free][:, self._free].tocsc(), permc_spec="MMD_AT_PLUS_A", options=_SYMMETRIC).solve

    def _strain(self, u: F64) -> tuple[F64, F64]:
        """Deformation gradient and second Piola-Kirchhoff stress [3, 3, elements, points]."""
        unit = np.eye(3)[:, :, None, None]
        f = np.asarray(self.basis.interpolate(u).grad) + unit
        strain = 0.5 * (np.einsum("kiep,kjep->ijep", f, f) - unit)
        return f, self.lam * np.einsum("iiep->ep", strain) * unit + 2.0 * self.mu * strain

    def _forces(self, u: F64) -> F64:
        """Gradient of the St. Venant-Kirchhoff energy at displacements `u` [N], by the weak form P : grad v."""
        import skfem

        f, second = self._strain(u)
        first = np.einsum("ikep,kjep->ijep", f, second)
        form = skfem.LinearForm(lambda v, w: np.einsum("ij...,ij...->...", w["stress"], v.grad))
        out: F64 = form.assemble(self.basis, stress=first)
        return out

    def _tangent(self, u: F64) -> Any:
        """Sparse second derivative of the energy: grad v : dP/dF : grad w, summed over the quadrature points."""
        from scipy.sparse import csr_matrix

        f, second = self._strain(u)
        unit = np.eye(3)
        law = np.einsum("ij,klep->epikjl", unit, second)
        law += self.lam * np.einsum("ikep,jlep->epikjl", f, f)
        law += self.mu * np.einsum("imep,jmep,kl->epikjl", f, f, unit) + self.mu * np.einsum("ilep,jkep->epikjl", f, f)
        grad = np.stack([np.asarray(field[0].grad) for field in self.basis.basis])  # [30, 3, 3, e, p]
        grad = np.ascontiguousarray(grad.transpose(3, 4, 0, 1, 2)).reshape(*f.shape[2:], -1, 9)
        weighted = grad @ (law.reshape(*f.shape[2:], 9, 9) * self.basis.dx[..., None, None])
        local = (weighted @ np.swapaxes(grad, -1, -2)).sum(axis=1)  # [e, 30, 30]
        dofs = self.basis.element_dofs.T
        rows, columns = np.broadcast_arrays(dofs[:, :, None], dofs[:, None, :])
        return csr_matrix((local.ravel(), (rows.ravel(), columns.ravel())), shape=(self.basis.N,) * 2)


def _box(segment: Segment, cuff: Cuff, cells: Cells) -> Any:
    """Tetrahedra in (share, angle 0 to pi, distance from the knee), with rows at the cuff's edges."""
    import skfem

    edges = [segment.near_m, cuff.centre_m - cuff.length_m / 2.0, cuff.centre_m + cuff.length_m / 2.0, segment.far_m]
    count = np.maximum(2, np.round(cells.along * np.diff(edges) / (edges[-1] - edges[0])).astype(int))
    rows = [
        low + (high - low) * graded[1:]
        for (low, high), graded in zip(pairwise(edges), _graded(*count.tolist()), strict=True)
    ]
    share = 1.0 - np.linspace(1.0, 0.0, cells.radial + 1) ** _GRADE
    angle = np.linspace(0.0, np.pi, cells.around + 1)
    mesh: Any = skfem.MeshTet
    return mesh.init_tensor(share, angle, np.concatenate([edges[:1], *rows]))


def _graded(near: int, under: int, far: int) -> tuple[F64, F64, F64]:
    """Rows from 0 to 1 of the three parts of a limb: their steps shrink towards the cuff's ends."""
    to_end = 1.0 - np.linspace(1.0, 0.0, near + 1) ** _GRADE
    both = np.linspace(0.0, 1.0, under + 1)
    both = np.where(both < 0.5, 0.5 * (2.0 * both) ** _GRADE, 1.0 - 0.5 * (2.0 - 2.0 * both) ** _GRADE)
    return to_end, both, np.linspace(0.0, 1.0, far + 1) ** _GRADE
