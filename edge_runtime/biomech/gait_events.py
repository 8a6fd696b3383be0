"""Heel strike, toe-off, stance and gait phase of each leg from the contact probability, causal."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_runtime.types import F64, SIDES

STRIKE_ABOVE: Final = 0.6
LIFT_BELOW: Final = 0.4
"""Contact probability at which a foot comes down and leaves; between them the last state holds."""
STRIDE_S: Final = (0.4, 2.5)
"""Shortest and longest time between two strikes of one foot that counts as a stride (sprint; very slow walking)."""
LATE: Final = 1.5
"""Strides after the last strike at which the leg counts as stopped: no phase any more."""


class GaitEvents:
    """Follows both legs, sides r and l; arrays [2] are reused by every `step`.

    `stance` whether the foot is down, `struck` and `lifted` True on the frame of the event, `phase` 0..1 since the last
    strike by the last stride's length (1 where the next strike is overdue; NaN before a whole stride and where the leg
    has stopped), `stride_s` that length (NaN before).
    """

    def __init__(self) -> None:
        size = len(SIDES)
        self.stance, self.struck, self.lifted = (np.zeros(size, np.bool_) for _ in range(3))
        self.phase, self.stride_s = np.full(size, np.nan), np.full(size, np.nan)
        self._strike_ns = np.zeros(size, np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget the gait, as after a gap: the next frame's state is no event."""
        self._begun = False
        self._counts = [False] * len(SIDES)
        for flags in (self.stance, self.struck, self.lifted):
            flags[:] = False
        self.phase[:], self.stride_s[:] = np.nan, np.nan

    def step(self, t_ns: int, contact: F64) -> None:
        """Take the contact probabilities [2] of the frame at `t_ns`."""
        for leg in range(len(SIDES)):
            was = bool(self.stance[leg])
            now = bool(contact[leg] > STRIKE_ABOVE or (was and contact[leg] >= LIFT_BELOW))
            self.stance[leg] = now
            self.struck[leg] = self._begun and now and not was
            self.lifted[leg] = self._begun and was and not now
            if self.struck[leg]:
                self._strike(leg, t_ns)
            self._advance(leg, t_ns)
        self._begun = True

    def _strike(self, leg: int, t_ns: int) -> None:
        stride_s = (t_ns - int(self._strike_ns[leg])) * 1e-9
        known = self._counts[leg] and STRIDE_S[0] <= stride_s <= STRIDE_S[1]
        self.stride_s[leg] = stride_s if known else np.nan
        self._counts[leg], self._strike_ns[leg] = True, t_ns

    def _advance(self, leg: int, t_ns: int) -> None:
        if np.isnan(self.stride_s[leg]):
            self.phase[leg] = np.nan
            return
        share = (t_ns - int(self._strike_ns[leg])) * 1e-9 / float(self.stride_s[leg])
        self.phase[leg] = min(share, 1.0) if share <= LATE else np.nan

    def code(self) -> npt.NDArray[np.float64]:
        """Per leg [2]: 1 on a heel strike, -1 on a toe-off, else 0."""
        return self.struck.astype(np.float64) - self.lifted.astype(np.float64)
