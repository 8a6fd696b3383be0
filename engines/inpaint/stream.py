"""Legs frame by frame: remembers what was seen, and turns fills into motion that goes on without steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.grf.features import COORDINATES, F64, Mask
from engines.inpaint.engine import AHEAD_S, Fill
from engines.inpaint.window import LEG_JOINTS, LEGS, PAST, STEP_S

LONGEST_S: Final = 1.0
"""A leg unseen for longer is not filled: nothing then says that it still moves as before."""

OTHER_LEG_S: Final = 0.3
"""A joint is filled only while the other leg's was seen this recently: the network learnt on no more."""

PULL_S: Final = 0.03
"""How fast the motion is drawn to newer fills. The ground reaction rests on accelerations: taken as they come, fills
cost up to three times as much there on held-out walking; followed more slowly than this, running suffers."""

COASTING_SD_RAD: Final = 0.03
"""Deviation of a joint that goes on as it moved, for the one or two frames until its first fill is there."""

_MEMORY: Final = 512
_MEMORY_S: Final = PAST * STEP_S + 0.1


@dataclass(frozen=True, slots=True)
class TimedFill:
    """A fill and the capture time of the newest frame it rests on."""

    t_ns: int
    fill: Fill


@dataclass(frozen=True, slots=True)
class Continued:
    """All coordinates [16] of one frame: `q`, `qd`, `qdd` and `sd` as given where observed.

    Where `inferred` they go on from what was seen, towards the fill, with its deviation. What is neither is hidden.
    """

    q: F64
    qd: F64
    qdd: F64
    sd: F64
    inferred: Mask


class LegStream:
    """One wearer's legs, one `step` per camera frame."""

    def __init__(self) -> None:
        self._t_ns = np.zeros(_MEMORY, dtype=np.int64)
        self._q = np.zeros((_MEMORY, len(COORDINATES)))
        self._state = np.zeros((3, 2 * LEG_JOINTS))  # value, rate, acceleration
        self.reset()

    def reset(self) -> None:
        """Forget the wearer."""
        self._end = 0
        self._unseen_s = np.full(2 * LEG_JOINTS, np.inf)
        self._given = np.zeros(2 * LEG_JOINTS, dtype=np.bool_)  # in the last frame, seen or inferred
        self._state[:] = 0.0

    @property
    def lacking(self) -> bool:
        """Whether a joint that was seen before is not seen now, and a fill would be of use."""
        return bool(((self._unseen_s > 0.0) & (self._unseen_s <= LONGEST_S)).any())

    def unseen_s(self, inferred: Mask) -> F64:
        """For how long each leg [2] has not been seen, s, as far as its joints are `inferred` [16]; else 0."""
        waited = np.where(inferred[LEGS], self._unseen_s, 0.0)
        longest: F64 = waited.reshape(2, LEG_JOINTS).max(axis=1)
        return longest

    def recent(self) -> tuple[F64, F64]:
        """Times [N] s up to 0 and coordinates [N, 16], NaN where hidden, of the last 1.5 s: for `Inpainter.fill`."""
        t_s = (self._t_ns[: self._end] - self._t_ns[self._end - 1]) * 1e-9
        first = int(np.searchsorted(t_s, -_MEMORY_S))
        return t_s[first:], self._q[first : self._end].copy()

    def step(self, t_ns: int, motion: tuple[F64, F64, F64, F64], observed: Mask, newest: TimedFill | None) -> Continued:
        """Take in a frame: `motion` q, qd, qdd and sd [16] each, `observed` [16]; give it with hidden legs filled.

        Frames come in order. A fill older than `AHEAD_S` is of no use.
        """
        dt_s = (t_ns - int(self._t_ns[self._end - 1])) * 1e-9 if self._end else 0.0
        self._remember(t_ns, np.where(observed, motion[0], np.nan))
        seen = observed[LEGS]
        self._unseen_s = np.where(seen, 0.0, self._unseen_s + dt_s)
        there, sd = self._follow(t_ns, dt_s, newest)
        for row, given in zip(self._state, motion[:3], strict=True):
            row[seen] = given[LEGS][seen]
        self._given = seen | there
        inferred = np.zeros(len(observed), dtype=np.bool_)
        inferred[LEGS] = there & ~seen
        q, qd, qdd, deviation = (part.copy() for part in motion)
        for part, found in zip((q, qd, qdd, deviation), (*self._state, sd), strict=True):
            part[inferred] = found[inferred[LEGS]]
        return Continued(q, qd, qdd, deviation, inferred)

    def _remember(self, t_ns: int, q: F64) -> None:
        if self._end == _MEMORY:  # a faster stream than 300 Hz keeps a shorter history
            kept = _MEMORY // 2
            self._t_ns[:kept], self._q[:kept] = self._t_ns[kept:].copy(), self._q[kept:].copy()
            self._end = kept
        self._t_ns[self._end], self._q[self._end] = t_ns, q
        self._end += 1

    def _follow(self, t_ns: int, dt_s: float, newest: TimedFill | None) -> tuple[Mask, F64]:
        """Move the state on by `dt_s`; which joints [10] the fill speaks for, and their deviation.

        A state that was not given on was led by nothing and is nowhere near the leg: it begins at the fill.
        """
        value, rate, acceleration = self._state
        value += rate * dt_s + 0.5 * acceleration * dt_s**2
        rate += acceleration * dt_s
        other = np.roll(self._unseen_s, LEG_JOINTS)
        near = (self._unseen_s <= LONGEST_S) & (other <= OTHER_LEG_S)
        age_s = np.inf if newest is None else (t_ns - newest.t_ns) * 1e-9
        if newest is None or not 0.0 <= age_s <= AHEAD_S + 1e-6:
            return near & (self._unseen_s <= AHEAD_S), np.full(len(value), COASTING_SD_RAD)
        found, speed, change, sd = newest.fill.near(age_s)
        there = near & np.isfinite([found, speed, change, sd]).all(axis=0)
        gain = np.where(self._given, 1.0 - np.exp(-dt_s / PULL_S), 1.0)
        for part, goal in ((value, found), (rate, speed), (acceleration, change)):
            part[there] += (gain * (goal - part))[there]
        return there, np.where(there, sd, 0.0)
