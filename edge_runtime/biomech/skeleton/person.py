"""One person's compiled model at work: motion and ground reaction in; moments, muscles and knee loads out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from edge_runtime.biomech.muscle_solve import MuscleSolver
from edge_runtime.biomech.skeleton.contact import Knees, Plateau, new_knees, scaled_plateau
from edge_runtime.biomech.skeleton.format import GROUND, I64, Compiled, Names, Skeleton
from edge_runtime.biomech.skeleton.frame import after_solve, before_solve, fill_tension, new_buffers
from edge_runtime.biomech.skeleton.loads import Legs, Push, generalized_forces
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


@dataclass(slots=True)
class PersonFrame:
    """Result of one frame, arrays in the order of `Person.names`.

    `moment_nm` [C] what the person's own tissues give (Nm, N; pelvis: residual); `activation`, `tension_n`,
    `length_m`, `velocity_mps` [n]; `reserve_nm` [m] in `Person.solved` order, what muscles leave over; `knees`;
    `gradient_nm` (KKT), `iterations`, `converged` (else the last good activation), `capped`: not converged because the
    iterations ran out; `saturated`: some muscle is at full activation.
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

    def copy(self) -> PersonFrame:
        """The same values in arrays of their own."""
        return replace(
            self, moment_nm=self.moment_nm.copy(), activation=self.activation.copy(), tension_n=self.tension_n.copy(),
            length_m=self.length_m.copy(), velocity_mps=self.velocity_mps.copy(), reserve_nm=self.reserve_nm.copy(),
            knees=Knees(*(values.copy() for values in self.knees)),
        )  # fmt: skip


class Person:
    """A compiled model with its solver; feed frames in order. One instance serves one stream of frames.

    `frame` gives the result in arrays that the next frame overwrites and allocates none; `step` copies them. A frame
    is `place` (or `place_live`), `balance` and `contact`, for those who time them.

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
        plateau = self.plateau = options.plateau or scaled_plateau(model.skeleton, self._legs)
        self._plateau = (plateau.medial_m, plateau.lateral_m, plateau.below_m)
        self._mass_height = self.mass_kg * height_m
        strength = options.reserve_nm or {}
        ease = np.array([strength.get(name, RESERVE_NM) ** 2 for name in self.solved])
        self._solver = MuscleSolver(len(self.names.muscles), ease, options.power, options.min_activation)
        self._b = new_buffers(model.skeleton, len(self._solved))
        index = {name: i for i, name in enumerate(self.names.coordinates)}
        self._live = [(i, index[name]) for i, name in enumerate(COORDINATES) if name in index]
        self._live_legs = self._legs._replace(anchor=_talus(model.skeleton, self._legs))
        self._exo_nm, self._no_turn = np.zeros(len(SIDES)), np.zeros((len(SIDES), 3))
        b, solver = self._b, self._solver
        self._frame = PersonFrame(
            b.tau, solver.activation, b.tension, b.length, b.velocity, solver.reserve_nm, new_knees(),
            0.0, 0, False, False, False,
        )  # fmt: skip

    def reset(self) -> None:
        """Forget the warm start, as at the start of a stream."""
        self._solver.reset()

    def flexion_sign(self) -> F64:
        """[2] -1 where the model counts knee flexion negative (gait2392 and its like)."""
        return self._legs.sign.copy()

    def moments(self, q: F64, qd: F64, qdd: F64, outside: Push) -> F64:
        """Inverse dynamics alone: generalized forces [C] of the person's own tissues, from motion [C]."""
        b = self._b
        b.q[0], b.q[1], b.q[2] = q, qd, qdd
        generalized_forces(self.skeleton, self._legs, b.q[0], b.q[1], b.q[2], outside, b.motion, b.tau, b.wrench)
        return b.tau.copy()

    def step(self, q: F64, qd: F64, qdd: F64, outside: Push, dt_s: float | None = None) -> PersonFrame:
        """`frame` with arrays of its own."""
        return self.frame(q, qd, qdd, outside, dt_s).copy()

    def step_live(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64, dt_s: float | None = None) -> PersonFrame:
        """One frame as `place_live` takes it, with arrays of its own."""
        self.place_live(kin, grf, exo_knee_nm)
        self.balance(dt_s)
        return self.contact().copy()

    def frame(self, q: F64, qd: F64, qdd: F64, outside: Push, dt_s: float | None = None) -> PersonFrame:
        """One frame from motion [C] in `names` order (rad, m; dependent coordinates are set here) and outside forces,
        centres of pressure in the ground's axes from its origin. `dt_s` as `MuscleSolver.balance` takes it."""
        self.place(q, qd, qdd, outside)
        self.balance(dt_s)
        return self.contact()

    def place(self, q: F64, qd: F64, qdd: F64, outside: Push) -> F64:
        """First part of a frame: muscle paths, what each muscle could give, and the moments [C], which it returns."""
        b = self._b
        b.q[0], b.q[1], b.q[2] = q, qd, qdd
        return self._place(self._legs, outside)

    def place_live(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64) -> F64:
        """`place` from the estimator's 16 coordinates and ground reaction; what they lack stays at its default."""
        q = self._b.q
        q[0], q[1:] = self.skeleton.tree.neutral, 0.0
        for i, c in self._live:
            sign = self._legs.sign[0] if COORDINATES[i].startswith("knee_angle") else 1.0
            q[0, c], q[1, c], q[2, c] = sign * kin.q[i], sign * kin.qd[i], sign * kin.qdd[i]
        return self._place(self._live_legs, Push(grf.force_n, grf.cop_ankle_m, self._no_turn, exo_knee_nm))

    def _place(self, legs: Legs, outside: Push) -> F64:
        self._exo_nm[:] = outside.exo_nm
        before_solve(self.skeleton, legs, self._solved, outside, self._passive, self._b)
        return self._b.tau

    def balance(self, dt_s: float | None = None) -> PersonFrame:
        """Second part of a frame: activations, tensions, reserves and flags; its knees are still those of the last."""
        frame, solver = self._frame, self._solver
        solver.balance(self._b.gain, self._b.target, dt_s)
        fill_tension(solver.activation, self._passive, self._b)
        frame.gradient_nm, frame.iterations = solver.gradient_nm, solver.iterations
        frame.converged, frame.capped = solver.converged, solver.capped
        frame.saturated = bool(solver.activation.max() >= 1.0)
        return frame

    def contact(self) -> PersonFrame:
        """Last part of a frame: knee loads. The result is overwritten by the next frame."""
        after_solve(
            self.skeleton, self._legs, self._plateau, self._mass_height, self._exo_nm, self._b, self._frame.knees
        )
        return self._frame

    def knee_moments(self) -> F64:
        """[2] net knee moment of the last frame, muscles and exoskeleton together (Nm, flexion positive)."""
        return np.asarray(self._legs.sign * self._b.tau[self._legs.flexion] + self._exo_nm)


def _solved(s: Skeleton) -> I64:
    """Coordinates that some muscle spans, except locked and dependent ones and the pelvis'."""
    spanned = set(s.basis.span.ravel().tolist()) - {-1}
    barred = {*np.flatnonzero(s.tree.locked), *s.tree.coupled, *s.tree.coordinate[0]}
    return np.array(sorted(spanned - barred), np.int64)


def _talus(s: Skeleton, legs: Legs) -> I64:
    """[2] body that the tibia carries: from its origin live centres of pressure are measured."""
    return np.array([int(np.flatnonzero(s.tree.parent == knee + 1)[0]) + 1 for knee in legs.knee])


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
