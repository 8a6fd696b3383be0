"""A leg that the camera lost: its joints are inferred beside the tick, marked, and given up after a second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from edge_runtime.biomech.kinematics import TRACKED
from edge_runtime.types import COORDINATES, F64, Kinematics
from engines.beside import Placement
from engines.inpaint import Fill
from engines.inpaint.stream import LegStream, TimedFill

_TRACKED: Final = np.isin(COORDINATES, TRACKED)
_GRAVITY_MPS2: Final = 9.80665  # ISO 80000-3
FILL_TICKS: Final = 1
"""Frames that a fill takes where time is virtual; measured beside a camera of 60 Hz it takes less than one."""


class Inpainting(Protocol):
    """Fills hidden legs (engines.inpaint.Inpainter)."""

    @property
    def force_sd_bw_per_rad(self) -> F64:
        """What a filled leg adds to the deviation of the ground reaction [3], body weights per rad of its own."""

    def fill(self, t_s: F64, q: F64) -> Fill:
        """Joints of the legs from frames at `t_s` [N], the last one now, with `q` [N, 16], NaN where hidden."""


@dataclass(frozen=True, slots=True)
class _Request:
    t_ns: int
    t_s: F64
    q: F64


class OcclusionFill:
    """Replaces leg joints that the camera does not see by inferred ones, one `step` per frame, without waiting.

    A joint goes on as it moved until its first fill arrives, a frame or two later. Both legs hidden, a leg unseen for
    more than a second, or a fill that comes too late leave the kinematics as they are: invalid with reason "hidden"
    once the filter has given up. Of the last step: `inferred_s` [2] for how long each leg has been inferred, 0 where it
    is seen; `fill_ms` what a fill that it collected took, NaN without one.
    """

    def __init__(self, inpainter: Inpainting, beside: Placement) -> None:
        self._inpainter = inpainter
        self._stream = LegStream()
        self._beside = beside(self._fill, FILL_TICKS)
        self._newest: TimedFill | None = None
        self._asked = self._first_ticket = 0
        self.fill_ms = float("nan")
        self.inferred_s: F64 = np.zeros(2)

    def reset(self) -> None:
        """Forget the wearer, and what is being computed."""
        self._stream.reset()
        self._newest = None
        self.inferred_s = np.zeros(2)
        self._first_ticket = self._asked + 1

    def close(self) -> None:
        """End the worker."""
        self._beside.close()

    def step(self, k: Kinematics) -> Kinematics:
        """The same kinematics where all is seen; else with hidden joints of one leg filled and marked `inferred`."""
        reply = self._beside.poll()
        self.fill_ms = float("nan") if reply is None else reply.elapsed_ms
        if reply is not None and reply.ticket >= self._first_ticket:
            self._newest = reply.answer
        self.inferred_s = np.zeros(2)
        if not k.valid and k.reason != "hidden":
            return k
        going_on = self._stream.step(k.t_capture_ns, (k.q, k.qd, k.qdd, k.sd), k.observed, self._newest)
        if self._stream.lacking:
            self._asked = self._beside.submit(_Request(k.t_capture_ns, *self._stream.recent()))
        if not going_on.inferred.any():
            return k
        self.inferred_s = self._stream.unseen_s(going_on.inferred)
        valid = k.valid or not (_TRACKED & ~k.observed & ~going_on.inferred).any()
        return replace(
            k,
            valid=valid,
            reason="" if valid else k.reason,
            q=going_on.q,
            qd=going_on.qd,
            qdd=going_on.qdd,
            sd=going_on.sd,
            inferred=going_on.inferred,
        )

    def force_sd_n(self, sd_n: F64, k: Kinematics, mass_kg: float) -> F64:
        """Deviation of the ground reaction [2, 3], N, with what the inferred joints of `k` add to it."""
        if not k.inferred.any():
            return sd_n
        filled_rad = float(k.sd[k.inferred].mean())
        return np.hypot(sd_n, filled_rad * mass_kg * _GRAVITY_MPS2 * self._inpainter.force_sd_bw_per_rad)

    def _fill(self, request: _Request) -> TimedFill:
        return TimedFill(request.t_ns, self._inpainter.fill(request.t_s, request.q))


def shown(k: Kinematics) -> npt.NDArray[np.bool_]:
    """What the ground reaction may rest on [16]: seen or inferred."""
    return k.observed | k.inferred
