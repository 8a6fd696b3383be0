"""MyoLegs, MyoFullBody and compiled OpenSim models behind one interface: motion in, one solved frame out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np

from edge_runtime.biomech.dual_newton_numpy import solve_dual_numpy
from edge_runtime.biomech.model import UNSCALED_STATURE_M, LegModel, load_full_body
from edge_runtime.biomech.motion import Motion
from edge_runtime.biomech.muscle_solve import DualSolver, Dynamics, Power
from edge_runtime.biomech.muscles import Layer, PassiveForce
from edge_runtime.biomech.pipeline import Biomechanics
from edge_runtime.biomech.scaling import Segments
from edge_runtime.biomech.skeleton.format import load
from edge_runtime.biomech.skeleton.loads import Push
from edge_runtime.biomech.skeleton.person import Options, Person
from edge_runtime.biomech.subject import Subject
from edge_runtime.errors import UserError
from edge_runtime.types import F64, SIDES

SOLVERS: Final[dict[str, DualSolver | None]] = {"numba": None, "numpy": solve_dual_numpy}
MYO: Final = ("myolegs", "myofullbody")
QUALITY: Final = ("gradient_nm", "iterations", "converged", "saturated", "capped")


@dataclass(frozen=True, slots=True)
class How:
    """How to solve: exponent of activation, muscle layer and passive force of the Myo models, implementation of the
    solver, and whether muscle dynamics bound the activations from frame to frame."""

    power: Power = 2
    layer: Layer = "anatomical"
    passive: PassiveForce = "off"
    solver: Literal["numba", "numpy"] = "numba"
    dynamics: Dynamics = "off"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: moments, activations, forces, reserves, compression (medial, lateral) [2, 2] right and left, and
    the values of `QUALITY`."""

    moment_nm: F64
    activation: F64
    force_n: F64
    reserve_nm: F64
    contact_n: F64
    quality: tuple[float, ...]


class FrameSolver(Protocol):
    """A model with its solver that takes the frames of one motion in order."""

    dofs: tuple[str, ...]
    muscle_names: tuple[str, ...]
    solved_dofs: tuple[str, ...]

    def warm(self, motion: Motion) -> None:
        """Compile and touch everything, then forget it."""

    def step(self, motion: Motion, k: int) -> Frame:
        """Solve frame `k`."""


class MyoSolver:
    """MyoLegs or MyoFullBody as `FrameSolver`."""

    def __init__(self, leg: LegModel, biomech: Biomechanics, dynamics: Dynamics = "off") -> None:
        self.leg, self.dofs, self._biomech, self._dynamics = leg, leg.dofs, biomech, dynamics
        self.muscle_names, self.solved_dofs = biomech.muscle_names, biomech.solved_dofs
        self._solved = [leg.dofs.index(name) for name in self.solved_dofs]
        self._moment = np.zeros(len(leg.dofs))

    def problem(self) -> tuple[F64, F64]:
        """Of the last frame: moments at full activation [n, m] (until the next) and what they balance [m]."""
        return self._biomech.balance(self._moment)

    def warm(self, motion: Motion) -> None:
        """See `FrameSolver`."""
        self._biomech.warm()
        self.step(motion, 0)
        self._biomech.reset()

    def step(self, motion: Motion, k: int) -> Frame:
        """See `FrameSolver`."""
        biomech = self._biomech
        ankles = biomech.place(motion.q[k], motion.qd[k], motion.qdd[k])
        moment = biomech.moments_here(motion.force_n[k], motion.cop_from(ankles, k), np.zeros(2), motion.free_nm[k])
        self._moment = moment
        muscles = biomech.muscles(moment, _dt_s(motion, k, self._dynamics))
        knee = biomech.knee(muscles)
        contact = np.stack([knee.medial_n, knee.lateral_n], axis=1)
        quality = (
            muscles.gradient_nm, float(muscles.iterations), float(muscles.converged),
            float(np.count_nonzero(muscles.saturated)), float(muscles.capped),
        )  # fmt: skip
        return Frame(
            moment[self._solved], muscles.activation, muscles.force_n, muscles.reserve_nm.copy(), contact, quality
        )


class CompiledSolver:
    """A compiled OpenSim model as `FrameSolver`."""

    def __init__(self, person: Person, dynamics: Dynamics = "off") -> None:
        self.dofs, self.person, self._dynamics = person.names.coordinates, person, dynamics
        self.muscle_names, self.solved_dofs = person.names.muscles, person.solved
        self._solved = [self.dofs.index(name) for name in person.solved]

    def warm(self, motion: Motion) -> None:
        """See `FrameSolver`."""
        self.step(motion, 0)
        self.person.reset()

    def step(self, motion: Motion, k: int) -> Frame:
        """See `FrameSolver`."""
        outside = Push(motion.force_n[k], motion.cop_m[k], motion.free_nm[k], np.zeros(len(SIDES)))
        dt_s = _dt_s(motion, k, self._dynamics)
        f = self.person.step(motion.q[k], motion.qd[k], motion.qdd[k], outside, dt_s)
        saturated = float(np.count_nonzero(f.activation >= 1.0))
        quality = (f.gradient_nm, float(f.iterations), float(f.converged), saturated, float(f.capped))
        contact = np.stack([f.knees.medial_n, f.knees.lateral_n], axis=1)
        return Frame(f.moment_nm[self._solved], f.activation, f.tension_n, f.reserve_nm, contact, quality)


def _dt_s(motion: Motion, k: int, dynamics: Dynamics) -> float | None:
    """Time since the frame before where dynamics bound activations."""
    return float(motion.time_s[k] - motion.time_s[k - 1]) if dynamics == "on" and k > 0 else None


def frame_solver(
    model: str, subject: Subject, how: How, segments: Segments | None = None
) -> MyoSolver | CompiledSolver:
    """`model` is one of `MYO`, or the path of a compiled OpenSim model (which has its person's size). Raises UserError.

    `segments` scale a Myo model from its own size in place of stature. A compiled model has Hill parameters of its own
    and always takes the compiled solver.
    """
    if model in MYO:
        unscaled = load_full_body() if model == "myofullbody" else None
        height_m = UNSCALED_STATURE_M if segments else subject.height_m
        leg = LegModel(height_m, subject.mass_kg, segments, unscaled)
        biomech = Biomechanics(leg, how.power, how.layer, how.passive, SOLVERS[how.solver])
        return MyoSolver(leg, biomech, how.dynamics)
    if not model.endswith(".npz"):
        raise UserError(f"model {model}: not known; give {', '.join(MYO)}, or the .npz of a compiled .osim")
    if segments:
        raise UserError(f"model {model}: a compiled model has its person's size; give --scale to model compile")
    if how.solver != "numba" or how.layer != "anatomical":
        raise UserError(f"model {model}: a compiled model takes neither a layer nor another solver; leave them out")
    person = Person(load(Path(model)), subject.height_m, Options(how.power, how.passive))
    return CompiledSolver(person, how.dynamics)
