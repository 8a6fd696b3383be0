"""The full model in long steps: MuJoCo's forces, mass and stiffness in an implicit scheme of second order.

MuJoCo's own step is of first order and solves iteratively: of 8 ms it errs by a sixth of the knee's torque, and most
of its time goes into the solution. Here the same elements are stepped by the WBZ-alpha scheme and solved directly.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from edge_runtime.tissue.geometry import Phantom, SegmentName
from edge_runtime.tissue.simulate import FullModel, Reading, cuff_poses, no_rest
from edge_runtime.tissue.sparse_cholesky import SparseCholesky
from edge_runtime.types import F64

_RADIUS: Final = 0.3
"""Spectral radius at high frequency; of 0, 0.3, 0.6 and 0.8 it errs least in the knee's torque at 8.3 and 5.6 ms."""
_ALPHA: Final = (_RADIUS - 1.0) / (_RADIUS + 1.0)
_GAMMA: Final = 0.5 - _ALPHA
_BETA: Final = 0.25 * (1.0 - _ALPHA) ** 2
"""Wood, Bossak and Zienkiewicz 1981, Int. J. Numer. Methods Eng. 15:1562, in the terms of Chung and Hulbert 1993,
J. Appl. Mech. 60:371: M ((1 - alpha) a1 + alpha a0) = force at the step's end."""
_FACTOR_LASTS_S: Final = 1.0 / 60.0 - 1e-6
"""A factor of the stiffness serves steps begun within this time; the iteration makes up for its age."""
_SMALL_M: Final = 3e-5
"""Iterate until no coordinate is corrected by more (m, rad); the knee's torque takes the last correction linearly."""
_STALE_ITERATIONS: Final = 3
_MOST_ITERATIONS: Final = 8
_TURN_STEPS: Final = 30
_TURN_STEP_S: Final = 0.02
_WAIT_S: Final = 0.05
_MOST_WAITS: Final = 200
_STILL_RADPS: Final = 1e-4
_RATE_STEP_S: Final = 1e-5
"""MuJoCo takes an edge's rate from its length a timestep ago; so short a one makes that the rate."""


class LongStepModel:
    """As `FullModel` with a held knee, in steps of up to 16.7 ms; a step gives the reading of its end."""

    def __init__(self, phantom: Phantom) -> None:
        self._full = FullModel(phantom, "held", timestep_s=_RATE_STEP_S)
        self._model, self._data = self._full.model, self._full.data
        self._knee, self._hinge = (int(self._model.joint(name).dofadr[0]) for name in ("knee", "hinge"))
        self._base = [int(self._model.joint(name).dofadr[0]) for name in ("exo_x", "exo_z", "exo_pitch")]
        self._x, self._v, self._a = (np.zeros(self._model.nv) for _ in range(3))
        self._time_s, self._age_s, self._factored_s = 0.0, np.inf, 0.0
        self.start()
        self._metric = _Metric(self._model, self._data, self._knee)

    @property
    def phantom(self) -> Phantom:
        """What the model was built from."""
        return self._full.phantom

    @property
    def full(self) -> FullModel:
        """The model underneath: meshes, elements and nodes as of the last step's end."""
        return self._full

    def start(self) -> Reading:
        """Straight knee, no torque, skin where the cuffs were put on: not yet at rest where they press."""
        import mujoco

        mujoco.mj_resetData(self._model, self._data)
        self._x = self._data.qpos.copy()
        return self._begin(0.0)

    def rest(self, knee_rad: float = 0.0, motor_nm: float = 0.0) -> Reading:
        """At rest at a knee angle, with a steady motor torque, time 0. Raises UserError where it finds no rest."""
        self.start()
        for share in np.linspace(0.0, 1.0, _TURN_STEPS):
            radps = knee_rad / (_TURN_STEPS * _TURN_STEP_S) if share < 1.0 else 0.0
            self.step(_TURN_STEP_S, float(share) * motor_nm, float(share) * knee_rad, radps)
        for _ in range(_MOST_WAITS):
            self.step(_WAIT_S, motor_nm, knee_rad, 0.0)
            if np.abs(self._v).max() < _STILL_RADPS:
                return self._begin(motor_nm)
        raise no_rest(knee_rad, motor_nm)

    def step(self, dt_s: float, motor_nm: float, knee_rad: float, knee_radps: float) -> Reading:
        """On by `dt_s`; motor torque, knee and its rate are those of the end, as is the reading."""
        x0, v0, a0 = self._x, self._v, self._a
        fixed_x = x0 + dt_s * v0 + dt_s**2 * (0.5 - _BETA) * a0
        fixed_v = v0 + dt_s * (1.0 - _GAMMA) * a0
        a, knee_mean = a0.copy(), (knee_radps - v0[self._knee]) / dt_s
        stale = self._age_s > _FACTOR_LASTS_S or dt_s != self._factored_s
        self._data.ctrl[0] = motor_nm
        self._full.stiffen()
        for iteration in range(_MOST_ITERATIONS):
            self._x, self._v = fixed_x + _BETA * dt_s**2 * a, fixed_v + _GAMMA * dt_s * a
            self._x[self._knee], self._v[self._knee] = knee_rad, knee_radps
            mean = (1.0 - _ALPHA) * a + _ALPHA * a0
            mean[self._knee] = knee_mean
            residual = self._residual(mean, fresh=stale)
            if stale:
                self._factor(dt_s)
            correction = self._metric.solve(residual)
            a -= correction
            moved = _BETA * dt_s**2 * float(np.abs(correction).max())
            stale = iteration >= _STALE_ITERATIONS
            if not moved > _SMALL_M:
                break
        knee_nm = float(self._data.qfrc_passive[self._knee]) + self._metric.knee_torque(correction)
        self._a = a
        self._x, self._v = fixed_x + _BETA * dt_s**2 * a, fixed_v + _GAMMA * dt_s * a
        self._x[self._knee], self._v[self._knee], self._a[self._knee] = knee_rad, knee_radps, knee_mean
        self._age_s += dt_s
        self._time_s += dt_s
        return self._reading(motor_nm, knee_nm)

    def points_m(self, name: SegmentName) -> F64:
        """Tissue nodes [n, 3] in the world at the end of the last step, in the order of the mesh."""
        return self._full.points_m(name)

    def _begin(self, motor_nm: float) -> Reading:
        """Stand still where the coordinates are."""
        self._v, self._a = np.zeros(self._model.nv), np.zeros(self._model.nv)
        self._time_s, self._age_s, self._factored_s = 0.0, np.inf, 0.0
        self._data.ctrl[0] = motor_nm
        self._residual(self._a, fresh=True)
        return self._reading(motor_nm, float(self._data.qfrc_passive[self._knee]))

    def _residual(self, acceleration: F64, *, fresh: bool) -> F64:
        """Mass times acceleration less all forces [nv] at the present coordinates; `fresh`: stiffness, too."""
        import mujoco

        model, data, integrator = self._model, self._data, mujoco.mjtIntegrator
        model.opt.integrator = integrator.mjINT_DISCRETE if fresh else integrator.mjINT_EULER
        data.qpos[:], data.qvel[:] = self._x, self._v
        mujoco.mj_fwdPosition(model, data)
        mujoco.mj_fwdVelocity(model, data)
        mujoco.mj_fwdActuation(model, data)
        out = np.empty(model.nv)
        mujoco.mj_mulM(model, data, out, acceleration)
        out -= data.qfrc_passive - data.qfrc_bias + data.qfrc_actuator
        return out

    def _factor(self, dt_s: float) -> None:
        loss_s = float(self._model.flex_damping[0])
        share = _BETA * dt_s**2 + _GAMMA * dt_s * loss_s
        self._metric.factor(1.0 - _ALPHA, share / (_RATE_STEP_S**2 + _RATE_STEP_S * loss_s))
        self._age_s, self._factored_s = 0.0, dt_s

    def _reading(self, motor_nm: float, knee_nm: float) -> Reading:
        base, knee_rad, hinge_rad = self._x[self._base], float(self._x[self._knee]), float(self._x[self._hinge])
        return Reading(
            self._time_s, motor_nm, knee_rad, float(self._v[self._knee]), hinge_rad, float(self._v[self._hinge]),
            knee_nm, base, cuff_poses(self.phantom, base, hinge_rad, knee_rad),
        )  # fmt: skip


class _Metric:
    """MuJoCo's mass and implicit stiffness (`mjData.efm_K_*`, times h2 + h loss), put together and factored."""

    def __init__(self, model: Any, data: Any, knee: int) -> None:
        """`data` as after `mj_fwdPosition` with the discrete integrator; the knee is left out."""
        self._data, self._knee, n = data, knee, model.nv
        self._stiffness_columns = data.efm_K_colind.copy()
        entries = (
            (np.repeat(np.arange(n), data.efm_K_rownnz), self._stiffness_columns),
            (np.repeat(np.arange(n), model.M_rownnz), model.M_colind),
        )
        pattern = np.eye(n, dtype=bool)
        for rows, columns in entries:
            pattern[rows, columns] = pattern[columns, rows] = True
        pattern[knee], pattern[:, knee] = False, False
        pattern[knee, knee] = True
        self._cholesky = SparseCholesky(pattern)
        (self._k_from, self._k_to), (self._m_from, self._m_to) = (self._lower(*entry) for entry in entries)
        self._knee_at = int(self._cholesky.places(np.array([knee]), np.array([knee]))[0])
        first = int(data.efm_K_rowadr[knee])
        self._knee_row = slice(first, first + int(data.efm_K_rownnz[knee]))

    def factor(self, mass: float, stiffness: float) -> None:
        """Of `mass` x mass matrix + `stiffness` x MuJoCo's."""
        out = self._cholesky.values
        out[:] = 0.0
        out[self._k_to] = stiffness * self._data.efm_K_val[self._k_from]
        out[self._m_to] += mass * self._data.M[self._m_from]
        out[self._knee_at] = 1.0
        self._row = stiffness * self._data.efm_K_val[self._knee_row]
        self._cholesky.factor()

    def solve(self, residual: F64) -> F64:
        """Correction [nv] of the accelerations; that of the knee is 0."""
        residual[self._knee] = 0.0
        return self._cholesky.solve(residual)

    def knee_torque(self, correction: F64) -> float:
        """What a correction of the accelerations adds to the torque of tissue on the tibia, Nm."""
        return float(self._row @ correction[self._stiffness_columns[self._knee_row]])

    def _lower(self, rows: Any, columns: Any) -> tuple[Any, Any]:
        """Entries that go into the lower triangle, and where; without the knee's."""
        to = self._cholesky.places(rows, columns)
        kept = np.flatnonzero((to >= 0) & (rows != self._knee) & (columns != self._knee))
        return kept, to[kept]
