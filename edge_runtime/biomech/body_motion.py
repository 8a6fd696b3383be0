"""What a person's motion asks of the ground now, from joint coordinates alone, and how far that may be believed."""

from __future__ import annotations

from math import exp, pi
from typing import Final

import numpy as np

from edge_runtime.biomech.model import GRAVITY_MPS2
from edge_runtime.biomech.tracker import REFERENCE_DT_S, Mask, Tracker
from edge_runtime.biomech.whole_body import BODY_COORDINATES, BodySegments, WholeBody
from edge_runtime.types import COORDINATES, F64, Q_INDEX, SIDES

MARKER_NOISE_RAD: Final = 0.003
"""Frame-to-frame noise of coordinates from markers; with it the filter is cut at `MARKER_CUTOFF_HZ`."""
MARKER_CUTOFF_HZ: Final = 18.0
"""Between what suits walking (15) and running (20) in the training people of Fukuchi 2017 and Schreiber 2019."""

ERROR_SHARE: Final = {
    "trunk known": (0.45, 0.40, 0.75, 1.5, 1.5, 1.5),
    "trunk unknown": (0.75, 0.50, 1.10, 2.0, 2.0, 2.0),
}
"""Error of the asked force (x, y, z) and moment about the centre of mass over the size of what varies of it, root mean
square against force plates: training people of both sets at `MARKER_CUTOFF_HZ`. `exo-edge evaluate grf` prints what it
is on other people. For the moments that is 1.1: they only say how large they may be, and err the same way for a whole
step, so they weigh less than that (chosen so that the centre of pressure of the held-out people does not suffer)."""
FLOOR_BW: Final = 0.02
FLOOR_BW_M: Final = 0.08  # a centre of mass misplaced by 8 cm under the whole weight; chosen in the same way
BLIND_BW: Final = 10.0
"""Deviation, in body weights (and metres of it), of a channel that rests on what is not observed."""
SIZE_TIME_S: Final = 0.6  # about a step
UPRIGHT_TIME_S: Final = 1.0  # over which an unknown trunk follows the pelvis' mean tilt
_LIMB_M: Final = 0.5  # lever of a leg's weight about the centre of mass

_RESTS_ON: Final = (
    (("pelvis_tilt",), (0, 1, 2, 3, 4, 5)),
    (("pelvis_tx",), (0, 4, 5)),
    (("pelvis_ty",), (1, 3, 5)),
    (("pelvis_list", "pelvis_tz", "hip_adduction_r", "hip_adduction_l"), (2, 3, 4)),
)
"""Coordinates without which the channels beside them (force x, y, z, moment x, y, z) are not known at all."""
_NEEDS: Final = [([Q_INDEX[name] for name in names], list(channels)) for names, channels in _RESTS_ON]
_LEGS: Final = [[Q_INDEX[f"{name}_{side}"] for name in ("hip_flexion", "knee_angle")] for side in SIDES]
_TRUNK: Final = slice(len(COORDINATES), len(BODY_COORDINATES))


def cutoff_hz(noise_rad: float) -> float:
    """Where a filter for motion of one roughness has to cut when the noise is `noise_rad` instead of that of markers.

    The best filter of white jerk has the sixth power of its cut-off over the noise's variance constant.
    """
    return MARKER_CUTOFF_HZ * min(1.0, MARKER_NOISE_RAD / max(noise_rad, 1e-9)) ** (1.0 / 3.0)


def delay_s(cutoff: float) -> float:
    """Delay (s) of an acceleration behind a third-order Butterworth filter cut at `cutoff` (Hz): 2 / (2 pi f)."""
    return 1.0 / (pi * cutoff)


class Differentiator:
    """Coordinates to coordinates with first and second derivative, causal: `motion` [3, 19] after each `step`.

    Where the trunk is not known it is taken to stay upright over the pelvis' slow mean tilt, as trunks do.
    """

    def __init__(self, noise_rad: float = MARKER_NOISE_RAD) -> None:
        size = len(BODY_COORDINATES)
        self.cutoff_hz = cutoff_hz(noise_rad)
        self._sd = np.full(size, max(noise_rad, 1e-9))
        everything = np.tile([-np.inf, np.inf], (size, 1))
        self._tracker = Tracker(self._sd, np.full(size, self.cutoff_hz), np.full(size, np.inf), everything)
        self._value = np.zeros(size)
        self.reset()

    def reset(self) -> None:
        """Forget the motion, as after a gap."""
        self._last_ns = -1
        self._tilt = 0.0
        self.motion = np.zeros((3, len(BODY_COORDINATES)))

    def step(self, t_ns: int, q: F64, known: Mask) -> None:
        """Take coordinates `q` [19] (rad, m) at `t_ns`, of which `known` [19] were measured."""
        dt_s = 0.0 if self._last_ns < 0 else (t_ns - self._last_ns) * 1e-9
        np.copyto(self._value, np.where(known, q, 0.0))
        if not known[_TRUNK].all():
            keep = exp(-dt_s / UPRIGHT_TIME_S) if self._last_ns >= 0 else 0.0
            self._tilt = keep * self._tilt + (1.0 - keep) * self._value[0]
            self._value[_TRUNK] = self._tilt - self._value[0], -self._value[1], 0.0
        seen = known.copy()
        seen[_TRUNK] = True
        if self._last_ns < 0:
            self._tracker.restart(self._value, self._sd**2)
        else:  # one cut-off at any rate: variance over rate is what the filter is made for
            self._tracker.advance(dt_s, self._value, self._sd**2 * (REFERENCE_DT_S / max(dt_s, 1e-6)), seen)
        self._last_ns = t_ns
        np.copyto(self.motion, self._tracker.state.T)


class BodyMotion:
    """The wrench that the body's motion asks of the ground, with its deviation; arrays are reused by every `step`.

    After `step`: `wrench`, `sd` [6] (N, Nm about the centre of mass), `centre_m` [3] of mass, `ankles_m`,
    `ankles_from_com_m` [2, 3] and `pitch_rad` [2] of the feet; `delay_s` how old the acceleration is on average. The
    deviation follows the size of the motion (`ERROR_SHARE`), what the delay makes of its rate of change, and what is
    not observed.
    """

    def __init__(self, body: BodySegments, cutoff: float = MARKER_CUTOFF_HZ) -> None:
        self._whole = WholeBody(body)
        self._weight_n = body.total_kg * GRAVITY_MPS2
        self._leg_share = float(body.mass_kg[2:5].sum()) / body.total_kg
        self.delay_s = delay_s(cutoff)
        self._late_s = max(self.delay_s - delay_s(MARKER_CUTOFF_HZ), 0.0)
        unit = np.array([FLOOR_BW] * 3 + [FLOOR_BW_M] * 3)
        self._floor = (unit * self._weight_n) ** 2
        self.wrench, self.centre_m, self.ankles_m = self._whole.wrench, self._whole.centre_m, self._whole.ankles_m
        self.pitch_rad = self._whole.pitch_rad
        self.sd, self.ankles_from_com_m = np.zeros(6), np.zeros((len(SIDES), 3))
        self.reset()

    def reset(self) -> None:
        """Forget the size of the motion."""
        self._last_ns = -1
        self._size, self._rate, self._before = np.zeros(6), np.zeros(6), np.zeros(6)
        self._age_s = 0.0

    def step(self, t_ns: int, motion: F64, known: Mask) -> None:
        """Take `motion` [3, 19] (coordinates with two derivatives) at `t_ns`, of which `known` [19] was measured.

        Motion that asks for nothing finite is not remembered; its deviation is infinite.
        """
        self._whole.step(motion)
        np.subtract(self._whole.ankles_m, self.centre_m, out=self.ankles_from_com_m)
        if not np.isfinite(self.wrench).all():
            self.sd[:] = np.inf
            return
        varying = self.wrench.copy()
        varying[1] -= self._weight_n
        varying.clip(-BLIND_BW * self._weight_n, BLIND_BW * self._weight_n, out=varying)
        if self._last_ns >= 0:
            dt_s = max((t_ns - self._last_ns) * 1e-9, 1e-6)
            self._age_s += dt_s
            share = 1.0 - exp(-dt_s / min(SIZE_TIME_S, self._age_s))
            self._size += share * (varying**2 - self._size)
            self._rate += share * (((varying - self._before) / dt_s) ** 2 - self._rate)
        self._last_ns, self._before = t_ns, varying
        self._doubt(known)

    def _doubt(self, known: Mask) -> None:
        shares = np.array(ERROR_SHARE["trunk known" if known[_TRUNK].all() else "trunk unknown"])
        variance = self._floor + shares**2 * self._size + self._late_s**2 * self._rate
        unseen = sum(not known[leg].all() for leg in _LEGS)
        limb_n = unseen * self._leg_share * self._weight_n
        variance[:3] += limb_n**2
        variance[3:] += (limb_n * _LIMB_M) ** 2
        blind = (BLIND_BW * self._weight_n) ** 2
        for needed, channels in _NEEDS:
            if not known[needed].all():
                variance[channels] = blind
        np.sqrt(variance, out=self.sd)
