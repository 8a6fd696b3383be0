"""Reduced soft-tissue interface, forward: hinge torque and knee angle in, torque at the knee out; compiled.

The linkage's four coordinates move on the two cuffs' energies. Each cuff's force on its link is
    elastic gradient g(pose), with a Kelvin-Voigt part (time x Hessian x rate)
    + Prony arms q_i' = share_i g' - q_i / time_i  (Simo 1987; exact where g changes linearly within a step)
    + inertia of the tissue that moves with cuff and bone.
One step is linearly implicit Euler: stable at any step length, first order. No allocation, about 1 us a step.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.linkage import ARMS, DOFS, SHANK, place, weigh

_FRICTION_RATE_RADPS: Final = 0.1  # over which Coulomb friction turns its sign


@njit(cache=True, nogil=True)
def reset(s: Any) -> None:
    """Back to the device at rest as fitted: one bad number must not stay in the state."""
    s.started = 0
    s.coordinates[:] = 0.0
    s.velocity[:] = 0.0
    s.knee_nm = 0.0
    s.doubt = 0.0
    for i in range(2):
        c = s.cuffs[i]
        c.rate[:] = 0.0
        c.elastic[:] = 0.0
        c.arms[:, :] = 0.0
        c.force[:] = 0.0


@njit(cache=True, nogil=True)
def _start(s: Any, knee_radps: float) -> None:
    """First step: the tissue is taken as relaxed in the pose it is in, and as moving as it will go on."""
    s.started = 1
    s.knee_radps = knee_radps
    for i in range(2):
        c = s.cuffs[i]
        for k in range(3):
            c.elastic[k] = c.at.gradient[k]
            c.rate[k] = c.knee_column[k] * knee_radps if i == SHANK else 0.0
            for dof in range(DOFS):
                c.rate[k] += c.jacobian[k, dof] * s.velocity[dof]


@njit(cache=True, nogil=True)
def _linearize(p: Any, s: Any, index: int, knee_radps: float, dt_s: float) -> None:
    """Split one cuff's force at the end of the step into `known` + `implicit` @ rate due to the device's velocity."""
    cuff = p.cuffs[index]
    c = s.cuffs[index]
    knee_radps2 = (knee_radps - s.knee_radps) / dt_s
    fresh = 0.0  # stiffness of all arms for a change within the step
    for k in range(3):
        c.known[k] = c.at.gradient[k]
    for arm in range(ARMS):
        if p.arm_share[arm] == 0.0:
            continue
        keep = np.exp(-dt_s / p.arm_time_s[arm])
        gain = p.arm_share[arm] * p.arm_time_s[arm] / dt_s * (1.0 - keep)
        fresh += gain
        for k in range(3):
            c.arms[arm, k] = keep * c.arms[arm, k] + gain * (c.at.gradient[k] - c.elastic[k])
            c.known[k] += c.arms[arm, k]
    for k in range(3):
        c.elastic[k] = c.at.gradient[k]
        if index == SHANK:
            c.known[k] += cuff.swing[k] * knee_radps2 - cuff.centrifugal[k] * knee_radps * knee_radps
        for j in range(3):
            bone_rate = c.knee_column[j] * knee_radps if index == SHANK else 0.0
            c.known[k] += p.kelvin_time_s * c.at.hessian[k, j] * bone_rate
            c.known[k] += cuff.mass[k, j] * (bone_rate - c.rate[j]) / dt_s
            c.implicit[k, j] = (dt_s * (1.0 + fresh) + p.kelvin_time_s) * c.at.hessian[k, j] + cuff.mass[k, j] / dt_s


@njit(cache=True, nogil=True)
def _assemble(p: Any, s: Any, torque_nm: float, dt_s: float) -> None:
    """The linear system whose solution is the device's velocity at the end of the step."""
    for i in range(DOFS):
        s.right[i] = -dt_s * s.bias[i]
        for j in range(DOFS):
            s.matrix[i, j] = s.mass[i, j]
            s.right[i] += s.mass[i, j] * s.velocity[j]
    s.right[3] += dt_s * torque_nm
    hinge = abs(s.velocity[3]) / _FRICTION_RATE_RADPS
    friction = p.coulomb_nm / _FRICTION_RATE_RADPS * (np.tanh(hinge) / hinge if hinge > 1e-6 else 1.0)
    s.matrix[3, 3] += dt_s * (p.viscous_nms_per_rad + friction)
    for index in range(2):
        c = s.cuffs[index]
        for i in range(DOFS):
            for k in range(3):
                lever = dt_s * c.jacobian[k, i]
                s.right[i] -= lever * c.known[k]
                for m in range(3):
                    push = lever * c.implicit[k, m]
                    for j in range(DOFS):
                        s.matrix[i, j] += push * c.jacobian[m, j]


@njit(cache=True, nogil=True)
def solve4(matrix: Any, right: Any) -> None:
    """Solve a symmetric positive definite 4 x 4 system in place (Gaussian elimination); the solution is in `right`."""
    for i in range(DOFS):
        for row in range(i + 1, DOFS):
            factor = matrix[row, i] / matrix[i, i]
            right[row] -= factor * right[i]
            for j in range(i + 1, DOFS):
                matrix[row, j] -= factor * matrix[i, j]
    for i in range(DOFS - 1, -1, -1):
        for j in range(i + 1, DOFS):
            right[i] -= matrix[i, j] * right[j]
        right[i] /= matrix[i, i]


@njit(cache=True, nogil=True)
def _advance(p: Any, s: Any, knee_radps: float, dt_s: float) -> None:
    """Take the new velocity: move on, complete the cuffs' forces, and pass the shank's on to the knee."""
    knee_radps2 = (knee_radps - s.knee_radps) / dt_s
    s.knee_nm = -p.cuffs[SHANK].bone_inertia * knee_radps2
    for index in range(2):
        c = s.cuffs[index]
        for k in range(3):
            c.force[k] = c.known[k]
        for k in range(3):
            driven = 0.0
            for i in range(DOFS):
                driven += c.jacobian[k, i] * s.right[i]
            rate = driven + (c.knee_column[k] * knee_radps if index == SHANK else 0.0)
            for j in range(3):
                c.force[j] += c.implicit[j, k] * driven
                change = dt_s * c.at.hessian[j, k] * driven
                c.elastic[j] += change
                for arm in range(ARMS):
                    if p.arm_share[arm] != 0.0:
                        share = p.arm_share[arm] * p.arm_time_s[arm] / dt_s
                        c.arms[arm, j] += share * (1.0 - np.exp(-dt_s / p.arm_time_s[arm])) * change
            if index == SHANK:
                s.knee_nm -= p.cuffs[SHANK].swing[k] * (rate - c.rate[k]) / dt_s
            c.rate[k] = rate
    for k in range(3):
        s.knee_nm -= s.cuffs[SHANK].knee_column[k] * s.cuffs[SHANK].force[k]
    for i in range(DOFS):
        s.velocity[i] = s.right[i]
        s.coordinates[i] += dt_s * s.right[i]
    s.knee_radps = knee_radps


@njit(cache=True, nogil=True)
def step(p: Any, s: Any, torque_nm: float, knee_rad: float, knee_radps: float, dt_s: float) -> float:
    """Torque at the knee, Nm, after `dt_s` under a hinge torque, with the knee's angle and rate at the step's end.

    `p` is a linkage.INTERFACE record, `s` a linkage.STATE one, changed in place. Flexion and its torque are positive.
    NaN, and a state at rest, where an input is not finite.
    """
    if not np.isfinite(torque_nm + knee_rad + knee_radps) or not dt_s > 0.0:
        reset(s)
        return np.nan
    place(p, s, knee_rad)
    if s.started == 0:
        _start(s, knee_radps)
    weigh(p, s)
    for index in range(2):
        _linearize(p, s, index, knee_radps, dt_s)
    _assemble(p, s, torque_nm, dt_s)
    solve4(s.matrix, s.right)
    _advance(p, s, knee_radps, dt_s)
    if not np.isfinite(s.knee_nm):
        reset(s)
        return np.nan
    return float(s.knee_nm)


@njit(cache=True, nogil=True)
def energy_j(p: Any, s: Any, knee_rad: float) -> float:
    """Kinetic and lasting elastic energy, J, of device and tissue at the coordinates in `s` (the bone's excluded)."""
    place(p, s, knee_rad)
    weigh(p, s)
    total = 0.0
    for i in range(DOFS):
        for j in range(DOFS):
            total += 0.5 * s.velocity[i] * s.mass[i, j] * s.velocity[j]
    for index in range(2):
        c = s.cuffs[index]
        total += c.at.value
        for k in range(3):
            for j in range(3):
                total += 0.5 * c.rate[k] * p.cuffs[index].mass[k, j] * c.rate[j]
    return total


@njit(cache=True, nogil=True)
def simulate(p: Any, s: Any, torque_nm: Any, knee_rad: Any, knee_radps: Any, dt_s: float, out: Any) -> None:
    """Run `step` over arrays [T]; `out` [T, 6] gets knee torque, the four coordinates and the doubt after each."""
    for i in range(len(torque_nm)):
        out[i, 0] = step(p, s, torque_nm[i], knee_rad[i], knee_radps[i], dt_s)
        for dof in range(DOFS):
            out[i, 1 + dof] = s.coordinates[dof]
        out[i, 5] = s.doubt
