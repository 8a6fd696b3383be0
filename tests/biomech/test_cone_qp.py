"""The active set against an independent solver (Clarabel), also where rows repeat or depend on each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_runtime.biomech.cone_qp import solve_rows
from edge_runtime.types import F64


def independent(h: F64, target: F64, rows: F64) -> F64:
    """min ½|x - target|²_h subject to rows x ≥ 0, by Clarabel's interior point method."""
    import clarabel
    from scipy import sparse

    settings: Any = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    cones = [clarabel.NonnegativeConeT(len(rows))]
    upper, a = sparse.csc_matrix(np.triu(h)), sparse.csc_matrix(-rows)
    solution: Any = clarabel.DefaultSolver(upper, -h @ target, a, np.zeros(len(rows)), cones, settings).solve()
    return np.array(solution.x)


def ours(h: F64, target: F64, rows: F64) -> tuple[F64, F64]:
    m = len(rows)
    spread = np.linalg.inv(h) @ rows.T
    pull = np.zeros(m)
    slack = rows @ target
    work = np.zeros(m, np.int64), np.zeros((m, m)), np.zeros(m)
    assert solve_rows(rows @ spread, slack, np.ones(m), pull, *work) >= 0
    x = target + spread @ pull
    assert slack == pytest.approx(rows @ x, abs=1e-7)
    return x, pull


def problem(seed: int) -> tuple[F64, F64, F64]:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(12, 12))
    return root @ root.T + 0.1 * np.eye(12), 3.0 * rng.normal(size=12), rng.normal(size=(28, 12))


@pytest.mark.parametrize("seed", range(40))
def test_optimum_is_the_independent_solvers(seed: int) -> None:
    h, target, rows = problem(seed)
    x, pull = ours(h, target, rows)
    assert x == pytest.approx(independent(h, target, rows), abs=2e-6)
    assert (rows @ x > -1e-8).all() and (pull >= 0.0).all()


@pytest.mark.parametrize("seed", range(10))
def test_rows_that_repeat_or_depend_do_no_harm(seed: int) -> None:
    h, target, rows = problem(seed)
    rows[5], rows[7], rows[9] = rows[4], rows[6] + rows[8], 0.0
    x, _ = ours(h, target, rows)
    assert x == pytest.approx(independent(h, target, rows), abs=2e-6)


def test_what_breaks_no_row_stays() -> None:
    h, target, rows = problem(1)
    rows *= np.sign(rows @ target)[:, None]
    x, pull = ours(h, target, rows)
    assert np.array_equal(x, target) and not pull.any()
