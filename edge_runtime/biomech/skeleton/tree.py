"""Rigid-body tree: places the bodies, and gives the forces on joints that carry a motion (recursive Newton-Euler)."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit

from edge_runtime.biomech.skeleton.format import NONE, Functions, Tree
from edge_runtime.biomech.skeleton.functions import evaluate
from edge_runtime.types import F64

_AXES: Final = 6


class Motion(NamedTuple):
    """Buffers of one evaluation; body 0 is the ground, all vectors in ground axes."""

    rotation: F64  # [B, 3, 3]
    origin: F64  # [B, 3]
    turn: F64  # [B, 3] angular velocity
    spin: F64  # [B, 3] angular acceleration
    surge: F64  # [B, 3] acceleration of the origin
    axis: F64  # [J, 6, 3] rotation and translation axes
    slope: F64  # [J, 6] derivative of each axis' function
    centre: F64  # [J, 3] joint centre: origin of the child's joint frame
    force: F64  # [B, 3] what the body's joint must transmit to it and all it carries
    moment: F64  # [B, 3] the same about the ground's origin
    scratch: F64  # [6, 3] vectors of one step of a walk over the tree
    frame: F64  # [2, 3, 3] the same, rotations


def new_motion(tree: Tree) -> Motion:
    """Buffers for `tree`."""
    joints = len(tree.parent)
    bodies = joints + 1
    rotation = np.zeros((bodies, 3, 3))
    rotation[0] = np.eye(3)
    vectors = [np.zeros((bodies, 3)) for _ in range(4)]
    return Motion(
        rotation, vectors[0], vectors[1], vectors[2], vectors[3],
        np.zeros((joints, 6, 3)), np.zeros((joints, 6)), np.zeros((joints, 3)),
        np.zeros((bodies, 3)), np.zeros((bodies, 3)), np.zeros((6, 3)), np.zeros((2, 3, 3)),
    )  # fmt: skip


@njit(cache=True, nogil=True, inline="always")
def _apply(rotation: F64, vector: F64, out: F64) -> None:
    """out = rotation · vector; `out` must not be `vector`."""
    for i in range(3):
        out[i] = rotation[i, 0] * vector[0] + rotation[i, 1] * vector[1] + rotation[i, 2] * vector[2]


@njit(cache=True, nogil=True, inline="always")
def _multiply(a: F64, b: F64, out: F64) -> None:
    for i in range(3):
        for k in range(3):
            out[i, k] = a[i, 0] * b[0, k] + a[i, 1] * b[1, k] + a[i, 2] * b[2, k]


@njit(cache=True, nogil=True, inline="always")
def _add(vector: F64, out: F64) -> None:
    """out += vector; numba's own += on a row makes a temporary."""
    for i in range(3):
        out[i] += vector[i]


@njit(cache=True, nogil=True, inline="always")
def add_cross(a: F64, b: F64, out: F64) -> None:
    """out += a × b."""
    x = a[1] * b[2] - a[2] * b[1]
    y = a[2] * b[0] - a[0] * b[2]
    z = a[0] * b[1] - a[1] * b[0]
    out[0] += x
    out[1] += y
    out[2] += z


@njit(cache=True, nogil=True)
def _turned(axis: F64, angle: float, frame: F64, out: F64) -> None:
    """out = frame · rotation by `angle` about `axis` (Rodrigues)."""
    c, s = np.cos(angle), np.sin(angle)
    x, y, z = axis[0], axis[1], axis[2]
    t = 1.0 - c
    for i in range(3):
        f0, f1, f2 = frame[i, 0], frame[i, 1], frame[i, 2]
        out[i, 0] = f0 * (t * x * x + c) + f1 * (t * x * y + s * z) + f2 * (t * x * z - s * y)
        out[i, 1] = f0 * (t * x * y - s * z) + f1 * (t * y * y + c) + f2 * (t * y * z + s * x)
        out[i, 2] = f0 * (t * x * z + s * y) + f1 * (t * y * z - s * x) + f2 * (t * z * z + c)


@njit(cache=True, nogil=True)
def couple(tree: Tree, f: Functions, q: F64, qd: F64, qdd: F64) -> None:
    """Set the dependent coordinates and their derivatives from their drivers, in place."""
    for k in range(tree.coupled.size):
        dependent, driver = tree.coupled[k], tree.driver[k]
        value, slope, bend = evaluate(f, tree.coupling[k], q[driver])
        q[dependent] = value
        qd[dependent] = slope * qd[driver]
        qdd[dependent] = slope * qdd[driver] + bend * qd[driver] ** 2


@njit(cache=True, nogil=True)
def place(tree: Tree, f: Functions, q: F64, qd: F64, qdd: F64, m: Motion) -> None:
    """Place every body with its velocities and accelerations; `q`, `qd`, `qdd` [C] in rad or m, coupled ones set."""
    lever, turn, spin = m.scratch[0], m.scratch[1], m.scratch[2]
    shift, drift, surge = m.scratch[3], m.scratch[4], m.scratch[5]
    frame, other = m.frame[0], m.frame[1]
    for j in range(tree.parent.size):
        p, b = tree.parent[j], j + 1
        _multiply(m.rotation[p], tree.parent_rotation[j], frame)
        _apply(m.rotation[p], tree.parent_position[j], lever)
        turn[:], spin[:], surge[:] = m.turn[p], m.spin[p], m.surge[p]
        _add_motion_of_point(turn, spin, lever, surge)
        shift[:], drift[:] = 0.0, 0.0
        for k in range(3, _AXES):
            _apply(frame, tree.axis[j, k], m.axis[j, k])
        for k in range(3):
            _apply(frame, tree.axis[j, k], m.axis[j, k])
            value, slope, bend = _follow(tree, f, j, k, q)
            m.slope[j, k] = slope
            c = tree.coordinate[j, k]
            rate = slope * qd[c] if c != NONE else 0.0
            growth = slope * qdd[c] + bend * qd[c] * qd[c] if c != NONE else 0.0
            for i in range(3):
                spin[i] += m.axis[j, k, i] * growth
                drift[i] = m.axis[j, k, i] * rate
            add_cross(turn, drift, spin)
            turn += drift
            _turned(tree.axis[j, k], value, frame, other)
            frame[:] = other
        drift[:] = 0.0
        for k in range(3, _AXES):
            value, slope, bend = _follow(tree, f, j, k, q)
            m.slope[j, k] = slope
            c = tree.coordinate[j, k]
            rate = slope * qd[c] if c != NONE else 0.0
            growth = slope * qdd[c] + bend * qd[c] * qd[c] if c != NONE else 0.0
            for i in range(3):
                shift[i] += m.axis[j, k, i] * value
                drift[i] += 2.0 * m.axis[j, k, i] * rate
                surge[i] += m.axis[j, k, i] * growth
        _add_motion_of_point(m.turn[p], m.spin[p], shift, surge)
        add_cross(m.turn[p], drift, surge)
        for i in range(3):
            m.centre[j, i] = m.origin[p, i] + lever[i] + shift[i]
        for i in range(3):  # child body = joint frame · inverse of the joint frame in the child
            for k in range(3):
                child = tree.child_rotation[j]
                m.rotation[b, i, k] = frame[i, 0] * child[k, 0] + frame[i, 1] * child[k, 1] + frame[i, 2] * child[k, 2]
        _apply(m.rotation[b], tree.child_position[j], lever)
        for i in range(3):
            lever[i] = -lever[i]
            m.origin[b, i] = m.centre[j, i] + lever[i]
        _add_motion_of_point(turn, spin, lever, surge)
        m.turn[b], m.spin[b], m.surge[b] = turn, spin, surge


@njit(cache=True, nogil=True)
def _add_motion_of_point(turn: F64, spin: F64, lever: F64, surge: F64) -> None:
    """surge += spin × lever + turn × (turn × lever)."""
    x = turn[1] * lever[2] - turn[2] * lever[1]
    y = turn[2] * lever[0] - turn[0] * lever[2]
    z = turn[0] * lever[1] - turn[1] * lever[0]
    add_cross(spin, lever, surge)
    surge[0] += turn[1] * z - turn[2] * y
    surge[1] += turn[2] * x - turn[0] * z
    surge[2] += turn[0] * y - turn[1] * x


@njit(cache=True, nogil=True)
def _follow(tree: Tree, f: Functions, j: int, k: int, q: F64) -> tuple[float, float, float]:
    """Value, slope and curvature of axis k of joint j."""
    function, coordinate = tree.function[j, k], tree.coordinate[j, k]
    if function == NONE:
        return 0.0, 0.0, 0.0
    return evaluate(f, function, q[coordinate] if coordinate != NONE else 0.0)


@njit(cache=True, nogil=True)
def carry(tree: Tree, m: Motion) -> None:
    """Fill `force` and `moment` with what carries the placed motion against gravity; nothing else acts yet."""
    pull, spun, com = m.scratch[0], m.scratch[1], m.scratch[2]
    m.force[:], m.moment[:] = 0.0, 0.0
    for b in range(1, m.origin.shape[0]):
        j = b - 1
        if tree.mass[j] == 0.0:
            continue
        _apply(m.rotation[b], tree.com[j], com)
        pull[:] = m.surge[b]
        _add_motion_of_point(m.turn[b], m.spin[b], com, pull)
        for i in range(3):
            pull[i] = tree.mass[j] * (pull[i] - tree.gravity[i])
            com[i] += m.origin[b, i]
        _spin_moment(m, b, tree.inertia[j], spun)
        add_cross(com, pull, spun)
        _add(pull, m.force[b])
        _add(spun, m.moment[b])


@njit(cache=True, nogil=True)
def _spin_moment(m: Motion, body: int, inertia: F64, out: F64) -> None:
    """out = I spin + turn × I turn of `body`, everything but `inertia` in ground axes."""
    rotation, turn, spin = m.rotation[body], m.turn[body], m.spin[body]
    local_turn, local_spin, product = m.scratch[3], m.scratch[4], m.scratch[5]
    for i in range(3):
        local_turn[i] = rotation[0, i] * turn[0] + rotation[1, i] * turn[1] + rotation[2, i] * turn[2]
        local_spin[i] = rotation[0, i] * spin[0] + rotation[1, i] * spin[1] + rotation[2, i] * spin[2]
    _apply(inertia, local_spin, out)
    _apply(inertia, local_turn, product)
    add_cross(local_turn, product, out)
    product[:] = out
    _apply(rotation, product, out)


@njit(cache=True, nogil=True)
def push(m: Motion, body: int, force: F64, point: F64, couple_nm: F64) -> None:
    """An outside `force` [3] N at `point` [3] m with a free moment [3] Nm acts on `body`."""
    for i in range(3):
        m.force[body, i] -= force[i]
        m.moment[body, i] -= couple_nm[i]
    add_cross(force, point, m.moment[body])  # - point × force


@njit(cache=True, nogil=True)
def gather(tree: Tree, m: Motion, tau: F64) -> None:
    """Sum `force` and `moment` from the leaves down; `tau` [C] generalized forces, coupled ones still apart."""
    tau[:] = 0.0
    about = m.scratch[0]
    for j in range(tree.parent.size - 1, -1, -1):
        b, p = j + 1, tree.parent[j]
        about[:] = m.moment[b]
        add_cross(m.force[b], m.centre[j], about)  # - centre × force
        for k in range(_AXES):
            c = tree.coordinate[j, k]
            if c == NONE:
                continue
            vector = about if k < 3 else m.force[b]
            along = m.axis[j, k, 0] * vector[0] + m.axis[j, k, 1] * vector[1] + m.axis[j, k, 2] * vector[2]
            tau[c] += m.slope[j, k] * along
        _add(m.force[b], m.force[p])
        _add(m.moment[b], m.moment[p])


@njit(cache=True, nogil=True)
def reduce_coupled(tree: Tree, f: Functions, q: F64, tau: F64) -> None:
    """Move the generalized forces of dependent coordinates to their drivers (null space of the coupling), in place."""
    for k in range(tree.coupled.size - 1, -1, -1):
        _, slope, _ = evaluate(f, tree.coupling[k], q[tree.driver[k]])
        tau[tree.driver[k]] += slope * tau[tree.coupled[k]]
        tau[tree.coupled[k]] = 0.0
