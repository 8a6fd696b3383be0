"""Elastic energy of one cuff on its segment: a quartic in the cuff's sagittal pose, compiled, with its derivatives.

The pose is (ux, uz, phi): metres forward and up, radians about the knee axis; cuff against bone, in its frame.
Gradient and Hessian are polynomials of their own over the same monomials, so each is a short dot product. Outside the
ellipsoid in which the coefficients were identified, the force goes on along its tangent: a quartic must not run away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

Exponents = tuple[int, int, int]
"""Powers of (ux, uz, phi) in one monomial."""

DEGREE: Final = 4
EXPONENTS: Final[tuple[Exponents, ...]] = tuple(
    (a, b, degree - a - b)
    for degree in range(DEGREE + 1)
    for a in range(degree, -1, -1)
    for b in range(degree - a, -1, -1)
)
"""All monomials, lowest degree first: the first 10 are quadratic at most, the first 20 cubic."""
COUNT: Final = len(EXPONENTS)
MODES: Final = 4
_CUBIC: Final = 20
_QUADRATIC: Final = 10
SYMMETRIC: Final[tuple[Exponents, ...]] = tuple(e for e in EXPONENTS[4:] if (e[0] + e[2]) % 2 == 0)
"""The 17 terms of a cuff at rest in the reference pose whose front and back are alike."""
PAIRS: Final = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
"""Order of the entries of a symmetric matrix where it is a row."""

CUFF = np.dtype(
    [
        ("value", np.float64, (COUNT,)),
        ("gradient", np.float64, (3, _CUBIC)),
        ("hessian", np.float64, (6, _QUADRATIC)),
        ("loss", np.float64, (6, _QUADRATIC)),  # Kelvin-Voigt matrix over its time: not quite the Hessian
        ("reach", np.float64, (3,)),  # half axes of the ellipsoid of poses in which the coefficients hold; their unit
        ("error", np.float64),  # force error in there, share of the force, cross-validated
        ("growth", np.float64),  # and what being out by the ellipsoid's own size adds to it
        ("posture_per_rad", np.float64),  # relative rise of stiffness per radian of knee flexion
        ("centre_m", np.float64, (2,)),  # x, z of the cuff in the bone's frame, whose origin is the knee axis
        ("mass", np.float64, (3, 3)),  # of the tissue that moves with the cuff: kg, kg m, kg m2
        ("swing", np.float64, (3,)),  # its coupling to the bone's angular acceleration
        ("centrifugal", np.float64, (3,)),  # and to the square of the bone's angular velocity
        ("gyration", np.float64, (3, 3)),  # antisymmetric: how one rate of the pose deflects another as the bone turns
        ("mode_square", np.float64, (MODES,)),  # of the tissue between held bone and cuff: rad2/s2; 0: unused
        ("mode_time_s", np.float64, (MODES,)),  # its Kelvin-Voigt time
        ("mode_mass", np.float64, (MODES, 3)),  # coupling of a mode of unit mass to the rate of the pose
        ("mode_swing", np.float64, (MODES,)),  # and to the bone's turning, as above
        ("mode_centrifugal", np.float64, (MODES,)),
    ]
)
POSE = np.dtype(
    [
        ("pose", np.float64, (3,)),
        ("value", np.float64),
        ("gradient", np.float64, (3,)),
        ("hessian", np.float64, (3, 3)),
        ("loss", np.float64, (3, 3)),
        ("outside", np.float64),  # how far beyond the reach, in multiples of it; 0 inside
        ("monomials", np.float64, (COUNT,)),
    ]
)


def _parents() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each monomial but the first: the variable it is multiplied by, and the monomial that is."""
    index = {exponents: n for n, exponents in enumerate(EXPONENTS)}
    variable = np.zeros(COUNT, np.int64)
    parent = np.zeros(COUNT, np.int64)
    for n, exponents in enumerate(EXPONENTS[1:], start=1):
        axis = next(i for i in range(3) if exponents[i])
        lower = tuple(p - (i == axis) for i, p in enumerate(exponents))
        variable[n], parent[n] = axis, index[lower]  # type: ignore[index]
    return variable, parent


_VARIABLE, _PARENT = _parents()


def _derivative(coefficients: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    """Coefficients [COUNT] of the derivative by the scaled pose's `axis`."""
    index = {exponents: n for n, exponents in enumerate(EXPONENTS)}
    out = np.zeros(COUNT)
    for exponents, value in zip(EXPONENTS, coefficients, strict=True):
        if exponents[axis]:
            lower = tuple(p - (i == axis) for i, p in enumerate(exponents))
            out[index[lower]] += exponents[axis] * value  # type: ignore[index]
    return out


def fill_energy(cuff: Any, coefficients: Mapping[Exponents, float], reach: npt.NDArray[np.float64]) -> None:
    """Put an energy (J, by the exponents of the pose divided by `reach` [3]) and its derivatives into a CUFF record.

    Its loss matrix becomes the Hessian, as it is about rest.
    """
    value = np.array([coefficients.get(e, 0.0) for e in EXPONENTS])
    cuff["value"], cuff["reach"] = value, reach
    first = [_derivative(value, axis) for axis in range(3)]
    for axis in range(3):
        cuff["gradient"][axis] = first[axis][:_CUBIC] / reach[axis]
    for n, (i, j) in enumerate(PAIRS):
        cuff["hessian"][n] = _derivative(first[i], j)[:_QUADRATIC] / (reach[i] * reach[j])
    cuff["loss"] = cuff["hessian"]


@njit(cache=True, nogil=True)
def outside(cuff: Any, pose: Any) -> float:
    """How far the pose [3] lies beyond the cuff's reach, in multiples of it (0 inside)."""
    square = 0.0
    for i in range(3):
        square += (pose[i] / cuff.reach[i]) ** 2
    return max(np.sqrt(square) - 1.0, 0.0)


@njit(cache=True, nogil=True)
def doubt(cuff: Any, pose: Any) -> float:
    """Estimated error of the force at a pose [3], as a share of it: known within reach, growing beyond."""
    return cuff.error + cuff.growth * outside(cuff, pose)


@njit(cache=True, nogil=True)
def _monomials(cuff: Any, at: Any) -> None:
    """All monomials of the nearest pose within reach along the line from rest, in multiples of the reach."""
    m = at.monomials
    m[0] = 1.0
    for i in range(3):
        m[1 + i] = at.pose[i] / cuff.reach[i] / (1.0 + at.outside)
    for n in range(4, COUNT):
        m[n] = m[1 + _VARIABLE[n]] * m[_PARENT[n]]


@njit(cache=True, nogil=True)
def _derivatives_within(cuff: Any, at: Any, stiffness: float) -> None:
    m = at.monomials
    at.value = 0.0
    for n in range(COUNT):
        at.value += stiffness * cuff.value[n] * m[n]
    for i in range(3):
        total = 0.0
        for n in range(_CUBIC):
            total += cuff.gradient[i, n] * m[n]
        at.gradient[i] = stiffness * total
    row = 0
    for i in range(3):
        for j in range(i, 3):
            hessian, loss = 0.0, 0.0
            for n in range(_QUADRATIC):
                hessian += cuff.hessian[row, n] * m[n]
                loss += cuff.loss[row, n] * m[n]
            at.hessian[i, j], at.hessian[j, i] = stiffness * hessian, stiffness * hessian
            at.loss[i, j], at.loss[j, i] = stiffness * loss, stiffness * loss
            row += 1


@njit(cache=True, nogil=True)
def evaluate(cuff: Any, at: Any, stiffness: float) -> None:
    """Energy (J), gradient, Hessian and loss matrix at `at.pose`, times `stiffness`, into the POSE record `at`.

    Beyond reach: value and force follow the second-order expansion at the last pose within, on the line from rest.
    """
    at.outside = outside(cuff, at.pose)
    _monomials(cuff, at)
    _derivatives_within(cuff, at, stiffness)
    if at.outside == 0.0:
        return
    for i in range(3):
        excess_i = at.pose[i] - at.monomials[1 + i] * cuff.reach[i]
        at.value += at.gradient[i] * excess_i
        for j in range(3):
            excess_j = at.pose[j] - at.monomials[1 + j] * cuff.reach[j]
            at.value += 0.5 * at.hessian[i, j] * excess_i * excess_j
    for i in range(3):
        for j in range(3):
            at.gradient[i] += at.hessian[i, j] * (at.pose[j] - at.monomials[1 + j] * cuff.reach[j])
