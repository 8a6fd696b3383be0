"""Where the knee is and how it accelerates, from the hinge's encoder and the drive's torque; compiled.

The hinge moves with the knee and against it: it gives way to the tissue, and swings on it. Taking all of its
acceleration for the knee's and pushing the device along with it would feed that swing. So the way beyond the model's
deflection, e, is found first, from the torque of the drive that inertia and the model's tissue do not take:
    k e = given - friction - inertia hinge'' - tissue        (k: stiffness; hinge'' from the encoder)
and hinge less deflection less e is the knee. A tracker of three equal poles follows its angle, rate and acceleration.
The swing, and a little of all fast motion of the hinge, is damped. Numbers: docs/tissue-inverse.md.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from edge_runtime.tissue.stride_memory import MEMORY, forget_strides, remember

MOTION = np.dtype(
    [
        ("knee_rad", np.float64),
        ("knee_radps", np.float64),
        ("knee_radps2", np.float64),
        ("hinge_radps", np.float64),  # as measured in the cycle before
        ("slow_radps", np.float64),  # what it does beyond what is expected, low-passed
        ("beyond_nm", np.float64),  # torque beyond the model's tissue, as late as the hinge's rate is
        ("strides", MEMORY),
    ]
)
"""Follows one knee. All zeros is before the first cycle."""

_POLE_RADPS: Final = 80.0  # of the tracker, three times: 13 Hz
_RATE_FILTER_RADPS: Final = 2.0 * np.pi * 60.0  # what the firmware's filter of the hinge's rate passes
_SWING_DAMPING: Final = 0.1  # of the hinge's swing on a held knee, over critical
_SLOW_RADPS: Final = 4.7  # motion of the hinge below it is not damped
_FAST_DAMPING_PER_S: Final = 4.7  # damping of what is faster, over the inertia that swings


@njit(cache=True, nogil=True)
def forget_motion(m: Any) -> None:
    """Back to before the first cycle."""
    m.knee_rad, m.knee_radps, m.knee_radps2 = 0.0, 0.0, 0.0
    m.hinge_radps, m.slow_radps, m.beyond_nm = 0.0, 0.0, 0.0
    forget_strides(m.strides)


@njit(cache=True, nogil=True)
def _track(m: Any, knee_rad: float, dt_s: float) -> None:
    """One cycle of the tracker towards an observed angle."""
    m.knee_rad += dt_s * (m.knee_radps + 0.5 * dt_s * m.knee_radps2)
    m.knee_radps += dt_s * m.knee_radps2
    wrong, pole = dt_s * (knee_rad - m.knee_rad), _POLE_RADPS
    m.knee_rad += 3.0 * pole * wrong
    m.knee_radps += 3.0 * pole**2 * wrong
    m.knee_radps2 += pole**3 * wrong


@njit(cache=True, nogil=True)
def follow_knee(
    m: Any,
    model_knee_rad: float,
    deflection_radps: float,
    hinge_radps: float,
    beyond_nm: float,
    stiffness: float,
    inertia: float,
    dt_s: float,
) -> float:
    """Update the knee's motion; return the torque, Nm, that damps the hinge's fast motion.

    `model_knee_rad`: hinge less the model's deflection, whose rate is given; `beyond_nm`: torque of the drive that
    neither friction nor the model's tissue takes; `stiffness` (Nm/rad), `inertia` (kgm2): of the hinge, the knee held.
    """
    if not stiffness > 0.0:
        return 0.0
    hinge_radps2 = (hinge_radps - m.hinge_radps) / dt_s
    m.hinge_radps = hinge_radps
    m.beyond_nm += (1.0 - np.exp(-_RATE_FILTER_RADPS * dt_s)) * (beyond_nm - m.beyond_nm)
    knee_rad = model_knee_rad - (m.beyond_nm - inertia * hinge_radps2) / stiffness
    _track(m, knee_rad, dt_s)
    remember(m.strides, knee_rad, dt_s)
    trust, expected_radps = m.strides.trust, m.strides.knee_radps
    moving_radps = hinge_radps - deflection_radps
    fast_radps = moving_radps - trust * expected_radps - m.slow_radps
    m.slow_radps += dt_s * _SLOW_RADPS * fast_radps
    knee_radps = m.knee_radps + trust * (expected_radps - m.knee_radps)
    swing_nm = 2.0 * _SWING_DAMPING * np.sqrt(stiffness * inertia) * (moving_radps - knee_radps)
    return float(-swing_nm - _FAST_DAMPING_PER_S * inertia * fast_radps)
