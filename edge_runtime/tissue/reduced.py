"""Reduced visco-elastic interface model and its inverse: the hinge torque that makes the wanted one reach the knee.

Model (one leg; delta = hinge angle - knee angle, theta = hinge angle):
    interface torque  s = k(theta) delta + c delta' + z,   z' = k1 delta' - z / T      (standard linear solid)
    hinge             J theta'' = tau - s - b theta' - f tanh(theta' / w)
    knee              tau_knee = eta s
With a torque source at rest tissue takes nothing away: what is lost is geometric (eta), inertial and viscous.
Compiled, allocation-free, one call per leg and cycle.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numba import njit

from calibration.profile import Interface

INTERFACE = np.dtype(
    [
        ("stiffness", np.float64),
        ("stiffness_slope", np.float64),  # per rad of flexion
        ("damping", np.float64),
        ("maxwell", np.float64),
        ("maxwell_time", np.float64),
        ("transmission", np.float64),
        ("inertia", np.float64),
        ("viscous", np.float64),
        ("coulomb", np.float64),
    ]
)
STATE = np.dtype(
    [
        ("started", np.int64),
        ("delta", np.float64),
        ("delta_rate", np.float64),
        ("branch", np.float64),  # torque of the Maxwell branch
        ("rate", np.float64),  # last hinge velocity
        ("model_acceleration", np.float64),  # of delta, low-passed: a kink of the wanted torque must not kick
        ("acceleration", np.float64),  # low-passed difference: encoder minus model
    ]
)

GAIN_LIMIT: Final = 1.3  # never command more than this times the wanted torque: a too-soft model over-compensates
FULL_FLEXION_RAD: Final = float(np.radians(80.0))
_FRICTION_RATE: Final = 0.1  # rad/s over which Coulomb friction turns sign
_ENCODER_CUT_HZ: Final = 15.0  # low-pass of the encoder's acceleration
_MODEL_CUT_HZ: Final = 30.0  # low-pass of the model's


def interface_params(values: Interface) -> npt.NDArray[Any]:
    """Pack one leg of a profile for the compiled code: record array of shape [1]."""
    slope = (values.stiffness_80deg_nm_per_rad - values.stiffness_nm_per_rad) / FULL_FLEXION_RAD
    out = np.zeros(1, INTERFACE)
    out[0] = (
        values.stiffness_nm_per_rad,
        slope,
        values.damping_nms_per_rad,
        values.maxwell_nm_per_rad,
        values.maxwell_time_s,
        values.transmission,
        values.inertia_kgm2,
        values.viscous_nms_per_rad,
        values.coulomb_nm,
    )
    return out


@njit(cache=True, nogil=True)
def stiffness_at(p: Any, angle_rad: float) -> float:
    """Interface stiffness, Nm/rad, at a knee flexion angle (constant beyond 0 to 80 deg)."""
    return float(p.stiffness + p.stiffness_slope * min(max(angle_rad, 0.0), FULL_FLEXION_RAD))


@njit(cache=True, nogil=True)
def _share(cut_hz: float, dt_s: float) -> float:
    """Weight of the newest sample in a first-order low-pass."""
    return float(1.0 - np.exp(-2.0 * np.pi * cut_hz * dt_s))


@njit(cache=True, nogil=True)
def _forget(s: Any) -> None:
    """Start anew: one bad number must not stay in the state."""
    s.started = 0
    s.delta, s.delta_rate, s.branch, s.rate = 0.0, 0.0, 0.0, 0.0
    s.model_acceleration, s.acceleration = 0.0, 0.0


@njit(cache=True, nogil=True)
def compensate(p: Any, s: Any, wanted_nm: float, angle_rad: float, rate_radps: float, dt_s: float) -> float:
    """Hinge torque, Nm, for `wanted_nm` at the knee, from the newest encoder reading; between 0 and 1.3 x wanted.

    NaN where an input is not finite.
    """
    if not np.isfinite(wanted_nm + angle_rad + rate_radps):
        _forget(s)
        return np.nan
    through = wanted_nm / p.transmission
    keep = np.exp(-dt_s / p.maxwell_time)
    k = stiffness_at(p, angle_rad)
    delta = (through + p.damping * s.delta / dt_s - keep * (s.branch - p.maxwell * s.delta)) / (
        k + p.damping / dt_s + keep * p.maxwell
    )
    delta_rate = (delta - s.delta) / dt_s
    delta_acceleration = (delta_rate - s.delta_rate) / dt_s
    if s.started == 0:
        s.started = 1
        s.rate = rate_radps
        delta_acceleration = 0.0
    s.model_acceleration += _share(_MODEL_CUT_HZ, dt_s) * (delta_acceleration - s.model_acceleration)
    difference = (rate_radps - s.rate) / dt_s - s.model_acceleration
    s.acceleration += _share(_ENCODER_CUT_HZ, dt_s) * (difference - s.acceleration)
    s.branch = keep * (s.branch + p.maxwell * (delta - s.delta))
    s.delta, s.delta_rate, s.rate = delta, delta_rate, rate_radps
    command = (
        through
        + p.inertia * (s.model_acceleration + s.acceleration)
        + p.viscous * rate_radps
        + p.coulomb * np.tanh(rate_radps / _FRICTION_RATE)
    )
    if wanted_nm >= 0.0:
        return float(min(max(command, 0.0), GAIN_LIMIT * wanted_nm))
    return float(max(min(command, 0.0), GAIN_LIMIT * wanted_nm))
