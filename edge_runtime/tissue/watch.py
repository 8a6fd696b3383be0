"""Does the interface behave as its model? Flags slip, a wrong cuff or person, and a reduced model gone wrong.

The angle between hinge and knee, as measured, is fitted to what the model says it should be:

    measured = offset + slope x knee + delay x knee rate + gain x modelled

Gain is 1 where the tissue is as soft as the model's, whoever wears it, whatever the encoder's zero; `delay` takes up
how late the camera's knee is; `offset` and `slope` hold the zero, the camera's bias, and how the device sits. What they
were over the first strides is the fit of the day; a later change of that line is a device that has moved on the leg.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from edge_runtime.types import F64

CAUSES: Final = ("", "tissue_slip", "tissue_stiffness", "tissue_model")
"""Why the interface is doubted, strongest first; each has a page docs/reasons/<cause>.md."""

MEMORY_S: Final = 6.0
"""The fit looks so far back, in time under load: five to six strides."""
FIRST_S: Final = 5.0
"""Time under load until the fit counts."""
DAY_S: Final = 10.0
"""Time under load after which the fit of the day stands: what slips before that is not seen as a slip."""
LOADED_NM: Final = 1.0
"""Hinge torque from which a moment counts as loaded; so does the second after it."""
LOADED_FOR_S: Final = 1.0
SLIP_MEMORY_S: Final = 3.0
"""The change since the fit of the day is looked for in the last two to three strides."""
CORRELATED_S: Final = 0.2
"""Errors of the camera's knee that stay alike for 0.1 s make that much time count as one reading (twice that)."""
SIGMAS: Final = 2.0
STEADY_S: Final = 1.0
"""How slowly the knee that drives the models follows the camera: a stride or so."""
GAIN_FREE: Final = math.log(1.4)
GAIN_NONE: Final = math.log(1.8)
"""Stiffness off by so much either way (as a ratio) is no doubt; full doubt. Compensation is built for +-30 %."""
SLIP_FREE_RAD: Final = math.radians(2.0)
SLIP_NONE_RAD: Final = math.radians(4.0)
"""Change of the unloaded angle, anywhere from straight to `BENT_RAD`, that is no doubt; full doubt."""
BENT_RAD: Final = 1.0
MODEL_FREE: Final = 0.25
MODEL_NONE: Final = 0.5
"""RMS difference of full and reduced model over the RMS angle of the full one."""
BEND_RAD: Final = math.radians(0.5)
"""Below this RMS bend no model is judged by the other."""
_TERMS: Final = 4
_NOISE_FLOOR_RAD: Final = math.radians(0.2)


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of one leg; angles are hinge less knee: `angle_rad` measured, `full_rad` and `reduced_rad` modelled.

    The reduced one is NaN where that model is not to be judged.
    """

    knee_rad: float  # of `SteadyKnee`, as its rate
    knee_radps: float
    torque_nm: float
    angle_rad: float
    full_rad: float
    reduced_rad: float


class SteadyKnee:
    """The knee that drives the models: slowly the camera's, quickly the encoder's, so that the camera's error from
    frame to frame is not in it. The interface's bend, which is, is a few degrees."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget how hinge and knee differ."""
        self._apart_rad, self._seconds = 0.0, 0.0

    def step(self, knee_rad: float, hinge_rad: float, dt_s: float) -> float:
        """Knee angle from the camera's and the hinge, `dt_s` after the last."""
        self._seconds += dt_s
        share = -math.expm1(-dt_s / min(STEADY_S, self._seconds))
        self._apart_rad += share * (hinge_rad - knee_rad - self._apart_rad)
        return hinge_rad - self._apart_rad


class Judgement(NamedTuple):
    """`share` of the help to take away, and why: an index into `CAUSES`. `gain` with its standard deviation, `slip_rad`
    and `model_error` are NaN until `FIRST_S`."""

    share: float
    cause: int
    gain: float
    gain_sd: float
    slip_rad: float
    model_error: float


_UNKNOWN: Final = Judgement(0.0, 0, math.nan, math.nan, math.nan, math.nan)


class FitWatch:
    """Judges one leg, frame by frame. Without load nothing is learned and nothing forgotten: a doubt stays until
    loaded frames refute it, or the device is put on again (`reset`). `last` is the newest judgement."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The device has been put on: forget the leg."""
        self._normal, self._right = np.zeros((_TERMS, _TERMS)), np.zeros(_TERMS)
        self._square, self._full, self._difference = 0.0, 0.0, 0.0
        self._loaded_s, self._since_load_s = 0.0, math.inf
        self._first: F64 | None = None
        self._noise = 0.0
        self._line, self._off = np.zeros((2, 2)), np.zeros(2)
        self.last = _UNKNOWN

    def step(self, moment: Moment, dt_s: float) -> Judgement:
        """Judgement after one more frame, `dt_s` after the one before."""
        loaded = abs(moment.torque_nm) >= LOADED_NM
        self._since_load_s = 0.0 if loaded else self._since_load_s + dt_s
        if self._since_load_s > LOADED_FOR_S:
            return self.last
        self._add(moment, dt_s)
        self._loaded_s += dt_s
        if self._loaded_s >= FIRST_S:
            self.last = self._judge()
        return self.last

    def _add(self, m: Moment, dt_s: float) -> None:
        keep = math.exp(-dt_s / MEMORY_S)
        row = np.array([1.0, m.knee_rad, m.knee_radps, m.full_rad])
        self._normal = keep * self._normal + dt_s * np.outer(row, row)
        self._right = keep * self._right + dt_s * m.angle_rad * row
        self._square = keep * self._square + dt_s * m.angle_rad**2
        if math.isfinite(m.reduced_rad):
            self._full = keep * self._full + dt_s * m.full_rad**2
            self._difference = keep * self._difference + dt_s * (m.full_rad - m.reduced_rad) ** 2
        if self._first is not None:
            line = np.array([1.0, m.knee_rad])
            keep = math.exp(-dt_s / SLIP_MEMORY_S)
            self._line = keep * self._line + dt_s * np.outer(line, line)
            self._off = keep * self._off + dt_s * (m.angle_rad - float(self._first @ row)) * line

    def _judge(self) -> Judgement:
        inverse = _inverse(self._normal)
        fit: F64 = inverse @ self._right
        seconds = float(self._normal[0, 0])
        noise = max((self._square - float(fit @ self._right)) / seconds, _NOISE_FLOOR_RAD**2)
        if self._first is None and self._loaded_s >= DAY_S:
            self._first, self._noise = fit, noise
        gain, gain_sd = float(fit[3]), math.sqrt(max(noise * CORRELATED_S * float(inverse[3, 3]), 0.0))
        slip, slip_sd = self._slip()
        model = math.sqrt(self._difference / self._full) if self._full > BEND_RAD**2 * seconds else math.nan
        shares = (
            _grown(slip - SIGMAS * slip_sd, SLIP_FREE_RAD, SLIP_NONE_RAD),
            _grown(_ratio_off(gain, SIGMAS * gain_sd), GAIN_FREE, GAIN_NONE),
            _grown(model, MODEL_FREE, MODEL_NONE) if math.isfinite(model) else 0.0,
        )
        worst = int(np.argmax(shares))
        return Judgement(shares[worst], worst + 1 if shares[worst] > 0.0 else 0, gain, gain_sd, slip, model)

    def _slip(self) -> tuple[float, float]:
        """Largest change of the unloaded angle since the fit of the day, and its standard deviation, rad."""
        if self._line[0, 0] < SLIP_MEMORY_S / 4.0:
            return 0.0, 0.0
        inverse = _inverse(self._line)
        change = inverse @ self._off
        found = []
        for knee_rad in (0.0, BENT_RAD):
            at = np.array([1.0, knee_rad])
            sd = math.sqrt(self._noise * CORRELATED_S * max(float(at @ inverse @ at), 0.0))
            found.append((abs(float(at @ change)), sd))
        return max(found, key=lambda pair: pair[0] - SIGMAS * pair[1])


def _inverse(normal: F64) -> F64:
    """Inverse of a normal matrix, also where a term has not been excited."""
    scale = np.sqrt(np.diag(normal)) + 1e-12
    inverse: F64 = np.linalg.pinv(normal / np.outer(scale, scale), rcond=1e-9, hermitian=True) / np.outer(scale, scale)
    return inverse


def _ratio_off(gain: float, error: float) -> float:
    """How far, as a logarithm, a gain is surely from 1; 0 where it may be 1."""
    low, high = gain - error, gain + error
    if low > 1.0:
        return math.log(low)
    return -math.log(max(high, 0.1)) if high < 1.0 else 0.0


def _grown(value: float, none: float, full: float) -> float:
    return min(max((value - none) / (full - none), 0.0), 1.0)
