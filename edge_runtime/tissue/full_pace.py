"""The full model of one leg at the pace of the observer's frames, one frame late: a smooth path takes the next one."""

from __future__ import annotations

from typing import Final, NamedTuple

from edge_runtime.tissue.geometry import Phantom, SegmentName
from edge_runtime.tissue.long_step import LongStepModel
from edge_runtime.tissue.simulate import FullModel, Reading
from edge_runtime.types import F64

STEPS: Final = 4
"""Of a frame, whatever its length; what they err `exo-edge bench tissue --part observer_ms` prints."""


class _Frame(NamedTuple):
    """What was measured, and the time since the frame before it."""

    torque_nm: float
    knee_rad: float
    dt_s: float


class Turn(NamedTuple):
    """A knee's angle and rate at one instant."""

    rad: float
    radps: float


class FullPace:
    """Steps the full model from frame to frame.

    In between, torque is a straight line and the knee follows a cubic B-spline of the frames' angles: its acceleration,
    which moves the device's inertia, has no ripple. It passes by a frame's angle by a sixth of their second difference.
    """

    def __init__(self, phantom: Phantom, steps: int = STEPS) -> None:
        self._model, self._steps = LongStepModel(phantom), steps
        self.reset()

    @property
    def full(self) -> FullModel:
        """The model underneath, for its meshes and elements."""
        return self._model.full

    def reset(self) -> None:
        """Straight knee, no torque, nothing moves."""
        self._now = self._model.start()
        self._before = self._last = _Frame(0.0, 0.0, 0.0)

    def rest(self, torque_nm: float, knee_rad: float) -> None:
        """At rest there. Raises UserError where there is none."""
        self._now = self._model.rest(knee_rad, torque_nm)
        self._before = self._last = _Frame(torque_nm, knee_rad, 0.0)

    def step(self, torque_nm: float, knee_rad: float, dt_s: float) -> Reading:
        """Take in a frame that is `dt_s` after the last one; the state at the last one."""
        before, last = self._before, self._last
        self._before, self._last = last, _Frame(torque_nm, knee_rad, dt_s)
        if last.dt_s > 0.0:
            to = knot(before.knee_rad, last.knee_rad, knee_rad, last.dt_s, dt_s)
            self._advance(last.dt_s, last.torque_nm, to)
        return self._now

    def points_m(self, name: SegmentName) -> F64:
        """Tissue nodes [n, 3] in the world, of the last reading."""
        return self._model.points_m(name)

    def _advance(self, length_s: float, torque_nm: float, to: Turn) -> None:
        begin = self._now
        for i in range(self._steps):
            share = (i + 1) / self._steps
            knee = between(Turn(begin.knee_rad, begin.knee_radps), to, length_s, share)
            now_nm = begin.motor_nm + share * (torque_nm - begin.motor_nm)
            self._now = self._model.step(length_s / self._steps, now_nm, *knee)


def knot(before_rad: float, rad: float, after_rad: float, before_s: float, after_s: float) -> Turn:
    """Of the spline at a frame, from its angle and those of the frames `before_s` earlier and `after_s` later."""
    rate = (after_rad - before_rad) / (before_s + after_s)
    return Turn((2.0 * rad + before_rad + before_s * rate) / 3.0, rate)


def between(begin: Turn, end: Turn, length_s: float, share: float) -> Turn:
    """On the cubic between two instants `length_s` apart, at that share of the way."""
    rest, way = 1.0 - share, end.rad - begin.rad
    angle = begin.rad + share**2 * (3.0 - 2.0 * share) * way
    angle += length_s * share * rest * (rest * begin.radps - share * end.radps)
    rate = 6.0 * share * rest * way / length_s
    rate += rest * (1.0 - 3.0 * share) * begin.radps + share * (3.0 * share - 2.0) * end.radps
    return Turn(angle, rate)
