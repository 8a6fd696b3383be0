"""Finite elements whose tissue relaxes (Prony arms at each element), and a device at rest on two cuffs of it.

The reference for the reduced model's arms, which flexcomp lacks. Stress S = S_e + sum Q_i with
Q_i' = g_i S_e' - Q_i / T_i in each element (Simo 1987, Comput. Methods Appl. Mech. Eng. 60:153); S_e: Saint Venant.
Within a step it is an elastic tissue of its own: stiffer, with a prestress.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.geometry import SEGMENTS, Phantom
from edge_runtime.tissue.linkage import DOFS, STATE, place
from edge_runtime.tissue.pack import Record
from edge_runtime.tissue.prony import Arms
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.tissue.svk import Tets
from edge_runtime.types import F64

_MAX_BALANCING: Final = 25
_BALANCED_NM: Final = 1e-4


class RelaxingTets(Tets):
    """`Tets` with Prony arms; `begin` and `end` a step, in between it is elastic."""

    def __init__(self, like: Tets, arms: Arms) -> None:
        for name in ("tets", "stiffening", "young_pa", "count", "volume_m3", "gradients"):
            setattr(self, name, getattr(like, name))
        self._lasting = like.lam, like.mu
        self.lam, self.mu = self._lasting
        self._share, self._time_s = np.array(arms.share), np.array(arms.time_s)
        still = np.zeros((len(like.tets), 3, 3))
        self._before, self._prestress = still, still
        self._arms = np.zeros((len(self._share), *still.shape))

    def begin(self, dt_s: float) -> None:
        """Set stiffness and prestress of a step of `dt_s`."""
        keep = np.exp(-dt_s / self._time_s)
        self._gain = self._share * self._time_s / dt_s * (1.0 - keep)
        self._kept = keep[:, None, None, None] * self._arms
        fresh = float(self._gain.sum())
        self.lam, self.mu = ((1.0 + fresh) * modulus for modulus in self._lasting)
        self._prestress = self._kept.sum(axis=0) - fresh * self._before

    def end(self, points_m: F64) -> None:
        """The step ended with the nodes at `points_m`."""
        f = self.deformation(points_m)
        self._prestress = np.zeros_like(self._before)
        self.lam, self.mu = self._lasting
        now = super()._stress(f)
        self._arms = self._kept + self._gain[:, None, None, None] * (now - self._before)
        self._before = now

    def energy_j(self, points_m: F64) -> float:
        """What the step's equilibrium makes least, J."""
        f = self.deformation(points_m)
        strain = 0.5 * (np.swapaxes(f, 1, 2) @ f - np.eye(3))
        return super().energy_j(points_m) + float(self.volume_m3 @ np.einsum("mij,mij->m", self._prestress, strain))

    def _stress(self, f: F64) -> F64:
        out: F64 = super()._stress(f) + self._prestress
        return out


class RelaxingRig:
    """Device without inertia on two cuffs of relaxing tissue, the knee locked straight.

    `p` is the reduced model of the same phantom: its geometry is used, and its stiffness only to find equilibrium.
    """

    def __init__(self, phantom: Phantom, arms: Arms, p: Record) -> None:
        self._p, self._s = p, np.zeros(1, STATE)
        self._statics = [CuffStatics(phantom, name) for name in SEGMENTS]
        self._tets = [RelaxingTets(statics.tets, arms) for statics in self._statics]
        for statics, tets in zip(self._statics, self._tets, strict=True):
            statics.tets = tets
        self._share, self._time_s = np.array(arms.share), np.array(arms.time_s)

    def step(self, torque_nm: float, dt_s: float) -> float:
        """Hinge angle, rad, after a step under a hinge torque. Raises UserError where no balance is found."""
        for tets in self._tets:
            tets.begin(dt_s)
        stiffer = 1.0 + float((self._share * self._time_s / dt_s * (1.0 - np.exp(-dt_s / self._time_s))).sum())
        wanted = np.array([0.0, 0.0, 0.0, torque_nm])
        for _ in range(_MAX_BALANCING):
            missing, stiffness, points = self._balance(wanted)
            if np.abs(missing[2:]).max() < _BALANCED_NM and np.abs(missing[:2]).max() < 10.0 * _BALANCED_NM:
                for tets, nodes in zip(self._tets, points, strict=True):
                    tets.end(nodes)
                return float(self._s[0]["coordinates"][3])
            self._s["coordinates"] += np.linalg.solve(stiffer * stiffness, missing)
        raise UserError(f"tissue: the relaxing reference finds no balance at {torque_nm:.2f} Nm; less torque")

    def _balance(self, wanted: F64) -> tuple[F64, F64, list[F64]]:
        """Generalized force missing [4], stiffness of the lasting tissue [4, 4], nodes of both cuffs."""
        place(self._p[0], self._s[0], 0.0)
        missing, stiffness, points = wanted.copy(), np.zeros((DOFS, DOFS)), []
        for statics, cuff in zip(self._statics, self._s[0]["cuffs"], strict=True):
            jacobian: Any = cuff["jacobian"]
            found = statics.solve(cuff["at"]["pose"].copy())
            missing -= jacobian.T @ found.load
            stiffness += jacobian.T @ cuff["at"]["hessian"] @ jacobian
            points.append(found.points_m)
        return missing, stiffness, points
