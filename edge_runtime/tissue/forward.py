"""Reduced soft-tissue interface, forward: hinge torque and knee angle in, torque at the knee out; compiled.

The linkage's four coordinates move on the two cuffs' energies. Each cuff's force on its link is
    elastic gradient g(pose), with a Kelvin-Voigt part (time x loss matrix x rate)
    + Prony arms q_i' = share_i g' - q_i / time_i  (Simo 1987; exact where g changes linearly within a step)
    + inertia of the tissue that moves with cuff and bone, and of its slowest modes in between (Craig & Bampton 1968).
A step is the second backward difference formula (Gear 1971: second order, stable at any length) with one Newton step
from where the velocity leads; the first step, and one of another length than the last, is implicit Euler. It allocates
nothing and takes about 2 us.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.cuff_force import complete, expect, linearize, relax, swing_modes
from edge_runtime.tissue.energy import MODES
from edge_runtime.tissue.linkage import DOFS, SHANK, place, weigh

_FRICTION_RATE_RADPS: Final = 0.1  # over which Coulomb friction turns its sign


@njit(cache=True, nogil=True)
def reset(s: Any) -> None:
    """Back to the device at rest as fitted: one bad number must not stay in the state."""
    s.last_dt_s = 0.0
    s.coordinates[:] = 0.0
    s.velocity[:] = 0.0
    s.knee_nm = 0.0
    s.doubt = 0.0
    for i in range(2):
        c = s.cuffs[i]
        c.rate[:] = 0.0
        c.elastic[:] = 0.0
        c.arms[:, :] = 0.0
        c.mode[:] = 0.0
        c.mode_rate[:] = 0.0
        c.force[:] = 0.0


@njit(cache=True, nogil=True)
def _start(s: Any, knee_radps: float) -> None:
    """Before the first step: the tissue is taken as relaxed in the pose it is in, and as moving as it will go on."""
    s.knee_radps = knee_radps
    for i in range(2):
        c = s.cuffs[i]
        expect(s, i, knee_radps)
        for k in range(3):
            c.elastic[k] = c.at.gradient[k]
            c.rate[k] = c.expected[k]


@njit(cache=True, nogil=True)
def _lead(s: Any, knee_radps: float, dt_s: float) -> float:
    """Move the coordinates to where the velocity leads, and set what changes count from; returns the formula's step.

    The formula in this form: value = from + step x derivative, from = (4 last - one before) / 3, step = 2/3 dt.
    """
    again = s.last_dt_s > 0.0 and abs(dt_s - s.last_dt_s) < 1e-3 * dt_s
    back = 1.0 / 3.0 if again else 0.0
    part = 2.0 / 3.0 * dt_s if again else dt_s
    knee_from = s.knee_radps + back * (s.knee_radps - s.knee_radps_before)
    s.knee_radps_before, s.knee_radps = s.knee_radps, knee_radps
    s.knee_radps2 = (knee_radps - knee_from) / part
    for i in range(DOFS):
        s.velocity_from[i] = s.velocity[i] + back * (s.velocity[i] - s.velocity_before[i])
        s.velocity_before[i] = s.velocity[i]
        now = s.coordinates[i]
        s.coordinates[i] = now + back * (now - s.coordinates_before[i]) + part * s.velocity[i]
        s.coordinates_before[i] = now
    for index in range(2):
        c = s.cuffs[index]
        for k in range(3):
            c.rate_from[k] = c.rate[k] + back * (c.rate[k] - c.rate_before[k])
            c.rate_before[k] = c.rate[k]
    s.last_dt_s = dt_s
    return part


@njit(cache=True, nogil=True)
def _assemble(p: Any, s: Any, torque_nm: float, part: float) -> None:
    """The linear system whose solution is the change of the device's velocity in the step."""
    for i in range(DOFS):
        s.right[i] = -part * s.bias[i]
        for j in range(DOFS):
            s.matrix[i, j] = s.mass[i, j]
            s.right[i] -= s.mass[i, j] * (s.velocity[j] - s.velocity_from[j])
    hinge = abs(s.velocity[3]) / _FRICTION_RATE_RADPS
    friction = p.coulomb_nm / _FRICTION_RATE_RADPS * (np.tanh(hinge) / hinge if hinge > 1e-6 else 1.0)
    s.matrix[3, 3] += part * (p.viscous_nms_per_rad + friction)
    s.right[3] += part * (torque_nm - (p.viscous_nms_per_rad + friction) * s.velocity[3])
    for index in range(2):
        c = s.cuffs[index]
        for i in range(DOFS):
            for k in range(3):
                lever = part * c.jacobian[k, i]
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
def _advance(s: Any, part: float) -> None:
    """Move on; what the shank's cuff puts on the shank about the knee."""
    c = s.cuffs[SHANK]
    s.knee_nm = 0.0
    for k in range(3):
        s.knee_nm -= c.knee_column[k] * c.force[k]
    for i in range(DOFS):
        s.velocity[i] += s.right[i]
        s.coordinates[i] += part * s.right[i]


@njit(cache=True, nogil=True)
def step(p: Any, s: Any, torque_nm: float, knee_rad: float, knee_radps: float, dt_s: float) -> float:
    """Torque at the knee, Nm, after `dt_s` under a hinge torque, with the knee's angle and rate at the step's end.

    It is the moment of the cuff's force on the shank: the tissue's own inertia counts as the shank's. `p` is a
    linkage.INTERFACE record, `s` a linkage.STATE one, changed in place. Flexion and its torque are positive.
    NaN, and a state at rest, where an input is not finite.
    """
    if not np.isfinite(torque_nm + knee_rad + knee_radps) or not dt_s > 0.0:
        reset(s)
        return np.nan
    if s.last_dt_s == 0.0:
        place(p, s, knee_rad - dt_s * knee_radps)
        _start(s, knee_radps)
    part = _lead(s, knee_radps, dt_s)
    place(p, s, knee_rad)
    weigh(p, s)
    for index in range(2):
        fresh = relax(p, s, index, dt_s)
        linearize(p, s, index, part, fresh)
        swing_modes(p, s, index, part, 1.0 - part / dt_s)
    _assemble(p, s, torque_nm, part)
    solve4(s.matrix, s.right)
    for index in range(2):
        complete(p, s, index, part, dt_s)
    _advance(s, part)
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
        for mode in range(MODES):
            square = p.cuffs[index].mode_square[mode] * c.stiffness
            total += 0.5 * (square * c.mode[mode] ** 2 + c.mode_rate[mode] ** 2)
            for k in range(3):
                total += c.mode_rate[mode] * p.cuffs[index].mode_mass[mode, k] * c.rate[k]
    return total


@njit(cache=True, nogil=True)
def simulate(p: Any, s: Any, torque_nm: Any, knee_rad: Any, knee_radps: Any, dt_s: float, out: Any) -> None:
    """Run `step` over arrays [T]; `out` [T, 6] gets knee torque, the four coordinates and the doubt after each."""
    for i in range(len(torque_nm)):
        out[i, 0] = step(p, s, torque_nm[i], knee_rad[i], knee_radps[i], dt_s)
        for dof in range(DOFS):
            out[i, 1 + dof] = s.coordinates[dof]
        out[i, 5] = s.doubt
