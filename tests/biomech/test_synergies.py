"""Synergies: factors found again, VAF, and the bound solve against the unbound one and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize, nnls

from edge_runtime.biomech.dual_newton import MAX_ITERATIONS, solve_dual
from edge_runtime.biomech.synergies import SynergySolver, factorize, project, vaf
from edge_runtime.types import F64
from tests.conftest import unavailable


@pytest.fixture(autouse=True)
def _daqp() -> None:
    try:
        import daqp  # noqa: F401
    except ImportError:
        unavailable("daqp is not installed: pip install 'exo-edge[bench]'")


def problem(seed: int, n: int, m: int) -> tuple[F64, F64]:
    rng = np.random.default_rng(seed)
    arm = rng.normal(0.0, 30.0, (n, m))
    return arm, arm.T @ (0.5 * rng.random(n))


def test_patterns_are_found_again() -> None:
    rng = np.random.default_rng(1)
    w = np.eye(12, 3) + np.eye(12, 3, -4) * 0.5
    amounts = np.maximum(np.sin(np.linspace(0, 20, 300)[:, None] + np.array([0.0, 2.0, 4.0])), 0.0)
    found = factorize(amounts @ w.T + 0.001 * rng.random((300, 12)), 3)
    unit = w / np.linalg.norm(w, axis=0)
    match = (found.T @ unit).max(axis=0)
    assert match == pytest.approx(np.ones(3), abs=0.01)
    assert vaf(amounts @ w.T, project(amounts @ w.T, found)) > 0.999
    assert np.array_equal(found, factorize(amounts @ w.T + 0.001 * np.random.default_rng(1).random((300, 12)), 3))


def test_vaf_is_uncentred() -> None:
    a = np.full((4, 2), 2.0)
    assert vaf(a, a) == 1.0
    assert vaf(a, np.zeros((4, 2))) == 0.0
    assert vaf(a, a + 1.0) == pytest.approx(0.75)


def test_projection_is_non_negative_least_squares() -> None:
    rng = np.random.default_rng(3)
    w, a = rng.random((10, 4)), rng.random((6, 10))
    expected = np.array([w @ nnls(w, row)[0] for row in a])
    assert project(a, w) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_one_pattern_per_muscle_is_the_free_solve(seed: int) -> None:
    arm, moment = problem(seed, 12, 4)
    bound = SynergySolver(np.eye(12), np.full(4, 0.5)).solve(arm, moment)
    dual, free = np.zeros(4), np.empty(12)
    solve_dual(arm, moment, np.ones(12), np.zeros(12), np.ones(12), np.full(4, 0.5), 2, MAX_ITERATIONS, dual, free)
    assert bound.activation == pytest.approx(free, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.3, 1.0, 20.0]))
def test_bound_solve_is_the_best_of_its_kind(seed: int, load: float) -> None:
    arm, moment = problem(seed, 10, 4)
    moment = load * moment
    w = np.random.default_rng(seed).random((10, 3))
    found = SynergySolver(w, np.full(4, 1.0)).solve(arm, moment)
    assert np.all(found.amount >= 0.0)
    assert found.activation.max() <= 1.0 + 1e-6
    assert arm.T @ found.activation + found.reserve_nm == pytest.approx(moment)

    def cost(c: F64) -> float:
        rest = moment - arm.T @ (w @ c)
        return float((w @ c) @ (w @ c) / 2.0 + rest @ rest / 2.0)

    peer = minimize(
        cost, found.amount, method="SLSQP", bounds=[(0.0, None)] * 3,
        constraints={"type": "ineq", "fun": lambda c: 1.0 - w @ c},
    )  # fmt: skip
    allowed = np.maximum(peer.x, 0.0)
    allowed /= max(1.0, float((w @ allowed).max()))  # SLSQP keeps constraints only roughly
    assert cost(found.amount) <= cost(allowed) * (1.0 + 1e-6) + 1e-6


def test_too_many_patterns_are_a_programmer_error() -> None:
    with pytest.raises(ValueError, match="9 synergies"):
        factorize(np.ones((20, 8)), 9)
