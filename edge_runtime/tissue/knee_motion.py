"""Where the knee is and how it accelerates, from the hinge's encoder and the drive's torque; compiled.

The hinge moves with the knee and against it: it gives way to the tissue, and swings on it. Taking all of its acceleration
for the knee's and pushing the device along with it would feed that swing. So the way beyond the model's deflection, e, is
found first, from the torque that is given beyond what the model asks for:
    k (e + T e') = given - asked - inertia e''        (k, T: stiffness and Kelvin-Voigt time; e'' from the encoder)
and hinge less deflection less e is the knee. A tracker of three equal poles follows its angle, rate and acceleration.
Fast motion of the hinge is damped a little. How much of the acceleration may be used, with these poles and this damping,
without a swing that grows on tissue 0.7 to 1.3 times as stiff as the model's, of low or high loss: docs/tissue-inverse.md.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

MOTION = np.dtype(
    [
        ("knee_rad", np.float64),
        ("knee_radps", np.float64),
        ("knee_radps2", np.float64),
        ("hinge_radps", np.float64),  # as measured in the cycle before
        ("slow_radps", np.float64),  # the same, low-passed
        ("beyond_rad", np.float64),  # e
    ]
)
"""Follows one knee. All zeros is before the first cycle."""

_POLE_RADPS: Final = 180.0  # of the tracker, three times: 29 Hz
_KELVIN_TIME_MAX_S: Final = 0.003  # tissue whose loss is overrated here would swing
_SLOW_RADPS: Final = 6.0  # below it motion is not damped
_DAMPING_PER_S: Final = 9.0  # damping over the inertia that swings


@njit(cache=True, nogil=True)
def forget_motion(m: Any) -> None:
    """Back to before the first cycle."""
    m.knee_rad, m.knee_radps, m.knee_radps2 = 0.0, 0.0, 0.0
    m.hinge_radps, m.slow_radps, m.beyond_rad = 0.0, 0.0, 0.0


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
    deflection_radps2: float,
    hinge_radps: float,
    beyond_nm: float,
    stiffness: float,
    kelvin_time_s: float,
    inertia: float,
    dt_s: float,
) -> float:
    """Update the knee's motion; return the torque, Nm, that damps the hinge's fast motion.

    `model_knee_rad`: hinge less the model's deflection, whose rate and acceleration are given; `beyond_nm`: torque given
    beyond what the model asks for; `stiffness` (Nm/rad) and `inertia` (kgm2) of the hinge against a held knee.
    """
    if not stiffness > 0.0:
        return 0.0
    swing_radps2 = (hinge_radps - m.hinge_radps) / dt_s - deflection_radps2 - m.knee_radps2
    m.hinge_radps = hinge_radps
    target = (beyond_nm - inertia * swing_radps2) / stiffness
    m.beyond_rad += (target - m.beyond_rad) * dt_s / (dt_s + min(kelvin_time_s, _KELVIN_TIME_MAX_S))
    _track(m, model_knee_rad - m.beyond_rad, dt_s)
    fast_radps = hinge_radps - deflection_radps - m.slow_radps
    m.slow_radps += dt_s * _SLOW_RADPS * fast_radps
    return float(-_DAMPING_PER_S * inertia * fast_radps)
