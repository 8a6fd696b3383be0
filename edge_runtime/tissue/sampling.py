"""Cuff poses to identify a tissue from, and their equilibria, kept in a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np

from edge_runtime.errors import UserError
from edge_runtime.tissue.energy import PAIRS
from edge_runtime.tissue.geometry import SegmentName
from edge_runtime.tissue.pose_store import PoseStore, Solved
from edge_runtime.tissue.static import CuffStatics
from edge_runtime.types import F64

Show = Callable[[Iterable[int], int, str], Iterator[int]]
"""Passes numbers on while it shows how many of how many are through: `edge_runtime.progress.progress`."""

WHOLE_DET_F: Final = 0.4
"""Poses with a smaller volume ratio count as crushed: a little below 0.5, where the elements stop to be trusted."""


def spread(count: int, reach: F64) -> F64:
    """Poses [count, 3] evenly in the ellipsoid of half axes `reach`: Roberts' additive sequence, so always the same."""
    root = 1.2207440846057596  # root of x^4 = x + 1 (Roberts 2018, quasirandom sequences)
    u = (0.5 + np.arange(1, count + 1)[:, None] * root ** -np.arange(1.0, 4.0)) % 1.0
    cosine, around, radius = 2.0 * u[:, 0] - 1.0, 2.0 * np.pi * u[:, 1], u[:, 2] ** 0.5
    sine = np.sqrt(1.0 - cosine**2)
    ball = radius[:, None] * np.stack([sine * np.cos(around), sine * np.sin(around), cosine], axis=1)
    return _near_to_near(ball) * reach


def _near_to_near(ball: F64) -> F64:
    """The same points in an order in which each is near the one before: equilibria are then found in fewer steps."""
    left, path = list(range(len(ball))), []
    here = np.zeros(3)
    while left:
        nearest = min(left, key=lambda i: float(np.sum((ball[i] - here) ** 2)))
        left.remove(nearest)
        path.append(nearest)
        here = ball[nearest]
    return ball[path]


def solve_all(
    name: SegmentName, statics: CuffStatics, poses: F64, store: PoseStore, show: Show, label: str = ""
) -> list[Solved | None]:
    """Equilibria at poses [n, 3], in that order; those in the store are taken from there."""
    keys = [f"{name}{label} " + " ".join(f"{v:.9g}" for v in pose) for pose in poses]
    statics.reset()
    for i in show(range(len(poses)), len(poses), f"{name} cuff{label}"):
        if keys[i] not in store:
            store.put(keys[i], _solve(statics, poses[i]))
    return [store[key] for key in keys]


def _solve(statics: CuffStatics, pose: F64) -> Solved | None:
    """From the last equilibrium; where that fails from rest, in small steps; None where the tissue is crushed."""
    try:
        found = statics.solve(pose)
    except UserError:
        statics.reset()
        try:
            found = [statics.solve(share * pose) for share in (0.25, 0.5, 0.75, 1.0)][-1]
        except UserError:
            statics.reset()
            return None
    loss = statics.loss()
    row = tuple(float(loss[i, j]) for i, j in PAIRS)
    return Solved(tuple(map(float, found.load)), found.min_det_f, row)


class Whole(NamedTuple):
    """Poses at which the tissue is not crushed [n, 3], the loads that hold them [n, 3], the loss matrices [n, 6]."""

    poses: F64
    loads: F64
    loss: F64


def whole(poses: F64, answers: list[Solved | None]) -> Whole:
    """Of poses [m, 3] and their answers those at which the tissue is not crushed."""
    rows = [i for i, a in enumerate(answers) if a is not None and a.min_det_f >= WHOLE_DET_F]
    found = [a for i in rows if (a := answers[i]) is not None]
    loads, loss = np.array([a.load for a in found]), np.array([a.loss for a in found])
    return Whole(poses[rows], loads.reshape(-1, 3), loss.reshape(-1, 6))
