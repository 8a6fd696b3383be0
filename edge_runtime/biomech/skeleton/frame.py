"""A frame of a compiled model as compiled code: from motion to the muscles' problem, and from activations to knees."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from edge_runtime.biomech.skeleton.contact import Knees, balance, cocontraction, net_moments
from edge_runtime.biomech.skeleton.format import I64, Skeleton
from edge_runtime.biomech.skeleton.hill import tensions
from edge_runtime.biomech.skeleton.loads import Legs, Push, generalized_forces, take_muscles_off
from edge_runtime.biomech.skeleton.paths import MAX_DEGREE, lengths_and_arms, monomials, plain
from edge_runtime.biomech.skeleton.tree import Motion, new_motion
from edge_runtime.types import F64, SIDES


class Buffers(NamedTuple):
    """Everything that a frame writes."""

    q: F64  # [3, C] with both derivatives
    motion: Motion
    tau: F64  # [C]
    wrench: F64  # [2, 6]
    powers: F64  # [2, S, D] powers of the coordinates that a group spans
    term: F64  # [T]
    slope: F64  # [S, T]
    length: F64  # [n]
    velocity: F64  # [n]
    arm: F64  # [n, C]
    pull: F64  # [R]
    active: F64  # [n]
    passive: F64  # [n]
    gain: F64  # [n, m] moment at full activation
    target: F64  # [m]
    tension: F64  # [n]


def new_buffers(s: Skeleton, solved: int) -> Buffers:
    """For a model whose muscles balance `solved` coordinates."""
    c, n, terms = len(s.tree.neutral), len(s.muscles.force_n), len(s.basis.exponent)
    dims = s.basis.span.shape[1]
    powers, slope = np.zeros((2, dims, MAX_DEGREE + 1)), np.zeros((dims, terms))
    return Buffers(
        np.zeros((3, c)), new_motion(s.tree), np.zeros(c), np.zeros((len(SIDES), 6)), powers, np.zeros(terms), slope,
        np.zeros(n), np.zeros(n), np.zeros((n, c)), np.zeros(len(s.pulls.muscle)), np.zeros(n), np.zeros(n),
        np.zeros((n, solved)), np.zeros(solved), np.zeros(n),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def before_solve(s: Skeleton, legs: Legs, solved: I64, outside: Push, passive_share: float, b: Buffers) -> None:
    """Moments, muscle paths and tensions, and from them the problem to solve: `gain` and `target`."""
    generalized_forces(s, legs, b.q[0], b.q[1], b.q[2], outside, b.motion, b.tau, b.wrench)
    monomials(s.basis, b.q[0], b.powers, b.term, b.slope)
    lengths_and_arms(s.basis, s.lengths, b.term, b.slope, b.length, b.arm)
    plain(s.basis, s.pulls, b.term, b.pull)
    for i in range(b.length.size):
        b.velocity[i] = 0.0
        for c in range(b.tau.size):
            b.velocity[i] -= b.arm[i, c] * b.q[1, c]
    tensions(s.muscles, s.functions, b.length, b.velocity, b.active, b.passive)
    for k in range(solved.size):
        b.target[k] = b.tau[solved[k]]
        for i in range(b.length.size):
            b.gain[i, k] = b.arm[i, solved[k]] * b.active[i]
            b.target[k] -= passive_share * b.arm[i, solved[k]] * b.passive[i]


@njit(cache=True, nogil=True)
def fill_tension(activation: F64, passive_share: float, b: Buffers) -> None:
    """Tension of every muscle at its `activation` [n]."""
    for i in range(activation.size):
        b.tension[i] = activation[i] * b.active[i] + passive_share * b.passive[i]


@njit(cache=True, nogil=True)
def after_solve(
    s: Skeleton, legs: Legs, plateau: tuple[float, float, float], mass_height: float, exo_nm: F64, b: Buffers,
    knees: Knees,
) -> None:  # fmt: skip
    """Knee loads from the muscles' tension."""
    net_moments(legs, b.wrench, b.tau, exo_nm, mass_height, knees)
    cocontraction(legs, b.arm, b.tension, knees)
    take_muscles_off(s, legs, b.pull, b.tension, b.wrench)
    balance(b.wrench, plateau[0], plateau[1], plateau[2], knees)
