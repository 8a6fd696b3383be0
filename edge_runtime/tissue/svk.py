"""St. Venant-Kirchhoff linear tetrahedra in numpy: energy, nodal forces, tangent, volume ratio.

Written from the energy density W0 = lambda/2 tr(E)^2 + mu E:E with Green strain E, independent of MuJoCo, which must
agree (tests); used for static equilibria, pressure under cuffs and the fall-back flag.

Exponential stiffening b makes it W = young / (2 b^2) (exp(q) - 1) with q = 2 b^2 W0 / young (Fung's form; Fung 1967,
Am. J. Physiol. 213:1532): pulled to a strain e, tissue has exp(b^2 e^2) times the stress it had without.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.annulus import Ints
from edge_runtime.types import F64

MIN_DET_F: Final = 0.5
"""Volume ratio of an element below which the law is no longer trusted (it collapses below stretch 0.577)."""
_MAX_EXPONENT: Final = 4.0
"""Beyond, growth stays at exp(4) = 55, so that no number overflows."""
_MAX_GROWTH: Final = float(np.exp(_MAX_EXPONENT))


def lame(young_pa: npt.ArrayLike, poisson: float) -> tuple[F64, F64]:
    """Lame's constants (lambda, mu), Pa, of any shape."""
    young = np.asarray(young_pa, np.float64)
    return young * poisson / ((1.0 + poisson) * (1.0 - 2.0 * poisson)), young / (2.0 * (1.0 + poisson))


class Tets:
    """Elements with their rest shape: `points_m` [n, 3] at rest, `tets` [m, 4], `young_pa` scalar or [m]."""

    def __init__(
        self, points_m: F64, tets: Ints, young_pa: npt.ArrayLike, poisson: float, stiffening: float = 0.0
    ) -> None:
        self.tets, self.stiffening = tets, stiffening
        self.young_pa: F64 = np.broadcast_to(np.asarray(young_pa, np.float64), len(tets))
        self.count = len(points_m)
        corners = points_m[tets]
        edges = np.swapaxes(corners[:, 1:] - corners[:, :1], 1, 2)  # columns: from corner 0
        self.volume_m3: F64 = np.abs(np.linalg.det(edges)) / 6.0
        inverse = np.linalg.inv(edges)
        self.gradients: F64 = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)  # [m, 4, 3]
        lam, mu = lame(young_pa, poisson)
        self.lam: F64 = np.broadcast_to(lam, len(tets))
        self.mu: F64 = np.broadcast_to(mu, len(tets))

    def deformation(self, points_m: F64) -> F64:
        """Deformation gradients F [m, 3, 3] at node positions [n, 3]."""
        out: F64 = np.swapaxes(points_m[self.tets], 1, 2) @ self.gradients
        return out

    def det_f(self, points_m: F64) -> F64:
        """Volume ratio of each element [m]; below `MIN_DET_F` do not trust the model."""
        out: F64 = np.linalg.det(self.deformation(points_m))
        return out

    def energy_j(self, points_m: F64) -> float:
        """Elastic energy, J."""
        density = self._density(_green(self.deformation(points_m)))
        if self.stiffening > 0.0:
            q = self._exponent(density)
            cut = np.minimum(q, _MAX_EXPONENT)
            scale = self.young_pa / (2.0 * self.stiffening**2)
            density = scale * (np.expm1(cut) + np.exp(cut) * (q - cut))
        return float(self.volume_m3 @ density)

    def growth(self, points_m: F64) -> F64:
        """Stress over that of the tissue without stiffening, for each element [m]."""
        return self._growth(_green(self.deformation(points_m)))

    def forces_n(self, points_m: F64) -> F64:
        """Force of the tissue on each node [n, 3], N: minus the gradient of the energy."""
        f = self.deformation(points_m)
        nodal = -self.volume_m3[:, None, None] * (self.gradients @ np.swapaxes(f @ self._stress(f), 1, 2))
        return np.stack([np.bincount(self.tets.ravel(), nodal[..., i].ravel(), self.count) for i in range(3)], axis=-1)

    def tangents(self, points_m: F64) -> F64:
        """Second derivative of each element's energy [m, 12, 12], N/m, in the order (corner, axis)."""
        f, g = self.deformation(points_m), self.gradients
        geometric = np.einsum("mak,mkl,mbl->mab", g, self._stress(f), g)
        block = np.einsum("mab,ij->maibj", geometric, np.eye(3)).reshape(-1, 12, 12)
        if self.stiffening > 0.0:
            grown = self._growth(_green(f))
            slope = (g @ np.swapaxes(f @ self._stress(f), 1, 2)).reshape(-1, 12)  # of the energy density
            rate = np.where(grown < _MAX_GROWTH, 2.0 * self.stiffening**2 / (self.young_pa * grown), 0.0)
            block += rate[:, None, None] * slope[:, :, None] * slope[:, None, :]
        out: F64 = self.volume_m3[:, None, None] * block + self.material_tangents(points_m)
        return out

    def material_tangents(self, points_m: F64) -> F64:
        """Of `tangents` the part by which strain changes stress at the stiffening it has [m, 12, 12]: times the loss
        time, the Kelvin-Voigt matrix."""
        f, g = self.deformation(points_m), self.gradients
        fg = g @ np.swapaxes(f, 1, 2)  # [m, 4, 3]: F applied to each gradient
        gg, ff = g @ np.swapaxes(g, 1, 2), f @ np.swapaxes(f, 1, 2)
        grown = self._growth(_green(f))
        mu, lam = ((grown * value)[:, None, None, None, None] for value in (self.mu, self.lam))
        block = lam * np.einsum("mai,mbj->maibj", fg, fg)
        block += mu * (np.einsum("mij,mab->maibj", ff, gg) + np.einsum("mbi,maj->maibj", fg, fg))
        out: F64 = self.volume_m3[:, None, None] * block.reshape(-1, 12, 12)
        return out

    def _stress(self, f: F64) -> F64:
        """Second Piola-Kirchhoff stress [m, 3, 3], Pa."""
        strain = _green(f)
        trace = np.trace(strain, axis1=1, axis2=2)
        out: F64 = (self.lam * trace)[:, None, None] * np.eye(3) + 2.0 * self.mu[:, None, None] * strain
        return out if self.stiffening == 0.0 else out * self._growth(strain)[:, None, None]

    def _density(self, strain: F64) -> F64:
        """W0 [m], J/m3."""
        trace = np.trace(strain, axis1=1, axis2=2)
        out: F64 = 0.5 * self.lam * trace**2 + self.mu * np.einsum("mij,mij->m", strain, strain)
        return out

    def _exponent(self, density: F64) -> F64:
        """q [m] at energy densities W0 [m], J/m3."""
        out: F64 = 2.0 * self.stiffening**2 * density / self.young_pa
        return out

    def _growth(self, strain: F64) -> F64:
        if self.stiffening == 0.0:
            return np.ones(len(strain))
        out: F64 = np.exp(np.minimum(self._exponent(self._density(strain)), _MAX_EXPONENT))
        return out


def _green(f: F64) -> F64:
    out: F64 = 0.5 * (np.swapaxes(f, 1, 2) @ f - np.eye(3))
    return out
