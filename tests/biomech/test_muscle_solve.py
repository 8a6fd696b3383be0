"""Dual Newton solver: optimality, agreement with SciPy, OpenSim and its NumPy twin, bad input."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from edge_runtime.biomech.dual_newton import DIRECT_ITERATIONS, MAX_ITERATIONS, TOLERANCE_NM, solve_dual
from edge_runtime.biomech.dual_newton_numpy import solve_dual_numpy
from edge_runtime.biomech.muscle_solve import (
    TAU_ACTIVATION_S,
    TAU_DEACTIVATION_S,
    DualSolver,
    MuscleSolver,
    activation_reach,
)
from edge_runtime.types import F64

LOW = 0.01
POWERS = st.sampled_from([2, 3, 4])


def problem(seed: int, n: int, m: int, load: float) -> tuple[F64, F64]:
    """Sparse random muscles (Nm) and a moment; `load` 1 is near what they can give, 30 far beyond."""
    rng = np.random.default_rng(seed)
    arm = rng.normal(0.0, 30.0, (n, m)) * (rng.random((n, m)) < 0.4)
    return arm, load * (arm.T @ rng.random(n) + rng.normal(0.0, 10.0, m))


def solve(solver: DualSolver, arm: F64, moment: F64, power: int, ease_nm2: float) -> tuple[F64, F64, float]:
    n, m = arm.shape
    dual, activation = np.zeros(m), np.zeros(n)
    _, gradient = solver(
        arm,
        moment,
        np.ones(n),
        np.full(n, LOW),
        np.ones(n),
        np.full(m, ease_nm2),
        power,
        MAX_ITERATIONS,
        dual,
        activation,
    )
    return activation, dual, gradient


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 90), st.integers(1, 14), st.sampled_from([0.1, 1, 30]), POWERS)
def test_optimality(seed: int, n: int, m: int, load: float, power: int) -> None:
    arm, moment = problem(seed, n, m, load)
    a, dual, gradient = solve(solve_dual, arm, moment, power, 0.01)
    assert gradient < TOLERANCE_NM
    assert np.all((a >= LOW) & (a <= 1.0))
    slope = a ** (power - 1) - arm @ dual  # of the Lagrangian
    scale = 1e-9 * (1.0 + np.abs(arm) @ np.abs(dual))
    assert np.all(slope[a > LOW] <= scale[a > LOW])
    assert np.all(slope[a < 1.0] >= -scale[a < 1.0])
    assert moment - arm.T @ a == pytest.approx(0.01 * dual, abs=1e-6)


@pytest.mark.parametrize("solver", [solve_dual, solve_dual_numpy])
def test_edge_of_reach(solver: DualSolver) -> None:
    """Almost all muscles at a bound and nearly no free direction left: where Newton alone creeps."""
    slow, n, m = 0, 70, 8
    for seed in range(60):
        rng = np.random.default_rng(seed)
        arm = rng.normal(0.0, 100.0, (n, m))
        extreme = np.where(arm @ rng.normal(size=m) > 0.0, 1.0, LOW)
        moment, dual, a, one = rng.uniform(0.9, 1.1) * (arm.T @ extreme), np.zeros(m), np.empty(n), np.ones(n)
        ease = np.full(m, 1e-3)
        iterations, gradient = solver(arm, moment, one, LOW * one, one, ease, 2 + seed % 3, MAX_ITERATIONS, dual, a)
        assert gradient < TOLERANCE_NM
        assert moment - arm.T @ a == pytest.approx(ease * dual, abs=1e-6)
        slow += iterations > DIRECT_ITERATIONS
    assert slow > 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 12), st.sampled_from([0.3, 1, 30]), POWERS)
def test_numpy_twin_gives_the_same(seed: int, n: int, m: int, load: float, power: int) -> None:
    arm, moment = problem(seed, n, m, load)
    ours, twin = (solve(s, arm, moment, power, 0.1) for s in (solve_dual, solve_dual_numpy))
    assert twin[2] < TOLERANCE_NM
    assert ours[0] == pytest.approx(twin[0], abs=1e-6)


@pytest.mark.parametrize("power", [2, 3])
def test_scipy_finds_nothing_better(power: int) -> None:
    for seed in range(5):
        arm, moment = problem(seed, 12, 4, 1.0)
        a, _, _ = solve(solve_dual, arm, moment, power, 1.0)

        def cost(x: F64, arm: F64 = arm, moment: F64 = moment) -> float:
            rest = moment - arm.T @ x
            return float((x**power).sum() / power + rest @ rest / 2.0)

        peer = minimize(cost, np.full(12, 0.3), method="SLSQP", bounds=[(LOW, 1.0)] * 12, options={"maxiter": 500})
        assert cost(a) <= peer.fun * (1 + 1e-6)
        assert a == pytest.approx(peer.x, abs=5e-3)


@pytest.mark.shared
@pytest.mark.parametrize(("power", "allowed"), [(2, 0.01), (3, 0.03)])
def test_opensim_static_optimization(shared_data: Path, power: int, allowed: float) -> None:
    folder = shared_data.parent / "reference" / "gait2392"
    if not folder.is_dir():
        pytest.skip(f"OpenSim reference results are not in {folder}")
    frames = np.load(folder / "gait2392_frames.npz")
    names = list(frames["muscles"])
    with (folder / f"gait2392_opensim46_p{power}_activation.csv").open() as file:
        rows = list(csv.DictReader(file))
    reference = np.array([[float(row[name]) for name in names] for row in rows])
    solver = MuscleSolver(len(names), np.full(17, 0.01), 2 if power == 2 else 3, LOW)
    worst, cost, peer_cost = 0.0, 0.0, 0.0
    for k in range(len(reference)):
        arm = np.ascontiguousarray((frames["R"][k, 6:] * frames["FA"][k]).T)
        solution = solver.solve(arm, frames["tau"][k, 6:])
        assert solution.converged
        worst = max(worst, float(np.abs(solution.activation - reference[k]).max()))
        cost += float((solution.activation**power).sum())
        peer_cost += float((reference[k] ** power).sum())
    print(f"p={power}: max |da| {worst:.4f}, objective ratio {cost / peer_cost:.6f}")
    assert worst <= allowed
    assert cost <= peer_cost


def test_beyond_reach_stays_finite_and_exact() -> None:
    arm, _ = problem(1, 80, 12, 1.0)
    solver = MuscleSolver(80, np.full(12, 0.01), 2, LOW)
    for moment in (1e3, -1e4, 1e6, 0.0):
        solution = solver.solve(arm, np.full(12, moment))
        assert solution.converged
        assert np.isfinite(solution.reserve_nm).all()
        assert arm.T @ solution.activation + solution.reserve_nm == pytest.approx(np.full(12, moment))


@pytest.mark.parametrize("solver", [solve_dual, solve_dual_numpy])
def test_not_finite_gives_the_last_good_solution(solver: DualSolver) -> None:
    arm, moment = problem(2, 30, 6, 1.0)
    stream = MuscleSolver(30, np.full(6, 0.01), 2, LOW, solver)
    good = stream.solve(arm, moment)
    bad = stream.solve(arm, np.full(6, np.nan))
    assert good.converged
    assert not bad.converged
    assert np.array_equal(bad.activation, good.activation)
    again = stream.solve(arm, moment)
    assert again.converged
    assert again.activation == pytest.approx(good.activation, abs=1e-8)


@pytest.mark.parametrize("solver", [solve_dual, solve_dual_numpy])
def test_iteration_cap_is_flagged(solver: DualSolver) -> None:
    arm, moment = problem(3, 30, 6, 1.0)
    solution = MuscleSolver(30, np.full(6, 0.01), 2, LOW, solver, max_iterations=1).solve(arm, moment)
    assert solution.capped
    assert not solution.converged
    assert solution.iterations == 1
    assert np.all(solution.activation == LOW)


def test_one_muscle_in_closed_form() -> None:
    """min a²/2 + (tau - A a)²/(2 ease) has a = A tau / (A² + ease) inside the bounds."""
    solver = MuscleSolver(1, np.array([4.0]), 2, LOW)
    for tau in (-20.0, 0.1, 12.0, 25.0, 60.0):
        solution = solver.solve(np.array([[30.0]]), np.array([tau]))
        expected = min(max(30.0 * tau / (900.0 + 4.0), LOW), 1.0)
        assert solution.activation[0] == pytest.approx(expected, abs=1e-9)
        assert solution.reserve_nm[0] == pytest.approx(tau - 30.0 * expected, abs=1e-7)
        assert bool(solution.saturated[0]) == (expected == 1.0)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 90), st.integers(1, 14))
def test_daqp_gives_the_same(seed: int, n: int, m: int) -> None:
    arm, moment = problem(seed, n, m, 1.0)
    a, _, gradient = solve(solve_dual, arm, moment, 2, 1.0)
    assert gradient < TOLERANCE_NM
    assert a == pytest.approx(by_daqp(arm, moment, np.full(n, LOW), np.ones(n)), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 90), st.integers(1, 14), st.sampled_from([0.004, 1 / 60, 0.2]))
def test_daqp_gives_the_same_within_muscle_dynamics(seed: int, n: int, m: int, dt_s: float) -> None:
    """Both bounds of every muscle differ, from frame to frame."""
    solver = MuscleSolver(n, np.full(m, 1.0), 2, LOW)
    for frame in range(4):
        arm, moment = problem(seed + frame, n, m, 1.0)
        low, high = reach(solver.activation, dt_s, LOW) if frame else (np.full(n, LOW), np.ones(n))
        found = solver.solve(arm, moment, dt_s)
        assert found.converged
        assert found.activation == pytest.approx(by_daqp(arm, moment, low, high), abs=1e-6)


def by_daqp(arm: F64, moment: F64, lowest: F64, highest: F64) -> F64:
    """Activations of the same problem, p = 2 and ease 1, by an active-set solver that shares nothing with ours."""
    daqp = pytest.importorskip("daqp")
    n, m = arm.shape
    rows, hessian = np.ascontiguousarray(arm.T), np.eye(n + m)
    low, high = np.r_[lowest, np.full(m, -1e30), moment], np.r_[highest, np.full(m, 1e30), moment]
    sense = np.r_[np.zeros(n + m, np.int32), np.full(m, 5, np.int32)]
    x, _, status, _ = daqp.solve(
        hessian, np.zeros(n + m), np.hstack([rows, np.eye(m)]), high, low, sense, primal_tol=1e-9
    )
    assert status == 1
    return np.asarray(x[:n])


def test_muscles_without_arms_and_coordinates_without_muscles() -> None:
    arm, moment = problem(5, 20, 6, 1.0)
    arm[3], arm[:, 2] = 0.0, 0.0
    for power in (2, 3, 4):
        a, _, gradient = solve(solve_dual, arm, moment, power, 0.01)
        assert gradient < TOLERANCE_NM
        assert a[3] == LOW


def reach(activation: F64, dt_s: float, floor: float = 0.0) -> tuple[F64, F64]:
    low, high = np.zeros(len(activation)), np.zeros(len(activation))
    activation_reach(activation, dt_s, np.full(len(activation), floor), low, high)
    return low, high


def test_reach_is_what_first_order_dynamics_give() -> None:
    dt = 1.0 / 60.0
    low, high = reach(np.array([0.0, 0.2, 1.0]), dt)
    for bound, excitation, tau in ((low, 0.0, TAU_DEACTIVATION_S), (high, 1.0, TAU_ACTIVATION_S)):
        a = np.array([0.0, 0.2, 1.0])
        for _ in range(20000):  # explicit Euler of da/dt = (excitation - a) / tau
            a += (excitation - a) / tau * dt / 20000
        assert bound == pytest.approx(a, abs=1e-4)


@pytest.mark.parametrize("solver", [None, solve_dual_numpy])
def test_activation_moves_no_faster_than_muscle_dynamics(solver: DualSolver | None) -> None:
    dt = 1.0 / 60.0
    arm, moment = problem(6, 40, 6, 0.8)
    bound, free = (MuscleSolver(40, np.full(6, 0.01), 2, LOW, solver) for _ in range(2))
    last = bound.solve(arm, moment, dt).activation
    assert last == pytest.approx(free.solve(arm, moment).activation, abs=1e-9)  # nothing came before it
    for sign in (-1.0, 1.0, -1.0):
        now = bound.solve(arm, sign * moment, dt)
        low, high = reach(last, dt, LOW)
        assert now.converged
        assert np.all(now.activation >= low - 1e-12)
        assert np.all(now.activation <= high + 1e-12)
        assert np.abs(now.activation - free.solve(arm, sign * moment).activation).max() > 0.01
        last = now.activation


def test_a_frame_without_solution_widens_what_the_next_may_reach() -> None:
    dt = 1.0 / 60.0
    arm, moment = problem(6, 40, 6, 0.8)
    solver = MuscleSolver(40, np.full(6, 0.01), 2, LOW)
    last = solver.solve(arm, moment, dt).activation
    for _ in range(2):
        assert not solver.solve(arm, np.full(6, np.nan), dt).converged
    low, high = reach(last, 3 * dt, LOW)
    now = solver.solve(arm, -moment, dt).activation
    assert np.all(now >= low - 1e-12)
    assert np.any(now < reach(last, dt, LOW)[0] - 1e-3)
    solver.solve(arm, moment, 2.0)  # a gap: nothing of the past binds any more
    free = MuscleSolver(40, np.full(6, 0.01), 2, LOW).solve(arm, moment).activation
    assert solver.activation == pytest.approx(free, abs=1e-7)
    assert np.all(high <= 1.0)


def test_warm_start_saves_iterations() -> None:
    arm, moment = problem(4, 80, 12, 0.5)
    solver = MuscleSolver(80, np.full(12, 0.01), 2, LOW)
    cold = solver.solve(arm, moment).iterations
    assert solver.solve(arm, moment * 1.001).iterations < cold
