"""Loads of one frame on a placed tree: ground reaction and exoskeleton in, generalized forces and knee wrenches out."""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from edge_runtime.biomech.skeleton.format import I64, Skeleton
from edge_runtime.biomech.skeleton.tree import Motion, carry, couple, gather, place, push, reduce_coupled
from edge_runtime.types import F64

_ROTATIONS = 3


class Legs(NamedTuple):
    """Where things act, sides in `SIDES` order."""

    foot: I64  # [2] body that the ground pushes
    anchor: I64  # [2] body from whose origin the centre of pressure is measured, 0 for the ground
    knee: I64  # [2] joint
    flexion: I64  # [2] coordinate
    sign: F64  # [2] -1 where the model counts knee flexion negative


class Push(NamedTuple):
    """What acts from outside, sides in `SIDES` order, in the ground's axes."""

    force_n: F64  # [2, 3] ground reaction
    point_m: F64  # [2, 3] centre of pressure
    free_nm: F64  # [2, 3] free moment
    exo_nm: F64  # [2] exoskeleton's knee torque, flexion positive


@njit(cache=True, nogil=True)
def generalized_forces(
    s: Skeleton, legs: Legs, q: F64, qd: F64, qdd: F64, outside: Push, m: Motion, tau: F64, wrench: F64
) -> None:
    """Inverse dynamics: what muscles, ligaments and contact must provide.

    `q`, `qd`, `qdd` [C] (dependent ones are set here). `tau` [C] by independent coordinate, 0 for dependent ones;
    `wrench` [2, 6] force and moment about the joint centre that cross each knee to the tibia, in tibia axes (N, Nm).
    """
    couple(s.tree, s.functions, q, qd, qdd)
    place(s.tree, s.functions, q, qd, qdd, m)
    carry(s.tree, m)
    point, turn, nothing = m.scratch[0], m.scratch[1], m.scratch[2]
    nothing[:] = 0.0
    for side in range(legs.foot.size):
        for i in range(3):
            point[i] = outside.point_m[side, i] + m.origin[legs.anchor[side], i]
        push(m, legs.foot[side], outside.force_n[side], point, outside.free_nm[side])
        _brace(s, legs, side, outside.exo_nm[side], m, turn, nothing)
    gather(s.tree, m, tau)
    reduce_coupled(s.tree, s.functions, q, tau)
    for side in range(legs.knee.size):
        _crossing(m, legs.knee[side], wrench[side])


@njit(cache=True, nogil=True)
def _brace(s: Skeleton, legs: Legs, side: int, torque: float, m: Motion, couple_nm: F64, nothing: F64) -> None:
    """The exoskeleton turns shank against thigh by a pure couple about the axis of knee flexion."""
    joint, size = legs.knee[side], 0.0
    couple_nm[:] = 0.0
    for k in range(_ROTATIONS):
        if s.tree.coordinate[joint, k] == legs.flexion[side]:
            for i in range(3):
                couple_nm[i] += m.slope[joint, k] * m.axis[joint, k, i]
    for i in range(3):
        size += couple_nm[i] * couple_nm[i]
    for i in range(3):
        couple_nm[i] *= legs.sign[side] * torque / size
    push(m, joint + 1, nothing, nothing, couple_nm)
    for i in range(3):
        couple_nm[i] = -couple_nm[i]
    push(m, s.tree.parent[joint], nothing, nothing, couple_nm)


@njit(cache=True, nogil=True)
def _crossing(m: Motion, joint: int, out: F64) -> None:
    """After `gather`: force and moment about the joint centre that the joint transmits, in the child body's axes."""
    body = joint + 1
    c, force, moment = m.centre[joint], m.force[body], m.moment[body]
    x = moment[0] - (c[1] * force[2] - c[2] * force[1])
    y = moment[1] - (c[2] * force[0] - c[0] * force[2])
    z = moment[2] - (c[0] * force[1] - c[1] * force[0])
    for i in range(3):
        out[i] = (
            m.rotation[body, 0, i] * force[0] + m.rotation[body, 1, i] * force[1] + m.rotation[body, 2, i] * force[2]
        )
        out[3 + i] = m.rotation[body, 0, i] * x + m.rotation[body, 1, i] * y + m.rotation[body, 2, i] * z


@njit(cache=True, nogil=True)
def take_muscles_off(s: Skeleton, legs: Legs, pull: F64, tension: F64, wrench: F64) -> None:
    """Leave in `wrench` [2, 6] what contact and ligaments carry: less the `tension` [n] N of every crossing muscle.

    `pull` [R] are the values of the model's pull rows, six per muscle and knee.
    """
    for k in range(s.pull_joint.size):
        side = 0 if s.pull_joint[k] == legs.knee[0] else 1
        muscle = s.pulls.muscle[6 * k]
        for i in range(6):
            wrench[side, i] -= tension[muscle] * pull[6 * k + i]
