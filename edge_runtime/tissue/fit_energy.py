"""Fits a cuff's quartic energy to loads at known poses; picks the terms by cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_runtime.tissue.energy import EXPONENTS, SYMMETRIC, Exponents
from edge_runtime.types import F64

_FOLDS: Final = 8
_FLOOR: Final = 0.05
"""Share of the largest load added to each load's weight: small loads count, but not without bound."""
_EXACT: Final = 1e-6
_BETTER: Final = 0.9
_ALIKE: Final[tuple[Exponents, ...]] = ((0, 1, 0), *SYMMETRIC)
_ALL: Final[tuple[Exponents, ...]] = EXPONENTS[1:]


@dataclass(frozen=True, slots=True)
class Fit:
    """Energy terms in J over powers of pose / reach; `error`: RMS error at left-out poses over RMS load."""

    terms: dict[Exponents, float]
    error: float


def fit_energy(poses: F64, loads: F64, reach: F64) -> Fit:
    """Fit to loads [n, 3] (N, N, Nm) at poses [n, 3] (m, m, rad), the energy's gradient; reach [3] scales the poses.

    Front and back are taken as alike, 18 terms (the plain push of a prestrained cuff included), unless all 34 terms
    predict left-out poses clearly better.
    """
    scaled, work = poses / reach, loads * reach
    error, terms = _left_out(scaled, work, _ALIKE), _ALIKE
    if error > _EXACT and (other := _left_out(scaled, work, _ALL)) < _BETTER * error:
        error, terms = other, _ALL
    coefficients = _solve(scaled, work, terms)
    return Fit(dict(zip(terms, map(float, coefficients), strict=True)), error)


def fit_loss(poses: F64, loss: F64, reach: F64) -> F64:
    """Coefficients [6, 10] of the loss matrices [n, 6] at poses [n, 3]: quadratics of pose / reach."""
    powers = np.array(EXPONENTS[:10])
    rows = np.prod((poses / reach)[:, None, :] ** powers[None], axis=2)
    out: F64 = np.linalg.lstsq(rows, loss, rcond=None)[0].T
    return out


def _left_out(scaled: F64, work: F64, terms: Sequence[Exponents]) -> float:
    """RMS error over RMS load at poses that the fit has not seen."""
    fold = np.arange(len(scaled)) % _FOLDS
    wrong = np.empty_like(work)
    for k in range(_FOLDS):
        seen = fold != k
        coefficients = _solve(scaled[seen], work[seen], terms)
        for axis, row in enumerate(_gradients(scaled[~seen], terms)):
            wrong[~seen, axis] = row @ coefficients - work[~seen, axis]
    return float(np.sqrt(np.sum(wrong**2) / np.sum(work**2)))


def _solve(scaled: F64, work: F64, terms: Sequence[Exponents]) -> F64:
    size = np.linalg.norm(work, axis=1)
    weight = 1.0 / (size + _FLOOR * size.max())
    rows = np.concatenate([row * weight[:, None] for row in _gradients(scaled, terms)])
    out: F64 = np.linalg.lstsq(rows, (work * weight[:, None]).T.ravel(), rcond=None)[0]
    return out


def _gradients(scaled: F64, terms: Sequence[Exponents]) -> list[F64]:
    """For each axis the derivatives [n, terms] of the monomials at scaled poses [n, 3]."""
    powers = np.array(terms)
    out = []
    for axis in range(3):
        lowered = powers.copy()
        lowered[:, axis] = np.maximum(lowered[:, axis] - 1, 0)
        out.append(powers[:, axis] * np.prod(scaled[:, None, :] ** lowered[None], axis=2))
    return out
