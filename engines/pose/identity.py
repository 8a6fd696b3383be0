"""Whether the person in view is still the wearer: how they move, how tall they are, how they look."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from engines.pose.appearance import unlike
from engines.pose.result import F64

MEMORY_NS: Final = 800_000_000
RECENT_NS: Final = 250_000_000
"""Where the wearer is expected follows from a line through the hips of the memory less the recent: who slides over to
somebody else within the recent part cannot bend the expectation. Own choice."""

MAX_OFF: Final = 0.45
"""Hips so far from where they are expected are somebody else's; unit: radius of the circle around the body, about
0.95 m. Turning round at walking speed (2.6 m/s within a second) is 0.4. Own choice."""

MAX_JUMP: Final = 0.1
"""From one frame to the next, beyond uniform motion, same unit: a sudden step aside means that somebody came between.
Measured on a walker at 30 frames per second: at most 0.08."""

RETURN_OFF: Final = 0.2
"""After such a step the hips must be this near to where the wearer is expected. Measured on a walker: at most 0.15."""

SIZE_RANGE: Final = (0.7, 1.4)
"""Of the wearer's usual size in the picture; also after 2 s. Own choice."""

LOOK_LIMIT: Final = 0.47
RETURN_LIMIT: Final = 0.46
"""How unlike their usual look (`appearance.unlike`) the wearer may be while followed, and to be taken up again.
Measured on two people in poor light: the same person 0.19 (at most 0.41), after 2 s 0.38 (at most 0.45), the other
one at least 0.49."""

LOOK_MARGIN: Final = 0.05
OFF_MARGIN: Final = 0.5
"""Of two people who could both be the wearer, one must look more like them or be nearer to where they are expected by
so much; else nobody is taken. Own choice."""

LOOK_TAU_NS: Final = 700_000_000
"""The look follows slow changes of light with this time constant. Own choice."""

REACH: Final = 0.6
REACH_PER_S: Final = 0.8
REACH_MAX_S: Final = 4.0
"""After a loss the wearer may be found so far from where they are expected, growing with time. Own choice."""

COAST_MAX_S: Final = 2.5
"""How long the expectation goes on along its line; afterwards it stands still. Own choice."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person as landmarks show them: hip centre [2] px, radius of the circle around the body px, `looks`."""

    hips_px: F64
    radius_px: float
    looks: F64


class Identity:
    """Memory of the wearer. Times in ns on the capture clock; nothing is known before the first `accept`."""

    def __init__(self) -> None:
        self._trace: deque[tuple[int, F64]] = deque()
        self._looks: F64 | None = None
        self._radius_px = 0.0
        self._last_ns = 0

    @property
    def known(self) -> bool:
        """Whether there is a wearer to compare with."""
        return self._looks is not None

    def accept(self, seen: Sighting, t_ns: int, looked: bool) -> None:
        """This is the wearer at `t_ns`; `looked` where `seen.looks` was taken now and may be learned."""
        dt_ns = max(0, t_ns - self._last_ns) if self.known else 0
        share = 1.0 - float(np.exp(-dt_ns / LOOK_TAU_NS))
        if self._looks is None:
            self._looks, self._radius_px = seen.looks.copy(), seen.radius_px
        elif looked:
            self._looks = self._looks + share * (seen.looks - self._looks)
        self._radius_px += share * (seen.radius_px - self._radius_px)
        self._last_ns = t_ns
        self._trace.append((t_ns, seen.hips_px.copy()))
        while self._trace[0][0] < t_ns - MEMORY_NS:
            self._trace.popleft()

    def restart_motion(self) -> None:
        """The wearer was found again elsewhere: their path begins anew, their look and size stay."""
        self._trace.clear()

    def distrust_recent(self) -> None:
        """What the last quarter of a second showed may have been somebody else: expect as if it had not been seen."""
        while len(self._trace) > 1 and self._trace[-1][0] > self._last_ns - RECENT_NS:
            self._trace.pop()
        if self._trace:
            self._last_ns = self._trace[-1][0]

    @property
    def radius_px(self) -> float:
        """Usual radius of the circle around the wearer's body."""
        return self._radius_px

    def expected_px(self, t_ns: int) -> F64:
        """Hips [2] expected at `t_ns`."""
        old = [(t, p) for t, p in self._trace if t <= self._last_ns - RECENT_NS]
        if not old or old[-1][0] - old[0][0] < 0.9 * RECENT_NS:  # too short for a line
            old = list(self._trace)
        times = np.array([(t - self._last_ns) * 1e-9 for t, _ in old])
        points = np.array([p for _, p in old])
        centre, spread = times.mean(), float(((times - times.mean()) ** 2).sum())
        speed = ((times - centre)[:, None] * points).sum(axis=0) / spread if spread > 1e-4 else np.zeros(2)
        ahead_s = min((t_ns - self._last_ns) * 1e-9, COAST_MAX_S)
        return np.asarray(points.mean(axis=0) + speed * (ahead_s - centre))

    def off(self, seen: Sighting, t_ns: int) -> float:
        """Distance from where the wearer is expected, in radii of the body's circle."""
        return float(np.hypot(*(seen.hips_px - self.expected_px(t_ns)))) / self._radius_px

    def moves_otherwise(self, seen: Sighting, t_ns: int) -> bool:
        """True where this cannot be the wearer who was seen up to the last frame; never before the path is known."""
        if not self._trace or self._last_ns - self._trace[0][0] < 2 * RECENT_NS:
            return False
        jump = float(np.hypot(*(seen.hips_px - self._near_px(t_ns)))) / self._radius_px
        return jump > MAX_JUMP or self.off(seen, t_ns) > MAX_OFF or not self.size_fits(seen)

    def size_fits(self, seen: Sighting) -> bool:
        """Whether they are as tall in the picture as the wearer was."""
        return SIZE_RANGE[0] <= seen.radius_px / self._radius_px <= SIZE_RANGE[1]

    def unlike(self, seen: Sighting) -> float:
        """How unlike the wearer they look, 0..1."""
        assert self._looks is not None
        return unlike(self._looks, seen.looks)

    def reach_px(self, t_ns: int) -> float:
        """How far from where they are expected the wearer, lost since they were last seen, can have come."""
        if not self._trace:
            return float("inf")
        lost_s = (t_ns - self._last_ns) * 1e-9
        return (REACH + REACH_PER_S * lost_s) * self._radius_px if lost_s <= REACH_MAX_S else float("inf")

    def in_reach(self, hips_px: F64, t_ns: int) -> bool:
        """Whether the wearer can have come there."""
        reach_px = self.reach_px(t_ns)
        return math.isinf(reach_px) or float(np.hypot(*(hips_px - self.expected_px(t_ns)))) <= reach_px

    def choose(self, people: list[Sighting], t_ns: int) -> int | None:
        """Index of the one among `people` who is the wearer by evidence, None where nobody surely is."""
        fits = [
            (self.unlike(seen), self.off(seen, t_ns) if self._trace else 0.0, i)
            for i, seen in enumerate(people)
            if self.size_fits(seen) and self.in_reach(seen.hips_px, t_ns) and self.unlike(seen) <= RETURN_LIMIT
        ]
        if not fits:
            return None
        fits.sort()
        best = fits[0]
        for other in fits[1:]:
            if other[0] - best[0] >= LOOK_MARGIN:
                continue
            if abs(other[1] - best[1]) < OFF_MARGIN:
                return None
            best = min(best, other, key=lambda one: one[1])
        return best[2]

    def _near_px(self, t_ns: int) -> F64:
        """Hips expected from the last two frames."""
        last_ns, last = self._trace[-1]
        if len(self._trace) < 2:
            return last
        before_ns, before = self._trace[-2]
        speed = (last - before) / max(1, last_ns - before_ns)
        return np.asarray(last + speed * min(t_ns - last_ns, RECENT_NS))
