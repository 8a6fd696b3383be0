"""Other QP solvers on the muscle solve's problem (p = 2), each as its own package documents it; all are optional."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_runtime.types import F64

_FAR: Final = 1e30
_PRECISION: Final = 1e-8


@dataclass(frozen=True, slots=True)
class Qp:
    """min |a|²/2 + |z|²/2 with rows · [a, z] = moment, low <= a <= 1: reserves are sqrt(ease) z."""

    rows: F64  # [m, n + m]
    moment: F64  # [m]
    low: F64  # [n + m]
    high: F64  # [n + m]
    muscles: int

    @property
    def size(self) -> int:
        """Unknowns."""
        return len(self.low)


def make_qp(arm: F64, moment: F64, low: float, ease: F64) -> Qp:
    """The problem of `solve_dual` with unit weights and p = 2."""
    n, m = arm.shape
    rows = np.ascontiguousarray(np.hstack([arm.T, np.diag(np.sqrt(ease))]))
    free = np.full(m, _FAR)
    return Qp(rows, moment, np.r_[np.full(n, low), -free], np.r_[np.ones(n), free], n)


Solve = Callable[[Qp], F64]


def _daqp(module: Any) -> Solve:
    def solve(qp: Qp) -> F64:
        sense = np.zeros(qp.size + len(qp.moment), np.int32)
        sense[qp.size :] = 5  # equality
        x: F64 = module.solve(
            np.eye(qp.size), np.zeros(qp.size), qp.rows, np.r_[qp.high, qp.moment], np.r_[qp.low, qp.moment], sense,
            primal_tol=_PRECISION,
        )[0]  # fmt: skip
        return x

    return solve


def _osqp(module: Any) -> Solve:
    from scipy import sparse

    solver: Any = None

    def solve(qp: Qp) -> F64:
        nonlocal solver
        low, high = np.r_[qp.low, qp.moment], np.r_[qp.high, qp.moment]
        pattern = np.vstack([np.eye(qp.size), np.ones_like(qp.rows)])  # fixed: every cell of the rows is part of it
        values = np.vstack([np.eye(qp.size), qp.rows]).T[pattern.T != 0.0]
        if solver is None:
            cells = sparse.csc_matrix(pattern)
            cells.data = values
            solver = module.OSQP()
            cost = sparse.eye(qp.size, format="csc")
            exact = {"eps_abs": 1e-6, "eps_rel": 1e-6, "max_iter": 20000}
            solver.setup(cost, np.zeros(qp.size), cells, low, high, verbose=False, **exact)
        else:
            solver.update(Ax=values, l=low, u=high)
        x: F64 = solver.solve(raise_error=True).x
        return x

    return solve


def _proxsuite(module: Any) -> Solve:
    solver: Any = None

    def solve(qp: Qp) -> F64:
        nonlocal solver
        data = (np.eye(qp.size), np.zeros(qp.size), qp.rows, qp.moment, None, None, None, qp.low, qp.high)
        if solver is None:
            solver = module.proxqp.dense.QP(qp.size, len(qp.moment), 0, True)
            solver.settings.eps_abs = _PRECISION
            solver.init(*data)
        else:
            solver.settings.initial_guess = module.proxqp.InitialGuess.WARM_START_WITH_PREVIOUS_RESULT
            solver.update(*data)
        solver.solve()
        return np.array(solver.results.x)

    return solve


def _clarabel(module: Any) -> Solve:
    from scipy import sparse

    settings = module.DefaultSettings()
    settings.verbose = False

    def solve(qp: Qp) -> F64:
        bounded = np.eye(qp.size)[: qp.muscles]
        cells = sparse.csc_matrix(np.vstack([qp.rows, bounded, -bounded]))
        right = np.r_[qp.moment, qp.high[: qp.muscles], -qp.low[: qp.muscles]]
        cones = [module.ZeroConeT(len(qp.moment)), module.NonnegativeConeT(2 * qp.muscles)]
        cost = sparse.eye(qp.size, format="csc")
        return np.array(module.DefaultSolver(cost, np.zeros(qp.size), cells, right, cones, settings).solve().x)

    return solve


def _quadprog(module: Any) -> Solve:
    def solve(qp: Qp) -> F64:
        bounded = np.eye(qp.size)[: qp.muscles]
        normals = np.vstack([qp.rows, bounded, -bounded]).T
        right = np.r_[qp.moment, qp.low[: qp.muscles], -qp.high[: qp.muscles]]
        x: F64 = module.solve_qp(np.eye(qp.size), np.zeros(qp.size), normals, right, len(qp.moment))[0]
        return x

    return solve


PEERS: Final[dict[str, Callable[[Any], Solve]]] = {
    "daqp": _daqp,
    "osqp": _osqp,
    "proxsuite": _proxsuite,
    "clarabel": _clarabel,
    "quadprog": _quadprog,
}


def peer(name: str) -> Solve | None:
    """A fresh solver of that name, or None where its package is not installed."""
    try:
        return PEERS[name](importlib.import_module(name))
    except ImportError:
        return None


def timed(solve: Solve, problems: list[Qp]) -> tuple[F64, list[F64]]:
    """Microseconds per problem [N] and activations [n] of each; the first is solved once before, untimed.

    Time counts from the problem's arrays to the answer: moment arms change every frame, so whatever a solver factors
    or sets up anew belongs to it.
    """
    solve(problems[0])
    spent, found = [], []
    for qp in problems:
        start = time.perf_counter_ns()
        x = solve(qp)
        spent.append((time.perf_counter_ns() - start) * 1e-3)
        found.append(np.asarray(x)[: qp.muscles])
    return np.array(spent), found
