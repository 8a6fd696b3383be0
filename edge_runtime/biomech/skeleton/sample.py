"""Samples muscle paths of an OpenSim model over its range of motion."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.biomech.skeleton.fit import HELD_OUT, POSES, PULL_PARTS, Fit, Samples, fit
from edge_runtime.biomech.skeleton.format import Functions, Names, Tree
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

_ACTS_M: Final = 1e-7  # a coordinate that never changes a length by more does not belong to the muscle's span
_SPAN_POSES: Final = 12
_TRANSLATIONAL: Final = 2  # OpenSim's Coordinate::MotionType
_WIDEST_M: Final = 0.05  # a sliding coordinate without a sensible range
_NUDGE: Final = 1e-4  # rad or m, for arms by difference

Progress = Callable[[int, int], None]
"""Called with poses measured, and poses in all."""


RANGE_DEG: Final = {
    "hip_flexion": (-30, 90), "hip_adduction": (-30, 25), "hip_rotation": (-30, 30), "knee_angle": (-5, 115),
    "ankle_angle": (-35, 30), "subtalar_angle": (-25, 25), "mtp_angle": (-30, 40), "lumbar_extension": (-40, 25),
    "lumbar_bending": (-25, 25), "lumbar_rotation": (-25, 25),
}  # fmt: skip
"""Range over which paths are fitted: walking, running, stairs, sit-to-stand. gait2392 counts knee flexion negative."""


def sample(
    opensim: Any, model: Any, state: Any, names: Names, tree: Tree, functions: Functions, seed: int, progress: Progress
) -> Fit:
    """Sample the paths of every muscle over its range of motion, and fit them."""
    ranges = _ranges(model, names, tree)
    probe = _Probe(opensim, model, state, names, tree, functions)
    poses = np.random.default_rng(seed).uniform(ranges[:, 0], ranges[:, 1], (POSES + HELD_OUT, len(ranges)))
    acts = probe.spans(poses[:_SPAN_POSES], ranges)
    return fit(probe.measure(poses, progress), ranges, acts, probe.knees)


def _ranges(model: Any, names: Names, tree: Tree) -> F64:
    """[C, 2] rad or m; zero for the pelvis and for coupled coordinates."""
    ranges = np.zeros((len(names.coordinates), 2))
    pelvis = set(tree.coordinate[0])
    for c, name in enumerate(names.coordinates):
        if c in pelvis or c in tree.coupled:
            continue
        coordinate = model.getCoordinateSet().get(c)
        low, high = coordinate.getRangeMin(), coordinate.getRangeMax()
        widest = _WIDEST_M if coordinate.getMotionType() == _TRANSLATIONAL else math.pi
        base = name.removesuffix("_r").removesuffix("_l")
        if base in RANGE_DEG:
            wanted = np.radians(RANGE_DEG[base])
            if base == "knee_angle" and low < -math.pi / 4:
                wanted = -wanted[::-1]
            low, high = wanted
        ranges[c] = max(low, -widest), min(high, widest)
    return ranges


class _Probe:
    """Reads lengths and point forces of every path, and turns them into arms and pulls by the tree's own statics."""

    def __init__(self, opensim: Any, model: Any, state: Any, names: Names, tree: Tree, functions: Functions) -> None:
        self._osim, self._model, self._state, self._names = opensim, model, state, names
        self._tree, self._functions, self._motion = tree, functions, new_motion(tree)
        self._bodies = {name: b for b, name in enumerate(("ground", *names.bodies))}
        muscles = model.getMuscles()
        self._muscles = [muscles.get(i) for i in range(muscles.getSize())]
        self._gliding = self._moving_points()
        for c in range(len(names.coordinates)):
            model.getCoordinateSet().get(c).setLocked(state, False)  # a locked coordinate takes no value
        self.knees = [j for j, body in enumerate(names.bodies) if body.startswith("tibia")]
        self._below = np.array([self._carried(j + 1) for j in self.knees])  # [K, B] bool

    def _carried(self, body: int) -> Any:
        found = np.arange(len(self._tree.parent) + 1) == body
        for j, parent in enumerate(self._tree.parent):
            found[j + 1] |= found[parent]
        return found

    def _moving_points(self) -> dict[int, list[int]]:
        """Coordinates that shift a point of the path in its body, by muscle: statics alone misses the work of that."""
        found: dict[int, set[int]] = {}
        for i, muscle in enumerate(self._muscles):
            points = muscle.getGeometryPath().getPathPointSet()
            for k in range(points.getSize()):
                point = self._osim.MovingPathPoint.safeDownCast(points.get(k))
                for get in ("getXCoordinate", "getYCoordinate", "getZCoordinate") if point else ():
                    name = getattr(point, get)().getName()
                    found.setdefault(i, set()).add(self._names.coordinates.index(name))
        drivers = dict(zip(self._tree.coupled.tolist(), self._tree.driver.tolist(), strict=True))
        return {i: sorted({drivers.get(c, c) for c in coordinates}) for i, coordinates in found.items()}

    def measure(self, poses: F64, progress: Progress) -> Samples:
        """Everything at every pose [N, C]."""
        n, count = len(self._muscles), len(poses)
        length, arm = np.zeros((count, n)), np.zeros((count, n, poses.shape[1]))
        pull = np.zeros((count, n, len(self.knees), PULL_PARTS))
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
            self._difference(q, arm[k])
            progress(k + 1, count)
        return Samples(poses, length, arm, pull)

    def _difference(self, q: F64, arm: F64) -> None:
        """Arms [n, C] of muscles with moving points, from lengths on both sides of `q`."""
        for c in sorted({c for coordinates in self._gliding.values() for c in coordinates}):
            slope = (self._lengths(q, c, q[c] + _NUDGE) - self._lengths(q, c, q[c] - _NUDGE)) / (2 * _NUDGE)
            for i, coordinates in self._gliding.items():
                if c in coordinates:
                    arm[i, c] = -slope[i]

    def spans(self, poses: F64, ranges: F64) -> Any:
        """[n, C] bool: which coordinates change which lengths; by length, as arms of double wraps are not exact."""
        acts = np.zeros((len(self._muscles), poses.shape[1]), np.bool_)
        for q in poses:
            for c in np.flatnonzero(ranges[:, 1] > ranges[:, 0]).tolist():
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
