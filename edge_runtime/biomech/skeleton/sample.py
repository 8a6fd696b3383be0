"""Samples muscle paths of an OpenSim model over its range of motion, and fits the polynomials that stand for them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.biomech.skeleton.format import NONE, Basis, Functions, Names, Rows, Tree
from edge_runtime.biomech.skeleton.tree import (
    Motion,
    add_cross,
    couple,
    gather,
    new_motion,
    place,
    push,
    reduce_coupled,
)
from edge_runtime.types import F64

POSES: Final = 1600
HELD_OUT: Final = 300
DEGREES: Final = (2, 3, 4, 5, 6)
ARM_ERROR_M: Final = 2e-4
"""Degrees grow until the held-out RMSE of every moment arm of the muscle is below this, or the list ends."""
_PULL_DEGREE: Final = 4
_ACTS_M: Final = 1e-7  # a coordinate that never changes a length by more does not belong to the muscle's span
_SPAN_POSES: Final = 12
_PULL_PARTS: Final = 6

RANGE_DEG: Final = {
    "hip_flexion": (-30, 90), "hip_adduction": (-30, 25), "hip_rotation": (-30, 30), "knee_angle": (-5, 115),
    "ankle_angle": (-35, 30), "subtalar_angle": (-25, 25), "mtp_angle": (-30, 40), "lumbar_extension": (-40, 25),
    "lumbar_bending": (-25, 25), "lumbar_rotation": (-25, 25),
}  # fmt: skip
"""Range over which paths are fitted: walking, running, stairs, sit-to-stand. gait2392 counts knee flexion negative."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Poses `q` [N, C]; `length` [N, n] m; `arm` [N, n, C] m; `pull` [N, n, K, 6] for the K knees."""

    q: F64
    length: F64
    arm: F64
    pull: F64


def sample(
    opensim: Any, model: Any, state: Any, names: Names, tree: Tree, functions: Functions, seed: int
) -> tuple[Basis, Rows, Rows, Any]:
    """Basis, length rows, pull rows, and the knee joint of each pulled muscle."""
    ranges = _ranges(model, names, tree)
    probe = _Probe(opensim, model, state, names, tree, functions)
    rng = np.random.default_rng(seed)
    poses = rng.uniform(ranges[:, 0], ranges[:, 1], (POSES + HELD_OUT, len(ranges)))
    return fit(probe.measure(poses), ranges, probe.spans(poses[:_SPAN_POSES], ranges), probe.knees)


def _ranges(model: Any, names: Names, tree: Tree) -> F64:
    """[C, 2] rad or m; zero for the pelvis and for coupled coordinates."""
    ranges = np.zeros((len(names.coordinates), 2))
    pelvis = set(tree.coordinate[0])
    for c, name in enumerate(names.coordinates):
        if c in pelvis or c in tree.coupled:
            continue
        coordinate = model.getCoordinateSet().get(c)
        low, high = coordinate.getRangeMin(), coordinate.getRangeMax()
        base = name.removesuffix("_r").removesuffix("_l")
        if base in RANGE_DEG:
            wanted = np.radians(RANGE_DEG[base])
            if base == "knee_angle" and low < -math.pi / 4:
                wanted = -wanted[::-1]
            low, high = wanted
        ranges[c] = max(low, -math.pi), min(high, math.pi)
    return ranges


class _Probe:
    """Reads lengths and point forces of every path, and turns them into arms and pulls by the tree's own statics."""

    def __init__(self, opensim: Any, model: Any, state: Any, names: Names, tree: Tree, functions: Functions) -> None:
        self._osim, self._model, self._state, self._names = opensim, model, state, names
        self._tree, self._functions, self._motion = tree, functions, new_motion(tree)
        self._bodies = {name: b for b, name in enumerate(("ground", *names.bodies))}
        muscles = model.getMuscles()
        self._muscles = [muscles.get(i) for i in range(muscles.getSize())]
        for c in range(len(names.coordinates)):
            model.getCoordinateSet().get(c).setLocked(state, False)  # a locked coordinate takes no value
        self.knees = [j for j, body in enumerate(names.bodies) if body.startswith("tibia")]
        self._below = np.array([self._carried(j + 1) for j in self.knees])  # [K, B] bool

    def _carried(self, body: int) -> Any:
        found = np.arange(len(self._tree.parent) + 1) == body
        for j, parent in enumerate(self._tree.parent):
            found[j + 1] |= found[parent]
        return found

    def measure(self, poses: F64) -> Samples:
        """Everything at every pose [N, C]."""
        n, count = len(self._muscles), len(poses)
        length, arm = np.zeros((count, n)), np.zeros((count, n, poses.shape[1]))
        pull = np.zeros((count, n, len(self.knees), _PULL_PARTS))
        rest = np.zeros(poses.shape[1])
        for k, q in enumerate(poses):
            couple(self._tree, self._functions, q, rest.copy(), rest.copy())
            place(self._tree, self._functions, q, rest, rest, self._motion)
            self._pose(q)
            length[k] = [muscle.getLength(self._state) for muscle in self._muscles]
            _statics(
                self._tree, self._functions, self._motion, q, self._points(), np.array(self.knees), self._below,
                arm[k], pull[k],
            )  # fmt: skip
        return Samples(poses, length, arm, pull)

    def spans(self, poses: F64, ranges: F64) -> Any:
        """[n, C] bool: which coordinates change which lengths; by length, as arms of double wraps are not exact."""
        acts = np.zeros((len(self._muscles), poses.shape[1]), np.bool_)
        for q in poses:
            for c in np.flatnonzero(ranges[:, 1] > ranges[:, 0]):
                lengths = [self._lengths(q, c, end) for end in ranges[c]]
                acts[:, c] |= np.abs(lengths[1] - lengths[0]) > _ACTS_M
        return acts

    def _lengths(self, q: F64, coordinate: int, value: float) -> F64:
        moved, rest = q.copy(), np.zeros_like(q)
        moved[coordinate] = value
        couple(self._tree, self._functions, moved, rest, rest.copy())
        self._pose(moved)
        return np.array([muscle.getLength(self._state) for muscle in self._muscles])

    def _pose(self, q: F64) -> None:
        coordinates = self._model.getCoordinateSet()
        for c, value in enumerate(q):
            coordinates.get(c).setValue(self._state, float(value), False)
        self._model.realizePosition(self._state)

    def _points(self) -> tuple[Any, Any, F64, F64]:
        """First point of each muscle [n + 1], body, local position [P, 3] and direction in ground axes [P, 3]."""
        first, bodies, local, direction = [0], [], [], []
        for muscle in self._muscles:
            forces = self._osim.ArrayPointForceDirection()
            muscle.getGeometryPath().getPointForceDirections(self._state, forces)
            for i in range(forces.size()):
                item = forces.get(i)
                bodies.append(self._bodies[item.frame().getName()])
                point, way = item.point(), item.direction()
                local.append((point[0], point[1], point[2]))
                direction.append((way[0], way[1], way[2]))
            first.append(len(bodies))
        return np.array(first), np.array(bodies), np.array(local), np.array(direction)


@njit(cache=True)
def _statics(
    tree: Tree, functions: Functions, m: Motion, q: F64, points: tuple[Any, Any, F64, F64], knees: Any, below: Any,
    arm: F64, pull: F64,
) -> None:  # fmt: skip
    """Arms [n, C] and pulls [n, K, 6] of unit tension in every muscle, by the statics of the placed tree."""
    first, body, local, direction = points
    tau, nothing = np.zeros(q.size), np.zeros(3)
    for i in range(arm.shape[0]):
        m.force[:], m.moment[:] = 0.0, 0.0
        for k in range(first[i], first[i + 1]):
            b = body[k]
            point = m.origin[b].copy()
            for a in range(3):
                for c in range(3):
                    point[a] += m.rotation[b, a, c] * local[k, c]
            push(m, b, direction[k], point, nothing)
            for knee in range(knees.size):
                if below[knee, b]:
                    lever = point - m.centre[knees[knee]]
                    moment = np.zeros(3)
                    add_cross(lever, direction[k], moment)
                    for a in range(3):
                        for c in range(3):
                            axes = m.rotation[knees[knee] + 1, c, a]
                            pull[i, knee, a] += axes * direction[k, c]
                            pull[i, knee, 3 + a] += axes * moment[c]
        gather(tree, m, tau)
        reduce_coupled(tree, functions, q, tau)
        arm[i] = -tau


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


def fit(samples: Samples, ranges: F64, acts: Any, knees: list[int]) -> tuple[Basis, Rows, Rows, Any]:
    """Least squares on lengths and arms together; one basis per set of coordinates, its degree by held-out arms."""
    centre = ranges.mean(axis=1)
    spread = np.where(ranges[:, 1] > ranges[:, 0], 0.5 * (ranges[:, 1] - ranges[:, 0]), 1.0)
    groups: dict[tuple[int, ...], list[int]] = {}
    for i, row in enumerate(acts):
        groups.setdefault(tuple(np.flatnonzero(row)), []).append(i)
    builder = _Builder(centre, spread, knees)
    for span, muscles in groups.items():
        builder.add(samples, span, muscles)
    return builder.finish()


class _Builder:
    """Collects groups of muscles with their basis and coefficients."""

    def __init__(self, centre: F64, spread: F64, knees: list[int]) -> None:
        self._centre, self._spread, self._knees = centre, spread, knees
        self._spans: list[tuple[int, ...]] = []
        self._powers: list[Any] = []
        self._lengths: list[list[tuple[int, F64]]] = []
        self._pulls: list[list[tuple[int, F64]]] = []
        self._pull_joint: list[int] = []

    def add(self, samples: Samples, span: tuple[int, ...], muscles: list[int]) -> None:
        """Fit `muscles`, which all span the coordinates `span`, at the lowest degree that serves them."""
        c = list(span)
        x, spread = (samples.q[:, c] - self._centre[c]) / self._spread[c], self._spread[c]
        train = slice(None, POSES)
        for degree in DEGREES:
            powers = exponents(len(c), degree)
            value, slope = design(x, powers, spread)
            stack = np.concatenate([value[train], *(-slope[a][train] for a in range(len(c)))])
            target = np.concatenate(
                [samples.length[train][:, muscles], *(samples.arm[train][:, muscles, a] for a in c)]
            )
            solution = np.linalg.lstsq(stack, target, rcond=None)[0]
            error = [
                np.sqrt(
                    np.mean((-slope[a][POSES:] @ solution - samples.arm[POSES:][:, muscles, c[a]]) ** 2, axis=0)
                ).max()
                for a in range(len(c))
            ]
            if max(error, default=0.0) < ARM_ERROR_M:
                break
        self._spans.append(span)
        self._powers.append(powers)
        self._lengths.append([(muscle, solution[:, k]) for k, muscle in enumerate(muscles)])
        self._add_pulls(samples, value[train], muscles)

    def _add_pulls(self, samples: Samples, value: F64, muscles: list[int]) -> None:
        rows: list[tuple[int, F64]] = []
        for muscle in muscles:
            for k, joint in enumerate(self._knees):
                parts = samples.pull[: len(value), muscle, k]
                if np.abs(parts).max() == 0.0:
                    continue
                solution = np.linalg.lstsq(value, parts, rcond=None)[0]
                rows += [(muscle, solution[:, part]) for part in range(_PULL_PARTS)]
                self._pull_joint.append(joint)
        self._pulls.append(rows)

    def finish(self) -> tuple[Basis, Rows, Rows, Any]:
        """Everything as arrays."""
        width = max(len(span) for span in self._spans)
        span = np.full((len(self._spans), width), NONE)
        for g, coordinates in enumerate(self._spans):
            span[g, : len(coordinates)] = coordinates
        powers = [np.pad(p, ((0, 0), (0, width - p.shape[1]))) for p in self._powers]
        first = np.concatenate([[0], np.cumsum([len(p) for p in powers])]).astype(np.int64)
        dimension = np.array([len(s) for s in self._spans])
        basis = Basis(dimension, span, first, np.concatenate(powers), self._centre, self._spread)
        return basis, _rows(self._lengths), _rows(self._pulls), np.array(self._pull_joint, np.int64)


def _rows(groups: list[list[tuple[int, F64]]]) -> Rows:
    flat = [row for group in groups for row in group]
    first = np.concatenate([[0], np.cumsum([len(group) for group in groups])]).astype(np.int64)
    start = np.concatenate([[0], np.cumsum([len(c) for _, c in flat])[:-1]]).astype(np.int64)
    return Rows(first, np.array([muscle for muscle, _ in flat], np.int64), start, np.concatenate([c for _, c in flat]))
