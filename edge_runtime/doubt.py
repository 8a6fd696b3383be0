"""Doubt about a frame's estimates or an interface: how much of the help it takes away from each leg, and why."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from edge_runtime.tissue.watch import CAUSES as TISSUE_CAUSES
from edge_runtime.types import F64, SIDES

_FRAME_CAUSES: Final = (
    "", "solve_capped", "solve_late", "reserve", "leg_inferred", "unfamiliar", "unphysical", "frame_tilt",
    "frame_list", "frame_turn", "encoder",
)  # fmt: skip
CAUSES: Final = (*_FRAME_CAUSES, *TISSUE_CAUSES[1:])
"""Why there is doubt, strongest first; a row carries the index. Each has a page docs/reasons/<cause>.md."""

TISSUE_CAUSE: Final = len(_FRAME_CAUSES) - 1
"""What makes an index into `edge_runtime.tissue.watch.CAUSES` one into ours."""

KNEE_PEAK_NM_PER_KG: Final = 0.5
"""Peak knee moment of a stride of level walking over body mass: median over the strides of one minute on a treadmill
(Uhlrich et al. 2022, inverse dynamics of its authors), 0.50 right and 0.59 left."""
RESERVE_FULL: Final = 0.10
"""Reserves up to this share of the peak moment are no doubt: OpenSim's own rule for a good simulation (OpenSim
documentation, "Reserves and residuals": typically less than 10 % of the peak joint torque)."""
RESERVE_NONE: Final = 0.30
"""From this share on, three times that rule, nothing is left; linear between. A decision, not a measurement."""

INFERRED_FULL_S: Final = 0.1
"""A leg inferred for less than this (`biomech.occlusion`) is no doubt: one leg hides the other for that long."""
INFERRED_NONE_S: Final = 1.0
"""From here on nothing is left, linear between: no step where the leg is given up. A decision, not a measurement."""

_ALL: Final = np.ones(len(SIDES))
_NOTHING: Final = np.zeros(len(SIDES))


class Doubt(NamedTuple):
    """`share` [2] of the help to take away, 0..1, sides in `SIDES` order, and why: an index into `CAUSES`."""

    share: F64
    cause: int


NO_DOUBT: Final = Doubt(_NOTHING, 0)


def described(doubt: Doubt) -> str:
    """For people: which leg is doubted, by how much, and why."""
    legs = [f"{side} {share:.0%}" for side, share in zip(SIDES, doubt.share.tolist(), strict=True) if share > 0.0]
    return f"{CAUSES[doubt.cause]}: {', '.join(legs)}" if legs else "none"


def inferred_doubt(inferred_s: F64) -> Doubt:
    """Doubt about legs which have been inferred, not seen, for `inferred_s` [2] seconds, 0 where seen."""
    lost = _whole_where_unknown((inferred_s - INFERRED_FULL_S) / (INFERRED_NONE_S - INFERRED_FULL_S))
    return Doubt(lost, CAUSES.index("leg_inferred")) if lost.any() else NO_DOUBT


def encoder_doubt(contradicts: npt.NDArray[np.bool_]) -> Doubt:
    """Doubt about legs [2] whose encoder says otherwise than the camera: which of them errs is not known."""
    return Doubt(contradicts * _ALL, CAUSES.index("encoder")) if contradicts.any() else NO_DOUBT


def whole_body_doubt(share: float, cause: str) -> Doubt:
    """The same `share` of both legs' help, for a `cause` of `CAUSES`; none where the share is 0."""
    known = _whole_where_unknown(share * _ALL)
    return Doubt(known, CAUSES.index(cause or "unphysical")) if known.any() else NO_DOUBT


def worse(a: Doubt, b: Doubt) -> Doubt:
    """Of each leg the larger share of both; the cause of the one that takes more, `a`'s where they are alike."""
    first, second = _whole_where_unknown(a.share), _whole_where_unknown(b.share)
    return Doubt(np.maximum(first, second), b.cause if second.max() > first.max() else a.cause)


def _whole_where_unknown(share: F64) -> F64:
    """`share` within 0..1; a share that is no number takes everything away."""
    return np.clip(np.where(np.isnan(share), 1.0, share), 0.0, 1.0)


class SolveWatch:
    """Judges the solves of one stream of frames for a wearer of `mass_kg`.

    `budget_ns` is what the musculoskeletal part of a frame may take; `late_frames` over it in a row are a doubt. `late`
    tells whether the last frame was over.
    """

    def __init__(self, mass_kg: float, budget_ns: int, late_frames: int) -> None:
        self._peak_nm = KNEE_PEAK_NM_PER_KG * mass_kg
        self._budget_ns, self._late_frames = budget_ns, late_frames
        self.reset()

    def reset(self) -> None:
        """Forget the frames so far."""
        self.late, self._in_a_row = False, 0

    def judge(self, knee_reserve_nm: F64, capped: bool, spent_ns: int) -> Doubt:
        """Doubt about a frame whose knees' reserves [2] (Nm) are these and that took `spent_ns` by the wall clock."""
        self.late = spent_ns > self._budget_ns
        self._in_a_row = self._in_a_row + 1 if self.late else 0
        if capped:
            return Doubt(_ALL, CAUSES.index("solve_capped"))
        if self._in_a_row >= self._late_frames:
            return Doubt(_ALL, CAUSES.index("solve_late"))
        excess = np.abs(knee_reserve_nm) / self._peak_nm - RESERVE_FULL
        share = _whole_where_unknown(excess / (RESERVE_NONE - RESERVE_FULL))
        return Doubt(share, CAUSES.index("reserve") if share.any() else 0)
