"""Balance of the device on its two cuffs with the knee's angle unknown: Newton step, tissue's memory, loads; compiled.

Unknown are x, z, phi of the device and the knee's angle; `s` is an INVERSE_STATE and `p` an INVERSE record of
`edge_runtime.tissue.inverse`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.forward import solve4
from edge_runtime.tissue.linkage import ARMS, DOFS, SHANK, place

KNEE: Final = 3  # unknown number 3; the others are x, z, phi


@njit(cache=True, nogil=True)
def fade_arms(p: Any, s: Any, dt_s: float) -> float:
    """Let the arms relax by one cycle; return the stiffness of a change within it, over the lasting one."""
    factor = 1.0 + p.leg.kelvin_time_s / dt_s
    for arm in range(ARMS):
        if p.leg.arm_share[arm] == 0.0:
            continue
        keep = np.exp(-dt_s / p.leg.arm_time_s[arm])
        factor += _gain(p.leg, arm, dt_s)
        for i in range(2):
            for k in range(3):
                s.leg.cuffs[i].arms[arm, k] *= keep
    return factor


@njit(cache=True, nogil=True)
def _gain(leg: Any, arm: int, dt_s: float) -> float:
    """Stiffness of an arm for a change within a cycle, over the lasting one."""
    time_s = leg.arm_time_s[arm]
    return float(leg.arm_share[arm] * time_s / dt_s * (1.0 - np.exp(-dt_s / time_s)))


@njit(cache=True, nogil=True)
def cuff_forces(s: Any, factor: float) -> None:
    """Force of each cuff on its link, reversed, at the poses that `place` has set."""
    for i in range(2):
        c = s.leg.cuffs[i]
        for k in range(3):
            c.force[k] = c.elastic[k] + factor * (c.at.gradient[k] - c.elastic[k])
            for arm in range(ARMS):
                c.force[k] += c.arms[arm, k]


@njit(cache=True, nogil=True)
def _column(c: Any, index: int, k: int, unknown: int) -> float:
    """Derivative of pose component `k` of a cuff by an unknown."""
    if unknown == KNEE:
        return float(c.knee_column[k]) if index == SHANK else 0.0
    return float(c.jacobian[k, unknown])


@njit(cache=True, nogil=True)
def _assemble(s: Any, factor: float, through_nm: float) -> None:
    """Left and right side of the Newton step for x, z, phi, knee; all but the spring."""
    leg = s.leg
    for i in range(DOFS):
        leg.right[i] = -through_nm if i == KNEE else -leg.bias[i]
        for j in range(DOFS):
            leg.matrix[i, j] = 0.0
    for index in range(2):
        c = leg.cuffs[index]
        h = c.at.hessian
        for j in range(DOFS):
            x, z, phi = _column(c, index, 0, j), _column(c, index, 1, j), _column(c, index, 2, j)
            leg.right[j] -= x * c.force[0] + z * c.force[1] + phi * c.force[2]
            push_x = factor * (h[0, 0] * x + h[0, 1] * z + h[0, 2] * phi)
            push_z = factor * (h[1, 0] * x + h[1, 1] * z + h[1, 2] * phi)
            push_phi = factor * (h[2, 0] * x + h[2, 1] * z + h[2, 2] * phi)
            for i in range(j + 1):
                leg.matrix[i, j] += (
                    _column(c, index, 0, i) * push_x
                    + _column(c, index, 1, i) * push_z
                    + _column(c, index, 2, i) * push_phi
                )
    for j in range(DOFS):
        for i in range(j):
            leg.matrix[j, i] = leg.matrix[i, j]


@njit(cache=True, nogil=True)
def newton_step(p: Any, s: Any, factor: float, torque_nm: float, spring: float, set_rad: float) -> None:
    """One step towards the pose in which the knee gets what is wanted."""
    leg = s.leg
    place(p.leg, leg, s.knee_rad)
    cuff_forces(s, factor)
    known = s.spring_share * spring
    wanted = torque_nm + spring * (set_rad - leg.coordinates[3]) + known * (leg.coordinates[3] - s.knee_rad)
    _assemble(s, factor, wanted / p.transmission)
    leg.matrix[KNEE, KNEE] -= known / p.transmission
    solve4(leg.matrix, leg.right)
    for dof in range(KNEE):
        leg.coordinates[dof] += leg.right[dof]
    s.knee_rad += leg.right[KNEE]
    # the last pivot is what is left of the knee's stiffness when the device gives way
    s.knee_stiffness = (leg.matrix[KNEE, KNEE] + known / p.transmission) / factor


@njit(cache=True, nogil=True)
def keep_forces(p: Any, s: Any, dt_s: float) -> None:
    """What tissue will remember of this cycle."""
    for i in range(2):
        c = s.leg.cuffs[i]
        for k in range(3):
            change = c.at.gradient[k] - c.elastic[k]
            for arm in range(ARMS):
                if p.leg.arm_share[arm] != 0.0:
                    c.arms[arm, k] += _gain(p.leg, arm, dt_s) * change
            c.elastic[k] = c.at.gradient[k]


@njit(cache=True, nogil=True)
def sway_inertia(s: Any) -> float:
    """Inertia, kgm2, that hinge torque moves when the hinge gives way with the knee held; `s.sway` says how it does."""
    leg = s.leg
    s.sway[3] = 1.0
    for i in range(KNEE - 1, -1, -1):  # the eliminated matrix: way of x, z, phi per knee angle
        total = float(leg.matrix[i, KNEE])
        for j in range(i + 1, KNEE):
            total -= leg.matrix[i, j] * s.sway[j]
        s.sway[i] = total / leg.matrix[i, i]
    inertia = 0.0
    for i in range(DOFS):
        for j in range(DOFS):
            inertia += s.sway[i] * leg.mass[i, j] * s.sway[j]
    return inertia


@njit(cache=True, nogil=True)
def load_along(s: Any, dof: int) -> float:
    """Force of both cuffs along one of the device's coordinates."""
    total = 0.0
    for i in range(2):
        for k in range(3):
            total += s.leg.cuffs[i].jacobian[k, dof] * s.leg.cuffs[i].force[k]
    return total


@njit(cache=True, nogil=True)
def sway_load(s: Any) -> float:
    """Torque that the cuffs put against the hinge's giving way."""
    total = 0.0
    for dof in range(DOFS):
        total += s.sway[dof] * load_along(s, dof)
    return total
