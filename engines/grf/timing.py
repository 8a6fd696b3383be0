"""How early or late the network takes this wearer's landings, learned from Newton's law over their last strides."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from engines.grf.features import F64, GRID_S, Mask

SHIFTS_S: Final = (-GRID_S, 0.0, GRID_S)
"""Times from now for which the network gives the force: what an early or late wearer is read from."""

MEMORY_S: Final = 4.0
"""Time constant of the average: a few strides."""

# Pelvis origin to the pelvis' centre of mass and to the lumbar joint, on which the trunk rides upright: forward and up
# (Rajagopal 2016, unscaled); their shares of the body mass, head and arms with the trunk (Winter 2009, table 4.1).
_PELVIS_M: Final = (-0.0707, 0.0)
_LUMBAR_M: Final = (-0.1007, 0.0815)
_PELVIS_SHARE: Final = 0.142
_TRUNK_SHARE: Final = 0.536
_FORWARD_M: Final = _PELVIS_SHARE * _PELVIS_M[0] + _TRUNK_SHARE * _LUMBAR_M[0]
_UP_M: Final = _PELVIS_SHARE * _PELVIS_M[1] + _TRUNK_SHARE * _LUMBAR_M[1]

# Chosen on the errors of networks on twelve running people they had not seen, at three speeds, and confirmed on eight
# others: the height below lags 4.8 ms behind the forces on average, wearers differ by about 5 ms, and 0.85 of a delay
# beyond the mean is the network's.
_MEAN_DELAY_S: Final = 0.0048
_SHARE: Final = 0.85
_SPREAD_S: Final = 0.005
_REPEATS: Final = 4.0  # successive samples tell nearly the same: their errors last about 40 ms

_HALF: Final = 3  # samples, as wide as the acceleration is smoothed by its differences
WINDOW: Final = 2 * _HALF + 1
_TAPS: Final[F64] = np.convolve(np.ones(_HALF), np.ones(_HALF)) / _HALF**2
_AT_REST_S: Final = 1.0  # without swing for longer than a slow stride: somebody stands, whatever came before
_STILL_BW: Final = 0.2  # as the force of slow walking swings: less is hardly told from noise
_ENOUGH: Final = 50.0  # samples: 0.5 s, a step
_BRIDGED_NS: Final = 60_000_000  # three frames of a camera; a straight line over more tells no acceleration
_GRAVITY: Final = 9.80665  # m/s², standard gravity (CGPM 1901)
_RING: Final = 64


def body_height(com_y_m: F64, tilt_rad: F64) -> F64:
    """Height [T] of the body's centre of mass, but for a constant: `com_y_m` [T] has pelvis and trunk at the pelvis
    origin, but they lie behind it and over it, and go up and down as the pelvis tilts by `tilt_rad` [T]."""
    height: F64 = com_y_m + _FORWARD_M * np.sin(tilt_rad) + _UP_M * np.cos(tilt_rad)
    return height


def body_ahead(com_x_m: F64, tilt_rad: F64) -> F64:
    """How far forward [T] the body's centre of mass lies, with pelvis and trunk as for `body_height`."""
    ahead: F64 = com_x_m + _FORWARD_M * np.cos(tilt_rad) - _UP_M * np.sin(tilt_rad)
    return ahead


class Timing:
    """Compares the predicted total force with what the motion of the body asks, both smoothed alike."""

    def __init__(self) -> None:
        self._t_ns = np.zeros(_RING, dtype=np.int64)
        self._total_bw = np.zeros(_RING)
        self._sums = np.zeros(7)
        self._count = 0

    @property
    def unexplained(self) -> float:
        """By what share of itself the predicted swing of the force about one body weight is too large or too small for
        the motion: about 0 for a good prediction, 1 for one that has nothing to do with it or is half of what is asked;
        0 until half a second is compared, and where nothing swings. Noise of the motion, of which the prediction knows
        nothing, leaves it as it is."""
        return _unexplained(self._sums)

    def reset(self) -> None:
        """Forget the wearer."""
        self._sums[:] = 0.0
        self.pause()

    def pause(self) -> None:
        """The motion was interrupted: what comes next does not follow on what was."""
        self._count = 0

    def step(self, t_ns: int, total_bw: float, com_y_m: F64, known: Mask) -> float:
        """Delay of this wearer's forces behind the network's, s, positive where it is early; 0 until it is known.

        `total_bw` predicted vertical force of both feet now; `com_y_m`, `known` [≥ WINDOW] the height of the centre of
        mass on the grid that ends now.
        """
        at = self._count % _RING
        self._t_ns[at], self._total_bw[at] = t_ns, total_bw
        self._count += 1
        recent = com_y_m[-WINDOW:], known[-WINDOW:]
        _learn(self._t_ns, self._total_bw, at, min(self._count, _RING), *recent, self._sums)
        return _delay(self._sums)


@njit(cache=True, nogil=True)
def _learn(
    t_ns: npt.NDArray[np.int64], total_bw: F64, newest: int, count: int, com_y: F64, known: Mask, sums: F64
) -> None:
    """Add one comparison, `_HALF` grid samples ago, to the fading `sums`: p'², p'·r, r², samples, s², s·r (swing s),
    and how long nothing has swung."""
    if not (known[0] and known[_HALF] and known[2 * _HALF]):
        return
    smooth, slope = 0.0, 0.0
    for i in range(-_HALF, _HALF + 1):
        here = _at(t_ns, total_bw, newest, count, (_HALF - i) * GRID_S)
        if np.isnan(here):
            return
        for side in range(-1, 2):
            tap = i - side + len(_TAPS) // 2
            if 0 <= tap < len(_TAPS):
                smooth += _TAPS[tap] * here * (side == 0)
                slope += _TAPS[tap] * here * side / (2.0 * GRID_S)
    asked = 1.0 + (com_y[2 * _HALF] - 2.0 * com_y[_HALF] + com_y[0]) / (_HALF * GRID_S) ** 2 / _GRAVITY
    before = (newest - 1) % len(t_ns)
    elapsed_s = (t_ns[newest] - t_ns[before]) * 1e-9
    swing, rest = smooth - 1.0, smooth - asked
    share = elapsed_s / GRID_S
    sums[:6] *= np.exp(-elapsed_s / MEMORY_S)
    sums[:6] += share * np.array((slope * slope, slope * rest, rest * rest, 1.0, swing * swing, swing * rest))
    sums[6] = sums[6] + elapsed_s if abs(swing) < _STILL_BW else 0.0


@njit(cache=True, nogil=True)
def _at(t_ns: npt.NDArray[np.int64], total_bw: F64, newest: int, count: int, age_s: float) -> float:
    """Predicted force `age_s` before the newest, on a straight line between frames; NaN where there are none
    or they are too far apart."""
    wanted_ns = t_ns[newest] - age_s * 1e9
    later = newest
    for i in range(count):
        at = (newest - i) % len(t_ns)
        if t_ns[at] <= wanted_ns:
            span = t_ns[later] - t_ns[at]
            if span > _BRIDGED_NS:
                return np.nan
            w = (wanted_ns - t_ns[at]) / span if span > 0 else 0.0
            return total_bw[at] + w * (total_bw[later] - total_bw[at])
        later = at
    return np.nan


@njit(cache=True, nogil=True)
def _unexplained(sums: F64) -> float:
    compared = sums[3] >= _ENOUGH and sums[6] < _AT_REST_S
    return abs(sums[5]) / (sums[4] + _STILL_BW**2 * sums[3]) if compared else 0.0


@njit(cache=True, nogil=True)
def _delay(sums: F64) -> float:
    """The delay that makes p(t - d) fit best, believed by how well it is known against how wearers differ."""
    if sums[0] <= 0.0:
        return 0.0
    found_s = sums[1] / sums[0]
    variance = _REPEATS * sums[2] / max(sums[3], 1.0) / sums[0]
    belief = _SPREAD_S**2 / (_SPREAD_S**2 + variance)
    return min(max(_SHARE * belief * (found_s - _MEAN_DELAY_S), SHIFTS_S[0]), SHIFTS_S[-1])


def read_at(by_time: npt.NDArray[np.floating], delay_s: float) -> F64:
    """Values [feet, times, ...] at `SHIFTS_S` read `delay_s` earlier: a parabola through the three, [feet, ...]."""
    u = -delay_s / GRID_S
    weights = np.array((0.5 * u * (u - 1.0), 1.0 - u * u, 0.5 * u * (u + 1.0)))
    return np.einsum("t,ft...->f...", weights, by_time)
