"""Cuff energy: derivatives against finite differences, value against the plain sum, and the edge of its reach."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.tissue.energy import CUFF, EXPONENTS, POSE, SYMMETRIC, doubt, evaluate, fill_energy
from tests.tissue.rigs import REACH, coefficients

inside = st.tuples(*(st.floats(-0.57, 0.57) for _ in range(3))).map(lambda p: np.array(p) * REACH)
directions = st.tuples(*(st.floats(-1.0, 1.0) for _ in range(3))).filter(lambda p: np.linalg.norm(p) > 0.1)


def cuff_of(seed: int) -> npt.NDArray[Any]:
    cuff = np.zeros(1, CUFF)
    fill_energy(cuff[0], coefficients(seed), REACH)
    cuff["error"], cuff["growth"] = 0.02, 0.5
    return cuff


CUFFS = [cuff_of(seed) for seed in range(3)]


def at(cuff: npt.NDArray[Any], pose: npt.NDArray[np.float64], stiffness: float = 1.0) -> Any:
    record = np.zeros(1, POSE)
    record["pose"] = pose
    evaluate(cuff[0], record[0], stiffness)
    return record[0]


@settings(deadline=None)
@given(pose=inside, seed=st.integers(0, 2), stiffness=st.floats(0.1, 10.0))
def test_value_is_the_plain_sum_of_the_terms(pose: npt.NDArray[np.float64], seed: int, stiffness: float) -> None:
    plain = sum(c * np.prod((pose / REACH) ** np.array(e)) for e, c in coefficients(seed).items())
    assert at(CUFFS[seed], pose, stiffness)["value"] == pytest.approx(stiffness * plain, rel=1e-9, abs=1e-12)


@settings(deadline=None)
@given(pose=inside, seed=st.integers(0, 2))
def test_derivatives_are_those_of_the_value(pose: npt.NDArray[np.float64], seed: int) -> None:
    here = at(CUFFS[seed], pose)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-4 * REACH[axis]
        up, down = at(CUFFS[seed], pose + step), at(CUFFS[seed], pose - step)
        slope = (up["value"] - down["value"]) / (2 * step[axis])
        assert here["gradient"][axis] * REACH[axis] == pytest.approx(slope * REACH[axis], rel=1e-5, abs=1e-7)
        curve = (up["gradient"] - down["gradient"]) / (2 * step[axis])
        assert np.allclose(here["hessian"][axis] * REACH, curve * REACH, rtol=1e-5, atol=1e-5)


@settings(deadline=None)
@given(direction=directions, seed=st.integers(0, 2))
def test_force_goes_on_straight_where_the_reach_ends(direction: tuple[float, float, float], seed: int) -> None:
    edge = REACH * direction / np.linalg.norm(direction)
    force = {size: at(CUFFS[seed], size * edge)["gradient"] * REACH for size in (1 - 1e-9, 1 + 1e-9, 2.0, 3.0)}
    assert np.allclose(force[1 - 1e-9], force[1 + 1e-9], atol=1e-6)
    assert np.allclose(force[3.0] - force[2.0], force[2.0] - force[1 + 1e-9], rtol=1e-6, atol=1e-6)


def test_doubt_is_the_measured_error_inside_and_grows_outside() -> None:
    cuff = CUFFS[0][0]
    assert doubt(cuff, 0.57 * REACH) == pytest.approx(0.02)
    assert doubt(cuff, np.array([0.0, 2.0, 0.0]) * REACH) == pytest.approx(0.52)
    assert doubt(cuff, np.array([0.0, 0.0, -3.0]) * REACH) == pytest.approx(1.02)


def test_symmetric_terms_are_seventeen_and_do_not_know_front_from_back() -> None:
    assert len(SYMMETRIC) == 17 and set(SYMMETRIC) < set(EXPONENTS)
    cuff = np.zeros(1, CUFF)
    fill_energy(cuff[0], {e: c for e, c in coefficients(5).items() if e in SYMMETRIC}, REACH)
    front, back = at(cuff, np.array([0.01, 0.004, -0.1])), at(cuff, np.array([-0.01, 0.004, 0.1]))
    assert front["value"] == pytest.approx(back["value"])
    assert front["gradient"] == pytest.approx(back["gradient"] * [-1, 1, -1])
