"""Fits the polynomials that stand for muscle paths to samples of lengths, moment arms and pulls."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_runtime.biomech.skeleton.format import NONE, Basis, Rows
from edge_runtime.types import F64

POSES: Final = 1600
HELD_OUT: Final = 300
DEGREES: Final = (2, 3, 4, 5, 6)
ARM_ERROR_M: Final = 2e-4
"""Degrees grow until the held-out RMSE of every moment arm of the muscle is below this, or the list ends."""
PULL_PARTS: Final = 6


@dataclass(frozen=True, slots=True)
class Samples:
    """Poses `q` [N, C]; `length` [N, n] m; `arm` [N, n, C] m; `pull` [N, n, K, 6] for the K knees."""

    q: F64
    length: F64
    arm: F64
    pull: F64


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted, and its RMSE on poses held out: `arm_error_m` by (muscle, coordinate), `length_error_m` [n]."""

    basis: Basis
    lengths: Rows
    pulls: Rows
    pull_joint: Any
    arm_error_m: dict[tuple[int, int], float]
    length_error_m: F64


def exponents(dimension: int, degree: int) -> Any:
    """Powers [T, dimension] of every monomial up to a total degree."""
    chosen = itertools.combinations_with_replacement(range(dimension + 1), degree)  # the last stands for 1
    return np.array([[c.count(k) for k in range(dimension)] for c in chosen], np.int64).reshape(-1, dimension)


def design(x: F64, powers: Any, spread: F64) -> tuple[F64, F64]:
    """Monomials [N, T] of scaled coordinates `x` [N, d], and their slopes [d, N, T] per unscaled unit."""
    value = np.ones((len(x), len(powers)))
    for k in range(x.shape[1]):
        value *= x[:, [k]] ** powers[:, k]
    slope = np.zeros((x.shape[1], *value.shape))
    for a in range(x.shape[1]):
        lowered = powers.copy()
        lowered[:, a] = np.maximum(lowered[:, a] - 1, 0)
        slope[a] = powers[:, a] / spread[a]
        for k in range(x.shape[1]):
            slope[a] *= x[:, [k]] ** lowered[:, k]
    return value, slope


def fit(samples: Samples, ranges: F64, acts: Any, knees: list[int]) -> Fit:
    """Least squares on lengths and arms together; one basis per set of coordinates, its degree by held-out arms."""
    centre = ranges.mean(axis=1)
    spread = np.where(ranges[:, 1] > ranges[:, 0], 0.5 * (ranges[:, 1] - ranges[:, 0]), 1.0)
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, row in enumerate(acts):
        groups.setdefault(tuple(np.flatnonzero(row)), []).append(i)
    builder = _Builder(centre, spread, knees, samples.length.shape[1])
    for span, muscles in groups.items():
        builder.add(samples, span, muscles)
    return builder.finish()


class _Builder:
    """Collects groups of muscles with their basis and coefficients."""

    def __init__(self, centre: F64, spread: F64, knees: list[int], muscles: int) -> None:
        self._centre, self._spread, self._knees = centre, spread, knees
        self._spans: list[tuple[int, ...]] = []
        self._powers: list[Any] = []
        self._lengths: list[list[tuple[int, F64]]] = []
        self._pulls: list[list[tuple[int, F64]]] = []
        self._pull_joint: list[int] = []
        self._arm_error: dict[tuple[int, int], float] = {}
        self._length_error = np.zeros(muscles)

    def add(self, samples: Samples, span: tuple[int, ...], muscles: list[int]) -> None:
        """Fit `muscles`, which all span the coordinates `span`, at the lowest degree that serves them."""
        c = list(span)
        x, spread = (samples.q[:, c] - self._centre[c]) / self._spread[c], self._spread[c]
        arms = [samples.arm[:, muscles, k] for k in c]
        for degree in DEGREES:
            powers = exponents(len(c), degree)
            value, slope = design(x, powers, spread)
            stack = np.concatenate([value[:POSES], *(-part[:POSES] for part in slope)])
            target = np.concatenate([samples.length[:POSES, muscles], *(arm[:POSES] for arm in arms)])
            solution: F64 = np.asarray(np.linalg.lstsq(stack, target, rcond=None)[0], float)
            error = np.array(
                [_rms(part[POSES:] @ solution + arm[POSES:]) for part, arm in zip(slope, arms, strict=True)]
            )
            if error.size == 0 or error.max() < ARM_ERROR_M:
                break
        for i, muscle in enumerate(muscles):
            self._arm_error |= {(muscle, c[k]): float(error[k, i]) for k in range(len(c))}
        self._length_error[muscles] = _rms(value[POSES:] @ solution - samples.length[POSES:, muscles])
        self._spans.append(span)
        self._powers.append(powers)
        self._lengths.append([(muscle, solution[:, i].copy()) for i, muscle in enumerate(muscles)])
        self._add_pulls(samples, value[:POSES], muscles)

    def _add_pulls(self, samples: Samples, value: F64, muscles: list[int]) -> None:
        rows: list[tuple[int, F64]] = []
        for muscle in muscles:
            for k, joint in enumerate(self._knees):
                parts = samples.pull[: len(value), muscle, k]
                if np.abs(parts).max() == 0.0:
                    continue
                solution: F64 = np.asarray(np.linalg.lstsq(value, parts, rcond=None)[0], float)
                rows += [(muscle, solution[:, part].copy()) for part in range(PULL_PARTS)]
                self._pull_joint.append(joint)
        self._pulls.append(rows)

    def finish(self) -> Fit:
        """Everything as arrays."""
        width = max(len(span) for span in self._spans)
        span = np.full((len(self._spans), width), NONE)
        for g, coordinates in enumerate(self._spans):
            span[g, : len(coordinates)] = coordinates
        powers = [np.pad(p, ((0, 0), (0, width - p.shape[1]))) for p in self._powers]
        first = np.concatenate([[0], np.cumsum([len(p) for p in powers])]).astype(np.int64)
        dimension = np.array([len(s) for s in self._spans])
        basis = Basis(dimension, span, first, np.concatenate(powers), self._centre, self._spread)
        joints = np.array(self._pull_joint, np.int64)
        return Fit(basis, _rows(self._lengths), _rows(self._pulls), joints, self._arm_error, self._length_error)


def _rms(error: Any) -> F64:
    """Over the first axis."""
    return np.asarray(np.sqrt(np.mean(error**2, axis=0)))


def _rows(groups: list[list[tuple[int, F64]]]) -> Rows:
    flat = [row for group in groups for row in group]
    first = np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int64)
    start = np.cumsum([0, *(len(c) for _, c in flat)])[:-1].astype(np.int64)
    coefficients = np.concatenate([np.zeros(0), *(c for _, c in flat)])
    return Rows(first, np.array([muscle for muscle, _ in flat], np.int64), start, coefficients)
