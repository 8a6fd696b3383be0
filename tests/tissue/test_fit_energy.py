"""Fit of a cuff's energy: known energies come back, and only a leg whose front and back differ gets all terms."""

from __future__ import annotations

import numpy as np
import pytest

from edge_runtime.tissue.energy import CUFF, POSE, SYMMETRIC, Exponents, evaluate, fill_energy
from edge_runtime.tissue.fit_energy import fit_energy
from edge_runtime.tissue.sampling import spread
from edge_runtime.types import F64
from tests.tissue.rigs import REACH, coefficients


def loads_of(terms: dict[Exponents, float], poses: F64) -> F64:
    cuff, at, out = np.zeros(1, CUFF), np.zeros(1, POSE), []
    fill_energy(cuff[0], terms, REACH)
    for pose in poses:
        at["pose"] = pose
        evaluate(cuff[0], at[0], 1.0)
        out.append(at[0]["gradient"].copy())
    return np.array(out)


POSES = spread(80, 0.999 * REACH)


def test_a_known_energy_comes_back_and_front_and_back_alike_stay_so() -> None:
    terms = {e: c for e, c in coefficients(7).items() if e in SYMMETRIC} | {(0, 1, 0): 0.2}
    fit = fit_energy(POSES, loads_of(terms, POSES), REACH)
    assert len(fit.terms) == 18 and fit.error < 1e-9
    for exponents, value in terms.items():
        assert fit.terms[exponents] == pytest.approx(value, rel=1e-6, abs=1e-9)


def test_what_tells_front_from_back_is_found() -> None:
    terms = coefficients(8)
    fit = fit_energy(POSES, loads_of(terms, POSES), REACH)
    assert len(fit.terms) == 34 and fit.error < 1e-9
    assert fit.terms[(2, 0, 1)] == pytest.approx(terms[(2, 0, 1)], rel=1e-6)


def test_the_error_is_that_of_poses_not_seen() -> None:
    rng = np.random.default_rng(2)
    loads = loads_of(coefficients(7), POSES)
    noise = 0.03 * np.sqrt(np.mean((loads * REACH) ** 2)) * rng.normal(size=loads.shape) / REACH
    error = fit_energy(POSES, loads + noise, REACH).error
    assert 0.03 < error < 0.06


def test_poses_fill_the_ellipsoid_and_never_leave_it() -> None:
    poses = spread(200, REACH) / REACH
    size = np.linalg.norm(poses, axis=1)
    assert size.max() <= 1.0 and size.max() > 0.97 and size.min() < 0.2
    assert np.abs(poses.mean(axis=0)).max() < 0.05
    assert np.array_equal(spread(200, REACH), spread(200, REACH))
