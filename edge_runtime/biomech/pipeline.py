"""Biomechanics of one frame in three timed stages: joint moments, muscle activations, knee contact."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.biomech.dual_newton import moments_of
from edge_runtime.biomech.inverse_dynamics import full_forces, human_moments, net_moments
from edge_runtime.biomech.knee_contact import knee_load
from edge_runtime.biomech.model import LegModel
from edge_runtime.biomech.muscle_solve import DualSolver, MuscleSolver, Power
from edge_runtime.biomech.muscles import Layer, MuscleModel, PassiveForce, solved_index
from edge_runtime.types import COORDINATES, F64, Grf, Kinematics, KneeLoad, Muscles

FRAME_BUDGET_S: Final = 0.001
"""What a frame, coordinates to knee contact, may take: one cycle of the torque loop, beside which it has to fit."""
MIN_ACTIVATION: Final = 0.01  # OpenSim's default lower bound of a muscle's control
RESERVE_EASE_NM2: Final = {"hip_rotation": 1.0, "subtalar_angle": 1.0}
"""Ease of reserve moments (Nm², see `solve_dual`). These two turn about axes that a camera from the side
does not see, so noise in them must not recruit muscles; all others have `_DEFAULT_EASE_NM2`."""
_DEFAULT_EASE_NM2: Final = 0.01
_NO_TURN: Final = np.zeros((2, 3))


class Biomechanics:
    """Scaled model with warm-started muscle solve; feed frames in order, stage by stage.

    `leg` the person's model; `power` of activation in the cost (2 as in OpenSim's StaticOptimization); muscle `layer`
    and its `passive` force; `solver` that balances (None: the compiled one). `place` and then `moments_here` (or
    `moments`, which is both, from estimates) start a frame; `muscles` and `knee` belong to the last. Same frames after
    `reset` give the same bits. Non-finite input gives non-finite moments and `converged` False, never an exception;
    coordinates of a wrong shape raise ValueError.
    """

    def __init__(
        self,
        leg: LegModel,
        power: Power = 2,
        layer: Layer = "anatomical",
        passive: PassiveForce = "off",
        solver: DualSolver | None = None,
    ) -> None:
        self._leg = leg
        self._muscle_model = MuscleModel(leg, passive, layer)
        self.muscle_names = leg.muscle_names
        self._solved = solved_index(leg)
        self.solved_dofs = tuple(leg.dofs[i] for i in self._solved)
        ease = np.array([RESERVE_EASE_NM2.get(name[:-2], _DEFAULT_EASE_NM2) for name in self.solved_dofs])
        self._solver = MuscleSolver(len(self.muscle_names), ease, power, MIN_ACTIVATION, solver)
        self._full = np.zeros(leg.model.nv)
        self._arm = np.zeros((len(self.muscle_names), len(self._solved)))

    def reset(self) -> None:
        """Forget the warm start, as at the start of a stream."""
        self._solver.reset()

    def warm(self) -> None:
        """Compile and touch everything once, so that the first frame is as fast as the others."""
        zero = np.zeros(len(COORDINATES))
        kin = Kinematics(0, True, "", zero, zero, zero, zero, np.ones(len(zero), dtype=np.bool_))
        grf = Grf(0, True, "", np.zeros((2, 3)), np.zeros((2, 3)), np.zeros(2), np.zeros((2, 3)))
        for _ in range(3):
            self.knee(self.muscles(self.moments(kin, grf, np.zeros(2))))
        self.reset()

    def place(self, q: F64, qd: F64, qdd: F64) -> F64:
        """Take coordinates in `leg.dofs` order with their derivatives (rad, m, s); gives the ankle centres [2, 3]."""
        self._leg.set_state(q, qd, qdd)
        return np.array([self._leg.data.xpos[bodies.talus] for bodies in self._leg.legs])

    def moments_here(self, force_n: F64, cop_ankle_m: F64, exo_knee_nm: F64, free_nm: F64 = _NO_TURN) -> F64:
        """As `moments`, for the motion of the last `place`, with free moments of the ground [2, 3] (Nm)."""
        self._full = full_forces(self._leg, force_n, cop_ankle_m, free_nm)
        return human_moments(net_moments(self._leg, self._full), exo_knee_nm)

    def moments(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64) -> F64:
        """Moments of the person's own tissues in `leg.dofs` order (Nm; first 6 pelvis residual), from motion,
        ground reaction and the exoskeleton's torque at the knees [2] (Nm, flexion positive)."""
        self._leg.set_kinematics(kin)
        return self.moments_here(grf.force_n, grf.cop_ankle_m, exo_knee_nm)

    def balance(self, moment_nm: F64) -> tuple[F64, F64]:
        """The solver's problem: moments at full activation [n, m] (Nm) and what they shall give [m] (Nm)."""
        state = self._muscle_model.state()
        self._active, self._passive = state.active_n, state.passive_n
        np.multiply(state.arm_m, state.active_n[:, None], out=self._arm)
        return self._arm, moment_nm[self._solved] - moments_of(state.arm_m, state.passive_n)

    def muscles(self, moment_nm: F64, dt_s: float | None = None) -> Muscles:
        """Activations and tendon forces [n] that give `moment_nm` (`leg.dofs` order); reserves in `solved_dofs`
        order. `dt_s` as `MuscleSolver.balance` takes it."""
        arm, target = self.balance(moment_nm)
        solution = self._solver.solve(arm, target, dt_s)
        return Muscles(
            solution.converged,
            solution.activation,
            solution.activation * self._active + self._passive,
            solution.reserve_nm,
            solution.gradient_nm,
            solution.iterations,
            solution.saturated,
            solution.capped,
        )

    def knee(self, muscles: Muscles) -> KneeLoad:
        """Net knee moment (muscles and exoskeleton together) and contact of both knees."""
        return knee_load(self._leg, self._full, self._muscle_model.pull(muscles.force_n))


def legs_of(height_m: float, mass_kg: float) -> Biomechanics:
    """Biomechanics of MyoLegs scaled to a person: what the runtime uses."""
    return Biomechanics(LegModel(height_m, mass_kg))
