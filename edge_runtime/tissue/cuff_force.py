"""Force of one cuff's tissue over a step of the reduced model: elastic, viscous, relaxing, and its inertia; compiled.

At the step's end the force is `known` + `implicit` @ change of the pose's rate by the device: the step solves for that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from edge_runtime.tissue.energy import MODES
from edge_runtime.tissue.linkage import ARMS, DOFS, SHANK


@njit(cache=True, nogil=True)
def expect(s: Any, index: int, knee_radps: float) -> None:
    """Rate of a cuff's pose if the device keeps its velocity."""
    c = s.cuffs[index]
    for k in range(3):
        c.expected[k] = c.knee_column[k] * knee_radps if index == SHANK else 0.0
        for dof in range(DOFS):
            c.expected[k] += c.jacobian[k, dof] * s.velocity[dof]


@njit(cache=True, nogil=True)
def relax(p: Any, s: Any, index: int, dt_s: float) -> float:
    """Take the arms of a cuff through the step as if it ended where it is now; returns their stiffness for what comes
    on top, in multiples of the lasting one."""
    c = s.cuffs[index]
    fresh = 0.0
    for arm in range(ARMS):
        if p.arm_share[arm] == 0.0:
            continue
        keep = np.exp(-dt_s / p.arm_time_s[arm])
        gain = p.arm_share[arm] * p.arm_time_s[arm] / dt_s * (1.0 - keep)
        fresh += gain
        for k in range(3):
            c.arms[arm, k] = keep * c.arms[arm, k] + gain * (c.at.gradient[k] - c.elastic[k])
    for k in range(3):
        c.elastic[k] = c.at.gradient[k]
    return fresh


@njit(cache=True, nogil=True)
def linearize(p: Any, s: Any, index: int, part: float, fresh: float) -> None:
    """One cuff's force at the end of the step: `known` + `implicit` @ change of the pose's rate by the device."""
    cuff = p.cuffs[index]
    c = s.cuffs[index]
    expect(s, index, s.knee_radps)
    for k in range(3):
        c.known[k] = c.at.gradient[k]
        for arm in range(ARMS):
            c.known[k] += c.arms[arm, k]
        if index == SHANK:
            c.known[k] += cuff.swing[k] * s.knee_radps2 - cuff.centrifugal[k] * s.knee_radps * s.knee_radps
            for j in range(3):
                turned = 2.0 * s.knee_radps * c.expected[j] + s.knee_radps2 * c.at.pose[j]
                c.known[k] += cuff.gyration[k, j] * turned - cuff.mass[k, j] * s.knee_radps**2 * c.at.pose[j]
        for j in range(3):
            viscous, inertia = p.kelvin_time_s * c.at.loss[k, j], cuff.mass[k, j] / part
            c.known[k] += viscous * c.expected[j] + inertia * (c.expected[j] - c.rate_from[j])
            c.implicit[k, j] = part * (1.0 + fresh) * c.at.hessian[k, j] + viscous + inertia


@njit(cache=True, nogil=True)
def swing_modes(p: Any, s: Any, index: int, part: float, back: float) -> None:
    """Modes of the tissue through the step, as far as the device's velocity does not change: into the cuff's force."""
    cuff = p.cuffs[index]
    c = s.cuffs[index]
    for mode in range(MODES):
        square = cuff.mode_square[mode] * c.stiffness
        if square == 0.0:
            continue
        rate = c.mode_rate[mode] + back * (c.mode_rate[mode] - c.mode_rate_before[mode])
        way = c.mode[mode] + back * (c.mode[mode] - c.mode_before[mode])
        c.mode_before[mode], c.mode_rate_before[mode] = c.mode[mode], c.mode_rate[mode]
        c.mode[mode], c.mode_rate[mode] = way, rate
        gain = 1.0 / (1.0 + part * square * (cuff.mode_time_s[mode] + part))
        push = -square * (cuff.mode_time_s[mode] * rate + way + part * rate)
        if index == SHANK:
            push += cuff.mode_centrifugal[mode] * s.knee_radps * s.knee_radps - cuff.mode_swing[mode] * s.knee_radps2
        for k in range(3):
            push -= cuff.mode_mass[mode, k] * (c.expected[k] - c.rate_from[k]) / part
        c.mode_gain[mode] = gain
        c.mode_acceleration[mode] = gain * push
        for k in range(3):
            c.known[k] += cuff.mode_mass[mode, k] * gain * push
            for j in range(3):
                c.implicit[k, j] -= cuff.mode_mass[mode, k] * gain * cuff.mode_mass[mode, j] / part


@njit(cache=True, nogil=True)
def complete(p: Any, s: Any, index: int, part: float, dt_s: float) -> None:
    """Take the change of velocity into one cuff: its force, its arms, its rate, its modes."""
    c = s.cuffs[index]
    for k in range(3):
        c.force[k] = c.known[k]
        c.rate[k] = c.expected[k]
    for k in range(3):
        driven = 0.0
        for i in range(DOFS):
            driven += c.jacobian[k, i] * s.right[i]
        c.rate[k] += driven
        for mode in range(MODES):
            c.mode_acceleration[mode] -= c.mode_gain[mode] * p.cuffs[index].mode_mass[mode, k] * driven / part
        for j in range(3):
            c.force[j] += c.implicit[j, k] * driven
            change = part * c.at.hessian[j, k] * driven
            c.elastic[j] += change
            for arm in range(ARMS):
                if p.arm_share[arm] != 0.0:
                    share = p.arm_share[arm] * p.arm_time_s[arm] / dt_s
                    c.arms[arm, j] += share * (1.0 - np.exp(-dt_s / p.arm_time_s[arm])) * change
    for mode in range(MODES):
        c.mode_rate[mode] += part * c.mode_acceleration[mode]
        c.mode[mode] += part * c.mode_rate[mode]
