"""Is the frame of the coordinates the model's (x along the walk, y against gravity)? Estimated while walking.

Three facts that hold over strides whatever the person does show the rotation between the two frames:
- feet that stand flat lie on one level line along the walk: its slope is the tilt (about z);
- the ground reaction passes through the centre of mass on average, as the mean rate of angular momentum is zero: its
  lever across the walk is the list (about x);
- a foot that carries the body moves backwards under it, on a belt and overground: its direction is the turn (about y).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, atan2, degrees, exp
from typing import Final

import numpy as np

from edge_runtime.types import F64, SIDES

MEMORY_S: Final = 10.0
READY_S: Final = 2.5
"""Time with weight on the feet before a verdict: two strides of slow walking."""
LIMITS_DEG: Final = (6.0, 6.0, 10.0)
"""Tilt, list, turn up to which the frame counts as the model's. On level ground and a frame that is right, the
training people come within 3, 2 and 2 degrees (`exo-edge evaluate grf` prints it for others)."""
LOADED: Final = 0.5  # share of the weight on a foot that stands
FLAT_RADPS: Final = 0.7  # a standing foot that turns more slowly is flat
LIST_SEEN: Final = 0.75
"""Share of a list that shows in the lever: the predicted centre of pressure leans with the pose. Mean over training
people turned by 5 degrees."""
SPAN_M: Final = 0.08  # twice the standard deviation of where flat feet lie, below which they show no line

AXES: Final = ("tilt", "list", "turn")


@dataclass(frozen=True, slots=True)
class Standing:
    """How the person stands in one frame, sides r and l: `ankles_m` [2, 3], the same from the pelvis `rel_m` [2, 3],
    `pitch_rad` [2] of the feet, `load` [2] shares of the weight on them; `lever_bw_m` moment of the ground reaction
    about x through the centre of mass over the weight, `height_m` of that centre over the feet, `frontal` whether the
    frontal plane is measured."""

    ankles_m: F64
    rel_m: F64
    pitch_rad: F64
    load: F64
    lever_bw_m: float
    height_m: float
    frontal: bool


class FrameCheck:
    """Rotation of the coordinates' frame against the model's: `angle_deg` [3] tilt, list, turn; NaN while not known.

    An angle is what one would have to turn the coordinates back by (right-handed about z, x, y). `reason` is "" or
    "frame_tilt", "frame_list", "frame_turn" for the axis farthest over its limit; `doubt` 0..1 grows from the limit to
    twice the limit.
    """

    def __init__(self) -> None:
        self.angle_deg = np.full(3, np.nan)
        self.reset()

    def reset(self) -> None:
        """Forget what was seen, as after the camera moved."""
        self._loaded_s = 0.0
        self._line = np.zeros(5)  # weight, x, y, xx, xy of flat feet
        self._lever, self._height = 0.0, 0.0
        self._back = np.zeros(2)
        self._origin_m = 0.0
        self._last: Standing | None = None
        self.angle_deg[:] = np.nan
        self.reason, self.doubt = "", 0.0

    def pause(self) -> None:
        """The next frame follows no other, as after a gap; what was seen stays."""
        self._last = None

    def step(self, dt_s: float, now: Standing) -> None:
        """Take one frame, `dt_s` after the last."""
        keep, last = exp(-dt_s / MEMORY_S), self._last
        self._line *= keep
        self._back *= keep
        self._lever = keep * self._lever + dt_s * now.lever_bw_m
        self._height = keep * self._height + dt_s * now.height_m * float(now.load.sum())
        if not self._line[0]:
            self._origin_m = float(now.ankles_m[0, 0])
        if last is not None and dt_s > 0.0:
            for leg in range(len(SIDES)):
                if min(now.load[leg], last.load[leg]) > LOADED:
                    self._stand(dt_s, now.ankles_m[leg], abs(now.pitch_rad[leg] - last.pitch_rad[leg]) / dt_s)
                    self._back += (now.rel_m[leg, [0, 2]] - last.rel_m[leg, [0, 2]]) * now.load[leg]
            if now.load.max() > LOADED:
                self._loaded_s += dt_s
        self._last = now
        if self._loaded_s >= READY_S:
            self._judge(now.frontal)

    def _stand(self, dt_s: float, ankle: F64, turning_radps: float) -> None:
        if turning_radps < FLAT_RADPS:
            x, y = float(ankle[0]) - self._origin_m, float(ankle[1])
            self._line += dt_s * np.array([1.0, x, y, x * x, x * y])

    def _judge(self, frontal: bool) -> None:
        n, x, y, xx, xy = self._line
        spread = xx / n - (x / n) ** 2 if n > 0.0 else 0.0
        known = spread > (0.5 * SPAN_M) ** 2
        self.angle_deg[0] = degrees(atan((xy / n - x * y / n**2) / spread)) if known else np.nan
        self.angle_deg[1] = degrees(self._lever / self._height) / LIST_SEEN if frontal else np.nan
        self.angle_deg[2] = degrees(atan2(self._back[1], -self._back[0])) if frontal else np.nan
        over = np.nan_to_num(np.abs(self.angle_deg) / LIMITS_DEG)
        worst = int(np.argmax(over))
        self.reason = f"frame_{AXES[worst]}" if over[worst] > 1.0 else ""
        self.doubt = float(np.clip(over[worst] - 1.0, 0.0, 1.0))
