"""Long steps of the full model against MuJoCo's own small ones, and the sparse factor against numpy."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.tissue.full_pace import FullPace, Turn, between, knot
from edge_runtime.tissue.geometry import Device, Mesh, Phantom, phantom_for
from edge_runtime.tissue.long_step import LongStepModel
from edge_runtime.tissue.simulate import FullModel
from edge_runtime.tissue.sparse_cholesky import SparseCholesky
from edge_runtime.types import F64

SWING_S = 0.4


@cache
def leg() -> Phantom:
    phantom = phantom_for(1.75, 75.0, Mesh(1, 8, 5))
    return replace(phantom, device=Device(misalignment_m=(0.01, 0.005)))


def knee(time_s: float) -> Turn:
    """A swing of 60 deg."""
    turn = 2.0 * math.pi / (2.0 * SWING_S)
    return Turn(0.52 - 0.52 * math.cos(turn * time_s), 0.52 * turn * math.sin(turn * time_s))


def motor_nm(time_s: float) -> float:
    return 6.0 * math.sin(math.pi * time_s / SWING_S) ** 2


@cache
def in_long_steps(count: int) -> F64:
    """Hinge angle and knee torque [count, 2] over a swing of the knee."""
    model, step_s = LongStepModel(leg()), SWING_S / count
    readings = [model.step(step_s, motor_nm(k * step_s), *knee(k * step_s)) for k in range(1, count + 1)]
    return np.array([(reading.hinge_rad, reading.knee_torque_nm) for reading in readings])


@cache
def in_mujoco_s_steps(count: int) -> F64:
    """The same at the begin of each step but the first, by MuJoCo's integrator and solver."""
    step_s = SWING_S / count
    model = FullModel(leg(), timestep_s=step_s)
    readings = [model.step(motor_nm(k * step_s), knee(k * step_s).rad) for k in range(1, count + 2)][1:]
    return np.array([(reading.hinge_rad, reading.knee_torque_nm) for reading in readings])


def error(found: F64, truth: F64) -> F64:
    """RMS over RMS, of bend and torque, where both have an instant; the first fifth is left out."""
    truth = truth[len(truth) // len(found) - 1 :: len(truth) // len(found)]
    bent = np.array([knee(SWING_S * (k + 1) / len(found)).rad for k in range(len(found))])
    a, b = found - np.outer(bent, [1.0, 0.0]), truth - np.outer(bent, [1.0, 0.0])
    later = len(found) // 5
    return np.sqrt(np.mean((a - b)[later:] ** 2, axis=0) / np.mean(b[later:] ** 2, axis=0))


def test_a_swing_comes_out_as_in_mujoco_s_small_steps() -> None:
    """Theirs are of first order: extrapolated from two lengths."""
    coarse, fine = in_mujoco_s_steps(240), in_mujoco_s_steps(480)
    truth = 2.0 * fine[1::2] - coarse
    assert (error(in_long_steps(48), truth) < (0.02, 0.04)).all()
    assert (error(in_long_steps(240), truth) < 0.005).all()
    assert (error(in_mujoco_s_steps(48), truth) > 3.0 * error(in_long_steps(48), truth)).all()


def test_half_the_step_errs_a_quarter() -> None:
    fine = in_long_steps(960)
    assert (error(in_long_steps(24), fine) > 3.0 * error(in_long_steps(48), fine)).all()


@pytest.mark.parametrize("stiffening", [0.0, 3.0])
def test_rest_is_mujoco_s(stiffening: float) -> None:
    phantom = replace(leg(), material=replace(leg().material, stiffening=stiffening))
    full = FullModel(phantom)
    full.reset(0.7, 5.0)
    theirs, ours = full.step(5.0, 0.7), LongStepModel(phantom).rest(0.7, 5.0)
    assert ours.hinge_rad - 0.7 == pytest.approx(theirs.hinge_rad - 0.7, rel=1e-3)
    assert ours.knee_torque_nm == pytest.approx(theirs.knee_torque_nm, rel=1e-3)
    assert ours.cuff_poses == pytest.approx(theirs.cuff_poses, abs=2e-5)


def test_steps_of_changing_length_stay_at_rest() -> None:
    model = LongStepModel(leg())
    rest = model.rest(0.5, 4.0)
    for step_s in (0.001, 0.0166, 0.1, 0.004, 0.004):
        reading = model.step(step_s, 4.0, 0.5, 0.0)
    assert reading.hinge_rad == pytest.approx(rest.hinge_rad, abs=1e-5)
    assert reading.knee_torque_nm == pytest.approx(rest.knee_torque_nm, abs=5e-3)


def test_the_same_steps_give_the_same_bits() -> None:
    assert (in_long_steps(48) == in_long_steps.__wrapped__(48)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.floats(0.0, 0.6), st.integers(0, 2**31))
def test_the_factor_solves_any_pattern(size: int, density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pattern = rng.random((size, size)) < density
    pattern = pattern | pattern.T | np.eye(size, dtype=bool)
    matrix = np.where(pattern, rng.normal(size=(size, size)), 0.0)
    matrix = matrix + matrix.T
    matrix += np.diag(1.0 + 2.0 * np.abs(matrix).sum(axis=0))
    factor, (rows, columns) = SparseCholesky(pattern), np.nonzero(pattern)
    places = factor.places(rows, columns)
    factor.values[:] = 0.0
    factor.values[places[places >= 0]] = matrix[rows, columns][places >= 0]
    factor.factor()
    right = rng.normal(size=size)
    assert factor.solve(right) == pytest.approx(np.linalg.solve(matrix, right), rel=1e-9, abs=1e-12)


def test_a_matrix_that_is_not_positive_definite_gives_no_number() -> None:
    factor = SparseCholesky(np.ones((2, 2), bool))
    factor.values[factor.places(np.array([0, 1, 0, 1]), np.array([0, 1, 1, 0]))] = 1.0, 1.0, 3.0, 3.0
    factor.factor()
    assert np.isnan(factor.solve(np.ones(2))).any()


@given(st.floats(-9.0, 9.0), st.floats(-5.0, 5.0), st.floats(-1.0, 1.0), st.floats(0.005, 0.1), st.floats(0.0, 1.0))
def test_even_speed_up_is_followed_without_ripple(
    radps2: float, radps: float, rad: float, frame_s: float, share: float
) -> None:
    def at(time_s: float) -> float:
        return rad + radps * time_s + 0.5 * radps2 * time_s**2

    begin, end = (knot(at(t - frame_s), at(t), at(t + frame_s), frame_s, frame_s) for t in (0.0, frame_s))
    found = between(begin, end, frame_s, share)
    passed_by = radps2 * frame_s**2 / 6.0
    assert found.rad == pytest.approx(at(share * frame_s) + passed_by, abs=1e-9)
    assert found.radps == pytest.approx(radps + radps2 * share * frame_s, abs=1e-8)


def test_a_pace_tells_of_the_frame_before_and_takes_frames_left_out() -> None:
    pace = FullPace(leg())
    told = [pace.step(3.0, angle, dt_s) for angle, dt_s in ((0.0, 0.016), (0.1, 0.016), (0.3, 0.032), (0.4, 0.016))]
    assert [reading.time_s for reading in told] == pytest.approx([0.0, 0.016, 0.032, 0.064])
    assert [reading.motor_nm for reading in told] == pytest.approx([0.0, 3.0, 3.0, 3.0])
    assert [reading.knee_rad for reading in told] == pytest.approx([0.0, 0.0, 0.1, 0.3], abs=0.02)
