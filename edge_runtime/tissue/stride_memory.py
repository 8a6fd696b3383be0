"""How the knee will move, from how it moved a stride ago; compiled.

The knee's rate is kept for 2.5 s in samples of 5 ms. For every lag the squared difference between now and then is
summed with a short memory (the difference function of de Cheveigne and Kawahara 2002, J. Acoust. Soc. Am. 111:1917,
made recursive); the smallest is the stride. Rate and acceleration of the next milliseconds are those of one stride ago,
smoothed to both sides, so they come without the lag of a filter. What is read is a stride old: there is no loop through
it within a stride. Nobody strides twice the same: `trust` falls where now differs from then.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.types import F64

SAMPLE_S: Final = 0.005
_KEPT: Final = 512
_SHORTEST: Final = 120  # strides of 0.6 to 2.2 s, samples
_LONGEST: Final = 440
_LAGS: Final = _LONGEST - _SHORTEST + 1
_MEMORY_S: Final = 0.25  # of the sums of differences
_PROVEN: Final = 100  # samples that a lag must have been compared over before it may count
_REACH: Final = 21  # samples to either side that smooth what is read
_SMOOTHING_S: Final = 0.035
_CALMING_S: Final = 0.0065
"""Time constant of what is kept, some 25 Hz: an encoder's steps, twice differentiated, must not pass for another gait.
What is read a stride later is read so much further ahead."""
_LEAD_S: Final = 0.002  # when a torque of this cycle acts: bus and drive
_TRUST_FULL: Final = 0.15  # root mean square difference, share of that of the rate
_TRUST_NONE: Final = 0.4
_NOW_FULL: Final = 0.25  # the same of this very moment
_NOW_NONE: Final = 0.75
_LEAST_RADPS: Final = 0.2  # root mean square rate of a leg that walks
_TRUST_UP_PER_S: Final = 4.0
_TRUST_DOWN_PER_S: Final = 20.0


def _weights() -> tuple[F64, F64]:
    """Value and slope under a bell flattened to fourth order: it passes gait, not the swing on the tissue."""
    way = np.arange(-_REACH, _REACH + 1) * SAMPLE_S
    square = (way / _SMOOTHING_S) ** 2
    value = (3.0 - square) * np.exp(-0.5 * square)
    slope = way * (5.0 - square) * np.exp(-0.5 * square)
    return value / value.sum(), slope / (way * slope).sum()


_SMOOTH, _SLOPE = _weights()

MEMORY = np.dtype(
    [
        ("samples", np.int64),  # since the begin
        ("since_s", np.float64),  # of the sample now being made
        ("calm_rad", np.float64),  # the knee's angle, low-passed
        ("turned_rads", np.float64),  # integral of that over this sample
        ("last_rad", np.float64),  # mean knee angle of the last sample
        ("rates", np.float64, (_KEPT,)),
        ("differences", np.float64, (_LAGS,)),
        ("square", np.float64),  # of the rate, remembered as long as the differences
        ("expected", np.float64, (2, 2)),  # rate and acceleration at the begin of this sample, and of the next
        ("deserved", np.float64),  # trust, 0 to 1, by the newest sample
        ("trust", np.float64),  # the same, followed at limited rates
        ("knee_radps", np.float64),  # as expected when a torque of this cycle acts
        ("knee_radps2", np.float64),
    ]
)
"""Remembers one knee. All zeros is before the first cycle."""


@njit(cache=True, nogil=True)
def forget_strides(m: Any) -> None:
    """Back to before the first cycle."""
    m.samples, m.since_s, m.turned_rads, m.calm_rad, m.last_rad, m.square = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    m.deserved, m.trust, m.knee_radps, m.knee_radps2 = 0.0, 0.0, 0.0, 0.0
    m.expected[:, :] = 0.0


@njit(cache=True, nogil=True)
def remember(m: Any, knee_rad: float, dt_s: float) -> None:
    """One cycle on with the knee observed at `knee_rad`; `m.knee_radps`, `m.knee_radps2` and `m.trust` follow."""
    if m.samples == 0 and m.since_s == 0.0:
        m.last_rad = m.calm_rad = knee_rad
        m.differences[:] = 0.0
    m.since_s += dt_s
    m.calm_rad += (1.0 - np.exp(-dt_s / _CALMING_S)) * (knee_rad - m.calm_rad)
    m.turned_rads += dt_s * m.calm_rad
    if m.since_s >= SAMPLE_S - 0.5 * dt_s:
        mean_rad = m.turned_rads / m.since_s
        rate = (mean_rad - m.last_rad) / m.since_s
        m.last_rad, m.since_s, m.turned_rads = mean_rad, 0.0, 0.0
        m.rates[m.samples % _KEPT] = rate
        m.samples += 1
        _compare(m, rate)
        _foresee(m, rate)
    m.trust += min(max(m.deserved - m.trust, -_TRUST_DOWN_PER_S * dt_s), _TRUST_UP_PER_S * dt_s)
    share = min(m.since_s / SAMPLE_S, 1.0)
    m.knee_radps = m.expected[0, 0] + share * (m.expected[1, 0] - m.expected[0, 0])
    m.knee_radps2 = m.expected[0, 1] + share * (m.expected[1, 1] - m.expected[0, 1])


@njit(cache=True, nogil=True)
def _compare(m: Any, rate: float) -> None:
    """Newest sample against those of every lag."""
    keep = np.exp(-SAMPLE_S / _MEMORY_S)
    m.square = keep * m.square + rate * rate
    newest = m.samples - 1
    for i in range(min(_LAGS, m.samples - _SHORTEST)):
        off = rate - m.rates[(newest - _SHORTEST - i) % _KEPT]
        m.differences[i] = keep * m.differences[i] + off * off


@njit(cache=True, nogil=True)
def _stride(m: Any) -> float:
    """Lag of the least difference, in samples and parts of one; 0 where none has been proven."""
    count = min(_LAGS, m.samples - _SHORTEST - _PROVEN)
    if count < 3:
        return 0.0
    best = 1
    for i in range(1, count - 1):
        if m.differences[i] < m.differences[best]:
            best = i
    before, least, after = m.differences[best - 1], m.differences[best], m.differences[best + 1]
    bend = before - 2.0 * least + after
    part = 0.5 * (before - after) / bend if bend > 0.0 else 0.0
    return float(_SHORTEST + best + min(max(part, -0.5), 0.5))


@njit(cache=True, nogil=True)
def _foresee(m: Any, rate: float) -> None:
    """What is expected of this sample and the next, and how far it may be trusted."""
    lag = _stride(m)
    if lag == 0.0:
        return
    seconds = min(m.samples * SAMPLE_S, _MEMORY_S)
    walks = np.sqrt(m.square * SAMPLE_S / seconds)
    least = m.differences[round(lag) - _SHORTEST]
    off = np.sqrt(least / max(m.square, 1e-12))
    now = abs(rate - _read(m, lag, 0.0, _SMOOTH)) / max(walks, _LEAST_RADPS)
    trust = (_TRUST_NONE - off) / (_TRUST_NONE - _TRUST_FULL)
    trust = min(trust, (_NOW_NONE - now) / (_NOW_NONE - _NOW_FULL), walks / _LEAST_RADPS - 1.0)
    m.deserved = min(max(trust, 0.0), 1.0)
    for k in range(2):
        # the rate between two means is that of where their samples meet
        ahead = 1.0 + k + (_LEAD_S + _CALMING_S) / SAMPLE_S
        m.expected[k, 0] = _read(m, lag, ahead, _SMOOTH)
        m.expected[k, 1] = _read(m, lag, ahead, _SLOPE)


@njit(cache=True, nogil=True)
def _read(m: Any, lag: float, ahead: float, weights: Any) -> float:
    """Samples about that of `lag` less `ahead` before the newest, weighted."""
    at = m.samples - 1 - lag + ahead
    first = int(np.floor(at))
    part = at - first
    total = 0.0
    for k in range(2 * _REACH + 1):
        i = first + k - _REACH
        low, high = m.rates[i % _KEPT], m.rates[(i + 1) % _KEPT]
        total += weights[k] * (low + part * (high - low))
    return float(total)
