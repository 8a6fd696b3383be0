"""Biomechanics of one frame in three timed stages: joint moments, muscle activations, knee contact."""

from __future__ import annotations

from typing import Final

import numpy as np

from edge_runtime.biomech.inverse_dynamics import full_forces, human_moments, net_moments
from edge_runtime.biomech.knee_contact import knee_load
from edge_runtime.biomech.model import LegModel
from edge_runtime.biomech.muscle_solve import MuscleSolver
from edge_runtime.biomech.muscles import SOLVED_DOFS, SOLVED_INDEX, MuscleModel
from edge_runtime.types import COORDINATES, F64, Grf, Kinematics, KneeLoad, Muscles

POWER: Final = 2
"""Exponent of activation in the cost, the default of OpenSim's StaticOptimization."""
MIN_ACTIVATION: Final = 0.01  # OpenSim's default lower bound of a muscle's control
RESERVE_EASE_NM2: Final = {"hip_rotation": 1.0, "subtalar_angle": 1.0}
"""Ease of reserve moments (Nm², see `solve_dual`). These two turn about axes that a camera from the side
does not see, so noise in them must not recruit muscles; all others have `_DEFAULT_EASE_NM2`."""
_DEFAULT_EASE_NM2: Final = 0.01


class Biomechanics:
    """Scaled leg model with warm-started muscle solve; feed frames in order, stage by stage.

    `moments` places the model; `muscles` and `knee` belong to the frame of the last `moments`. Same frames
    after `reset` give the same bits. Non-finite input gives non-finite moments and `converged` False, never
    an exception; coordinates of a wrong shape raise ValueError.
    """

    def __init__(self, height_m: float, mass_kg: float) -> None:
        self._leg = LegModel(height_m, mass_kg)
        self._muscle_model = MuscleModel(self._leg)
        self.muscle_names = self._leg.muscle_names
        ease = np.array([RESERVE_EASE_NM2.get(name[:-2], _DEFAULT_EASE_NM2) for name in SOLVED_DOFS])
        self._solver = MuscleSolver(len(self.muscle_names), ease, POWER, MIN_ACTIVATION)
        self._full = np.zeros(self._leg.model.nv)
        self._full_arm = np.zeros((self._leg.model.nv, len(self.muscle_names)))

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

    def moments(self, kin: Kinematics, grf: Grf, exo_knee_nm: F64) -> F64:
        """Moments of the person's own tissues [20] in `model.DOFS` order (Nm; first 6 pelvis residual), from
        motion, ground reaction and the exoskeleton's torque at the knees [2] (Nm, flexion positive)."""
        self._leg.set_kinematics(kin)
        self._full = full_forces(self._leg, grf.force_n, grf.cop_ankle_m)
        return human_moments(net_moments(self._leg, self._full), exo_knee_nm)

    def muscles(self, moment_nm: F64) -> Muscles:
        """Activations and tendon forces [80] that give `moment_nm` [20]; reserves [12] in `SOLVED_DOFS`
        order."""
        state = self._muscle_model.state()
        self._full_arm = state.full_arm
        arm = np.ascontiguousarray((state.arm_m * state.active_n).T)
        target = moment_nm[SOLVED_INDEX] - state.arm_m @ state.passive_n
        solution = self._solver.solve(arm, target)
        force = solution.activation * state.active_n + state.passive_n
        return Muscles(solution.converged, solution.activation, force, solution.reserve_nm)

    def knee(self, muscles: Muscles) -> KneeLoad:
        """Net knee moment (muscles and exoskeleton together) and contact of both knees."""
        return knee_load(self._leg, self._full, self._full_arm, muscles.force_n)
