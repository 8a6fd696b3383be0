"""Low-pass without phase shift, and derivatives by quintic splines: for recorded motion only, as it looks ahead.

The live path differentiates causally (`kinematics.py`). What is here follows OpenSim's InverseDynamicsTool, whose
results serve as reference: third-order Butterworth forwards and backwards over an oddly mirrored signal, then quintic
splines.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numba import njit

from edge_runtime.types import F64

CUTOFF_HZ: Final = 6.0
"""Where gait kinematics are usually cut (Winter 2009, Biomechanics and Motor Control of Human Movement, ch. 3)."""
_POLES: Final = (
    math.sqrt(67.5 - math.sqrt(4436.25)) + math.sqrt(26.25) - 6.5,
    math.sqrt(67.5 + math.sqrt(4436.25)) - math.sqrt(26.25) - 6.5,
)
"""Of the quintic B-spline's inverse filter (Unser, Aldroubi & Eden 1993, IEEE Trans. Signal Process. 41:821)."""
_SPLINE_PAD: Final = 40  # the larger pole to this power is 2e-15


def _mirrored(signal: F64, pad: int) -> F64:
    """`signal` [N, C] continued oddly about both ends by `pad` samples."""
    before = 2.0 * signal[0] - signal[pad:0:-1]
    after = 2.0 * signal[-1] - signal[-2 : -pad - 2 : -1]
    return np.concatenate([before, signal, after])


def low_pass(signal: F64, rate_hz: float, cutoff_hz: float = CUTOFF_HZ) -> F64:
    """`signal` [N, C] sampled at `rate_hz`, cut at `cutoff_hz` forwards and backwards (-6 dB there).

    Unchanged where the sampling cannot carry the cut-off frequency, or with fewer than four samples.
    """
    if len(signal) < 4 or not 0.0 < cutoff_hz < 0.5 * rate_hz:
        return signal.copy()
    pad = len(signal) // 2
    filtered = _mirrored(signal, pad)
    warped = math.tan(math.pi * cutoff_hz / rate_hz)
    _filter(filtered, warped)
    backwards = np.ascontiguousarray(filtered[::-1])
    _filter(backwards, warped)
    return np.ascontiguousarray(backwards[::-1][pad : pad + len(signal)])


@njit(cache=True, nogil=True)
def _filter(x: F64, w: float) -> None:
    """Third-order Butterworth in place along axis 0; `w` = tan(π cutoff / rate), bilinear transform."""
    scale = (w + 1.0) * (w * w + w + 1.0)
    gain = w**3 / scale
    a1 = (3 * w**3 + 2 * w**2 - 2 * w - 3) / scale
    a2 = (3 * w**3 - 2 * w**2 - 2 * w + 3) / scale
    a3 = (w - 1.0) * (w * w - w + 1.0) / scale
    for c in range(x.shape[1]):
        x1, x2, x3, y1, y2, y3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(x.shape[0]):
            now = x[i, c]
            y = gain * (now + 3.0 * x1 + 3.0 * x2 + x3) - a1 * y1 - a2 * y2 - a3 * y3
            x3, x2, x1 = x2, x1, now
            y3, y2, y1 = y2, y1, y
            x[i, c] = y


def derivatives(signal: F64, rate_hz: float) -> tuple[F64, F64]:
    """First and second derivative of the interpolating quintic spline through `signal` [N, C] at its samples."""
    pad = min(_SPLINE_PAD, len(signal) - 1)
    c = _mirrored(signal, pad)
    for pole in _POLES:
        _spline_pass(c, pole)
    ahead, back = (
        [c[pad + k : len(c) - pad + k or None] for k in (1, 2)],
        [c[pad - k : len(c) - pad - k] for k in (1, 2)],
    )
    here = c[pad : len(c) - pad]
    # after both passes c is the spline's coefficients: y = (c-2 + 26 c-1 + 66 c + 26 c+1 + c+2) / 120
    first = (ahead[1] - back[1] + 10.0 * (ahead[0] - back[0])) * (rate_hz / 24.0)
    second = (ahead[1] + back[1] + 2.0 * (ahead[0] + back[0]) - 6.0 * here) * (rate_hz**2 / 6.0)
    return first, second


@njit(cache=True, nogil=True)
def _spline_pass(c: F64, pole: float) -> None:
    """One pole of the inverse B-spline filter, both ways in place along axis 0; ends as of a constant continuation."""
    gain = (1.0 - pole) * (1.0 - 1.0 / pole)
    n = c.shape[0]
    for k in range(c.shape[1]):
        c[0, k] = gain * c[0, k] / (1.0 - pole)
        for i in range(1, n):
            c[i, k] = gain * c[i, k] + pole * c[i - 1, k]
        c[n - 1, k] = -pole / (1.0 - pole) * c[n - 1, k]
        for i in range(n - 2, -1, -1):
            c[i, k] = pole * (c[i + 1, k] - c[i, k])
