"""Causal filter of joint coordinates: one constant-acceleration Kalman filter each, with an outlier gate."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from edge_runtime.types import F64

REFERENCE_DT_S: Final = 1.0 / 60.0  # the camera rate at which `cutoff_hz` is meant
GATE_SD: Final = 5.0
"""Innovations beyond this many standard deviations, and beyond the tracker's `gate`, are outliers."""
MAX_REJECTED: Final = 3
"""Consecutive outliers after which the measurement is believed and that coordinate starts anew (crossing
legs gave spikes of 1 to 3 frames)."""
COAST_TIME_S: Final = 0.1
_START_VELOCITY_SD: Final = 5.0  # per s
_START_ACCELERATION_SD: Final = 50.0  # per s²

Mask = npt.NDArray[np.bool_]


@njit(cache=True, nogil=True)
def _predict(state: F64, cov: F64, dt: float, jerk: float) -> None:
    """Constant acceleration over `dt`, driven by white jerk of intensity `jerk` (unit²/s⁵)."""
    h = 0.5 * dt * dt
    state[0] += dt * state[1] + h * state[2]
    state[1] += dt * state[2]
    for i in range(3):  # rows, then columns: cov = F cov F'
        cov[0, i] += dt * cov[1, i] + h * cov[2, i]
        cov[1, i] += dt * cov[2, i]
    for i in range(3):
        cov[i, 0] += dt * cov[i, 1] + h * cov[i, 2]
        cov[i, 1] += dt * cov[i, 2]
    cov[0, 0] += jerk * dt**5 / 20.0
    cov[0, 1] += jerk * dt**4 / 8.0
    cov[0, 2] += jerk * dt**3 / 6.0
    cov[1, 1] += jerk * dt**3 / 3.0
    cov[1, 2] += jerk * dt**2 / 2.0
    cov[2, 2] += jerk * dt
    cov[1, 0], cov[2, 0], cov[2, 1] = cov[0, 1], cov[0, 2], cov[1, 2]


@njit(cache=True, nogil=True)
def _calm(state: F64, dt: float) -> None:
    """Frame without measurement: take back what acceleration added and let speed die away, or crossing legs
    fling the estimate off."""
    state[0] -= 0.5 * dt * dt * state[2]
    state[1] = (state[1] - dt * state[2]) * np.exp(-dt / COAST_TIME_S)
    state[2] = 0.0


@njit(cache=True, nogil=True)
def _restart(state: F64, cov: F64, value: float, variance: float) -> None:
    state[:] = 0.0
    state[0] = value
    cov[:] = 0.0
    cov[0, 0], cov[1, 1], cov[2, 2] = variance, _START_VELOCITY_SD**2, _START_ACCELERATION_SD**2


@njit(cache=True, nogil=True)
def _update(state: F64, cov: F64, innovation: float, variance: float) -> None:
    gain = cov[:, 0] / (cov[0, 0] + variance)
    row = cov[0].copy()
    for i in range(3):
        state[i] += gain[i] * innovation
        for j in range(3):
            cov[i, j] -= gain[i] * row[j]


@njit(cache=True, nogil=True)
def _stop(state: F64, low: float, high: float) -> None:
    """Joints end: no value beyond `low` .. `high`, and no motion further that way."""
    if state[0] < low:
        state[0], state[1], state[2] = low, max(state[1], 0.0), 0.0
    elif state[0] > high:
        state[0], state[1], state[2] = high, min(state[1], 0.0), 0.0


@njit(cache=True, nogil=True)
def advance(
    state: F64, cov: F64, rejected: npt.NDArray[np.int64], dt: float, limits: F64, value: F64, variance: F64,
    seen: Mask
) -> None:  # fmt: skip
    """Move all coordinates `dt` s on and take in those that are `seen`.

    state [n, 3], cov [n, 3, 3], rejected [n] in place; `limits` [n, 4]: jerk intensity, gate, low, high.
    """
    for i in range(state.shape[0]):
        jerk, gate, low, high = limits[i]
        _predict(state[i], cov[i], dt, jerk)
        innovation = value[i] - state[i, 0]
        if not seen[i]:
            _calm(state[i], dt)
        elif innovation**2 <= max(GATE_SD**2 * (cov[i, 0, 0] + variance[i]), gate**2):
            rejected[i] = 0
            _update(state[i], cov[i], innovation, variance[i])
        elif rejected[i] >= MAX_REJECTED:
            rejected[i] = 0
            _restart(state[i], cov[i], value[i], variance[i])
        else:
            rejected[i] += 1
            _calm(state[i], dt)
        _stop(state[i], low, high)


class Tracker:
    """`n` coordinates with value, velocity and acceleration in `state` [n, 3].

    `noise_sd` [n] is the standard deviation of a good measurement and `cutoff_hz` [n] where the filter
    starts to cut at 60 frames/s: white jerk of (2 pi f)^6 R dt puts the poles of the steady filter, a
    third-order Butterworth in the continuous limit, at that frequency. `gate` [n]: a jump below it is never
    an outlier. `limits` [n, 2]: lowest and highest value.
    """

    def __init__(self, noise_sd: F64, cutoff_hz: F64, gate: F64, limits: F64) -> None:
        n = len(noise_sd)
        jerk = (2.0 * np.pi * cutoff_hz) ** 6 * noise_sd**2 * REFERENCE_DT_S
        self._limits = np.column_stack([jerk, gate, limits])
        self.state, self._cov = np.zeros((n, 3)), np.zeros((n, 3, 3))
        self._rejected = np.zeros(n, dtype=np.int64)
        zero = np.zeros(n)
        self.restart(zero, noise_sd**2)  # compiles here, not at the first frame
        self.advance(0.0, zero, noise_sd**2, np.ones(n, dtype=np.bool_))

    def restart(self, value: F64, variance: F64) -> None:
        """Begin at `value` [n] with unknown velocity and acceleration."""
        for i in range(len(value)):
            _restart(self.state[i], self._cov[i], value[i], variance[i])
        self._rejected[:] = 0

    def advance(self, dt_s: float, value: F64, variance: F64, seen: Mask) -> Mask:
        """One frame on; gives which coordinates [n] really took in their measurement."""
        advance(self.state, self._cov, self._rejected, dt_s, self._limits, value, variance, seen)
        used: Mask = seen & (self._rejected == 0)
        return used

    def predicted(self, dt_s: float) -> F64:
        """Values [n] expected `dt_s` from now, without moving on."""
        ahead: F64 = self.state @ np.array([1.0, dt_s, 0.5 * dt_s**2])
        return ahead

    @property
    def sd(self) -> F64:
        """Standard deviation of the values [n] as far as random noise goes."""
        sd: F64 = np.sqrt(self._cov[:, 0, 0])
        return sd
