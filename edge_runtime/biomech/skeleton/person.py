"""One person's compiled model at work: motion and ground reaction in; moments, muscles and knee loads out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numba import njit

from edge_runtime.biomech.muscle_solve import MuscleSolver
from edge_runtime.biomech.skeleton.contact import (
    Knees,
    Plateau,
    balance,
    cocontraction,
    net_moments,
    new_knees,
    scaled_plateau,
)
from edge_runtime.biomech.skeleton.format import GROUND, I64, Compiled, Names, Skeleton
from edge_runtime.biomech.skeleton.hill import tensions
from edge_runtime.biomech.skeleton.loads import Legs, Push, generalized_forces, take_muscles_off
from edge_runtime.biomech.skeleton.paths import lengths_and_arms, monomials, plain
from edge_runtime.biomech.skeleton.tree import Motion, new_motion
from edge_runtime.errors import UserError
from edge_runtime.types import COORDINATES, F64, SIDES, Grf, Kinematics

PassiveForce = Literal["off", "on"]
MIN_ACTIVATION: Final = 0.01  # OpenSim's default lower bound of a muscle's control
RESERVE_NM: Final = 1.0
"""Strength of a reserve: one that gives this moment costs as much as one muscle at full activation (p = 2)."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a `Person` solves. `reserve_nm` by coordinate, `RESERVE_NM` where nothing is said; `plateau` None: scaled."""

    power: Literal[2, 3, 4] = 2
    passive: PassiveForce = "off"
    min_activation: float = MIN_ACTIVATION
    reserve_nm: dict[str, float] | None = None
    plateau: Plateau | None = None


@dataclass(frozen=True, slots=True)
class PersonFrame:
    """Result of one frame, arrays in the order of `Person.names`; its own copies.

    `moment_nm` [C] what the person's own tissues give (Nm, N; pelvis: residual); `activation`, `tension_n`,
    `length_m`, `velocity_mps` [n]; `reserve_nm` [m] in `Person.solved` order, what muscles leave over; `knees`;
    `gradient_nm` (KKT), `iterations`, `converged` (else the last good activation), `capped`: not converged because the
    iterations, which are the solve's deadline, ran out; `saturated`: some muscle is at full activation.
    """

    moment_nm: F64
    activation: F64
    tension_n: F64
    length_m: F64
    velocity_mps: F64
    reserve_nm: F64
    knees: Knees
    gradient_nm: float
    iterations: int
    converged: bool
    capped: bool
    saturated: bool


class _Buffers(NamedTuple):
    """Everything that a frame writes."""

    q: F64  # [3, C] with both derivatives
    motion: Motion
    tau: F64  # [C]
    wrench: F64  # [2, 6]
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


def _buffers(s: Skeleton, solved: int) -> _Buffers:
    c, n, terms = len(s.tree.neutral), len(s.muscles.force_n), len(s.basis.exponent)
    slope = np.zeros((s.basis.span.shape[1], terms))
    return _Buffers(
        np.zeros((3, c)), new_motion(s.tree), np.zeros(c), np.zeros((len(SIDES), 6)), np.zeros(terms), slope,
        np.zeros(n), np.zeros(n), np.zeros((n, c)), np.zeros(len(s.pulls.muscle)), np.zeros(n), np.zeros(n),
        np.zeros((n, solved)), np.zeros(solved),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _before_solve(s: Skeleton, legs: Legs, solved: I64, outside: Push, passive_share: float, b: _Buffers) -> None:
    """Moments, muscle paths and tensions, and from them the problem to solve: `gain` and `target`."""
    generalized_forces(s, legs, b.q[0], b.q[1], b.q[2], outside, b.motion, b.tau, b.wrench)
    monomials(s.basis, b.q[0], b.term, b.slope)
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
def _after_solve(
    s: Skeleton, legs: Legs, tension: F64, plateau: tuple[float, float, float], mass_height: float, exo_nm: F64,
    b: _Buffers, knees: Knees,
) -> None:  # fmt: skip
    """Knee loads from the muscles' `tension` [n] N."""
    net_moments(legs, b.wrench, b.tau, exo_nm, mass_height, knees)
    cocontraction(legs, b.arm, tension, knees)
    take_muscles_off(s, legs, b.pull, tension, b.wrench)
    balance(b.wrench, plateau[0], plateau[1], plateau[2], knees)


class Person:
    """A compiled model with its solver; feed frames in order. One instance serves one stream of frames.

    `names` gives the order of coordinates and muscles, `solved` the coordinates that muscles balance: every free one
    that a muscle spans. `height_m` normalizes knee moments. Raises UserError where the model lacks a leg.
    """

    def __init__(self, model: Compiled, height_m: float, options: Options | None = None) -> None:
        options = options or Options()
        self.names, self.skeleton = model.names, model.skeleton
        self.mass_kg = float(model.skeleton.tree.mass.sum())
        self._legs = _legs(model.skeleton, model.names)
        self._solved = _solved(model.skeleton)
        self.solved = tuple(model.names.coordinates[c] for c in self._solved)
        self._passive = 1.0 if options.passive == "on" else 0.0
        plateau = options.plateau or scaled_plateau(model.skeleton, self._legs)
        self._plateau = (plateau.medial_m, plateau.lateral_m, plateau.below_m)
        self._mass_height = self.mass_kg * height_m
        strength = options.reserve_nm or {}
        ease = np.array([strength.get(name, RESERVE_NM) ** 2 for name in self.solved])
        self._solver = MuscleSolver(len(self.names.muscles), ease, options.power, options.min_activation)
        self._b = _buffers(model.skeleton, len(self._solved))
        self._index = {name: i for i, name in enumerate(self.names.coordinates)}
        self._live = [(i, self._index[name]) for i, name in enumerate(COORDINATES) if name in self._index]
        self._q = np.zeros((3, len(self.names.coordinates)))

    def reset(self) -> None:
        """Forget the warm start, as at the start of a stream."""
        self._solver.reset()

    def flexion_sign(self) -> F64:
        """[2] -1 where the model counts knee flexion negative (gait2392 and its like)."""
        return self._legs.sign.copy()

    def moments(self, q: F64, qd: F64, qdd: F64, outside: Push) -> F64:
        """Inverse dynamics alone: generalized forces [C] of the person's own tissues, from motion [C]."""
        return self._moments(q, qd, qdd, outside, self._legs)

    def _moments(self, q: F64, qd: F64, qdd: F64, outside: Push, legs: Legs) -> F64:
        b = self._b
        b.q[0], b.q[1], b.q[2] = q, qd, qdd
        generalized_forces(self.skeleton, legs, b.q[0], b.q[1], b.q[2], outside, b.motion, b.tau, b.wrench)
        return b.tau.copy()

    def step(self, q: F64, qd: F64, qdd: F64, outside: Push) -> PersonFrame:
        """One frame from motion [C] in `names` order (rad, m; dependent coordinates are set here) and outside forces,
        centres of pressure in the ground's axes from its origin."""
        return self._step(q, qd, qdd, outside, self._legs)

    def step_live(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64) -> PersonFrame:
        """One frame from the estimator's 16 coordinates and ground reaction; what they lack stays at its default."""
        self._q[0], self._q[1:] = self.skeleton.tree.neutral, 0.0
        for i, c in self._live:
            sign = self._legs.sign[0] if COORDINATES[i].startswith("knee_angle") else 1.0
            self._q[0, c], self._q[1, c], self._q[2, c] = sign * kin.q[i], sign * kin.qd[i], sign * kin.qdd[i]
        outside = Push(grf.force_n, grf.cop_ankle_m, np.zeros((len(SIDES), 3)), exo_knee_nm)
        legs = self._legs._replace(anchor=self._talus())
        return self._step(self._q[0], self._q[1], self._q[2], outside, legs)

    def _talus(self) -> I64:
        tree = self.skeleton.tree
        return np.array([int(np.flatnonzero(tree.parent == knee + 1)[0]) + 1 for knee in self._legs.knee])

    def _step(self, q: F64, qd: F64, qdd: F64, outside: Push, legs: Legs) -> PersonFrame:
        b = self._b
        b.q[0], b.q[1], b.q[2] = q, qd, qdd
        _before_solve(self.skeleton, legs, self._solved, outside, self._passive, b)
        solution = self._solver.solve(b.gain, b.target)
        tension = solution.activation * b.active + self._passive * b.passive
        knees = new_knees()
        _after_solve(self.skeleton, legs, tension, self._plateau, self._mass_height, outside.exo_nm, b, knees)
        unbalanced = solution.gradient_nm
        return PersonFrame(
            b.tau.copy(), solution.activation, tension, b.length.copy(), b.velocity.copy(), solution.reserve_nm, knees,
            unbalanced, solution.iterations, solution.converged,
            not solution.converged and bool(np.isfinite(unbalanced)), bool((solution.activation >= 1.0).any()),
        )  # fmt: skip


def _solved(s: Skeleton) -> I64:
    """Coordinates that some muscle spans, except locked and dependent ones and the pelvis'."""
    spanned = set(s.basis.span.ravel().tolist()) - {-1}
    barred = {*np.flatnonzero(s.tree.locked), *s.tree.coupled, *s.tree.coordinate[0]}
    return np.array(sorted(spanned - barred), np.int64)


def _legs(s: Skeleton, names: Names) -> Legs:
    def index(kind: tuple[str, ...], name: str, what: str) -> int:
        if name not in kind:
            raise UserError(f"compiled model: has no {what} {name}; the knee loads need one on each side")
        return kind.index(name)

    foot = np.array([index(names.bodies, f"calcn_{side}", "body") + 1 for side in SIDES])
    knee = np.array([index(names.bodies, f"tibia_{side}", "body") for side in SIDES])
    flexion = np.array([index(names.coordinates, f"knee_angle_{side}", "coordinate") for side in SIDES])
    for joint, coordinate in zip(knee, flexion, strict=True):
        if coordinate not in s.tree.coordinate[joint, :3]:
            raise UserError(f"compiled model: {names.coordinates[coordinate]} does not turn {names.joints[joint]}")
    sign = np.where(s.basis.centre[flexion] < 0.0, -1.0, 1.0)
    return Legs(foot, np.full(len(SIDES), GROUND), knee, flexion, sign)
