"""Test specimens: blocks of flex tissue in MuJoCo whose nodes are held, moved and read one by one."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.annulus import Ints, Mask, kuhn_tets, oriented
from edge_runtime.tissue.guard import check_law
from edge_runtime.types import F64

_HELD_KG: Final = 1e4
_NODE_KG: Final = 1e-4
_MAX_STEPS: Final = 600
_RAMP_STEPS: Final = 20


def block(cells: tuple[int, int, int], size_m: tuple[float, float, float]) -> tuple[F64, Ints]:
    """Nodes [n, 3] and tetrahedra [m, 4] of a box with a corner at the origin."""
    axes = [np.linspace(0.0, size, count + 1) for size, count in zip(size_m, cells, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    index = np.arange(len(points)).reshape([count + 1 for count in cells])
    return points, oriented(points, kuhn_tets(index))[0]


class Specimen:
    """Tissue with every node on three slides; MuJoCo alone computes forces and motion."""

    def __init__(
        self,
        points_m: F64,
        tets: Ints,
        young_pa: float = 60e3,
        poisson: float = 0.3,
        loss_s: float = 0.02,
        timestep_s: float = 0.05,
    ) -> None:
        import mujoco

        check_law()
        self.rest = points_m
        self._model = mujoco.MjModel.from_xml_string(_mjcf(points_m, tets, young_pa, poisson, loss_s, timestep_s))
        self._data = mujoco.MjData(self._model)
        self._timestep_s = timestep_s

    def forces_n(self, points_m: F64, rates_mps: F64 | None = None) -> F64:
        """MuJoCo's elastic and viscous force on each node [n, 3] at these positions and rates (at rest)."""
        import mujoco

        self._data.qpos[:] = (points_m - self.rest).ravel()
        self._data.qvel[:] = 0.0 if rates_mps is None else rates_mps.ravel()
        mujoco.mj_forward(self._model, self._data)
        return self._passive()

    def step(self, held: Mask, target_m: F64) -> F64:
        """One step in which `held` coordinates [n, 3] go to `target_m`; the forces [n, 3] at its begin."""
        import mujoco

        data, step_s = self._data, self._timestep_s
        fixed = held.ravel()
        goal = (target_m - self.rest).ravel()
        rate = (goal - data.qpos) / step_s
        self._model.dof_armature[:] = np.where(fixed, _HELD_KG, 0.0)
        self._model.dof_M0[:] = self._model.dof_armature + _NODE_KG  # MuJoCo takes it from here for lone slides
        push = _HELD_KG * (rate - data.qvel) / step_s - data.qfrc_passive
        data.qfrc_applied[:] = np.where(fixed, push, 0.0)
        mujoco.mj_step(self._model, data)
        data.qpos[fixed], data.qvel[fixed] = goal[fixed], rate[fixed]
        return self._passive()

    def relax(self, held: Mask, target_m: F64, balance: float = 1e-9) -> tuple[F64, F64]:
        """Positions and forces [n, 3] at rest with `held` coordinates at `target_m`; starts where it is.

        At rest means: no free node feels more than `balance` of the largest force on a held one.
        """
        here = self.points_m
        for k in range(_MAX_STEPS):
            share = min(1.0, (k + 1) / _RAMP_STEPS)
            forces = self.step(held, here + share * (target_m - here))
            if k > _RAMP_STEPS and np.abs(forces[~held]).max() < balance * np.abs(forces[held]).max():
                points = self.points_m
                return points, self.forces_n(points)
        raise UserError(f"specimen: not at rest after {_MAX_STEPS} steps of {self._timestep_s:g} s")

    @property
    def points_m(self) -> F64:
        """Where the nodes are [n, 3]."""
        out: F64 = self.rest + self._data.qpos.reshape(-1, 3)
        return out

    def _passive(self) -> F64:
        out: F64 = self._data.qfrc_passive.reshape(-1, 3).copy()
        return out


def _mjcf(points_m: F64, tets: Ints, young_pa: float, poisson: float, loss_s: float, timestep_s: float) -> str:
    joints = "".join(f'<joint type="slide" axis="{axis}"/>' for axis in ("1 0 0", "0 1 0", "0 0 1"))
    bodies = "".join(
        f'<body name="n{i}" pos="{x!r} {y!r} {z!r}"><inertial pos="0 0 0" mass="{_NODE_KG!r}" '
        f'diaginertia="1e-9 1e-9 1e-9"/>{joints}</body>'
        for i, (x, y, z) in enumerate(points_m.tolist())
    )
    return (
        f'<mujoco><option timestep="{timestep_s!r}" integrator="discrete" gravity="0 0 0" tolerance="1e-12" '
        f'iterations="2000"/><size memory="200M"/><worldbody>{bodies}</worldbody><deformable><flex name="tissue" '
        f'dim="3" radius="0" body="{" ".join(f"n{i}" for i in range(len(points_m)))}" '
        f'vertex="{"0 " * 3 * len(points_m)}" element="{" ".join(map(str, tets.ravel()))}">'
        '<contact selfcollide="none" contype="0" conaffinity="0"/>'
        f'<elasticity young="{young_pa!r}" poisson="{poisson!r}" damping="{loss_s!r}"/></flex></deformable></mujoco>'
    )
