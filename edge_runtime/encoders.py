"""The exoskeleton's encoders as the estimator hears them: readings of the torque loop, brought to a frame's capture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from calibration.profile import Profile
from calibration.reduced_tissue import ReducedTissue
from edge_runtime.biomech.encoder import KneeReadings
from edge_runtime.biomech.knee_fusion import ACCELERATION_RADPS2
from edge_runtime.rt.mailbox import I64, drain
from edge_runtime.shared import ENCODER_FIELDS, ENCODER_ROWS
from edge_runtime.tissue.pack import packed
from edge_runtime.types import F64, SIDES

STALE_NS: Final = 20_000_000
"""A frame further than this from the nearest readings has none: 20 lost messages at 1 kHz, the lease of a setpoint."""
TIMING_SD_S: Final = 0.001
"""When the hinge was where it said: the firmware samples once per millisecond, and so does the loop look."""
GIVE_SD: Final = 0.2
"""Share by which the give of an interface is uncertain whose stiffness is stated, not identified. Assumed."""
_GIVE_SD_LEAST: Final = 0.05  # of an identified one: what its model leaves out
_INTERVAL_SD: Final = 2.0 * 1.6449  # a 90 % interval is so many standard deviations wide

_HEARD, _HINGE, _KNEE, _RATE = range(len(ENCODER_FIELDS))


class KneeSource(Protocol):
    """Where an estimator has the encoders' knees from."""

    def at(self, t_ns: int) -> KneeReadings:
        """The knees at `t_ns`, the capture of a frame."""


@dataclass(frozen=True)
class EncoderFit:
    """Of this wearer, all [2] right and left: `offset_rad` of the hinge at a straight knee, its standard deviation, and
    the share by which the interface's give is uncertain."""

    offset_rad: F64
    offset_sd_rad: F64
    give_sd: F64


def encoder_fit(profile: Profile, tissues: Mapping[str, ReducedTissue]) -> EncoderFit:
    """From the profile's table [encoders] and, where the leg's tissue was identified, its stiffness interval."""
    known = profile.encoders
    offsets = np.array([known.offset_r_rad, known.offset_l_rad])
    give = [_give_sd(tissues[side]) if side in tissues else GIVE_SD for side in SIDES]
    return EncoderFit(offsets, np.full(len(SIDES), known.offset_sd_rad), np.array(give))


def _give_sd(tissue: ReducedTissue) -> float:
    leg = packed(tissue)[0]
    width = float(leg["stiffness_high"] - leg["stiffness_low"]) / float(leg["stiffness"])
    return max(_GIVE_SD_LEAST, width / _INTERVAL_SD)


class EncoderFeed:
    """Knees r, l at any moment of the last quarter of a second, from the ring in which the torque loop tells them.

    The loop has taken the tissue's bend off already, by its own model and the torque of the drive; the offset is taken
    off here. The one reader of its ring.
    """

    def __init__(self, ring: I64, fit: EncoderFit) -> None:
        self._ring, self._fit = ring, fit
        self._rows = np.zeros((ENCODER_ROWS, len(SIDES) * len(ENCODER_FIELDS)), np.int64)
        self._heard = [np.zeros((0, len(ENCODER_FIELDS))) for _ in SIDES]

    def at(self, t_ns: int) -> KneeReadings:
        """Knees at `t_ns`; no reading of a side that was not heard within STALE_NS of then."""
        self._take()
        found = np.array([self._side(i, t_ns) for i in range(len(SIDES))])
        return KneeReadings(found[:, 0], found[:, 1], np.asarray(np.isfinite(found).all(axis=1)))

    def _take(self) -> None:
        """What the loop told since the last call; a message counts once, however often it was told."""
        while count := drain(self._ring, self._rows):
            told = self._rows[:count].view(np.float64).reshape(count, len(SIDES), len(ENCODER_FIELDS))
            for i, heard in enumerate(self._heard):
                rows = np.concatenate([heard, told[:, i]])
                fresh = np.diff(rows[:, _HEARD], prepend=0.0) > 0.0
                self._heard[i] = rows[fresh][-ENCODER_ROWS:]

    def _side(self, i: int, t_ns: int) -> tuple[float, float]:
        """Knee (rad) and standard deviation of one side; NaN where there is no reading."""
        rows = self._heard[i]
        after = int(np.searchsorted(rows[:, _HEARD], t_ns))
        if after == 0 or t_ns - rows[after - 1, _HEARD] > STALE_NS:
            return np.nan, np.nan
        before, ahead_s = rows[after - 1], (t_ns - rows[after - 1, _HEARD]) * 1e-9
        if after < len(rows):
            share = ahead_s * 1e9 / (rows[after, _HEARD] - before[_HEARD])
            knee, rate = (before + share * (rows[after] - before))[[_KNEE, _RATE]]
            beyond = 0.0
        else:
            knee, rate = before[_KNEE] + before[_RATE] * ahead_s, before[_RATE]
            beyond = 0.5 * ACCELERATION_RADPS2 * ahead_s**2
        give = self._fit.give_sd[i] * (before[_HINGE] - before[_KNEE])
        parts = (self._fit.offset_sd_rad[i], give, rate * TIMING_SD_S, beyond)
        return float(knee - self._fit.offset_rad[i]), float(np.linalg.norm(parts))
