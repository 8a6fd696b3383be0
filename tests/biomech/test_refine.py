"""Refinement: exact against an independent solver, never against mechanics, and nothing from bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.biomech.refine import (
    FREE_SD_M,
    FRICTION,
    NO_CONTACT,
    PYRAMID_SIDES,
    SOLE_X_M,
    SOLE_Z_M,
    TORSION_M,
    Predicted,
    Refiner,
)
from edge_runtime.types import F64

MASS_KG = 70.0
WEIGHT_N = MASS_KG * 9.80665
COP_SD = np.tile([0.02, 0.01], (2, 1))


def scene(seed: int, contact: tuple[float, float] = (1.0, 1.0), rough: float = 1.0) -> tuple[Predicted, F64, F64, F64]:
    """A prediction, ankles from the centre of mass, what the motion asks and its deviation: gait-like, random."""
    rng = np.random.default_rng(seed)
    force = rng.normal(size=(2, 3)) * [60, 300, 40] * rough + [0, 350, 0]
    force[:, 1] = np.maximum(force[:, 1], 5.0)
    force *= np.array(contact)[:, None] >= NO_CONTACT
    cop = rng.uniform([-0.05, -0.1, -0.03], [0.15, -0.06, 0.03], (2, 3))
    predicted = Predicted(force, rng.uniform(10, 120, (2, 3)), cop, np.array(contact), COP_SD)
    arms = rng.uniform([-0.4, -1.0, -0.15], [0.4, -0.8, 0.15], (2, 3))
    asked = rng.normal(size=6) * np.array([80, 200, 60, 30, 10, 40]) * rough + [0, WEIGHT_N, 0, 0, 0, 0]
    return predicted, arms, asked, rng.uniform(0.05, 0.5, 6) * WEIGHT_N


def refined(parts: tuple[Predicted, F64, F64, F64]) -> Refiner:
    refiner = Refiner(MASS_KG)
    assert refiner.step(*parts)
    return refiner


def crossed(arm: F64) -> F64:
    """[3, 3] arm × ."""
    return np.array([[0, -arm[2], arm[1]], [arm[2], 0, -arm[0]], [-arm[1], arm[0], 0]])


def independent(parts: tuple[Predicted, F64, F64, F64]) -> tuple[F64, F64]:
    """Forces [2, 3] and body wrench [6] of the same problem with the acceleration as unknown and Newton as equality."""
    import clarabel
    from scipy import sparse

    p, ankles, asked, asked_sd = parts
    target, sd = np.zeros(18), np.zeros(18)
    equal, rows = np.zeros((6, 18)), []
    inner = FRICTION * np.cos(np.pi / PYRAMID_SIDES)
    for foot in range(2):
        at = slice(6 * foot, 6 * foot + 6)
        load = p.force_n[foot, 1]
        target[at] = [*p.force_n[foot], 0, 0, 0]
        sd[at] = [*p.sd_n[foot], p.cop_sd_m[foot, 1] * load, FREE_SD_M * load, p.cop_sd_m[foot, 0] * load]
        equal[:3, at][:, :3] = np.eye(3)
        equal[3:, at] = np.hstack([crossed(ankles[foot] + p.cop_ankle_m[foot]), np.eye(3)])
        x, _, z = p.cop_ankle_m[foot]
        angles = np.arange(PYRAMID_SIDES) * 2 * np.pi / PYRAMID_SIDES
        own = [[np.cos(a), inner, np.sin(a), 0, 0, 0] for a in angles]
        own += [[0, x - SOLE_X_M[0], 0, 0, 0, 1], [0, SOLE_X_M[1] - x, 0, 0, 0, -1]]
        own += [[0, z - SOLE_Z_M[0], 0, -1, 0, 0], [0, SOLE_Z_M[1] - z, 0, 1, 0, 0]]
        own += [[0, TORSION_M, 0, 0, 1, 0], [0, TORSION_M, 0, 0, -1, 0]]
        for row in own:
            rows.append(np.zeros(18))
            rows[-1][at] = row
    target[12:], sd[12:] = asked, asked_sd
    equal[:, 12:] = -np.eye(6)
    # in units of the deviations, so that the interior point method sees a well scaled problem
    h, q = sparse.eye(18, format="csc"), -target / sd
    a = np.vstack([equal, -np.array(rows)]) * sd
    scale = np.linalg.norm(a, axis=1, keepdims=True)
    setting: Any = clarabel.DefaultSettings()
    setting.verbose = False
    setting.tol_gap_abs = setting.tol_gap_rel = setting.tol_feas = 1e-12
    cones = [clarabel.ZeroConeT(6), clarabel.NonnegativeConeT(len(rows))]
    solver = clarabel.DefaultSolver(h, q, sparse.csc_matrix(a / scale), np.zeros(len(a)), cones, setting)
    x = np.array(solver.solve().x) * sd
    return x[:12].reshape(2, 6)[:, :3], x[12:]


@pytest.mark.parametrize("rough", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(15))
def test_optimum_is_the_independent_solvers(seed: int, rough: float) -> None:
    parts = scene(seed, rough=rough)
    refiner = refined(parts)
    force, wrench = independent(parts)
    assert refiner.force_n == pytest.approx(force, abs=1e-3)
    assert refiner.body_wrench == pytest.approx(wrench, abs=1e-3)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 5.0), st.sampled_from([(1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)]))
def test_mechanics_holds_whatever_is_predicted(seed: int, rough: float, contact: tuple[float, float]) -> None:
    parts = scene(seed, contact, rough)
    r = refined(parts)
    tiny = 1e-6 * WEIGHT_N
    assert r.force_n.sum(axis=0) == pytest.approx(r.body_wrench[:3], abs=tiny)
    arms = parts[1] + r.cop_ankle_m
    moment = np.cross(arms, r.force_n).sum(axis=0)
    moment[1] += r.free_nm.sum()
    assert moment == pytest.approx(r.body_wrench[3:], abs=tiny)
    assert r.after < 1e-9
    shear = np.hypot(r.force_n[:, 0], r.force_n[:, 2])
    assert (shear <= FRICTION * r.force_n[:, 1] + tiny).all()
    cop = r.cop_ankle_m
    assert (cop[:, 0] >= SOLE_X_M[0] - 1e-6).all() and (cop[:, 0] <= SOLE_X_M[1] + 1e-6).all()
    assert (np.abs(cop[:, 2]) <= SOLE_Z_M[1] + 1e-6).all()


@pytest.mark.parametrize("contact", [(0.0, 1.0), (0.04, 1.0), (0.0, 0.0)])
def test_a_foot_without_contact_gets_nothing(contact: tuple[float, float]) -> None:
    parts = scene(3, contact)
    r = refined(parts)
    assert not r.force_n[0].any()
    assert r.sd_n[0] == pytest.approx(parts[0].sd_n[0])
    if not any(contact):
        assert r.body_wrench == pytest.approx(np.zeros(6))


def test_a_sure_force_and_a_vague_motion_leave_the_force() -> None:
    parts = scene(4, rough=0.2)
    r = refined((parts[0], parts[1], parts[2], np.full(6, 1e6 * WEIGHT_N)))
    assert r.force_n == pytest.approx(parts[0].force_n, abs=1e-3)
    assert r.sd_n == pytest.approx(parts[0].sd_n, rel=1e-6)


def test_a_sure_motion_takes_the_force_to_itself() -> None:
    parts = scene(5, rough=0.2)
    r = refined((parts[0], parts[1], parts[2], np.array([1e-3, 1e-3, 1e-3, 1e6, 1e6, 1e6])))
    assert r.force_n.sum(axis=0) == pytest.approx(parts[2][:3], abs=0.01)
    assert r.left < 1e-4 < r.before
    assert (r.sd_n < parts[0].sd_n).all()


def test_surprise_is_one_on_average_where_the_variances_are_right() -> None:
    rng, found = np.random.default_rng(0), []
    sd_n, asked_sd = np.full((2, 3), 40.0), np.array([60, 80, 50, 40, 20, 40.0])
    arms, cop = np.array([[0.2, -0.9, 0.1], [-0.2, -0.9, -0.1]]), np.array([[0.05, -0.08, 0], [0.05, -0.08, 0]])
    truth = np.array([[50.0, 400, 10], [-50, 300, -10]])
    balance = np.concatenate([truth.sum(axis=0), np.cross(arms + cop, truth).sum(axis=0)])
    for _ in range(400):
        force = truth + sd_n * rng.normal(size=(2, 3))
        r = refined(
            (Predicted(force, sd_n, cop, np.ones(2), COP_SD), arms, balance + asked_sd * rng.normal(size=6), asked_sd)
        )
        found.append(r.surprise)
    assert 0.75 < np.mean(found) < 1.15  # the prior of the centre of pressure is not drawn here


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", range(4))
def test_what_is_not_a_number_changes_nothing(bad: float, where: int) -> None:
    parts = scene(6)
    arrays = [parts[0].force_n, parts[1], parts[2], parts[3]]
    arrays[where].flat[1] = bad
    refiner = Refiner(MASS_KG)
    assert not refiner.step(*parts)
    assert np.array_equal(refiner.force_n, parts[0].force_n, equal_nan=True)
    assert np.isnan(refiner.before)


@pytest.mark.parametrize(
    ("force_n", "sd_n", "asked_sd"),
    [(1e200, 1e200, 100.0), (300.0, 1e160, 100.0), (300.0, 1e10, 1e-3), (300.0, 1e12, 1e-9), (300.0, 0.0, 1e-200)],
)
def test_what_rounding_cannot_solve_is_refused_or_solved_never_half_a_number(
    force_n: float, sd_n: float, asked_sd: float
) -> None:
    p, arms, asked, _ = scene(7)
    extreme = Predicted(np.full((2, 3), force_n), np.full((2, 3), sd_n), p.cop_ankle_m, p.contact, p.cop_sd_m)
    refiner = Refiner(MASS_KG)
    solved = refiner.step(extreme, arms, asked, np.full(6, asked_sd))
    assert np.isfinite(refiner.force_n).all() and np.isfinite(refiner.cop_ankle_m).all()
    assert np.isfinite(refiner.surprise) == solved
    assert refiner.step(*scene(7))
    assert np.array_equal(refiner.force_n, refined(scene(7)).force_n)
